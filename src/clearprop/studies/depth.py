"""Studies of depth: hidden layers and their activations, and linear layers in a row, which are one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.data import Dataset
from clearprop.nn import Linear, Net
from clearprop.optim import SGD
from clearprop.studies.study import Row, Study, better, beyond_chance, figure, headline, held_out, settings, tell, words
from clearprop.sweeps import pivot, run_sweep, summarise
from clearprop.training import evaluate, fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEPTHS, ACTIVATIONS = (0, 1, 2, 4), ("linear", "sigmoid", "tanh", "relu")


@checked
def depth_and_activation(
    data: Dataset,
    depths: Sequence[int] = DEPTHS,
    activations: Sequence[str] = ACTIVATIONS,
    units: int = 10,
    seeds: int = 5,
    fixed: Row | None = None,
    **workers: Any,
) -> Study:
    """Find the best number of hidden layers for each activation.

    Parameters
    ----------
    data : Dataset
    depths : sequence of int
        Numbers of hidden layers.
    activations : sequence of str
    units : int
        Units of each hidden layer.
    seeds, fixed, **workers
        As for `learning_rates`.
    """
    metric = headline(data)
    grid: dict[str, list[Any]] = {
        "hidden": [(units,) * depth for depth in depths],
        "activation": [(name,) for name in activations],
    }
    found = run_sweep(data, grid, seeds, fixed=settings(fixed), **workers)
    sizes = {"-".join([str(units)] * depth) or "none": depth for depth in depths}
    rows = [{"depth": sizes[row["hidden"]], **{k: v for k, v in row.items() if k != "hidden"}} for row in found]
    lines = summarise(rows, metric, ["depth", "activation"])
    tops = {name: better([line for line in lines if line["activation"] == name], metric)[0] for name in activations}
    best = better(list(tops.values()), metric)[0]
    deepest = [line for line in lines if line["depth"] == max(depths)]
    parts = "; ".join(f"{name}: {tell(top, metric)} with {top['depth']} hidden layer(s)" for name, top in tops.items())
    deep = ", ".join(f"{line['activation']} {figure(line['mean'], metric)}" for line in deepest)
    linear = tops.get("linear")
    text = f"The best {words(metric)} of each activation: {parts}. At {max(depths)} hidden layers of {units} units: {deep}." + (
        f" Without a non-linearity depth adds nothing, since linear layers in a row are one; what the others gain over it,"
        f" {figure(abs(best['mean'] - linear['mean']), metric)}, is {beyond_chance(best, linear)}."
        if linear is not None and best is not linear
        else ""
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots.heatmap import heat_map

        table: dict[str, Any] = {}
        for key in ("mean", "std"):
            down, across, table[key] = pivot(lines, "activation", "depth", key)
        return heat_map(
            table["mean"], down, across, names=("hidden layers", ""), value=words(metric), percent=metric.endswith("accuracy"),
            spread=table["std"] if seeds > 1 else None, ax=ax,
        )  # fmt: skip

    return Study("depth_and_activation", "How deep, with which activation?", metric, rows, lines, text, draw)


@checked
def two_linear_layers(data: Dataset, hidden: int = 10, seeds: int = 5, fixed: Row | None = None, **workers: Any) -> Study:
    """Show that two linear layers are one: (x W + b) V + c = x (W V) + (b V + c).

    Parameters
    ----------
    data, seeds, **workers
        As for `learning_rates`.
    hidden : int
        Units between the two layers.
    fixed : dict, optional
        `lr`, `batch_size` and `epochs`, if they are to differ.
    """
    given = {"lr": 0.1, "batch_size": 10, "epochs": 30, "hidden": hidden} | (fixed or {})
    rows = run_sweep(linear_trial, {"layers": [1, 2]}, seeds, fixed=given, shared=data, **workers)
    metric = headline(data)
    lines = summarise(rows, metric)
    one, two = lines
    apart = max(float(row["apart"]) for row in rows)
    text = (
        f"One linear layer reaches {words(metric)} {tell(one, metric)}, two with {hidden} units between them "
        f"{tell(two, metric)}: the difference is {beyond_chance(one, two)}. They are the same family of functions, since (x W "
        "+ b) V + c = x (W V) + (b V + c): multiplied out into a single layer, every trained two-layer net gives the same "
        f"outputs to {apart:.1e} of the largest. Only the way there differs, since the gradient moves W and V and not their "
        "product."
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        shown = [{**line, "layers": f"{line['layers']} linear layer(s)"} for line in lines]
        drawn = bands({"": shown}, "layers", words(metric), percent=metric.endswith("accuracy"), ax=ax)
        drawn.set_xlabel("")
        return drawn

    return Study("two_linear_layers", "Why are two linear layers one?", metric, rows, lines, text, draw)


def linear_trial(
    data: Dataset, seed: int, layers: int, hidden: int, lr: float, batch_size: int, epochs: int, **rest: Any
) -> Row:
    """Train one or two linear layers; `apart` is the largest difference from the outputs of the one layer that they make."""
    sizes = [data.n_in, *[hidden] * (layers - 1), data.n_out]
    net = Net(*(Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)), seed=seed, dtype="float64")
    loss = "cross_entropy" if data.task == "classification" else "mean_squared_error"
    fit(net, data.train, loss=loss, optimizer=SGD(lr=lr), batch_size=batch_size, epochs=epochs, seed=seed, **rest)
    split = data.splits[held_out(data)]
    merged = np.linalg.multi_dot([np.eye(data.n_in), *(layer.parameters()["W"] for layer in net.layers)])
    bias = net(np.zeros((1, data.n_in)))
    outputs = net(split.X)
    apart = float(np.abs(split.X @ merged + bias - outputs).max() / np.abs(outputs).max())
    figures = evaluate(net, split, loss)
    return {"apart": apart, **{f"{held_out(data)}_{name}": value for name, value in figures.items()}}
