"""In how many faulty programs, written as people write them, does the doctor name a fix that works?

    python -m benchmarks.doctor_programs [--only net|torch] [--match WORDS] [--verbose]

The programs are in tests/support: nets of clearprop's through `cp.diagnose`, modules of PyTorch through `diagnose_torch`.
"""

from __future__ import annotations

import argparse
import time
import traceback
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from clearprop.doctor import Diagnosis


class Answer(NamedTuple):
    """What was said of one program."""

    kind: str
    name: str
    accepted: tuple[str, ...]
    said: list[str]
    unknown: str
    first: bool
    anywhere: bool
    raised: bool
    seconds: float
    verdict: Diagnosis | None


def answers(kinds: tuple[str, ...], match: str) -> Iterator[Answer]:
    """An answer for each program."""
    for kind in kinds:
        if kind == "net":
            from support.doctor_net_programs import PROGRAMS
        else:
            import torch

            from support.doctor_torch_programs import PROGRAMS  # type: ignore[assignment]

            torch.set_num_threads(1)  # the tensors are too small for more
        for name, program in PROGRAMS.items():
            if match in name:
                yield asked(kind, name, program)


def asked(kind: str, name: str, program: object) -> Answer:
    """The doctor's answer for one program; an exception is counted, and shown."""
    began = time.perf_counter()
    accepted = program.accepted  # type: ignore[attr-defined]
    try:
        found: Diagnosis = program.diagnose()  # type: ignore[attr-defined]
    except Exception:
        return Answer(
            kind, name, accepted, [], traceback.format_exc()[-400:], False, False, True, time.perf_counter() - began, None
        )
    said = [finding.slug for finding in found.findings]
    right = program.right(found)  # type: ignore[attr-defined]
    anywhere = right or bool(set(said) & set(accepted))
    return Answer(kind, name, accepted, said, found.unknown, right, anywhere, False, time.perf_counter() - began, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["net", "torch"])
    parser.add_argument("--match", default="")
    parser.add_argument("--verbose", action="store_true", help="print the whole diagnosis where it is wrong")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    for answer in answers((args.only,) if args.only else ("net", "torch"), args.match):
        found.append(answer)
        mark = "ok  " if answer.first else "also" if answer.anywhere else "MISS"
        what = ", ".join(answer.said) or answer.unknown or "healthy"
        wanted = "" if answer.first else f"  (wanted {answer.accepted})"
        print(f"{mark} {answer.seconds:5.1f} s  {answer.name}: {what}{wanted}", flush=True)
        if args.verbose and not answer.first:
            print(answer.verdict, answer.verdict and answer.verdict.dropped, flush=True)
    for kind in ("net", "torch"):
        own = [answer for answer in found if answer.kind == kind]
        if own:
            print(f"{kind}: {len(own)} programs; an accepted fix first in {sum(a.first for a in own)}, named in"
                  f" {sum(a.anywhere for a in own)}; raised: {sum(a.raised for a in own)}")  # fmt: skip


if __name__ == "__main__":
    main()
