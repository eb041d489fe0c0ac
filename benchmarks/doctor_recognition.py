"""How often does the doctor name the right fault first, and how often does it find one where there is none?

Plants every fault in random cases, examines sound ones, and writes docs/findings/recognition.md.

    python -m benchmarks.doctor_recognition [--each 50] [--healthy 500] [--seed 10000] [--jobs 2] [--only SLUG] [--out PATH]
    python -m benchmarks.doctor_recognition --quick

A planted fault counts as recognised only if its rule is named *first*. A sound run is a false alarm if anything is found.
The thresholds of the rules were set on other seeds (below 10000) than those that are counted here.
"""

from __future__ import annotations

import argparse
import collections
import json
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sklearn import datasets

from clearprop.data import load
from clearprop.doctor import Case, Diagnosis, examine
from clearprop.doctor.case import case_of_setup
from clearprop.training.settings import settings_for
from clearprop.training.setup import set_up
from support.doctor_planting import PLANTERS, plant
from support.doctor_specimens import sound

SLUGS = sorted(PLANTERS)


def plant_one(job: tuple[int, int]) -> dict[str, object]:
    """Plant the fault of finding number `job[0]` with seed `job[1]`, and say what the doctor says."""
    slug = SLUGS[job[0]]
    return told(slug, job[1], plant(slug, np.random.default_rng([job[1], job[0]])))


def healthy_one(seed: int) -> dict[str, object]:
    """A sound case: two in three are drawn like those in which faults are planted, the others are real tables."""
    rng = np.random.default_rng([seed, 999])
    return told("healthy", seed, real_table(rng) if seed % 3 == 0 else sound(rng, depth=(0, 3)))


def real_table(rng: np.random.Generator) -> Case:
    """A data set of scikit-learn's, or circles, with the settings that `clearprop train` chooses, but for the net."""
    name = str(rng.choice(["iris", "wine", "breast_cancer", "diabetes", "digits", "circles"]))
    seed = int(rng.integers(1000))
    if name in ("digits", "circles"):
        data = load(name, seed=seed)
    else:
        source = getattr(datasets, f"load_{name}")(return_X_y=True)
        data = load(source, seed=seed, scale="standard")
    hidden = tuple(int(rng.integers(8, 65)) for _ in range(int(rng.integers(1, 3))))
    activation, optimizer = str(rng.choice(["relu", "tanh", "sigmoid"])), str(rng.choice(["adam", "rmsprop", "sgd"]))
    if activation == "sigmoid":
        hidden, optimizer = hidden[:1], "adam"
    settings = settings_for(data, hidden=hidden, activation=(activation,), optimizer=optimizer, seed=seed)
    return case_of_setup(set_up(settings, data))


def told(truth: str, seed: int, case: Case) -> dict[str, object]:
    began = time.perf_counter()
    try:
        found: Diagnosis = examine(case)
        said = [finding.slug for finding in found.findings]
        unknown = found.unknown
        cured = bool(found.findings and found.findings[0].helped)
        dropped = [finding.slug for finding in found.dropped]
    except Exception:  # a crash of the doctor is a miss, and is shown
        said, unknown, cured, dropped = [], traceback.format_exc()[-300:], False, []
    return {
        "truth": truth, "seed": seed, "said": said, "dropped": dropped, "unknown": unknown, "cured": cured,
        "seconds": time.perf_counter() - began,
    }  # fmt: skip


def measure(each: int, healthy: int, seed: int, jobs: int, only: list[str] | None = None) -> list[dict[str, object]]:
    """All rows."""
    planted = [(r, seed + k) for k in range(each) for r, slug in enumerate(SLUGS) if only is None or slug in only]
    if jobs == 1:
        return [plant_one(job) for job in planted] + [healthy_one(seed + k) for k in range(healthy)]
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(plant_one, planted, chunksize=4))
        return found + list(pool.map(healthy_one, range(seed, seed + healthy), chunksize=4))


def page(rows: list[dict[str, object]], seed: int) -> str:
    """The table, in Markdown."""
    lines = [
        "# Recognition", "",
        "Made by `python -m benchmarks.doctor_recognition`. Each fault was planted in random cases (five kinds"
        " of data, 2 to 15",
        "inputs, 60 to 600 examples; ReLU, tanh and sigmoid; SGD with and without momentum, Adam, RMSProp,"
        " AdaGrad; four losses",
        f"for classes and one for numbers); seeds from {seed} on, none of which was used to set a threshold.", "",
        "| planted | cases | named first | named at all | cured | otherwise named first |",
        "|---|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    total = collections.Counter()
    for slug in sorted({str(row["truth"]) for row in rows} - {"healthy"}):
        own = [row for row in rows if row["truth"] == slug]
        first = sum(bool(row["said"]) and row["said"][0] == slug for row in own)
        named = sum(slug in row["said"] for row in own)
        cured = sum(bool(row["said"]) and row["said"][0] == slug and bool(row["cured"]) for row in own)
        wrong = collections.Counter(row["said"][0] if row["said"] else "healthy" for row in own if slug not in row["said"][:1])
        total.update(planted=len(own), first=first)
        others = ", ".join(f"{name} {count}" for name, count in wrong.most_common(4))
        lines.append(
            f"| [{slug}]({slug}.md) | {len(own)} | {first / len(own):.0%} | {named / len(own):.0%} |"
            f" {cured / len(own):.0%} | {others} |"
        )
    if total["planted"]:
        lines.append(f"| all | {total['planted']} | {total['first'] / total['planted']:.1%} | | | |")
    healthy = [row for row in rows if row["truth"] == "healthy"]
    if healthy:
        alarms = [row for row in healthy if row["said"] or row["unknown"]]
        kinds = collections.Counter(row["said"][0] if row["said"] else "undecided" for row in alarms)
        lines += [
            "", "Sound runs are drawn from the same kinds of data, or are real tables (iris, wine, breast",
            "cancer, diabetes, digits, circles) with the settings that `clearprop train` chooses and a random net.",
            "", f"Sound runs: {len(healthy)}; false alarms: {len(alarms)} ({len(alarms) / len(healthy):.1%})."
            + (f" They were: {', '.join(f'{name} {count}' for name, count in kinds.most_common())}." if kinds else ""),
        ]  # fmt: skip
    seconds = [float(row["seconds"]) for row in rows]
    lines += ["", f"A diagnosis took {np.median(seconds):.2f} s in the median, {max(seconds):.1f} s at most."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--healthy", type=int, default=500)
    parser.add_argument("--seed", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one case a fault, ten sound runs, nothing written")
    parser.add_argument("--rows", type=Path, help="also write every row here, as JSON lines")
    parser.add_argument("--out", type=Path, default=Path("docs/findings/recognition.md"))
    args = parser.parse_args()
    if args.quick:
        args.each, args.healthy = 1, 10
    rows = measure(args.each, args.healthy, args.seed, args.jobs, args.only)
    if args.rows:
        args.rows.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = page(rows, args.seed)
    print(text)
    if not args.quick and args.only is None:
        args.out.write_text(text)


if __name__ == "__main__":
    main()
