"""Runs all benchmarks, and writes docs/benchmarks.md, its pictures, and the tables of README.md.

python -m benchmarks            about ten minutes, on an idle machine
python -m benchmarks --quick    small data, to try the code; writes to runs/bench only
python -m benchmarks --render   writes the pages again from the figures of the last run
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Found
from benchmarks.larger_than_memory import measure_files
from benchmarks.page import environment, write_fragment, write_page
from benchmarks.plots import draw_all
from benchmarks.race import measure_races
from benchmarks.scaling import measure_scaling
from benchmarks.steps import measure_steps
from benchmarks.targets import shown, verdicts
from benchmarks.warm_fit import measure_fit
from benchmarks.workloads import workloads

ROOT = Path(__file__).parents[1]
OUT = ROOT / "runs" / "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small data, to try the code; leaves docs and README alone")
    parser.add_argument("--render", action="store_true", help="measure nothing; write the pages from the last run's figures")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the six workloads")
    parser.add_argument("--races", type=int, default=3, help="rounds of time to 98 %%")
    given = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    results = OUT / ("quick.json" if given.quick else "results.json")
    if not given.render:
        for found in measure(given.quick, given.rounds, given.races):  # keep what there is, in case that something fails later
            results.write_text(json.dumps(found, indent=1))
    render(json.loads(results.read_text()), given.quick)


def measure(quick: bool, rounds: int, races: int) -> Iterator[Found]:
    """All benchmarks, one after the other; yields the results so far after each part."""
    began = time.perf_counter()
    found: Found = {"quick": quick, "environment": environment()}
    announce("Six workloads", began)
    rounds, seconds, peak_n = (2, 0.01, 512) if quick else (rounds, 0.2, 2048)
    found.update(measure_steps(workloads(quick), rounds, seconds, peak_n))
    yield found
    announce("A warm fit", began)
    found["warm_fit"] = measure_fit(2 if quick else 11)
    yield found
    announce("Time to 98 %", began)
    found["races"] = measure_races(1, 0.9, 3) if quick else measure_races(races)
    yield found
    announce("Scaling", began)
    found["scaling"] = measure_scaling(quick)
    yield found
    announce("Data larger than memory", began)
    found["files"] = measure_files((8, 64) if quick else (128, 512, 2048), 1024)
    announce("Done", began)
    yield found


def announce(what: str, began: float) -> None:
    print(f"[{time.perf_counter() - began:5.0f} s] {what}", flush=True)


def render(found: Found, quick: bool) -> None:
    """Pages and pictures; those of a quick trial stay out of the documentation."""
    given = list(workloads(quick))
    docs = OUT if quick else ROOT / "docs"
    draw_all(found, given, docs / "images")
    write_page(found, given, docs / "benchmarks.md")
    if not quick:
        write_fragment(found, given, ROOT / "README.md")
    for v in verdicts(found):
        print(f"{v.workload:<32}{v.goal:<36}{shown(v.wanted, v.unit):>8}{shown(v.value, v.unit):>10}  {v.verdict}")
    print(f"Written: {docs / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
