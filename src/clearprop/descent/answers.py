"""The published questions about step sizes, answered with figures from paths and basins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.descent.basins import SETTLED, map_basins, settle
from clearprop.descent.path import Path, Row, descend
from clearprop.descent.surface import Point, Surface
from clearprop.descent.surfaces import Published
from clearprop.optim import SGD, ExponentialDecay

PUBLISHED = ((0.1, 10, 1.0, 1.29676), (0.305, 13, 1.0, 0.10066), (0.2, 10, 0.8, -2.16415))
"""Step size, number of steps, decay, and the published f at the end."""
RATES = (0.001, 0.01, 0.05, 0.1, 0.15, 0.2, 0.305, 0.5, 0.7, 1.0)
SHARES = (0.05, 0.1, 0.15, 0.18, 0.2, 0.25)
FINE = 0.001  # between the fixed steps of which the range that works is found
DECAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
GOOD = -2.0  # what the practical asks for


@dataclass(frozen=True)
class Answer:
    """A question, the answer in a paragraph, and the figures that it rests on."""

    question: str
    text: str
    rows: list[Row] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"question": self.question, "answer": self.text, "rows": self.rows}


def published_paths(start: Point = (3.0, 2.0)) -> list[Path]:
    """The three descents of the practical.

    Examples
    --------
    >>> [round(path.final, 5) for path in published_paths()]
    [1.29676, 0.10066, -2.16415]
    """
    return [descend(Published(), start, SGD(lr=ExponentialDecay(lr, decay)), steps) for lr, steps, decay, _ in PUBLISHED]


def answer_questions(start: Point = (3.0, 2.0), steps: int = 10) -> list[Answer]:
    """What too small and too large steps do; whether a fixed step reaches the global minimum; what a schedule changes.

    Parameters
    ----------
    start : pair of float
    steps : int
        Of the short descents; where a fixed step leads in the end is looked at after 500.

    Returns
    -------
    list of Answer
    """
    surface = Published()
    return [_step_sizes(surface, start, steps), _fixed_steps(surface, start), _schedules(surface, start, steps)]


def _step_sizes(surface: Surface, start: Point, steps: int) -> Answer:
    paths = {lr: descend(surface, start, lr, steps) for lr in RATES}
    rows = [{"step": lr, "f": path.final, "x": path.end[0], "y": path.end[1]} for lr, path in paths.items()]
    begin = float(surface(*np.array(start)))
    small, large = paths[RATES[0]].final, paths[RATES[-1]].final
    bounds = ", ".join(f"{limit:.4f} at f = {f:.5f}" for f, limit in _limits(surface))
    text = (
        f"From {_pair(start)}, where f = {begin:.4g}, {steps} steps of size {RATES[0]:g} only reach f = {small:.4g}: too small"
        f" a step goes the right way, but hardly moves. Steps of {RATES[-1]:g} end at f = {large:.3g}: too large a step lands"
        " higher than it started, where the slope is steeper still, and so on. Between the two, a step comes to rest at a"
        " minimum only if it is below 2 / (largest second derivative there), or it overshoots by more than it came:"
        f" {bounds}. A larger one jumps about, for ever."
    )
    return Answer("What do too small and too large steps do?", text, rows)


def _fixed_steps(surface: Surface, start: Point) -> Answer:
    rates = np.arange(1, round(0.6 / FINE)) * FINE
    reached = np.array([int(settle(surface, np.array([start]), lr, SETTLED)[0]) for lr in rates])
    good = rates[reached == 0]
    rows: list[Row] = [
        {"step": lr, **{f"share_{k + 1}": found.share(k) for k in range(len(surface.minima))}, "share_none": found.share(-1)}
        for lr, found in ((lr, map_basins(surface, lr, resolution=61)) for lr in SHARES)
    ]
    best = max(rows, key=lambda row: row["share_1"])
    limit = _limits(surface)[0][1]
    low = float(surface(*np.array(surface.minima[0])))
    found = f"every step size from {good.min():.3f} to {good.max():.3f} does" if len(good) else "no step size does"
    if len(good) and len(good) < round((good.max() - good.min()) / FINE) + 1:
        found = f"{len(good)} of the step sizes from {good.min():.3f} to {good.max():.3f} do"
    first = _usual(surface, reached[rates < good.min()] if len(good) else reached)
    text = (
        f"{'Yes, in a narrow range' if len(good) else 'Not from there'}. From {_pair(start)} {found},"
        f" of those from {FINE:g} to 0.6 in steps of {FINE:g}. Smaller"
        f" ones follow the slope into the minimum that lies first on their way ({first}); larger ones jump"
        f" across the hills, but above {limit:.4f} they can no longer stay at the lowest minimum, f = {low:.5f}. It depends on"
        f" the start as much: of all starts in the square, {100 * rows[1]['share_1']:.0f} % reach it with a step of"
        f" {rows[1]['step']:g}, {100 * best['share_1']:.0f} % with {best['step']:g}, the most of those tried, and"
        f" {100 * rows[4]['share_1']:.0f} % with {rows[4]['step']:g}."
    )
    return Answer("Can a fixed step reach the global minimum?", text, rows)


def _schedules(surface: Surface, start: Point, steps: int) -> Answer:
    rates = np.arange(1, 101) / 200  # 0.005 to 0.5
    rows = []
    for decay in DECAYS:
        finals = np.array([descend(surface, start, SGD(lr=ExponentialDecay(lr, decay)), steps).final for lr in rates])
        good = finals < GOOD
        row = {"decay": decay, "good": int(good.sum()), "lowest": float(finals.min())}
        rows.append(row | {"at_step": float(rates[finals.argmin()])})
    fixed, most = rows[-1], max(rows[:-1], key=lambda row: row["good"])
    path = descend(surface, start, SGD(lr=ExponentialDecay(0.2, 0.8)), steps)
    constant = descend(surface, start, 0.2, steps)
    text = (
        f"With step size lr * d^t the first steps are long enough to jump across the hills, and the last ones short enough to"
        f" stay. With lr = 0.2 and d = 0.8 the last of {steps} steps is {path.rates[-1]:.3f} long and f ends at"
        f" {path.final:.5f}; with 0.2 throughout, which is above the limit, it ends at {constant.final:.5f} and goes on"
        f" jumping. Of {len(rates)} first step sizes up to 0.5, {fixed['good']} bring f below {GOOD:g} in {steps} steps without"
        " decay,"
        f" and {most['good']} with d = {most['decay']:g}. Too fast a decay spends the way too soon: all steps together add up"
        " to at"
        f" most lr / (1 - d), and with d = {rows[0]['decay']:g} {rows[0]['good'] or 'none'} of them do it."
    )
    return Answer("What does the schedule lr * d^t change?", text, rows)


def _limits(surface: Surface) -> list[tuple[float, float]]:
    """For each minimum, f there and the largest fixed step size that can stay."""
    return [(float(surface(*np.array(m))), 2 / surface.curvature(m)[1]) for m in surface.minima]


def _usual(surface: Surface, reached: Array) -> str:
    """f at the minimum that is reached most often."""
    found = reached[reached >= 0]
    if not len(found):
        return "none of the three"
    return f"f = {float(surface(*np.array(surface.minima[int(np.bincount(found).argmax())]))):.5f}"


def _pair(point: Point) -> str:
    return f"({point[0]:g}, {point[1]:g})"
