"""Rules about the outcome: what was learned, and what was not."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.rules.rule import Rule, improved, val_improved
from clearprop.training.history import Row

USUAL = ("Linear", "ReLU", "Sigmoid", "Tanh", "Softmax", "Dropout", "BatchNorm")  # layers that other rules are about


class ConstantPredictor(Rule):
    """A net whose prediction does not depend on the input."""

    slug = "constant-predictor"

    def find(self, chart: Chart) -> Finding | None:
        first, last = chart.one("outputs"), next(iter(chart.latest("outputs")), {})
        if not last:
            return None
        kinds = {row["layer"]: row["kind"] for row in chart.rows("structure")}
        if kinds.get(first.get("lost")) not in (None, *USUAL) and last.get("lost") == first["lost"]:
            return self.told(chart, last, first["lost"])
        if last["across"] > 1e-3 * max(1.0, last["size"]) or not chart.final > 0.95 * chart.base:
            return None
        return self.told(chart, last, None)

    def told(self, chart: Chart, row: Row, layer: int | None) -> Finding:
        """The finding, with the layer behind which all inputs are alike, if there is such a layer from the start."""
        where = f"; behind layer {layer} all examples are alike, already before training" if layer else ""
        return self.finding(
            f"The net predicts the same for every input (standard deviation {row['across']:.3g}): its loss is"
            f" {chart.final:.3g}, that of the best constant {chart.base:.3g}{where}.",
            "The minimum of the loss over constants is the entropy of the class shares (ln C for equal ones), or the variance.",
            Remedy(
                f"remove layer {layer}, or fix it" if layer else "start again with fresh weights and smaller steps",
                ({"drop_layer": layer},) if layer else ({"init": "default"}, {"rate": 0.1}, {"init": "default", "rate": 0.1}),
            ),
            when="behind one layer" if layer else "",
            where=f"layer {layer}" if layer else "the whole net",
            evidence={"across": row["across"], "layer": layer, "final": chart.final, "base": chart.base},
        )


class StrongRegularisation(Rule):
    """Weight decay or dropout so strong that the net cannot learn."""

    slug = "strong-regularisation"

    def find(self, chart: Chart) -> Finding | None:
        settings = chart.one("settings")
        if not settings or not chart.final > 0.4 * chart.base:
            return None
        decay, dropout = settings["weight_decay"], settings["dropout"]
        options: tuple[dict[str, Any], ...]
        if decay > 0:
            what, options = f"weight_decay={decay:.3g}", ({"optimizer": {"weight_decay": 0.0}},)
        elif dropout >= 0.6:
            what, options = f"a dropout rate of {dropout:.3g}", ({"dropout": 0.1},)
        else:
            return None
        shrunk = [row["size"] for row in chart.latest("movement") if row["parameter"] == "W"]
        return self.finding(
            f"The regularisation is too strong: with {what} the training loss stays at {chart.final:.3g} (the best constant:"
            f" {chart.base:.3g}), and the weights at {min(shrunk, default=0.0):.3g}.",
            "L + w |theta|^2 / 2 has its minimum where dL/dtheta = -w theta: a large w leaves theta near 0.",
            Remedy("weaken the regularisation", options),
            where="optimizer" if decay > 0 else "dropout",
            evidence={"weight_decay": decay, "dropout": dropout},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly more without, on held-out examples too."""
        return improved(before, after, 0.6) and val_improved(before, after, 0.95)


class Underfitting(Rule):
    """A training loss that settles high because the net is too small."""

    slug = "underfitting"

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        linear = [row for row in chart.rows("structure") if row["kind"] == "Linear"]
        widths = [row["width"] for row in linear[:-1]]
        other = any(row["kind"] not in (*USUAL, "Conv") for row in chart.rows("structure")) or chart.one("settings").get(
            "opaque"
        )
        if len(scores) < 5 or not chart.final > 0.3 * chart.base or min(widths, default=0) > 8:
            return None
        if other and chart.one("settings").get("torch"):  # a recurrent net, say, whose hidden units are elsewhere
            return None
        shape = f"hidden layers of {widths} units" if widths else "no hidden layer"
        return self.finding(
            f"The net is too small: with {shape} the training loss settles at {chart.final:.3g} (the best constant:"
            f" {chart.base:.3g}).",
            "Each ReLU folds the space along one hyperplane, so few of them leave few pieces; without any, the boundary is"
            " straight, whatever the weights.",
            Remedy("give the net more hidden units", ({"hidden": 24}, {"hidden": 64})),
            where="hidden layers",
            evidence={"widths": widths, "final": chart.final},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the larger net learns clearly more, on held-out examples too."""
        return improved(before, after, 0.7) and after.final < 0.7 * before.final and val_improved(before, after, 0.9)


class Overfitting(Rule):
    """A validation loss that rises while the training loss goes on falling."""

    slug = "overfitting"

    def find(self, chart: Chart) -> Finding | None:
        val, train = chart.column("scores", "val")[1:], chart.column("scores", "train")[1:]
        settings = chart.one("settings")
        if len(val) < 5 or not np.isfinite(val).all() or settings.get("patience") or settings.get("default_epochs"):
            return None
        best = int(np.argmin(val))
        end = float(np.median(val[-3:]))
        if end < 1.35 * val[best] + 0.08 * chart.base or best > 0.75 * len(val) or train[-1] > 0.95 * train[best]:
            return None
        return self.finding(
            f"The net over-fits: the validation loss is lowest ({val[best]:.3g}) in epoch {best + 1} and rises to {end:.3g},"
            f" while the training loss falls from {train[best]:.3g} to {train[-1]:.3g}.",
            "E[validation loss] = error of the common rule + what was learned of the noise: the second part grows every epoch.",
            Remedy("keep the net of the best validation epoch (EarlyStopping)", ({"epochs": best + 1},)),
            where="epochs",
            since=f"epoch {best + 1}",
            evidence={"best_epoch": best + 1, "best": val[best], "end": end, "train": train[-1]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the shorter run does better on the held-out examples."""
        return val_improved(before, after, 0.85, without=False)


class Imbalance(Rule):
    """An accuracy that is no more than the share of the largest class."""

    slug = "imbalance"

    def find(self, chart: Chart) -> Finding | None:
        targets, last = chart.one("targets"), next(iter(chart.latest("scores")), {})
        share = targets.get("largest", 0.0)
        if share < 0.8 or last.get("worst_recall") is None or last["worst_recall"] > 0.5:
            return None
        if last["accuracy"] < share - 0.03 or last["accuracy"] > share + 0.6 * (1 - share):
            return None
        return self.finding(
            f"The accuracy of {100 * last['accuracy']:.1f} % says nothing: {100 * share:.1f} % of the examples are of one"
            f" class, and of the smallest only {100 * last['worst_recall']:.0f} % are found.",
            "accuracy = sum of share x recall: with shares 0.95 and 0.05, recalls of 1 and 0 already make 0.95.",
            Remedy(
                "judge by recall and balanced accuracy, and give the small class more weight (here: repeat its rows)",
                ({"balance": True},),
            ),
            where="metric",
            evidence={"share": share, "accuracy": last["accuracy"], "worst_recall": last["worst_recall"]},
        )

    def figure(self, before: Chart, after: Chart) -> str:
        """The recall of the class that is found least, and the balanced accuracy."""
        a, b = (next(iter(chart.latest("scores")), {}) for chart in (before, after))
        if "worst_recall" not in a or "worst_recall" not in b:
            return ""
        return (
            f"of the class that is found least, {100 * a['worst_recall']:.0f} % -> {100 * b['worst_recall']:.0f} %;"
            f" balanced accuracy {a['balanced']:.3g} -> {b['balanced']:.3g}"
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the small class is found now."""
        a, b = before.latest("scores"), after.latest("scores")
        return bool(b) and b[0].get("worst_recall", 0.0) > a[0]["worst_recall"] + 0.2
