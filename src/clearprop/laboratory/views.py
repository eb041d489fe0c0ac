"""Views: what the page draws of a run, as JSON-able values; pictures are bytes in base64."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.laboratory.trainer import Trainer, linears_of
from clearprop.nn import Dropout, Linear, Loss, Net
from clearprop.nn.diagram import columns_of

MAP, STILL, SMALL = 56, 112, 20  # points along a side: of the map while a run goes on, and while it stands; of a unit's picture
BINS = 24  # of a histogram of activations
SHOWN_POINTS, SHOWN_UNITS = 1500, 12  # of a split on the map, and of a column of the drawing
SAMPLE = 64  # examples that a unit is shown over, where the plane does not say it all


class Plane:
    """The plane of the data that is shown.

    Parameters
    ----------
    trainer : Trainer
    choice : tuple of int
        Two columns, or (-1, -1) for the two principal components.

    Attributes
    ----------
    centre : array (n_x,)
    axes : array (2, n_x)
        Directions of the two coordinates.
    low, high : array (2,)
        Corners of what is shown.
    """

    def __init__(self, trainer: Trainer, choice: tuple[int, int]) -> None:
        X = trainer.train.X.astype(np.float64)
        n = X.shape[1]
        self.centre = X.mean(axis=0)
        if min(choice) < 0 or max(choice) >= n or choice[0] == choice[1]:
            _, _, directions = np.linalg.svd(X[:2000] - self.centre, full_matrices=False)
            self.axes = np.vstack([directions, np.zeros((2, n))])[:2]
            self.names = ["component 1", "component 2"]
        else:
            self.axes = np.eye(n)[list(choice)]
            self.centre[list(choice)] = 0.0
            features = trainer.data.features
            self.names = [features[k] if k < len(features) else f"x{k + 1}" for k in choice]
        points = self.project(X)
        low, high = np.percentile(points, [0.5, 99.5], axis=0)
        margin = 0.12 * np.maximum(high - low, 1e-9)
        self.low, self.high = low - margin, high + margin

    def project(self, X: Array) -> Array:
        """Coordinates (N, 2) of examples."""
        return (X - self.centre) @ self.axes.T

    def grid(self, size: int) -> Array:
        """Examples (size^2, n_x) on a grid over the plane, the top row first."""
        u, v = (np.linspace(a, b, size) for a, b in zip(self.low, self.high, strict=True))
        points = np.column_stack([np.tile(u, size), np.repeat(v[::-1], size)])
        return self.centre + points @ self.axes


def frame(trainer: Trainer, plane: Plane, net: Net, running: bool = False) -> dict[str, Any]:
    """The moving part of the page: weights, pictures of units, the map, and the last row of the curve.

    Parameters
    ----------
    trainer : Trainer
        Source of what does not move: data, loss, settings.
    plane : Plane
    net : Net
        A copy of the net at one step.
    running : bool
        Whether the next frame comes soon, so that a coarser map will do.
    """
    with np.errstate(all="ignore"):
        return {
            "weights": [{name: rounded(array) for name, array in layer.parameters().items()} for layer in linears_of(net)],
            "units": unit_pictures(trainer, plane, net),
            "map": decision_map(trainer.loss, net, plane, trainer.data.task, MAP if running else STILL),
        }


def rounded(array: Array) -> Any:
    """Nested lists of numbers with six digits; what is not finite is None."""
    if array.ndim > 1:
        return [rounded(row) for row in array]
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in array.tolist()]


def encoded(values: Array) -> str:
    """Numbers between 0 and 255 as base64."""
    return b64encode(np.clip(np.nan_to_num(values, nan=0.0), 0, 255).astype(np.uint8).tobytes()).decode("ascii")


def signed(values: Array) -> Array:
    """Columns scaled by their largest size into 0 to 255, 127.5 for zero."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    size = np.maximum(np.abs(values).max(axis=0, keepdims=True), 1e-12)
    return 127.5 + 127.5 * values / size


def outputs_by_layer(net: Net, X: Array) -> list[Array]:
    """The value of every column of the drawing: the inputs, then each layer's."""
    found = [np.ascontiguousarray(X, dtype=net.dtype)]
    for layer in net.layers:
        found.append(layer.forward(found[-1])[0])
    return found


def unit_pictures(trainer: Trainer, plane: Plane, net: Net) -> list[dict[str, Any]]:
    """For every column that is drawn, a picture of each unit: over the plane, or over examples sorted by class.

    The columns are the inputs, the hidden layers after their activation, and the outputs. Of images, the picture of a pixel is
    its place, and that of a unit which sees all pixels is the image of its weights.
    """
    planar = net.n_in == 2
    X = plane.grid(SMALL) if planar else sample(trainer)
    values = outputs_by_layer(net, X)
    drawn = [0, *drawn_columns(net)]
    side, image = SMALL if planar else round(len(X) ** 0.5), image_side(trainer)
    found = []
    for place, column in enumerate(drawn):
        seen = values[column]
        if image and place == 0:
            seen = np.eye(net.n_in or 0)
        elif image and place == 1:
            seen = linears_of(net)[0].W
        pictures = signed(seen).T[:SHOWN_UNITS]
        shown_side = image if image and place < 2 else side
        found.append({"column": column, "side": shown_side, "pictures": [encoded(picture) for picture in pictures]})
    return found


def image_side(trainer: Trainer) -> int:
    """Pixels along a side of the images that the net sees; 0 if its inputs are no square images."""
    shape = trainer.data.image_shape
    return (
        shape[0] if shape is not None and len(shape) == 2 and shape[0] == shape[1] and shape[0] ** 2 == trainer.net.n_in else 0
    )


def sample(trainer: Trainer) -> Array:
    """Examples that units are shown over: sorted by class or target, spread over all."""
    y = trainer.train.y
    order = np.argsort(y if y.ndim == 1 else y[:, 0], kind="stable")
    n = min(SAMPLE, int(len(order) ** 0.5) ** 2)  # a square
    return trainer.train.X[order[np.linspace(0, len(order) - 1, n).astype(int)]]


def drawn_columns(net: Net) -> list[int]:
    """Numbers of the values that have a column of their own: of each linear layer, what the next one is handed.

    A Dropout has none: it changes nothing but the training steps themselves.
    """
    found: list[int] = []
    for k, layer in enumerate(net.layers, 1):
        if isinstance(layer, Linear) or not found:
            found.append(k)
        elif not isinstance(layer, Dropout):
            found[-1] = k
    return found


def decision_map(loss: Loss, net: Net, plane: Plane, task: str, side: int) -> dict[str, Any]:
    """The prediction over the plane: the class of each point of a grid and how sure it is, or the value."""
    scores = net(plane.grid(side))
    if task == "regression":
        values = scores[:, 0]
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        shares = (values - low) / ((high - low) or 1.0)
        return {"kind": "value", "side": side, "low": low, "high": high, "values": encoded(255 * shares)}
    p = np.asarray(loss.probabilities(scores))
    p = np.column_stack([1 - p, p]) if p.ndim == 1 or p.shape[1] == 1 else p
    winner, best = p.argmax(axis=1), p.max(axis=1)
    sure = (best - 1 / p.shape[1]) / (1 - 1 / p.shape[1])
    return {"kind": "class", "side": side, "classes": encoded(winner), "sure": encoded(255 * sure)}


def scene(trainer: Trainer, plane: Plane) -> dict[str, Any]:
    """The part of the page that stands still until the data or the net change: points, classes, the columns of the drawing."""
    net, data = trainer.net, trainer.data
    shown = {name: split for name, split in data.splits.items() if name in ("train", "val")}
    columns = columns_of(net.layers, net.n_in)
    drawn = [0, *drawn_columns(net)]
    return {
        "task": data.task,
        "classes": [str(label) for label in data.classes],
        "features": [str(name) for name in data.features[:200]],
        "n": {"train": len(trainer.train), "val": len(trainer.data.splits.get("val", ()))},
        "plane": {"low": plane.low.tolist(), "high": plane.high.tolist(), "names": plane.names},
        "points": {name: points(split.X, split.y, plane) for name, split in shown.items()},
        "columns": [{"column": k, "symbol": columns[k].symbol, "size": columns[k].size or 0} for k in drawn],
        "layers": [repr(layer) for layer in net.layers],
        "parameters": int(net.theta.size),
        "per_epoch": trainer.per_epoch,
        "batch_size": trainer.batch_size,
        "engine": type(trainer.engine).__name__,
        "notes": list(data.notes),
        "image": list(data.image_shape) if data.image_shape is not None else None,
    }  # fmt: skip


def points(X: Array, y: Array, plane: Plane) -> list[list[float]]:
    """Points of a split as [u, v, class or value]."""
    chosen = np.linspace(0, len(X) - 1, min(len(X), SHOWN_POINTS)).astype(int) if len(X) else np.empty(0, dtype=int)
    places = plane.project(X[chosen].astype(np.float64))
    targets = y[chosen] if y.ndim == 1 else y[chosen, 0] if y.shape[1] == 1 else y[chosen].argmax(axis=1)
    return [[round(float(u), 4), round(float(v), 4), round(float(c), 4)] for (u, v), c in zip(places, targets, strict=True)]


def insights(trainer: Trainer, net: Net) -> dict[str, Any]:
    """The part that is looked at now and then: the confusion matrix and the histograms of activations, on validation."""
    X, y = trainer.val.X[:2000], trainer.val.y[:2000]
    with np.errstate(all="ignore"):
        values = outputs_by_layer(net, X)
    found: dict[str, Any] = {"histograms": [], "confusion": None}
    columns = columns_of(net.layers, net.n_in)
    for k in drawn_columns(net):
        finite = values[k][np.isfinite(values[k])]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        counts, _ = np.histogram(finite, BINS, (low, high if high > low else low + 1))
        found["histograms"].append({"symbol": columns[k].symbol, "low": low, "high": high, "counts": counts.tolist()})
    n = len(trainer.data.classes)
    if trainer.data.task == "classification" and n:
        p = np.asarray(trainer.loss.probabilities(values[-1]))
        guess = (p.ravel() > 0.5).astype(int) if p.ndim == 1 or p.shape[1] == 1 else p.argmax(axis=1)
        truth = y if y.ndim == 1 else y[:, 0].astype(int) if y.shape[1] == 1 else y.argmax(axis=1)
        matrix = np.zeros((n, n), dtype=int)
        np.add.at(matrix, (truth.astype(int), guess), 1)
        found["confusion"] = matrix.tolist()
    return found
