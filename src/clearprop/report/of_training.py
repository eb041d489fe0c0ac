"""The report of a training run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop import plots
from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.dataset import SPLITS, Dataset, Split
from clearprop.data.notes import some
from clearprop.data.scaling import Scaling
from clearprop.export.model import Model
from clearprop.metrics import calibration_metrics, reliability
from clearprop.nn.loss import classes_of
from clearprop.plots.training_curves import METRICS, Metric
from clearprop.recipes.exhibits import Picture, Table
from clearprop.report.document import Document, Section
from clearprop.training import History
from clearprop.training.influences import (
    MOST_COLUMNS,
    partial_dependence,
    permutation_importance,
    places_of,
    score_of,
)
from clearprop.training.outcome import Outcome, true_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSES = 62  # a confusion matrix of more is not readable


@checked
def training_report(outcome: Outcome, configuration: dict[str, Any], command: str) -> Document:
    """Figures, curves, boundary, confusion, mistakes and timing of one run.

    Parameters
    ----------
    outcome : Outcome
        With all figures of `clearprop.metrics`. For the pictures, the last split of the data is enough.
    configuration : dict
        Everything that decides the run, the seed included.
    command : str
        Command line that repeats the run.
    """
    history, metrics, name = outcome.history, outcome.metrics, outcome.data.name
    ending = f"Stopped: {history.stopped}." if history.stopped else ""
    best = f"The network of epoch {history.best_epoch} was kept." if history.best_epoch not in (None, len(history)) else ""
    facts = f"{len(history)} epochs in {outcome.seconds:.1f} s. {ending} {best}".strip()
    sections = [
        Section("Figures of merit", [facts], [figures_table(metrics)]),
        Section("Data", outcome.data.notes, [data_table(outcome.data)]),
        Section("Network", tables=[layers_table(outcome.model)]),
        *([Section("Settings that were tried", tables=[tried_table(outcome.tried)])] if outcome.tried else []),
        Section("Pictures", pictures=pictures(outcome)),
        Section("Epochs", tables=[epochs_table(history)]),
    ]
    sizes = ", ".join(f"{figures['examples']:,} {SPLITS[split]}" for split, figures in metrics.items())
    return Document(f"Training on {name}", f"{name}: {sizes} examples.", sections, configuration, command)


def figures_table(metrics: dict[str, dict[str, Any]]) -> Table:
    """A row for each figure, a column for each split."""
    names = [name for name in next(iter(metrics.values())) if name != "confusion"]
    rows = [[name.replace("_", " "), *(split.get(name) for split in metrics.values())] for name in names]
    return Table("", ["", *(SPLITS[name] for name in metrics)], rows)


def data_table(data: Dataset) -> Table:
    """The target, the inputs, their scaling, and the treatment of missing cells."""
    encoder = data.encoder
    columns = [] if encoder is None else encoder.columns
    filled = [f"{column.name} ({column.fill})" for column in columns if column.fill is not None]
    rows: list[list[Any]] = [["task", data.task], ["target", some(data.targets)]]
    if data.classes:
        rows.append(["classes", f"{len(data.classes)}: {some(data.classes, 20)}"])
    rows.append(["inputs", f"{data.n_in}: {some([column.name for column in columns] or data.features, 20)}"])
    rows.append(["scaling", "none" if encoder is None else encoder.scaling_in_words()])
    if columns:
        rows.append(["missing values filled", some(filled, 20) or "none"])
    return Table("", ["", ""], rows)


def tried_table(tried: list[dict[str, Any]]) -> Table:
    """The settings that a search has tried, best first; a lower score on held-out rows is better."""
    rows = [["-".join(map(str, one["hidden"])) or "none", one["weight_decay"], one["score"]] for one in tried]
    return Table("", ["hidden units", "weight decay", "score"], rows)


def layers_table(model: Model) -> Table:
    """The layers of the network, with their numbers of parameters."""
    rows = [
        [number, repr(layer), sum(p.size for p in layer.parameters().values())]
        for number, layer in enumerate(model.net.layers, 1)
    ]
    rows.append(["", "all", int(model.net.theta.size)])
    return Table(f"Loss: {model.loss!r}", ["", "layer", "parameters"], rows)


def epochs_table(history: History) -> Table:
    """The history, one row for each epoch."""
    columns = history.columns()
    return Table("", [name.replace("_", " ") for name in columns], [[row.get(name) for name in columns] for row in history])


def pictures(outcome: Outcome, resolution: int = 120) -> list[Picture]:
    """Learning curves, and the pictures that suit the task: boundary, confusion, mistakes and weights, or the fit.

    Parameters
    ----------
    outcome : Outcome
    resolution : int
        Grid points along each side of the decision boundary.
    """
    data, model, history, metrics = outcome.data, outcome.model, outcome.history, outcome.metrics
    found = [
        Picture(f"curves-{metric}", f"{metric.capitalize()} by epoch", partial(draw_curves, history, metric))
        for metric in METRICS
        if f"train_{metric}" in history.columns()
    ]
    if history.nonfinite is not None:
        return found  # the outputs may be infinite
    last = list(metrics)[-1]
    of = f"{SPLITS[last]} examples"
    if data.task == "regression":
        found.append(Picture("fit", f"Predicted against true values, {of}", partial(draw_fit, outcome), (4.6, 4.6)))
        return found + influence_pictures(outcome, of)
    if data.n_in == 2:
        draw_plane = partial(draw_boundary, outcome, resolution)
        found.append(Picture("boundary", "Decision boundary", draw_plane, (5.4, 4.8), layout=None))
    if len(data.classes) <= CLASSES:
        side = max(3.6, 0.62 * len(data.classes) + 1.4)
        matrix = np.array(metrics[last]["confusion"])
        draw_matrix = partial(draw_confusion, matrix, data.classes)
        found.append(Picture("confusion", f"Confusion, {of}", draw_matrix, (side, side), layout=None))
    found.append(
        Picture("reliability", f"Reliability of the probabilities, {of}", partial(draw_reliability, outcome), (4.4, 4.4))
    )
    found += influence_pictures(outcome, of)
    if data.image_shape is not None:
        found.append(Picture("wrong", f"The worst mistakes, {of}", partial(draw_mistakes, outcome), (7.0, 7.4)))
        W = model.net.layers[0].parameters().get("W")
        if W is not None:
            draw = partial(plots.first_layer, W, data.image_shape)
            found.append(Picture("weights", "First-layer weights as images", draw, (8, 4.6)))
    return found


def influence_pictures(outcome: Outcome, of: str) -> list[Picture]:
    """Importance of the columns, and the course of the prediction with the most important ones; none for images."""
    places = places_of(outcome.model)
    if outcome.data.image_shape is not None or not 2 <= len(places) <= MOST_COLUMNS:
        return []
    ranked = cache(partial(permutation_importance, outcome.model, list(outcome.data.splits.values())[-1]))
    height = 1.2 + 0.28 * min(len(places), 20)
    return [
        Picture("importance", f"Importance of the columns, {of}", partial(draw_importance, outcome, ranked), (5.6, height)),
        Picture("dependence", f"Partial dependence, {of}", partial(draw_dependence, outcome, ranked), (8.4, 5.6)),
    ]


def draw_importance(outcome: Outcome, ranked: Callable[[], list[dict[str, Any]]], figure: Figure) -> None:
    """The loss of score when each column is shuffled."""
    plots.importance(ranked(), figure.subplots(), score_of(outcome.model)[0])


def draw_dependence(outcome: Outcome, ranked: Callable[[], list[dict[str, Any]]], figure: Figure) -> None:
    """The mean prediction against each of the four most important columns."""
    split = list(outcome.data.splits.values())[-1]
    curves = [partial_dependence(outcome.model, split, row["column"]) for row in ranked()]
    shown = [rows for rows in curves if rows][:4]
    for rows, ax in zip(shown, figure.subplots(-(-len(shown) // 2), min(2, len(shown)), squeeze=False).ravel(), strict=False):
        plots.dependence(rows, ax)
    for ax in figure.axes[len(shown) :]:
        ax.set_visible(False)


def draw_reliability(outcome: Outcome, figure: Figure) -> None:
    """Accuracy against confidence, in the last split."""
    X, y = list(outcome.data.splits.values())[-1]
    p, classes = outcome.model.probabilities(X), classes_of(y).astype(np.int64)
    plots.reliability(reliability(classes, p), figure.subplots(), f"ECE {calibration_metrics(classes, p)['ece']:.3f}")


def draw_curves(history: History, metric: Metric, figure: Figure) -> None:
    """Learning curves."""
    plots.learning_curves(history, figure.subplots(), metric, history.best_epoch)


def draw_boundary(outcome: Outcome, resolution: int, figure: Figure) -> None:
    """Decision boundary, for data in the plane."""
    data, scaling = in_units(outcome.data)

    def predict(X: Array) -> Array:
        return outcome.model.probabilities(scaling.apply(X, outcome.model.net.dtype))

    plots.boundary(predict, data, figure.subplots(), outputs="probabilities", resolution=resolution)


def in_units(data: Dataset) -> tuple[Dataset, Scaling]:
    """The data with their inputs in the units of the source, and the scaling from there; as they are if some are categories."""
    encoder = data.encoder
    if encoder is None:
        return data, Scaling()
    inputs = encoder.inputs
    if not isinstance(inputs, Scaling):
        scalings = [
            column.scaling for column in inputs if column.scaling is not None and not column.marked and not column.parts
        ]
        if len(scalings) != data.n_in:
            return data, Scaling()
        inputs = Scaling(tuple(s.shift[0] for s in scalings), tuple(s.spread[0] for s in scalings))
    splits = {name: Split(inputs.undo(split.X), split.y) for name, split in data.splits.items()}
    return replace(data, splits=splits), inputs


def draw_confusion(matrix: Any, classes: list[Any], figure: Figure) -> None:
    """Confusion matrix."""
    plots.confusion(matrix, classes, figure.subplots())


def draw_mistakes(outcome: Outcome, figure: Figure) -> None:
    """The worst mistakes of the last split, as images."""
    data, model = outcome.data, outcome.model
    X, y = list(data.splits.values())[-1]
    plots.most_wrong(X, classes_of(y), model.probabilities(X), data.classes, data.image_shape or (1, data.n_in), figure)


def draw_fit(outcome: Outcome, figure: Figure) -> None:
    """Predicted against true values of the last split, in the units of the target."""
    last = list(outcome.data.splits.values())[-1]
    ax = plots.regression_fit(true_values(outcome.model, last), outcome.model.predict(last.X), figure.subplots())
    if len(outcome.data.targets) == 1:
        target = outcome.data.targets[0]
        ax.set_xlabel(f"{target}, true value")
        ax.set_ylabel(f"{target}, predicted value")
