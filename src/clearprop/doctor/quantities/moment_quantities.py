"""Quantities of the net in training: scores, activations, gradients, outputs, and the movement of the parameters."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.case import holds_labels, is_frozen, labels_of
from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.doctor.scoring import score
from clearprop.nn import ReLU, Sigmoid, Tanh
from clearprop.training.history import Row

FLAT = 0.02  # share of the largest slope: beyond |z| = 5.3 for a sigmoid, 2.6 for tanh


class Scores(OfMoment):
    """One row a moment: score and accuracy on the sample of the training examples, and on the validation examples."""

    name = "scores"

    def measure(self, moment: Moment) -> list[Row]:
        case = moment.case
        train, accuracy = score(case, moment.net, moment.sample, moment.outputs[-1])
        row = {**moment.stamp, "train": train, "accuracy": accuracy}
        if moment.held_out is not None:
            row["val"], row["val_accuracy"] = score(case, moment.net, moment.held_out)
        if moment.epoch and holds_labels(case.train.y):
            p = case.loss.probabilities(moment.outputs[-1])
            y = labels_of(moment.sample.y)
            if p is not None and p.shape[1] > y.max():
                predicted = p.argmax(axis=1)
                recalls = [float((predicted[y == c] == c).mean()) for c in np.unique(y)]
                row["worst_recall"] = min(recalls)
                row["balanced"] = float(np.mean(recalls))
        return [row]


class Activations(OfMoment):
    """A row per activation layer. `dead` counts units whose output is 0 for *all* examples of the sample; `saturated` is the
    share of examples x units at which the slope is below 2 % of its largest value.
    """

    name = "activations"
    dense = True

    def measure(self, moment: Moment) -> list[Row]:
        rows = []
        for number, layer, _, a in moment.layers():
            if not isinstance(layer, (ReLU, Sigmoid, Tanh)):
                continue
            row = {**moment.stamp, "layer": number, "kind": type(layer).__name__, "units": a.shape[1], "examples": len(a)}
            row["last"] = number >= len(moment.net.layers)
            if isinstance(layer, ReLU):
                alive = (a > 0).any(axis=0)
                row |= {"dead": int((~alive).sum()), "zeros": float((a == 0).mean())}
            else:
                slope = layer.df(a) * (4 if isinstance(layer, Sigmoid) else 1)
                row["saturated"] = float((slope < FLAT).mean())
            if moment.end:
                row |= {"mean": float(a.mean()), "spread": float(a.std()), "across": float(a.std(axis=0).mean())}
            rows.append(row)
        return rows


class Gradients(OfMoment):
    """A row per layer with parameters: root mean square of its gradients, of the gradient that reaches it, and of its input."""

    name = "gradients"

    def measure(self, moment: Moment) -> list[Row]:
        rows: list[Row] = []
        if not moment.gradients:  # no backward pass was made
            return rows
        for i, (own, delta, x) in enumerate(zip(moment.gradients, moment.deltas, moment.inputs, strict=True), 1):
            if own:
                rms = {
                    "rms": size(np.concatenate([g.ravel() for g in own.values()])),
                    "reaching": size(delta),
                    "entering": size(x),
                }
                parts = {name: float(np.abs(g).max()) for name, g in own.items()}
                rows.append({**moment.stamp, "layer": i, **rms, "parts": parts})
        return rows


def size(a: Array) -> float:
    """Root mean square."""
    return float(np.sqrt((a.astype(np.float64) ** 2).mean()))


class Outputs(OfMoment):
    """One row: spread of the predictions over the inputs, the layer behind which it is lost, and their range."""

    name = "outputs"

    def measure(self, moment: Moment) -> list[Row]:
        a = moment.outputs[-1].astype(np.float64)
        across = float(a.std(axis=0).mean())
        row = {**moment.stamp, "across": across, "low": float(a.min()), "high": float(a.max())}
        row["size"] = float(np.abs(a).mean())
        varies = across > 1e-3 * max(1.0, row["size"])
        return [{**row, "lost": None if varies else self.losing(moment)}]

    @staticmethod
    def losing(moment: Moment) -> int | None:
        """The first layer whose outputs are all alike, though its inputs are not."""
        for number, _, x, out in moment.layers():
            given, left = (float(v.astype(np.float64).std(axis=0).mean()) for v in (x, out))
            if given > 1e-6 and left < 1e-6 * max(given, 1.0):
                return number
        return None


class Movement(OfMoment):
    """A row per parameter array: its size, and how far it moved in the last epoch and since the start."""

    name = "movement"

    def measure(self, moment: Moment) -> list[Row]:
        rows: list[Row] = []
        if moment.theta_before is None:
            return rows
        start = 0
        places = {id(layer): i for i, layer in reversed(list(enumerate(moment.net.layers, 1)))}
        first = moment.case.net.theta.astype(np.float64)
        for layer in moment.net.unique_layers():
            on_purpose = is_frozen(layer)
            for name, array in layer.parameters().items():
                piece = slice(start, start + array.size)
                start += array.size
                now = array.ravel().astype(np.float64)
                size = float(np.sqrt((now**2).mean()))
                change = float(np.sqrt(((now - moment.theta_before[piece]) ** 2).mean()))
                total = float(np.sqrt(((now - first[piece]) ** 2).mean()))
                stamp = {**moment.stamp, "layer": places[id(layer)], "parameter": name, "frozen": on_purpose}
                rows.append({**stamp, "size": size, "change": change, "total": total})
        return rows
