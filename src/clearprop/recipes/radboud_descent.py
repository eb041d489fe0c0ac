"""`radboud-descent`: gradient descent in two variables, the three paths of the assignment, and where steps lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.descent import SURFACES, Path, descend
from clearprop.optim import SGD, ExponentialDecay
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import computed, shown
from clearprop.recipes.recipe import Recipe, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = (3.0, 2.0)
PUBLISHED = [(0.1, 10, 1.0), (0.305, 13, 1.0), (0.2, 10, 0.8)]
"""Step size, steps, decay. The values of f stood in the titles of plots that are lost."""
BOUND = -2.0  # the assignment asks for a path with decay that ends below it
LONG = 400  # steps after which a path has come to rest, if it ever does
FIXED = np.round(np.arange(0.01, 0.4, 0.005), 3)


class RadboudDescent(Recipe):
    """The paths with the settings of the assignment, and the questions that are asked about them."""

    name = "radboud-descent"
    title = "Gradient descent in two variables"
    source = "Radboud University, NWI-IMC070 Deep Learning, assignment 1 (2023)"
    configuration: ClassVar[dict[str, Any]] = {
        "f": "x^2 + y^2 + x (y + 2) + cos 3x",
        "start": list(START),
        "runs": [{"step": step, "steps": steps, "decay": decay} for step, steps, decay in PUBLISHED],
        "schedule": "step t, counted from 0, is step * decay^t long",
    }

    def perform(self, result: Result) -> None:
        """Follow the paths, find the minima; try many step sizes and decays."""
        paths = [follow(*setting) for setting in PUBLISHED]
        for setting, path in zip(PUBLISHED, paths, strict=True):
            result.comparisons.append(computed(f"{named(*setting)}: f", f"{path.final:.5f}", "its function and settings"))
        last = paths[-1].final
        because = f"below the bound that the question sets, after {PUBLISHED[-1][1]} steps"
        result.comparisons.append(
            shown(f"{named(*PUBLISHED[-1])}: f", f"below {BOUND:g}", f"{last:.5f}", last < BOUND, because)
        )
        surface = SURFACES.make("published")
        lowest = [descend(surface, start, 0.05, LONG) for start in surface.minima]
        for number, path in enumerate(lowest, 1):
            (x, y), f = path.end, path.final
            result.comparisons.append(computed(f"minimum {number}", f"f = {f:.5f} at ({x:.4f}, {y:.4f})", "its function"))
        answer(result, paths, [f"{path.final:.5f}" for path in lowest])
        result.exhibits.pictures += [
            Picture("paths", "The three paths of the assignment", lambda figure: draw_paths(figure, paths), (12, 7)),
            Picture("basin", "Where a fixed step from (3, 2) ends, by its length", draw_steps, (9, 3.6)),
        ]


def named(step: float, steps: int, decay: float) -> str:
    """The setting of a path in words.

    Examples
    --------
    >>> named(0.2, 10, 0.8)
    'step 0.2, 10 steps, decay 0.8'
    """
    return f"step {step:g}, {steps} steps" + (f", decay {decay:g}" if decay < 1 else "")


def follow(step: float, steps: int, decay: float = 1.0, start: tuple[float, float] = START) -> Path:
    """One path of plain gradient descent."""
    return descend("published", start, SGD(ExponentialDecay(step, decay)) if decay < 1 else SGD(step), steps)


def answer(result: Result, paths: list[Path], heights: list[str]) -> None:
    """Answer the three questions from many runs; `heights` are the values of f at the three minima."""
    ends = {float(step): follow(float(step), LONG) for step in FIXED}
    surface = SURFACES.make("published")
    limits = [2 / surface.curvature(minimum)[1] for minimum in surface.minima]
    settled = {step: path.minimum for step, path in ends.items() if path.stopped is None}
    groups = {number: [step for step, found in settled.items() if found == number] for number in (0, 1, 2)}
    unsettled = [step for step in ends if settled.get(step) is None]
    rows = [
        [heights[number], "({:.4f}, {:.4f})".format(*surface.minima[number]), limits[number], len(steps), spans(steps)]
        for number, steps in groups.items()
    ]
    rows.append(["none: no rest after 400 steps", "", None, len(unsettled), spans(unsettled)])
    columns = ["f of the minimum", "at", "stable below step", "of the steps tried", "which"]
    title = f"Fixed steps {FIXED[0]:g} to {FIXED[-1]:g} from (3, 2): the minimum reached after {LONG} steps"
    result.exhibits.tables.append(Table(title, columns, rows, name="fixed-steps"))
    result.exhibits.explain(
        "What do too small and too large steps do?",
        "Too small: the path goes down into the first hollow on its way and stays there; step 0.1 is at f = "
        f"{paths[0].final:.5f} after 10 steps, on its way to the local minimum {heights[2]}. Too large: at a minimum whose "
        f"largest curvature is c, steps above 2 / c jump from wall to wall; for the three minima that is {limits[0]:.3f}, "
        f"{limits[1]:.3f} and {limits[2]:.3f}. Step 0.305 jumps over the hollow of the local minimum, and can settle neither "
        f"at the global one nor at the third, for which it is too long: after 13 steps f = {paths[1].final:.5f}, and it never "
        "comes to rest.",
    )
    found = groups[0]
    result.exhibits.explain(
        "Can a fixed step reach the global minimum?",
        f"From (3, 2), {len(found)} of the {len(FIXED)} steps tried come to rest there{': ' + spans(found) if found else ''}. "
        f"A step must be long enough not to be caught at {heights[2]} and below {limits[0]:.3f} to settle at {heights[0]}. "
        f"From other starts it is easy: of a grid of 441 over [-5, 5]^2, {share_of_starts(0.1):.0%} end there with step 0.1.",
    )
    decays = {decay: follow(0.2, LONG, decay).minimum for decay in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)}
    good = [decay for decay, number in decays.items() if number == 0]
    near = min(np.hypot(*(paths[2].points[-1] - np.array(surface.minima[0]))), 9.0)
    result.exhibits.explain(
        "What does the schedule step * d^t change?",
        f"It takes long steps first, which leave the hollow, and short ones later, which settle: 0.2 with d = 0.8 is at "
        f"f = {paths[2].final:.5f} after 10 steps, {near:.3f} from the global minimum. The steps add up to no more than "
        f"0.2 / (1 - d), here {0.2 / (1 - 0.8):g}: with too small a d the path stops on the slope. After {LONG} steps the "
        f"global minimum is reached to within 0.05 for d = {', '.join(f'{decay:g}' for decay in good) or 'none'} of "
        f"{', '.join(f'{decay:g}' for decay in decays)}.",
    )


def share_of_starts(step: float) -> float:
    """Share of 21 x 21 starts over the box that end at the global minimum with a fixed step."""
    surface = SURFACES.make("published")
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-5, 5, 21), np.linspace(-5, 5, 21)))
    for _ in range(LONG):  # all at once: plain gradient descent is the same line for arrays
        dx, dy = surface.gradient(x, y)
        x, y = x - step * dx, y - step * dy
    return float((np.hypot(x - surface.minima[0][0], y - surface.minima[0][1]) < 0.05).mean())


def spans(steps: list[float]) -> str:
    """Neighbouring steps as ranges.

    Examples
    --------
    >>> spans([0.01, 0.015, 0.02, 0.1])
    '0.01-0.02, 0.1'
    """
    groups: list[list[float]] = []
    for step in steps:
        if groups and step - groups[-1][-1] < 0.0051:
            groups[-1].append(step)
        else:
            groups.append([step])
    return ", ".join(f"{group[0]:g}" if len(group) == 1 else f"{group[0]:g}-{group[-1]:g}" for group in groups)


def draw_paths(figure: Figure, paths: list[Path]) -> None:
    """Contours with the path on top, and f against the step below."""
    from clearprop.plots import style

    surface = SURFACES.make("published")
    grid = np.linspace(-5, 5, 200)
    x, y = np.meshgrid(grid, grid)
    axes: Any = figure.subplots(2, 3, height_ratios=[2, 1])
    for column, (path, (step, _, decay)) in enumerate(zip(paths, PUBLISHED, strict=True)):
        ax = axes[0, column]
        ax.contour(x, y, surface(x, y), levels=30, cmap="Greys_r", linewidths=0.6)
        ax.plot(*path.points.T, color=style.VALIDATION, marker="o", markersize=style.MARKER, linewidth=style.LINE)
        for number, minimum in enumerate(surface.minima):
            ax.plot(*minimum, marker="*" if number == 0 else "+", color=style.TRAIN, markersize=11, linestyle="none")
        style.dress(ax, "x", "y", grid=False, frame=True)
        ax.set_aspect("equal")
        ax.set_xlim(-5, 5)
        ax.set_ylim(-5, 5)
        style.headline(ax, f"step {step:g}" + (f", decay {decay:g}" if decay < 1 else "") + f": f = {path.final:.5f}")
        below = axes[1, column]
        below.plot(path.values, color=style.VALIDATION, marker="o", markersize=style.MARKER, linewidth=style.LINE)
        style.dress(below, "step", "f")


def draw_steps(figure: Figure) -> None:
    """f after many steps of fixed length, step size by step size."""
    from clearprop.plots import style

    ax = figure.subplots()
    surface, steps = SURFACES.make("published"), np.arange(0.01, 0.4, 0.001)
    x, y = np.full(len(steps), START[0]), np.full(len(steps), START[1])
    for t in range(LONG):  # all step sizes at once
        dx, dy = surface.gradient(x, y)
        x, y = x - steps * dx, y - steps * dy
        if t >= LONG - 30:
            f = surface(x, y)
            ax.plot(steps[f < 20], f[f < 20], ".", color=style.TRAIN, markersize=1.5)
    for minimum in surface.minima:
        ax.axhline(float(surface(*np.array(minimum))), color=style.VALIDATION, linewidth=0.8, linestyle="--")
    style.dress(ax, "step size", f"f in the last 30 of {LONG} steps")
