"""Runs all benchmarks, and writes docs/benchmarks.md, its pictures, and the tables of README.md.

python -m benchmarks                      about a quarter of an hour, on an idle machine
python -m benchmarks --quick              small data, to try the code; writes to runs/bench only
python -m benchmarks --only circles200    a part, or several with commas between; writes to runs/bench only
python -m benchmarks --render             writes the pages again from the figures of the last run

Parts: circles1, circles10, circles200, digits15, mnist64, mnist256, many, fit, races, search, scaling, files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import Found
from benchmarks.grid_search import measure_search
from benchmarks.installed import absent_rows, environment
from benchmarks.larger_than_memory import measure_files
from benchmarks.many import MANY_PEERS
from benchmarks.many_nets import measure_many
from benchmarks.page import write_fragment, write_page
from benchmarks.peers import PEERS
from benchmarks.plots import draw_all
from benchmarks.race import measure_races
from benchmarks.scaling import measure_scaling
from benchmarks.steps import measure_steps
from benchmarks.targets import shown, verdicts
from benchmarks.warm_fit import measure_fit
from benchmarks.workloads import WORKLOADS, many_nets, workloads

ROOT = Path(__file__).parents[1]
OUT = ROOT / "runs" / "bench"


PARTS = (*(w.key for w in WORKLOADS), "many", "fit", "races", "search", "scaling", "files")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small data, to try the code; leaves docs and README alone")
    parser.add_argument(
        "--only", type=parts, default=PARTS, metavar="PART[,PART]", help="some parts; leaves docs and README alone"
    )
    parser.add_argument("--render", action="store_true", help="measure nothing; write the pages from the last run's figures")
    parser.add_argument("--rounds", type=int, help="rounds of the workloads; 7, or 2 if quick")
    parser.add_argument("--races", type=int, help="rounds of time to 98 %%; 3, or 1 if quick")
    given = parser.parse_args()
    rounds, races = given.rounds or (2 if given.quick else 7), given.races or (1 if given.quick else 3)
    trial = given.quick or given.only != PARTS
    OUT.mkdir(parents=True, exist_ok=True)
    results = OUT / ("quick.json" if given.quick else "part.json" if trial else "results.json")
    if not given.render:
        for found in measure(given.only, given.quick, rounds, races):  # keep what there is, in case that something fails later
            results.write_text(json.dumps(found, indent=1))
    render(json.loads(results.read_text()), trial)


def parts(text: str) -> tuple[str, ...]:
    """The parts that are named, in the order in which they are measured."""
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"there is no part {name!r}; choose from {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in names)


def measure(only: tuple[str, ...], quick: bool, rounds: int, races: int) -> Iterator[Found]:
    """The benchmarks, one after the other; yields the results so far after each part."""
    began = time.perf_counter()
    found: Found = {"quick": quick, "only": [] if only == PARTS else only, "environment": environment()}
    found["absent"] = absent_rows([*PEERS, *MANY_PEERS])
    seconds, peak_n = (0.01, 512) if quick else (0.2, 2048)
    chosen = [w for w in workloads(quick) if w.key in only]
    found["workloads"] = [w.key for w in chosen]
    if chosen:
        announce("Workloads", began)
        found.update(measure_steps(chosen, rounds, seconds, peak_n))
        yield found
    others: dict[str, tuple[str, str, Callable[[], object]]] = {
        "many": ("many", "Many nets", lambda: measure_many(many_nets(quick), rounds, 10 * seconds)),
        "fit": ("warm_fit", "A warm fit", lambda: measure_fit(2 if quick else 11, workloads(quick), seconds)),
        "races": ("races", "Time to 98 %", lambda: measure_races(races, 0.9, 3) if quick else measure_races(races)),
        "search": ("search", "A grid search", lambda: measure_search(24 if quick else 1)),
        "scaling": ("scaling", "Scaling", lambda: measure_scaling(quick)),
        "files": ("files", "Data larger than memory", lambda: measure_files((8, 64) if quick else (128, 512, 2048), 1024)),
    }
    for part in only:
        if part in others:
            name, title, run = others[part]
            announce(title, began)
            found[name] = run()
            yield found
    announce("Done", began)


def announce(what: str, began: float) -> None:
    print(f"[{time.perf_counter() - began:5.0f} s] {what}", flush=True)


def render(found: Found, trial: bool) -> None:
    """Pages and pictures; those of a trial stay out of the documentation."""
    given = [w for w in workloads(found["quick"]) if w.key in found.get("workloads", PARTS)]
    docs = OUT if trial else ROOT / "docs"
    draw_all(found, given, docs / "images")
    write_page(found, given, docs / "benchmarks.md")
    if not trial:
        write_fragment(found, given, ROOT / "README.md")
    for v in verdicts(found):
        if v.verdict != "not measured" or not trial:
            print(f"{v.workload:<46}{v.goal:<52}{shown(v.wanted, v.unit):>8}{shown(v.value, v.unit):>10}  {v.verdict}")
    print(f"Written: {docs / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
