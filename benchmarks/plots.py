"""The pictures: microseconds per step, time to 98 %, and how time and memory grow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.figures import Found, number, per_step, race
from benchmarks.peers import PEERS
from benchmarks.scaling import AXES, TAIL, curve, exponent
from benchmarks.to_98 import PROGRAMS
from benchmarks.workloads import Workload
from clearprop.plots import save
from clearprop.plots.style import FAINT, INK, LABEL, NOTE, PALETTE, TITLE, dress

OURS, THEIRS, OUR_FIT = PALETTE[0], "#b4bac4", PALETTE[5]
COLOURS = {"clearprop kernel": OURS, "clearprop fit": OUR_FIT, "clearprop": OURS}
LABELS = {"examples": "examples", "width": "hidden units", "depth": "hidden layers", "batch": "batch size"}


def draw_all(found: Found, given: Iterable[Workload], folder: Path) -> None:
    """All pictures, as PNG files in `folder`."""
    if found.get("steps"):
        save(draw_steps(found, list(given)), folder / "benchmarks.png")
    if found.get("scaling"):
        save(draw_scaling(found), folder / "benchmarks-scaling.png")
    if any("reason" not in row for row in found.get("races", [])):
        save(draw_races(found), folder / "benchmarks-98.png")


def draw_steps(found: Found, given: list[Workload]) -> Figure:
    """A panel of bars for each workload."""
    columns, rows = min(len(given), 3), -(-len(given) // 3)
    figure = Figure(figsize=(3.7 * columns, 3.4 * rows), layout="constrained")
    for ax, workload in zip(figure.subplots(rows, columns, squeeze=False).flat, given, strict=False):
        bars(ax, {peer: per_step(found, workload, peer) for peer in PEERS}, "microseconds a step")
        ax.set_title(f"{workload.name}  ({workload.net})", loc="left", fontsize=LABEL, color=INK)
    return figure


def draw_races(found: Found) -> Figure:
    """Seconds to 98 %."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = figure.subplots()
    bars(ax, {peer: race(found, peer) for peer in PROGRAMS}, "seconds, from opening the files")
    ax.set_title("MNIST, 784-300-10 and Adam, to 98 % of the test images", loc="left", fontsize=TITLE, color=INK)
    return figure


def bars(ax: Axes, values: dict[str, Any], label: str) -> None:
    """Medians as bars on a log axis, the least and the most as a line, the figure beside it."""
    values = {name: v for name, v in values.items() if len(v)}
    for at, (name, v) in enumerate(values.items()):
        median = float(np.median(v))
        ax.barh(at, median, color=COLOURS.get(name, THEIRS), height=0.72)
        ax.plot([v.min(), v.max()], [at, at], color=INK, linewidth=1.2, solid_capstyle="butt")
        ax.text(v.max() * 1.12, at, number(median, 2), va="center", fontsize=NOTE, color=INK)
    low, high = min(v.min() for v in values.values()), max(v.max() for v in values.values())
    ax.set_xscale("log")
    ax.set_xlim(low / 3, high * (high / low) ** 0.25 * 1.5)
    ax.xaxis.set_minor_formatter(NullFormatter())  # where there is but one power of ten, the others crowd
    dress(ax, label, "")
    ax.set_yticks(range(len(values)), list(values))
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    ax.invert_yaxis()


def draw_scaling(found: Found) -> Figure:
    """Seconds and MiB against each axis, and the power law of the last points."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    panels = figure.subplots(2, len(AXES), sharey="row")
    for column, axis in enumerate(AXES):
        for row, (what, label) in enumerate((("seconds", "seconds an epoch"), ("mib", "MiB of arrays"))):
            power_law(panels[row, column], found["scaling"], axis, what)
            dress(panels[row, column], LABELS[axis] if row else "", label if column == 0 else "")
    return figure


def power_law(ax: Axes, rows: list[dict[str, Any]], axis: str, what: str) -> None:
    x, y = curve(rows, axis, what)
    ax.loglog(x, y, "o-", color=OURS, markersize=4, linewidth=1.5)
    k = exponent(rows, axis, what)
    middle = np.exp(np.log(y[-TAIL:]).mean()) * (x / np.exp(np.log(x[-TAIL:]).mean())) ** k
    ax.loglog(x[-TAIL:], middle[-TAIL:], "--", color=FAINT, linewidth=1.2)
    ticks = x[:: max(1, len(x) // 3)]
    ax.set_xticks(ticks, [f"{v:.0f}" if v < 10000 else f"{v / 1000:.0f}k" for v in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"~ {LABELS[axis]}$^{{{k:.2f}}}$", loc="left", fontsize=NOTE, color=INK)
