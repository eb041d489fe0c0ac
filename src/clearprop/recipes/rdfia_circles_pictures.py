"""The pictures of the circles: the network, the losses, curves, decision maps, the landscape, and the intervals."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data import make_circles
from clearprop.data.dataset import Split
from clearprop.nn import CrossEntropy, Linear, Net, Softmax, Tanh
from clearprop.optim import SGD
from clearprop.recipes.drawings import curves_of, draw_runs
from clearprop.recipes.exhibits import Animation, Picture
from clearprop.recipes.rdfia_circles_runs import (
    BATCHES,
    COLUMNS,
    EPOCHS,
    PUBLISHED,
    RATES,
    SPREADS,
    cell,
    make_circles_net,
    train_all,
)
from clearprop.recipes.recipe import Result, Row
from clearprop.training import fit
from clearprop.training.landscape import Trajectory, loss_landscape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAMES = (10, 0.1)
"""Batch size and learning rate of the run whose map is drawn after every epoch, and whose path is drawn on its landscape."""
STRIP = (0, 1, 2, 5, 10, 20, 50, 150)  # epochs of the strip


def add_pictures(result: Result, data: tuple[Split, Split], rows: list[Row]) -> None:
    """Curves of the published settings, boundaries of the whole grid, and published against obtained."""
    epochs = 20 if result.conditions.quick else EPOCHS
    settings = list(PUBLISHED)
    curves = {
        f"batch {batch_size}, lr {lr:g}": curves_of(history)
        for (batch_size, lr), (_, history) in zip(settings, train_all(data, result.engine, settings, epochs), strict=True)
    }
    result.exhibits.pictures += [
        Picture("network", "The network, 2-4-2, with the names of all quantities", draw_network, (7.5, 4.4), rows=[2, 4, 2]),
        Picture("penalties", "Cross-entropy and squared error against the prediction, for y = 1", draw_penalties, rows=0.1),
        Picture("curves", "Loss and accuracy, seed 0; validation is the test set", draw_runs, (11, 9), rows=curves),
        Picture("boundaries", "The decision boundary of every setting, seed 0", partial(draw_maps, points=data[1]), (13, 11),
                rows={"columns": len(RATES), "panels": grid_panels(data, result.engine, epochs)}),
        Picture("intervals", "Published figures (diamonds) and 5-95 % intervals over the seeds",
                draw_intervals, (8, 6.5), rows=interval_rows(rows)),
    ]  # fmt: skip
    decision_frames(result, data, epochs)


def decision_frames(result: Result, data: tuple[Split, Split], epochs: int) -> None:
    """The decision map after every epoch, as a GIF and as a strip for paper; and the path on the landscape of the loss."""
    rng = np.random.default_rng(0)
    net, path = make_circles_net("code", rng), Trajectory()
    fit(
        net, data[0], loss=CrossEntropy(), optimizer=SGD(FRAMES[1]), batch_size=FRAMES[0], epochs=epochs, seed=rng,
        engine=result.engine, callbacks=[path],
    )  # fmt: skip
    strip = [(f"epoch {epoch}", path.thetas[epoch]) for epoch in STRIP if epoch <= epochs]
    found = loss_landscape(net, data[0], path.thetas, points=31)

    def frame(figure: Figure, k: int) -> None:
        draw_maps(figure, {"columns": 1, "panels": [(f"epoch {k}", path.thetas[k])]}, data[0])

    named = f"batch {FRAMES[0]}, lr {FRAMES[1]:g}"
    result.exhibits.pictures += [
        Picture("strip", f"Decision map after some epochs, {named}", partial(draw_maps, points=data[0]), (10, 5.4),
                rows={"columns": 4, "panels": strip}),
        Picture("landscape", f"Loss landscape with the path of training, {named}", draw_landscape, (6, 4.6),
                rows={"u": found.u, "v": found.v, "loss": found.loss, "path": found.path, "shares": found.shares}),
    ]  # fmt: skip
    result.exhibits.animations.append(Animation("epochs", f"Decision map after every epoch, {named}", epochs + 1, frame))


def draw_maps(figure: Figure, rows: dict[str, Any], points: Split | None = None) -> None:
    """A panel for each net of the plane, from its parameters, or none where it diverged.

    The points on top are those of the built-in set, which have the same distribution, where the course's own are not given.
    """
    from clearprop.plots import boundary_grid

    points = points if points is not None else Split(*make_circles(200, seed=0))
    panels = [(title, None if theta is None else net_of(theta)) for title, theta in rows["panels"]]
    boundary_grid(panels, points, figure, columns=rows["columns"])


def net_of(theta: Array | list[float]) -> Net:
    """The net of the circles with these parameters."""
    net = make_circles_net("code", 0)
    net.theta[:] = theta
    return net


def draw_landscape(figure: Figure, rows: dict[str, Any]) -> None:
    """The loss on the plane of the path, and the share of the path that lies in it."""
    from clearprop import plots

    u, v, loss, path = (np.asarray(rows[name]) for name in ("u", "v", "loss", "path"))
    ax = plots.landscape(u, v, loss, path, figure.subplots())
    ax.set_title(f"{100 * sum(rows['shares']):.0f} % of the path lie in this plane", loc="left", fontsize=10)


def draw_network(figure: Figure, rows: list[int]) -> None:
    """The network of the write-ups' first figure, with the names of all quantities, from its sizes."""
    n_in, n_hidden, n_out = rows
    Net(Linear(n_in, n_hidden), Tanh(), Linear(n_hidden, n_out), Softmax(), seed=0).plot(figure.subplots())


def draw_penalties(figure: Figure, rows: float) -> None:
    """Cross-entropy and squared error against the prediction for y = 1, with their values at a mark."""
    from clearprop import plots

    plots.penalties(rows, figure.subplots())


def grid_panels(data: tuple[Split, Split], engine: str, epochs: int) -> list[tuple[str, Array | None]]:
    """A title and the parameters for each batch size and learning rate; None for a run that diverged."""
    settings = list(product(BATCHES, RATES))
    panels: list[tuple[str, Array | None]] = []
    for (batch_size, lr), (net, history) in zip(settings, train_all(data, engine, settings, epochs), strict=True):
        accuracy = "NaN" if history.nonfinite is not None else f"test {100 * history[-1]['val_accuracy']:.1f} %"
        theta = None if history.nonfinite is not None else net.theta.copy()
        panels.append((f"batch {batch_size}, lr {lr:g}: {accuracy}", theta))
    return panels


def interval_rows(rows: list[Row]) -> dict[str, list[tuple[str, float, list[float]]]]:
    """For each column the published figures, each with its name and the values of all seeds."""
    found: dict[str, list[tuple[str, float, list[float]]]] = {}
    for column in list(COLUMNS)[:3]:
        scale = 100 if "accuracy" in column else 1
        lines = found.setdefault(COLUMNS[column] + (", %" if scale == 100 else ""), [])
        for (batch_size, lr), figures in PUBLISHED.items():
            for init in SPREADS:
                values = [scale * row[column] for row in cell(rows, init, batch_size, lr)]
                if column in figures and values:
                    lines.append((f"{batch_size}, {lr:g}, {init}", figures[column], values))
    return found


def draw_intervals(figure: Figure, rows: dict[str, list[tuple[str, float, list[float]]]]) -> None:
    """Each published figure on the interval of the obtained ones."""
    from clearprop.plots import published_against_obtained

    for ax, (label, lines) in zip(figure.subplots(len(rows), 1), rows.items(), strict=True):
        published_against_obtained([(name, value, values) for name, value, values in lines], ax, label)
