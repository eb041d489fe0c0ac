"""Quantities of the net and its settings, measured once, before training: structure, settings, baseline, repeatability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.doctor.quantities.quantity import OfCase, OfSample
from clearprop.doctor.scoring import base_score
from clearprop.nn import BatchNorm, Dropout, ElementwiseLoss, Linear, ReLU
from clearprop.training.history import Row


class SettingsOfRun(OfCase):
    """One row: loss, optimizer, rates, batches, epochs."""

    name = "settings"

    def measure(self, case: Case) -> list[Row]:
        optimizer, loss, settings, steps = case.optimizer, case.loss, case.settings, case.steps
        config = loss.config()
        return [
            {
                "loss": config["type"],
                "reduction": config.get("reduction", "mean"),
                "raw": bool(config.get("raw", False)),
                "broadcast": isinstance(loss, ElementwiseLoss) and loss.broadcast,
                "optimizer": type(optimizer).__name__,
                "lr": rate_given(optimizer.config().get("lr"), max(optimizer.rate(t) for t in (0, steps // 3, steps // 10))),
                "momentum": float(optimizer.config().get("momentum", 0.0)),
                "weight_decay": optimizer.weight_decay,
                "clip_norm": optimizer.clip_norm,
                "dropout": max((layer.rate for layer in case.net.layers if isinstance(layer, Dropout)), default=0.0),
                "batch_size": case.size,
                "examples": len(case.train),
                "epochs": settings.epochs,
                "steps": steps,
                "order": settings.order,
                "metric": case.metric,
                "patience": case.patience,
                "classes": case.classes,
                "dtype": case.net.dtype.name,
            }
        ]


def rate_given(lr: Any, highest: float) -> float:
    """The learning rate as the person wrote it: of a schedule, the figure that its highest rate comes from."""
    if isinstance(lr, (int, float)):
        return float(lr)
    if isinstance(lr, dict):
        return max(
            (float(lr[key]) for key in ("lr", "max_lr", "first") if isinstance(lr.get(key), (int, float))), default=highest
        )
    return highest


class Structure(OfCase):
    """A row per layer; for a Linear also the `gain` of its initial weights.

    With independent weights, var(y) = n_in var(W) E[x^2]; the gain sqrt(n_in var W), divided by sqrt 2 before a ReLU, is 1
    when a layer neither shrinks nor blows up. `alike` is the largest difference between columns of W: 0 where all are equal.
    """

    name = "structure"

    def measure(self, case: Case) -> list[Row]:
        layers = case.net.layers
        rows: list[Row] = []
        width = case.net.n_in
        for i, layer in enumerate(layers):
            width = layer.width(width)
            row: Row = {"layer": i + 1, "kind": type(layer).__name__, "width": width, "repr": repr(layer)}
            if isinstance(layer, Linear):
                following = layers[i + 1] if i + 1 < len(layers) else None
                half = np.sqrt(2.0) if isinstance(following, ReLU) else 1.0
                W = layer.W.astype(np.float64)
                spread = float(np.sqrt((W**2).mean()))
                row |= {
                    "n_in": layer.n_in,
                    "spread": spread,
                    "gain": spread * float(np.sqrt(layer.n_in)) / half,
                    "alike": float(np.abs(W - W[:, :1]).max()),
                    "bias": float(np.abs(layer.b).max()) if layer.bias else 0.0,
                    "before": type(following).__name__ if following is not None else "",
                    "normalised": isinstance(following, BatchNorm),
                }
            rows.append(row)
        return rows


class Baseline(OfSample):
    """One row: the score of the best constant prediction (the entropy of the class shares, or the variance), and ln C."""

    name = "baseline"

    def measure(self, case: Case, sample: Split) -> list[Row]:
        n = case.net.n_out or 1
        return [{"score": base_score(case, sample), "uniform": math.log(max(n, 2))}]


class Repeatability(OfCase):
    """One row: the first layer whose output differs when the same input is evaluated twice, and by how much."""

    name = "repeatability"

    def measure(self, case: Case) -> list[Row]:
        net = case.net.copy()
        x = np.nan_to_num(case.train.X[:64].astype(net.dtype), posinf=0.0, neginf=0.0)
        for i, layer in enumerate(net.layers, 1):
            a, b = layer(x), layer(x)
            difference = float(np.abs(a - b).max()) if a.size else 0.0
            if difference > 0:
                return [{"difference": difference, "layer": i, "repr": repr(layer), "zeros": float((a == 0).mean())}]
            x = a
        return [{"difference": 0.0, "layer": None}]
