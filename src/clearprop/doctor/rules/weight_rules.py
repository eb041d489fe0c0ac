"""Rules about the initial weights: alike, too small or too large, or too large in the last layer."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy, counted
from clearprop.doctor.rules.rule import Rule, flat_epochs, improved, stuck
from clearprop.training.history import Row

SHRINKS, GROWS = 0.35, 4.0  # mean gain of the hidden layers, beside that of Xavier's rule


class ConstantInitialisation(Rule):
    """Hidden units that start with equal weights."""

    slug, certain = "constant-initialisation", True

    def find(self, chart: Chart) -> Finding | None:
        linear = [row for row in chart.rows("structure") if row.get("alike") is not None]
        bad = [row for row in linear[:-1] if row["alike"] == 0 and row["width"] > 1]
        if not bad:
            return None
        row = bad[0]
        return self.finding(
            f"All {row['width']} units of layer {row['layer']} start with the same weights ({row['spread']:.3g} in size):"
            " they compute the same and stay the same, so the layer is worth one unit.",
            "Equal columns of W give equal activations and, behind equal weights, equal gradients dW_j: every step keeps the"
            " symmetry. (Zero biases do no harm, as the weights already differ.)",
            Remedy("draw the weights at random (He's or Xavier's rule)", ({"init": "default"},)),
            where=f"layer {row['layer']}",
            evidence={"layer": row["layer"], "units": row["width"], "size": row["spread"]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the units differ now, and the run is no worse."""
        return self.find(after) is None and not after.final > 1.05 * before.final + 0.02


class InitialScale(Rule):
    """Initial weights with which the hidden layers shrink or enlarge what passes through them."""

    slug = "initial-scale"

    def find(self, chart: Chart) -> Finding | None:
        linear = [row for row in chart.rows("structure") if row.get("gain")]
        hidden = [row for row in linear[:-1] if not row["normalised"]]
        if not hidden:
            return None
        # Xavier's own rule has a gain below 1 where a layer widens.
        fair = [min(1.0, (2 * row["n_in"] / (row["n_in"] + row["width"])) ** 0.5) for row in hidden]
        gain = float(np.exp(np.mean([np.log(row["gain"] / usual) for row, usual in zip(hidden, fair, strict=True)])))
        flat = flat_epochs(chart)
        small = gain < SHRINKS and (flat >= 2 or stuck(chart))
        large = gain > GROWS and hidden[0]["before"] not in ("Sigmoid", "Tanh")
        return self.told(chart, hidden, gain, flat) if small or large else None

    def told(self, chart: Chart, hidden: list[Row], gain: float, flat: int) -> Finding:
        """The finding, with what happens to the activations and to the gradient."""
        rows = [row for row in chart.rows("gradients", epoch=0) if row["rms"] > 0]
        gains = ", ".join(f"{row['gain']:.3g}" for row in hidden)
        if gain < 1:
            text = f"The initial weights are too small: the hidden layers multiply what enters them by {gains}"
            if rows:
                text += f", and the gradient of the first layer is {rows[0]['rms']:.3g}, vanishing beside"
                text += f" {rows[-1]['rms']:.3g} in the last"
            text += f"; the loss stays flat for {counted(flat, 'epoch')}." if flat else "."
        else:
            text = f"The initial weights are too large: the hidden layers multiply what enters them by {gains}."
        return self.finding(
            text,
            "var(y) = n_in var(W) E[x^2] forwards and n_out var(W) backwards: a factor g per layer is g^depth in the end;"
            " He's rule var(W) = 2 / n_in, or Xavier's 2 / (n_in + n_out), keeps it at 1.",
            Remedy("draw the weights by He's rule before a ReLU, by Xavier's elsewhere", ({"init": "default"},)),
            where="hidden layers",
            evidence={"gains": [row["gain"] for row in hidden], "flat_epochs": flat, "gradients": [row["rms"] for row in rows]},
        )


class InitialLoss(Rule):
    """An untrained net whose loss is far above that of uniform guessing."""

    slug = "initial-loss"

    def find(self, chart: Chart) -> Finding | None:
        scores, baseline = chart.column("scores", "train"), chart.one("baseline")
        if not scores or not baseline or not np.isfinite(scores[0]):
            return None
        classes = chart.one("settings").get("classes")
        fair = max(baseline["score"], baseline["uniform"] if classes else 1.0)
        if scores[0] < (3 if classes else 10) * fair:
            return None
        usual = f"uniform guessing gives {fair:.3g} (ln C)" if classes else f"the best constant gives {fair:.3g} (the variance)"
        return self.finding(
            f"The untrained net has a loss of {scores[0]:.3g}; {usual}.",
            "A net that has learned nothing should predict p = 1 / C, whose loss is ln C; large weights or biases in the last"
            " layer make it sure and wrong, and the first steps only undo that.",
            Remedy("draw the last layer's weights by Xavier's rule, with zero biases", ({"last_layer": "fresh"},)),
            where="output layer",
            evidence={"initial": scores[0], "fair": fair},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly sooner, or more."""
        return improved(before, after, 0.8)
