"""The figures of a run, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clearprop.training.outcome import Outcome, true_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_all(outcome: Outcome, directory: Path) -> None:
    """Draw what there is to draw: curves, boundary, confusion, the worst mistakes, or how well a regression fits."""
    from clearprop import plots

    data, model = outcome.data, outcome.model
    part = list(data.splits.values())[-1]
    if len(outcome.history):
        plots.save(curves(outcome), directory / "curves.png")
    if outcome.history.nonfinite is not None:
        return  # outputs may be infinite, and say nothing
    if data.task == "regression":
        plots.save(
            plots.regression_fit(true_values(model, part), model.predict(part.X), _axes(4.6, 4.6)), directory / "fit.png"
        )
        return
    if data.n_in == 2:
        ax = plots.boundary(model.probabilities, data, _axes(5.4, 4.8), outputs="probabilities")
        plots.save(ax, directory / "boundary.png")
    side = max(3.6, 0.62 * len(data.classes) + 1.4)
    if side < 40:  # hundreds of classes make a picture that nobody can read
        matrix = np.array(last_metrics(outcome)["confusion"])
        plots.save(plots.confusion(matrix, data.classes, _axes(side, side)), directory / "confusion.png")
    if data.image_shape is not None:
        from clearprop.nn.loss import classes_of

        p = model.probabilities(part.X)
        figure = plots.most_wrong(part.X, classes_of(part.y), p, data.classes, data.image_shape, _figure(7.0, 7.4))
        plots.save(figure, directory / "wrong.png")


def last_metrics(outcome: Outcome) -> dict[str, list[list[int]]]:
    """Of the test split, or of what there is in its place."""
    return next(outcome.metrics[name] for name in ("test", "val", "train") if name in outcome.metrics)


def curves(outcome: Outcome) -> Figure:
    """Loss and, if there is one, accuracy of every epoch, side by side."""
    from clearprop import plots
    from clearprop.plots.training_curves import METRICS

    metrics = [name for name in METRICS if f"train_{name}" in outcome.history.columns()]
    figure = _figure(5.6 * len(metrics), 3.8)
    for metric, ax in zip(metrics, figure.subplots(1, len(metrics), squeeze=False)[0], strict=True):
        plots.learning_curves(outcome.history, ax, metric)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _axes(width: float, height: float):  # type: ignore[no-untyped-def]
    return _figure(width, height).subplots()
