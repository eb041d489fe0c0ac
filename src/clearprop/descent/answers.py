"""Questions about step sizes, each with an answer whose figures come from paths and basins.

The questions are those of the published practical.
"""

from __future__ import annotations

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.descent.basins import SETTLED, map_basins, settle
from clearprop.descent.path import Row, descend
from clearprop.descent.surfaces import Point, Published, Surface
from clearprop.optim import SGD, ExponentialDecay
from clearprop.registry import count

STEP_SIZES = (0.001, 0.01, 0.05, 0.1, 0.15, 0.2, 0.305, 0.5, 0.7, 1.0)
SHARES = (0.05, 0.1, 0.15, 0.18, 0.2, 0.25)
FINE = 0.001  # spacing of the fixed step sizes that are tried to find the range that works
DECAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
GOOD = -2.0  # the value of f that the practical asks for


@checked
def answer_questions(start: Point = (3.0, 2.0), steps: int = 10) -> list[Row]:
    """Effects of too small and too large steps; whether a fixed step reaches the global minimum; the effect of a schedule.

    Parameters
    ----------
    start : pair of float
    steps : int
        Number of steps of the short descents; whether a fixed step comes to rest is decided after 500.

    Returns
    -------
    list of dict
        JSON-able: `question`, `answer`, and `rows`, the figures that the answer rests on.
    """
    surface, steps = Published(), count("steps", steps)
    return [_step_sizes(surface, start, steps), _fixed_steps(surface, start), _schedules(surface, start, steps)]


def _step_sizes(surface: Surface, start: Point, steps: int) -> Row:
    paths = {lr: descend(surface, start, lr, steps) for lr in STEP_SIZES}
    rows = [{"step": lr, "f": path.final, "x": path.end[0], "y": path.end[1]} for lr, path in paths.items()]
    begin = float(surface(*np.array(start)))
    small, large = paths[STEP_SIZES[0]].final, paths[STEP_SIZES[-1]].final
    bounds = ", ".join(f"{limit:.4f} at f = {f:.5f}" for f, limit in _limits(surface))
    text = (
        f"From {_pair(start)}, where f = {begin:.4g}, {steps} steps of size {STEP_SIZES[0]:g} only reach f = {small:.4g}: a "
        f"step that is too small goes the right way, but hardly moves. Steps of {STEP_SIZES[-1]:g} end at f = {large:.3g}: a "
        "step that is too large lands higher than it started, where the slope is steeper still, and so on. Between the two, "
        "the path comes to rest at a minimum only if the step size is below 2 / (largest second derivative there), since a "
        f"longer step overshoots by more than the distance it came from: {bounds}. With a larger step size it never comes to "
        "rest."
    )
    return {"question": "What do too small and too large steps do?", "answer": text, "rows": rows}


def _fixed_steps(surface: Surface, start: Point) -> Row:
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
        f"{'Yes, in a narrow range' if len(good) else 'Not from there'}. From {_pair(start)} {found}, of those from {FINE:g} "
        f"to 0.6 in steps of {FINE:g}. Smaller ones follow the slope into the first minimum on their way ({first}); larger "
        f"ones jump across the hills, but above {limit:.4f} they cannot stay at the lowest minimum, f = {low:.5f}. It depends "
        f"on the start as much: of all starts in the square, {100 * rows[1]['share_1']:.0f} % reach it with a step of "
        f"{rows[1]['step']:g}, {100 * best['share_1']:.0f} % with {best['step']:g}, the most of those tried, and "
        f"{100 * rows[4]['share_1']:.0f} % with {rows[4]['step']:g}."
    )
    return {"question": "Can a fixed step reach the global minimum?", "answer": text, "rows": rows}


def _schedules(surface: Surface, start: Point, steps: int) -> Row:
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
        f" decay, and {most['good']} with d = {most['decay']:g}. With too fast a decay the path stops on its way: all steps"
        f" together add up to at most lr / (1 - d), and with d = {rows[0]['decay']:g} {rows[0]['good'] or 'none'} of them"
        " succeed."
    )
    return {"question": "What does the schedule lr * d^t change?", "answer": text, "rows": rows}


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
