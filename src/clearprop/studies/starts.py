"""Studies of the start: initialisers of the weights, and the effect of zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.data import Dataset
from clearprop.nn import Linear, Net, Tanh
from clearprop.nn.initialisers import Initialiser
from clearprop.optim import SGD
from clearprop.studies.study import Row, Study, better, beyond_chance, figure, headline, held_out, settings, tell, words
from clearprop.sweeps import run_sweep, summarise
from clearprop.training import evaluate, fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INITS = ("zeros", "normal", "uniform", "xavier", "he", "lecun")
STARTS = {
    "zero weights, zero biases": ("zeros", "zeros"),
    "zero weights, random biases": ("zeros", "normal"),
    "random weights, zero biases": ("xavier", "zeros"),
    "random weights, random biases": ("xavier", "normal"),
}
"""Initialisers of weights and of biases."""
SAME = 1e-6  # relative to the largest weight; units whose incoming weights differ by less are the same


@checked
def initialisations(
    data: Dataset,
    inits: Sequence[str | dict[str, Any] | Initialiser] = INITS,
    seeds: int = 10,
    fixed: Row | None = None,
    **workers: Any,
) -> Study:
    """Find the best initialiser, and the spread over seeds.

    Parameters
    ----------
    data : Dataset
    inits : sequence of str, Initialiser or its configuration
    seeds : int
        Number of trials of each.
    fixed : dict, optional
        Settings of all trials, in addition to plain gradient descent.
    **workers
        `jobs`, `scheduler`, `store`, `seed`, `progress` of `run_sweep`.
    """
    metric = headline(data)
    plain = [init.config() if isinstance(init, Initialiser) else init for init in inits]
    rows = run_sweep(data, {"init": plain}, seeds, fixed=settings(fixed), **workers)
    lines = summarise(rows, metric)
    ranked = better(lines, metric)
    best, worst = ranked[0], ranked[-1]
    widest = max(lines, key=lambda line: float(line["std"]) if np.isfinite(line["std"]) else -1.0)
    text = (
        f"Over {seeds} seeds each, {best['init']} ends best, with {words(metric)} {tell(best, metric)}, and {worst['init']} "
        f"worst, with {tell(worst, metric)}; the difference is {beyond_chance(best, worst)}. The spread over seeds is largest "
        f"with {widest['init']}: from {figure(widest['min'], metric)} to {figure(widest['max'], metric)} for seeds alone, so "
        "a single run says little about an initialiser."
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        return bands({"": lines}, "init", words(metric), percent=metric.endswith("accuracy"), ax=ax)

    return Study("initialisations", "Which initialiser?", metric, rows, lines, text, draw)


@checked
def zero_starts(data: Dataset, seeds: int = 5, hidden: int = 10, fixed: Row | None = None, **workers: Any) -> Study:
    """Explain why zero weights fail, and zero biases do not.

    Parameters
    ----------
    data, seeds, **workers
        As for `initialisations`.
    hidden : int
        Units of the only hidden layer, with tanh.
    fixed : dict, optional
        `lr`, `batch_size` and `epochs`, if they are to differ.
    """
    given = {"lr": 0.1, "batch_size": 10, "epochs": 30} | (fixed or {})
    rows = run_sweep(start_trial, {"start": list(STARTS)}, seeds, fixed=given | {"hidden": hidden}, shared=data, **workers)
    metric = headline(data)
    lines = summarise(rows, metric)
    units = {line["start"]: line for line in summarise(rows, "units")}
    by_name = {line["start"]: line for line in lines}
    none, broken, usual, full = (by_name[name] for name in STARTS)
    text = (
        f"With all weights and biases zero, every hidden unit stays the same as its neighbours: after training the {hidden} "
        f"units compute {units[none['start']]['mean']:.0f} function(s) between them, and the {words(metric)} is "
        f"{tell(none, metric)}. With tanh, h = 0 makes dV = h^T dy = 0 and V = 0 makes dh = dy V^T = 0, so only the last "
        f"biases ever move. Random biases alone break that: {units[broken['start']]['mean']:.0f} different units, "
        f"{tell(broken, metric)}. Zero biases do no harm, since random weights already make the units differ: "
        f"{units[usual['start']]['mean']:.0f} units, {tell(usual, metric)}, against {tell(full, metric)} with random biases "
        f"as well; the difference is {beyond_chance(usual, full)}."
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        shown = [{**line, "start": str(line["start"]).replace(", ", "\n")} for line in lines]
        drawn = bands({"": shown}, "start", words(metric), percent=metric.endswith("accuracy"), ax=ax)
        drawn.set_xlabel("")
        return drawn

    return Study("zero_starts", "Why do zero weights fail, and zero biases not?", metric, rows, lines, text, draw)


def start_trial(data: Dataset, seed: int, start: str, hidden: int, lr: float, batch_size: int, epochs: int, **rest: Any) -> Row:
    """Train a net with one hidden layer from one of `STARTS`, and count its different hidden units."""
    weights, biases = STARTS[start]
    net = Net(
        Linear(data.n_in, hidden, init=weights, bias_init=biases), Tanh(),
        Linear(hidden, data.n_out, init=weights, bias_init=biases), seed=seed,
    )  # fmt: skip
    loss = "cross_entropy" if data.task == "classification" else "mean_squared_error"
    fit(net, data.train, loss=loss, optimizer=SGD(lr=lr), batch_size=batch_size, epochs=epochs, seed=seed, **rest)
    first = net[0]
    figures: Mapping[str, Any] = evaluate(net, data.splits[held_out(data)], loss)
    incoming = np.vstack([*first.parameters().values()])  # (n_in + 1, hidden)
    return {"units": different_columns(incoming), **{f"{held_out(data)}_{name}": value for name, value in figures.items()}}


def different_columns(matrix: Any) -> int:
    """Number of different columns of a matrix.

    Examples
    --------
    >>> different_columns(np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 3.0]]))
    2
    """
    grain = SAME * (float(np.abs(matrix).max()) or 1.0)
    return len(np.unique(np.round(matrix / grain).astype(np.int64), axis=1).T)
