"""The report of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.data.dataset import Dataset, Split
from clearprop.export.model import Model
from clearprop.nn.loss import classes_of
from clearprop.recipes.exhibits import Picture, Table
from clearprop.report.document import Report, Section
from clearprop.training import History
from clearprop.training.outcome import Outcome, true_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {"train": "training", "val": "validation", "test": "test"}
CLASSES = 62  # more make a confusion matrix that nobody can read


def training_report(
    outcome: Outcome,
    configuration: dict[str, Any],
    command: str,
) -> Report:
    """Figures, curves, boundary, confusion, mistakes and timing of one run.

    Parameters
    ----------
    outcome : Outcome
        With all figures of `clearprop.metrics`; for the pictures, its last split of the data is enough.
    configuration : dict
        Everything that decides the run, its seed included.
    command : str
        Command line that repeats it.
    """
    data, model, history, metrics = outcome.data, outcome.model, outcome.history, outcome.metrics
    ending = f"Stopped: {history.stopped}." if history.stopped else ""
    best = f"The network of epoch {history.best_epoch} was kept." if history.best_epoch not in (None, len(history)) else ""
    facts = f"{len(history)} epochs in {outcome.seconds:.1f} s. {ending} {best}".strip()
    sections = [
        Section("Figures of merit", [facts], [figures(metrics)]),
        Section("Network", tables=[layers(model)]),
        Section("Pictures", pictures=pictures(data, model, history, metrics)),
        Section("Epochs", tables=[epochs(history)]),
    ]
    sizes = ", ".join(f"{split['examples']:,} {NAMES.get(name, name)}" for name, split in metrics.items())
    lead = f"{data.name}: {sizes} examples."
    return Report(f"Training on {data.name}", lead, sections, configuration, command)


def figures(metrics: dict[str, dict[str, Any]]) -> Table:
    """A row for each figure, a column for each split."""
    names = [name for name in next(iter(metrics.values())) if name != "confusion"]
    rows = [[name.replace("_", " "), *(split.get(name) for split in metrics.values())] for name in names]
    return Table("", ["", *(NAMES.get(name, name) for name in metrics)], rows)


def layers(model: Model) -> Table:
    """Layers of the network and their parameters."""
    rows = [
        [number, repr(layer), sum(p.size for p in layer.parameters().values())]
        for number, layer in enumerate(model.net.layers, 1)
    ]
    rows.append(["", "all", int(model.net.theta.size)])
    return Table(f"Loss: {model.loss!r}", ["", "layer", "parameters"], rows)


def epochs(history: History) -> Table:
    """Rows of the history."""
    columns = history.columns()
    return Table("", [name.replace("_", " ") for name in columns], [[row.get(name) for name in columns] for row in history])


def pictures(
    data: Dataset, model: Model, history: History, metrics: dict[str, dict[str, Any]], resolution: int = 120
) -> list[Picture]:
    """Learning curves, and the pictures that suit the task: boundary, confusion, mistakes and weights, or the fit.

    Parameters
    ----------
    data : Dataset
    model : Model
    history : History
    metrics : dict of str to dict
        Figures of each split, with the confusion matrix of a classification.
    resolution : int
        Grid points along each side of the decision boundary.
    """
    found = [
        Picture(f"curves-{metric}", f"{metric.capitalize()} by epoch", curve(history, metric))
        for metric in ("loss", "accuracy")
        if f"train_{metric}" in history.columns()
    ]
    if history.nonfinite is not None:
        return found  # outputs may be infinite, and say nothing
    name = next(name for name in ("test", "val", "train") if name in metrics)
    part = data.test or data.val or data.train
    if data.task == "regression":
        return [*found, Picture("fit", f"Predicted against true values, {NAMES[name]} examples", fit(part, model), (4.6, 4.6))]
    if data.n_in == 2:
        found.append(Picture("boundary", "Decision boundary", boundary(data, model, resolution), (5.4, 4.8)))
    if len(data.classes) <= CLASSES:
        side = max(3.6, 0.62 * len(data.classes) + 1.4)
        matrix = np.array(metrics[name]["confusion"])
        found.append(Picture("confusion", f"Confusion, {NAMES[name]} examples", confusion(matrix, data), (side, side)))
    if data.image_shape is not None:
        found.append(Picture("wrong", f"The worst mistakes, {NAMES[name]} examples", mistakes(part, data, model), (7.0, 7.4)))
        W = model.net.layers[0].parameters().get("W")
        if W is not None:
            found.append(Picture("weights", "First-layer weights as images", weights(W, data.image_shape), (8, 4.6)))
    return found


def curve(history: History, metric: str) -> Any:
    """Learning curves."""

    def draw(figure: Figure) -> None:
        from clearprop import plots

        plots.learning_curves(history, figure.subplots(), metric)

    return draw


def boundary(data: Dataset, model: Model, resolution: int) -> Any:
    """Decision boundary in the plane."""

    def draw(figure: Figure) -> None:
        from clearprop import plots

        plots.boundary(model.probabilities, data, figure.subplots(), outputs="probabilities", resolution=resolution)

    return draw


def confusion(matrix: Any, data: Dataset) -> Any:
    """Confusion matrix."""

    def draw(figure: Figure) -> None:
        from clearprop import plots

        plots.confusion(matrix, data.classes, figure.subplots())

    return draw


def mistakes(part: Split, data: Dataset, model: Model) -> Any:
    """Images with the largest errors."""

    def draw(figure: Figure) -> None:
        from clearprop import plots

        X, y = part
        shape = data.image_shape or (1, data.n_in)
        plots.most_wrong(X, classes_of(y), model.probabilities(X), data.classes, shape, figure)

    return draw


def weights(W: Any, shape: tuple[int, int]) -> Any:
    """Weights of the first layer, as images."""

    def draw(figure: Figure) -> None:
        from clearprop.plots.weights import first_layer

        first_layer(W, shape, figure)

    return draw


def fit(part: Split, model: Model) -> Any:
    """Predicted against true values, in the units of the target."""

    def draw(figure: Figure) -> None:
        from clearprop import plots

        plots.regression_fit(true_values(model, part), model.predict(part.X), figure.subplots())

    return draw
