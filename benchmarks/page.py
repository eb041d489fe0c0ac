"""From a run to text: docs/benchmarks.md, and the tables between two markers in README.md."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checks import MOST_STEPS, TOLERANCE
from benchmarks.figures import OURS, Found, against, fit_overhead, number, peak_share, per_step, race, ratios, spread
from benchmarks.peers import PEERS
from benchmarks.scaling import AXES, EXAMPLES, N_X, N_Y, TAIL, WIDTH, exponent
from benchmarks.scaling import BATCH as BASE_BATCH
from benchmarks.targets import shown, verdicts
from benchmarks.to_98 import BATCH, LR, PROGRAMS
from benchmarks.workloads import Workload

START, END = "<!-- bench:start -->", "<!-- bench:end -->"
LIBRARIES = ("numpy", "llvmlite", "torch", "jax", "scikit-learn")


def write_page(found: Found, given: list[Workload], path: Path) -> None:
    """Write docs/benchmarks.md."""
    parts = [
        heading(found, given),
        step_table(found, given),
        "![Microseconds per step](images/benchmarks.png)",
        ratio_table(found, given),
        "## Goals\n\n" + target_table(found),
        race_section(found),
        check_section(found),
        scaling_section(found),
        file_section(found),
    ]
    path.write_text("\n\n".join(parts) + "\n")


def write_fragment(found: Found, given: list[Workload], readme: Path) -> None:
    """Write the README's two small tables between its markers; prints a message if these are missing."""
    text = readme.read_text()
    if START not in text or END not in text:
        print(f"{readme} has no {START} and {END}; its tables are left alone.")
        return
    before, after = text.split(START)[0], text.split(END)[1]
    parts = [small_step_table(found, given), small_race_table(found)]
    readme.write_text(f"{before}{START}\n" + "\n\n".join(parts) + f"\n{END}{after}")


def small_step_table(found: Found, given: list[Workload]) -> str:
    """Medians of the best-known libraries."""
    peers = ["clearprop fit", "JAX", "torch.nn", "scikit-learn", "NumPy"]
    rows = []
    for w in given:
        values = [per_step(found, w, peer) for peer in peers]
        rows.append([f"{w.name} ({w.net})", *(number(np.median(v)) if len(v) else "-" for v in values)])
    return table(["microseconds a step", *peers], rows)


def small_race_table(found: Found) -> str:
    """Whole programs, from the files to 98 %."""
    peers = ["clearprop", "torch.nn", "JAX", "scikit-learn"]
    seconds = [race(found, peer) for peer in peers]
    row = ["MNIST to 98 % test accuracy", *(number(np.median(v)) if len(v) else "-" for v in seconds)]
    return table(["seconds, all in", *peers], [row])


def environment() -> dict[str, Any]:
    """The machine and the versions of the libraries."""
    versions = {name: installed(name) for name in LIBRARIES}
    return {"cpu": processor(), "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def heading(found: Found, given: list[Workload]) -> str:
    at = found["environment"]
    versions = ", ".join(f"{name} {at[name]}" for name in LIBRARIES)
    sizes = ", ".join(f"{source} {n:,}" for source, n in {w.source: w.examples for w in given}.items())
    return f"""# Benchmarks

Written by `make bench`; no figure here is typed by hand.

{at["cpu"]}, {at["cores"]} cores; Python {at["python"]}, {versions}.
{heading_line(found)}

A step is forward, backward and update by plain SGD in float32, shuffling included; examples in an epoch: {sizes}. Every
library runs in a process of its own, with its default number of threads, and all take turns, so that the machine's drift
hits them alike; ratios are taken within a round. *clearprop kernel* is the compiled engine alone, which is what the others'
bare loops compare to; *clearprop fit* is all of `fit`, which keeps the history and watches for NaN. The loops are in
[`benchmarks/peers`](../benchmarks/peers).

## Microseconds a step"""


def heading_line(found: Found) -> str:
    rounds = 1 + max(row["round"] for row in found["steps"])
    peak = np.array([row["gflops"] for row in found["peak"]])
    quick = " **A quick trial with small data: not to be quoted.**" if found["quick"] else ""
    return (
        f"Medians of {rounds} interleaved rounds (least to most); one large float32 matrix product reached "
        f"{number(np.median(peak))} GFLOP/s ({number(peak.min())} to {number(peak.max())}).{quick}"
    )


def table(head: list[str], rows: list[list[str]], texts: tuple[int, ...] = (0,)) -> str:
    """Markdown; the columns `texts` are words, the others figures."""
    rule = ["---" if at in texts else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def step_table(found: Found, given: list[Workload]) -> str:
    rows = [[f"{w.name} ({w.net})", *(spread(per_step(found, w, peer)) for peer in PEERS)] for w in given]
    memory = {row["peer"]: f"{row['mib']:,.0f}" for row in found["peers"]}
    rows.append(["peak memory of the process, all workloads (MiB)", *(memory.get(peer, "-") for peer in PEERS)])
    lines = [table(["microseconds a step", *PEERS], rows)]
    lines += [f"{r['peer']} is missing at {r['workload']}: {r['reason']}" for r in found["skipped"]]
    return "\n\n".join(lines)


def ratio_table(found: Found, given: list[Workload]) -> str:
    peers = [peer for peer in PEERS if peer != OURS[0]]
    rows = []
    for w in given:
        values = (ratios(found, w, peer) for peer in peers)
        share = f"{100 * np.median(peak_share(found, w)):.1f} %"
        rows.append([w.name, *(number(np.median(v)) if len(v) else "-" for v in values), share])
    head = ["times as long as the kernel", *peers, "the kernel's share of the peak"]
    return "## Ratios\n\n" + table(head, rows)


def target_table(found: Found) -> str:
    head = ["workload", "goal", "wanted", "measured (least to most)", "the same for all of `fit`", "verdict"]
    rows = []
    for v in verdicts(found):
        bounds = f" ({shown(v.values.min(), v.unit)} to {shown(v.values.max(), v.unit)})" if len(v.values) else ""
        wanted = ("under " if v.less else "") + shown(v.wanted, v.unit)
        verdict = f"**{v.verdict}**" if v.verdict == "missed" else v.verdict
        if v.remark:
            verdict += f": {v.remark}"
        rows.append([v.workload, v.goal, wanted, shown(v.value, v.unit) + bounds, shown(v.with_fit, v.unit), verdict])
    return table(head, rows, texts=(0, 1, 5))


def race_section(found: Found) -> str:
    rows = [race_row(found, peer) for peer in PROGRAMS]
    head = ["library", "seconds", "times ours", "epochs", "seconds an epoch, all in", "least accuracy (%)", "peak memory (MiB)"]
    reasons = [f"\n\n{r['peer']} failed in round {r['round'] + 1}: {r['reason']}" for r in found["races"] if "reason" in r]
    return f"""## Time to 98 % on MNIST

784-300-10, ReLU, Adam with learning rate {LR}, batch {BATCH}; a fresh process each, its own initialisation and shuffling. The
clock runs from opening the gzipped files, through compilation if any (what a library keeps on disk from earlier runs it may
use), until 98 % of the test images are right after an epoch. How many epochs that takes is partly luck, so the seconds an
epoch stand beside it. The programs are in [`benchmarks/to_98`](../benchmarks/to_98).

{table(head, rows)}{"".join(reasons)}

![Seconds to 98 %](images/benchmarks-98.png)"""


def race_row(found: Found, peer: str) -> list[str]:
    seconds, epochs = race(found, peer), race(found, peer, "epochs")
    if not len(seconds):
        return [peer, *["-"] * 6]
    times = against(seconds, race(found, "clearprop"))
    return [
        peer, spread(seconds), number(np.median(times)) if len(times) else "-", spread(epochs, 2),
        number(np.median(seconds / epochs)), f"{100 * race(found, peer, 'accuracy').min():.2f}",
        f"{race(found, peer, 'mib').max():,.0f}",
    ]  # fmt: skip


def check_section(found: Found) -> str:
    worst = max((row for row in found["checks"] if not row["mutant"]), key=lambda row: row["theta"])
    least = min((row for row in found["checks"] if row["mutant"]), key=lambda row: row["theta"])
    loss = max(row["loss"] for row in found["checks"] if not row["mutant"])
    return f"""## The same work

Before it is timed, every library takes the first {MOST_STEPS} steps (or an epoch, if that is less) from the same parameters
over the same batches, and where it arrives is compared with a float64 reference. The farthest of all ({worst["peer"]},
{worst["workload"]}) ends at {worst["theta"]:.1e} of the distance travelled; the loss differs by {loss:.1e} of its value at
most. The tolerance is {TOLERANCE:.0e}: rounding stays far below, planted mistakes far above (the smallest, {least["peer"]},
{least["workload"]}: {least["theta"]:.1e}).

scikit-learn makes one logistic output of two classes; it is compared with a reference that does so too."""


def scaling_section(found: Found) -> str:
    rows = [[axis, *(f"{exponent(found['scaling'], axis, what):.2f}" for what in ("seconds", "mib"))] for axis in AXES]
    spare, kernel = fit_overhead(found), np.array([r["kernel"] for r in found["warm_fit"]])
    return f"""## How it grows

One epoch of {N_X}-{WIDTH}-{N_Y}, ReLU, {EXAMPLES:,} examples, batch {BASE_BATCH}, from which one number at a time departs; each
point in a fresh process. Memory is the most that all arrays took at a time, the data among them. The exponents are those of
the last {TAIL} points.

{table(["exponent in", "seconds", "memory"], rows)}

![Time and memory against size](images/benchmarks-scaling.png)

## `fit` beyond its kernel

A warm `fit` of circles (200 examples to train, 200 to validate, 150 epochs at batch 10, history and all) spends
{spread(kernel)} ms in the kernel and {spread(spare)} ms beside it."""


def file_section(found: Found) -> str:
    head = ["file", "MiB", "seconds", "anonymous before (MiB)", "peak anonymous", "peak mapped pages", "peak resident"]
    rows = []
    for r in found["files"]:
        figures = (
            [f"{r[name]:,.0f}" for name in ("before", "anonymous", "mapped", "resident")] if "reason" not in r else ["-"] * 4
        )
        seconds = f"{r['seconds']:.1f}" if "reason" not in r else f"failed: {r['reason']}"
        rows.append([r["kind"], f"{r['file']:,}", seconds, *figures])
    return f"""## Data larger than memory

`fit` trains 784-32-10 for one epoch from memory-mapped files (.npy of float32, uncompressed IDX of bytes), in a process that
may allocate {found["files"][0]["limit"]:,} MiB (`RLIMIT_DATA`). What must not grow with the data is the anonymous part;
pages of the file are borrowed from the system, which takes them back when it needs them.

{table(head, rows)}

{growth(found)}"""


def growth(found: Found) -> str:
    """Memory for the largest file beyond that for the smallest, for each kind of file."""
    lines = []
    for kind in dict.fromkeys(r["kind"] for r in found["files"]):
        done = [r for r in found["files"] if r["kind"] == kind and "reason" not in r]
        if len(done) > 1:
            more, extra = done[-1]["file"] - done[0]["file"], done[-1]["anonymous"] - done[0]["anonymous"]
            lines.append(f"{more:,} MiB more of {kind} took {extra:,.0f} MiB more of anonymous memory.")
    return " ".join(lines)
