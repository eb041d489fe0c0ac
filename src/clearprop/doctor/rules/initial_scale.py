"""First weights that are too small or too large."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, flat_epochs, number, stuck
from clearprop.doctor.specimens import outcome, sound
from clearprop.nn import Linear, Normal

SLOW = ("sgd", "momentum")  # the others divide by the size of the gradient, and step over such a start
SHRINKS, GROWS = 0.35, 4.0


class InitialScale(Rule):
    """Each layer shrinks, or blows up, what passes through it, and the gradient on its way back."""

    slug, tier, because = "initial-scale", 2.2, ("inputs-unscaled", "saturated-units", "exploding-gradients")

    def find(self, chart: Chart) -> Finding | None:
        linear = [row for row in chart.rows("structure") if row.get("gain")]
        hidden = [row for row in linear[:-1] if not row["normalised"]]
        if not hidden:
            return None
        # Xavier's own rule has a gain below 1 where a layer widens.
        fair = [min(1.0, (2 * row["n_in"] / (row["n_in"] + row["width"])) ** 0.5) for row in hidden]
        gain = float(np.exp(np.mean([np.log(row["gain"] / usual) for row, usual in zip(hidden, fair, strict=True)])))
        flat = flat_epochs(chart)
        if (gain < SHRINKS and (flat >= 2 or stuck(chart))) or (
            gain > GROWS and hidden[0]["before"] not in ("Sigmoid", "Tanh")
        ):
            return self.told(chart, hidden, gain, flat)
        return None

    def told(self, chart: Chart, hidden: list[dict[str, float]], gain: float, flat: int) -> Finding:
        """The sentence, with what becomes of the activations and of the gradient."""
        rows = [row for row in chart.rows("gradients", epoch=0) if row["rms"] > 0]
        spreads = ", ".join(number(row["gain"]) for row in hidden)
        if gain < 1:
            text = f"The first weights are too small: the hidden layers pass on {spreads} of what enters them"
            if rows:
                first, last = number(rows[0]["rms"]), number(rows[-1]["rms"])
                text += f", and the gradient of the first layer is {first}, vanishing beside {last} in the last"
            text += f"; the loss stays flat for {flat} epochs." if flat else "."
        else:
            text = f"The first weights are too large: the hidden layers pass on {spreads} x what enters them."
        return self.finding(
            text,
            "var(y) = n_in var(W) E[x^2] forwards and n_out var(W) backwards: a factor g per layer is g^depth in the end;"
            " He's rule var(W) = 2 / n_in, or Xavier's 2 / (n_in + n_out), keeps it at 1.",
            Remedy("draw the weights by He's rule before a ReLU, by Xavier's elsewhere", ({"init": "default"},)),
            where="hidden layers",
            evidence={"gains": [row["gain"] for row in hidden], "flat_epochs": flat, "gradients": [row["rms"] for row in rows]},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(100):
            problem = sound(
                rng, activations=("relu", "tanh"), depth=(2, 4), kinds=("blobs", "waves", "rings", "teacher"), optimizers=SLOW
            )
            small = rng.random() < 0.7
            faulty = problem
            layers = layers_of(problem)
            for i in range(last_linear(layers) + 1):
                layer = layers[i]
                if isinstance(layer, Linear):
                    gain = float(rng.uniform(0.03, 0.2)) if small else float(rng.uniform(5, 9))
                    layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(gain / layer.n_in**0.5))
            if not small and any(type(layer).__name__ == "Tanh" for layer in layers):
                continue
            faulty = with_layers(problem, layers, problem.seed)
            good, bad = outcome(problem), outcome(faulty)
            if (good < 0.4 and bad > 2 * good + 0.1) or k == 99:
                return faulty
        return faulty
