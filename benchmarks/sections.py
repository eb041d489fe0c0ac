"""The later sections of the page: the race to 98 %, the check of equal work, growth, `fit` beside its kernel, large files."""

from __future__ import annotations

import numpy as np

from benchmarks.checks import MOST_STEPS, TOLERANCE
from benchmarks.figures import Found, against, fit_overhead, fit_share, fits, interval, middle, number, race, spread
from benchmarks.markdown import noted, table
from benchmarks.scaling import AXES, EXAMPLES, N_X, N_Y, TAIL, WIDTH, exponent
from benchmarks.scaling import BATCH as BASE_BATCH
from benchmarks.to_98 import BATCH, LR, PROGRAMS
from benchmarks.warm_fit import CIRCLES
from benchmarks.workloads import WORKLOADS


def race_section(found: Found) -> str:
    if not found.get("races"):
        return ""
    rows = [race_row(found, peer) for peer in PROGRAMS]
    head = ["library", "seconds", "times ours", "epochs", "seconds an epoch, all in", "least accuracy (%)", "peak memory (MiB)"]
    reasons = [f"\n\n{r['peer']} failed in round {r['round'] + 1}: {r['reason']}" for r in found["races"] if "reason" in r]
    return f"""## Time to 98 % on MNIST

784-300-10, ReLU, Adam with learning rate {LR}, batch {BATCH}; a fresh process each, its own initialisation and shuffling. The
clock runs from opening the gzipped files until 98 % of the test images are right after an epoch. Before that, the same
process has trained for an epoch, so that what compiles has done so; torch.compile compiles for each model anew all the same,
with what it keeps on disk. How many epochs it takes is partly luck, so the seconds an epoch stand beside it. The programs are
in `benchmarks/to_98`.

{table(head, rows)}{"".join(reasons)}

![Seconds to 98 %](images/benchmarks-98.png)"""


def race_row(found: Found, peer: str) -> list[str]:
    seconds, epochs = race(found, peer), race(found, peer, "epochs")
    if not len(seconds):
        return [peer, *["-"] * 6]
    times = against(seconds, race(found, "clearprop"))
    return [
        peer, interval(seconds), number(np.median(times)) if len(times) else "-", interval(epochs, 2),
        middle(seconds / epochs), f"{100 * race(found, peer, 'accuracy').min():.2f}",
        f"{race(found, peer, 'mib').max():,.0f}",
    ]  # fmt: skip


def check_section(found: Found) -> str:
    if not found.get("checks"):
        return ""
    worst = max((row for row in found["checks"] if not row["mutant"]), key=lambda row: row["theta"])
    least = min((row for row in found["checks"] if row["mutant"]), key=lambda row: row["theta"])
    loss = max(row["loss"] for row in found["checks"] if not row["mutant"])
    return f"""## The same work

Before it is timed, every library takes the first {MOST_STEPS} steps (or an epoch, if that is less) from the same parameters
over the same batches, and where it arrives is compared with a float64 reference. The farthest of all ({worst["peer"]},
{worst["workload"]}) ends at {worst["theta"]:.1e} of the distance travelled; the loss differs by {loss:.1e} of its value at
most. The tolerance is {TOLERANCE:.0e}: rounding stays far below, planted mistakes far above (the smallest, {least["peer"]},
{least["workload"]}: {least["theta"]:.1e}).

scikit-learn makes one logistic output of two classes, and FANN has linear outputs and half the squared error; each is compared
with a reference that does so too."""


def scaling_section(found: Found) -> str:
    if not found.get("scaling"):
        return ""
    rows = [[axis, *(f"{exponent(found['scaling'], axis, what):.2f}" for what in ("seconds", "mib"))] for axis in AXES]
    return f"""## How it grows

One epoch of {N_X}-{WIDTH}-{N_Y}, ReLU, {EXAMPLES:,} examples, batch {BASE_BATCH}, from which one number at a time departs; each
point in a fresh process. Memory is the most that all arrays took at a time, the data among them. The exponents are those of
the last {TAIL} points.

{table(["exponent in", "seconds", "memory"], rows)}

![Time and memory against size](images/benchmarks-scaling.png)"""


def fit_section(found: Found) -> str:
    if not found.get("warm_fit"):
        return ""
    spare, kernel = fit_overhead(found), np.array([row["kernel"] for row in fits(found, CIRCLES)])
    text = f"""A warm `fit` of circles (200 examples to train, 200 to validate, 150 epochs at batch 10, history and all) spends
{spread(kernel)} ms in the kernel and {spread(spare)} ms beside it. Below, the workloads, for as long as a round; the kernel's
time is that of its calls in the same run."""
    names = dict.fromkeys(row["workload"] for row in found["warm_fit"])
    rows = [[w.name, spread(fit_share(found, w), 4)] for w in WORKLOADS if w.name in names]
    return "## `fit` beyond its kernel\n\n" + "\n\n".join([noted(text), table(["", "times its kernel"], rows)])


def file_section(found: Found) -> str:
    if not found.get("files"):
        return ""
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
