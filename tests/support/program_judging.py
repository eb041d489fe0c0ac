"""How well a checker of whole programs does on mutants of right programs: noticed, at which line, with which correction.

The checker is `clearprop.check_program(path)`. Its result says `status` ("right", "wrong" or "inconclusive") and `findings`,
the best explanation first, each with `line`, `message` and `correction` (the right line, or None).
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.program_mutants import LEFT_OUT, Mutant, corrects, mutants, sorted_out
from support.program_runs import reseeded
from support.program_table import PROGRAMS, Program


@dataclass(frozen=True)
class Verdict:
    """What the checker said of one program; line 0 stands for none."""

    program: str
    kind: str
    line: int
    status: str
    said_line: int = 0
    message: str = ""
    noticed: bool = False
    exact: bool = False
    beside: bool = False
    corrected: bool = False
    anywhere: bool = False
    scale: float | None = None
    seconds: float = 0.0
    right: str = ""
    wrong: str = ""


def answered(source: str, name: str) -> tuple[Any, float]:
    """The checker's result for a program with this source, and the seconds that it took."""
    import clearprop

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source)
        start = time.perf_counter()
        result = clearprop.check_program(path)  # type: ignore[attr-defined]
        return result, time.perf_counter() - start


def judged(program: Program, made: Mutant, result: Any, seconds: float = 0.0) -> Verdict:
    """Compare the checker's best explanation with the mistake that was planted in the right program.

    A line that was left out has no place of its own: exact is each of the two statements between which it is missing, or
    the place of a line that is suggested instead and gives the right program's numbers.
    """
    lines = {made.line, *made.also}
    findings = [finding for finding in result.findings if finding.line]
    first = findings[0] if findings else None
    said = first.line if first else 0
    correction = first.correction if first else None
    mended = bool(correction) and corrects(program, made, said, str(correction), getattr(first, "changes", ()))
    return Verdict(
        made.program,
        made.kind,
        made.line,
        result.status,
        said,
        result.findings[0].message if result.findings else "",
        noticed=result.status == "wrong" or bool(result.findings),
        exact=said in lines or (made.kind == LEFT_OUT and mended),
        beside=any(abs(said - line) <= 1 for line in lines),
        corrected=mended,
        anywhere=any(finding.line in lines for finding in findings),
        scale=made.scale,
        seconds=round(seconds, 2),
        right=made.right,
        wrong=made.wrong,
    )


def checked(program: Program, made: Mutant) -> Verdict:
    """Check one mutant of a right program; an exception of the checker is its status."""
    try:
        result, seconds = answered(made.source, made.program)
        return judged(program, made, result, seconds)
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
        return Verdict(made.program, made.kind, made.line, failed, right=made.right, wrong=made.wrong, scale=made.scale)


def checked_right(program: Program, seed: int) -> Verdict:
    """Check a right program under a seed of its own."""
    name = program.name
    try:
        result, seconds = answered(reseeded(program.source, seed), name)
    except Exception as error:
        return Verdict(name, f"seed {seed}", 0, f"{type(error).__name__}: {error}")
    message = result.findings[0].message if result.findings else ""
    noticed = result.status == "wrong"
    return Verdict(name, f"seed {seed}", 0, result.status, message=message, noticed=noticed, seconds=round(seconds, 2))


def that_change(program: Program) -> list[Mutant]:
    """All mutants of a program that change what it computes."""
    return sorted_out(program, mutants(program))["changes"]


def stratified(count: int, seed: int, spare: int = 4) -> list[Mutant]:
    """About `count` mutants that change a gradient: as many from each program, of as many kinds as there are.

    Only `spare` times as many as are wanted are run, so that a small sample is quickly drawn.
    """
    rng, found = random.Random(seed), []
    for k, program in enumerate(PROGRAMS):
        share = (k + 1) * count // len(PROGRAMS) - k * count // len(PROGRAMS)
        candidates = spread(mutants(program), rng)[: max(spare * share, 6)]
        live = sorted_out(program, candidates)["changes"] if share else []
        found += spread([made for made in live if made.scale is None], rng)[:share]
    return found


def spread(made: list[Mutant], rng: random.Random) -> list[Mutant]:
    """In random order, one of each kind before the second of any."""
    rounds: dict[str, int] = defaultdict(int)
    ordered = []
    for one in rng.sample(made, len(made)):
        rounds[one.kind] += 1
        ordered.append((rounds[one.kind], one))
    return [one for _, one in sorted(ordered, key=lambda pair: pair[0])]


def shares(verdicts: list[Verdict]) -> dict[str, float]:
    """Shares, in percent of all these mutants."""
    total = max(len(verdicts), 1)
    names = ("noticed", "exact", "beside", "corrected", "anywhere")
    return {name: 100 * sum(getattr(verdict, name) for verdict in verdicts) / total for name in names}


def plain(verdict: Verdict) -> dict[str, Any]:
    """A row for a JSON file."""
    return asdict(verdict)
