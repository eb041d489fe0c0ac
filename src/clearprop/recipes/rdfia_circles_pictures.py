"""The pictures of the circles: the network, the losses, curves, decision maps, the landscape, and the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.data.dataset import Split
from clearprop.nn import CrossEntropy, Linear, Net, Softmax, Tanh
from clearprop.optim import SGD
from clearprop.plots.training_curves import METRICS
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
    runs: dict[str, Any] = {"data": data, "engine": result.engine, "epochs": epochs}
    result.exhibits.pictures += [
        Picture("network", "The network, 2-4-2, with the names of all quantities", draw_network, (7.5, 4.4)),
        Picture("penalties", "Cross-entropy and squared error against the prediction, for y = 1", draw_penalties),
        Picture("curves", "Loss and accuracy, seed 0; validation is the test set", partial(draw_curves, **runs), (11, 9)),
        Picture("boundaries", "The decision boundary of every setting, seed 0", partial(draw_boundaries, **runs), (13, 11)),
        Picture("intervals", "Published figures (diamonds) and 5-95 % intervals over the seeds",
                partial(draw_intervals, rows=rows), (8, 6.5)),
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
    strip = [epoch for epoch in STRIP if epoch <= epochs]

    def draw(figure: Figure, epochs_shown: Sequence[int]) -> None:
        from clearprop.plots import boundary_grid

        panels = []
        for epoch in epochs_shown:
            at = net.copy()
            at.theta[:] = path.thetas[epoch]
            panels.append((f"epoch {epoch}", at))
        boundary_grid(panels, data[0], figure, columns=min(4, len(panels)))

    def slope(figure: Figure) -> None:
        from clearprop import plots

        found = loss_landscape(net, data[0], path.thetas)
        ax = plots.landscape(found.u, found.v, found.loss, found.path, figure.subplots())
        ax.set_title(f"{100 * sum(found.shares):.0f} % of the path lie in this plane", loc="left", fontsize=10)

    named = f"batch {FRAMES[0]}, lr {FRAMES[1]:g}"
    result.exhibits.pictures += [
        Picture("strip", f"Decision map after some epochs, {named}", lambda figure: draw(figure, strip), (10, 5.4)),
        Picture("landscape", f"Loss landscape with the path of training, {named}", slope, (6, 4.6)),
    ]
    result.exhibits.animations.append(
        Animation("epochs", f"Decision map after every epoch, {named}", epochs + 1, lambda figure, k: draw(figure, [k]))
    )


def draw_network(figure: Figure) -> None:
    """The network of the write-ups' first figure, 2-4-2, with the names of all quantities."""
    Net(Linear(2, 4), Tanh(), Linear(4, 2), Softmax(), seed=0).plot(figure.subplots())


def draw_penalties(figure: Figure) -> None:
    """Cross-entropy and squared error against the prediction for y = 1, with their values at 0.1."""
    from clearprop import plots

    plots.penalties(0.1, figure.subplots())


def draw_curves(figure: Figure, data: tuple[Split, Split], engine: str, epochs: int) -> None:
    """Loss and accuracy of the four settings with published figures."""
    from clearprop import plots
    from clearprop.plots import style

    settings = list(PUBLISHED)
    runs = train_all(data, engine, settings, epochs)
    for axes, (batch_size, lr), (_, history) in zip(figure.subplots(len(PUBLISHED), 2), settings, runs, strict=True):
        for ax, metric in zip(axes, METRICS, strict=True):
            plots.learning_curves(history, ax, metric)
            ax.text(0.98, 0.5, f"batch {batch_size}, lr {lr:g}", transform=ax.transAxes, ha="right", fontsize=style.LABEL)


def draw_boundaries(figure: Figure, data: tuple[Split, Split], engine: str, epochs: int) -> None:
    """A panel for each batch size and learning rate."""
    from clearprop.plots import boundary_grid

    settings, panels = list(product(BATCHES, RATES)), []
    for (batch_size, lr), (net, history) in zip(settings, train_all(data, engine, settings, epochs), strict=True):
        accuracy = "NaN" if history.nonfinite is not None else f"test {100 * history[-1]['val_accuracy']:.1f} %"
        predict = None if history.nonfinite is not None else net
        panels.append((f"batch {batch_size}, lr {lr:g}: {accuracy}", predict))
    boundary_grid(panels, data[1], figure, columns=len(RATES))


def draw_intervals(figure: Figure, rows: list[Row]) -> None:
    """Each published figure on the interval of the obtained ones."""
    from clearprop.plots import published_against_obtained

    axes = figure.subplots(3, 1)
    for ax, column in zip(axes, list(COLUMNS)[:3], strict=True):
        scale = 100 if "accuracy" in column else 1
        lines = []
        for (batch_size, lr), figures in PUBLISHED.items():
            for init in SPREADS:
                values = [scale * row[column] for row in cell(rows, init, batch_size, lr)]
                if column in figures and values:
                    lines.append((f"{batch_size}, {lr:g}, {init}", figures[column], values))
        published_against_obtained(lines, ax, COLUMNS[column] + (", %" if scale == 100 else ""))
