"""A net that gives the same answer to every input."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.changes import layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import sound
from clearprop.nn import Layer
from clearprop.nn.activations import Activation

USUAL = ("Linear", "ReLU", "Sigmoid", "Tanh", "Softmax", "Dropout", "BatchNorm")  # what they lose has a rule of its own


class ConstantPredictor(Rule):
    """The answer does not depend on the input, and costs what the best constant costs."""

    slug, tier = "constant-predictor", 4.1
    because = (
        "summed-gradient",
        "dead-relus",
        "diverging",
        "saturated-units",
        "vanishing-gradients",
        "initial-scale",
        "inputs-unscaled",
        "constant-initialisation",
        "one-unit-softmax",
        "features-shuffled",
        "strong-regularisation",
        "inputs-constant",
    )

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

    def told(self, chart: Chart, row: dict[str, float], layer: int | None) -> Finding:
        """The sentence, with the layer behind which all inputs are one, if there is such a layer from the start."""
        where = f" behind layer {layer} all examples are alike, already before training" if layer else ""
        return self.finding(
            f"The net gives the same answer to every input (spread {number(row['across'])}), and costs"
            f" {number(chart.final)}, what"
            f" the best constant costs ({number(chart.base)});{where}".rstrip(";")
            + ".",
            "The minimum of the loss over constants is the entropy of the class shares (ln C for equal ones), or the variance.",
            Remedy(
                f"take layer {layer} out, or mend it" if layer else "start again with fresh weights and smaller steps",
                ({"drop_layer": layer},) if layer else ({"init": "default"}, {"rate": 0.1}, {"init": "default", "rate": 0.1}),
            ),
            where=f"layer {layer}" if layer else "the whole net",
            evidence={"across": row["across"], "layer": layer, "final": chart.final, "base": chart.base},
            tier=1.9 if layer else self.tier,
            because=() if layer else self.because,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        layers: list[Layer] = []
        places = [i for i, layer in enumerate(problem.net.layers[:-1]) if isinstance(layer, Activation)]
        at = int(rng.choice(places))
        for i, layer in enumerate(layers_of(problem)):
            layers.append(layer)
            if i == at:
                layers.append(MeanOverBatch())
        return with_layers(problem, layers)


class MeanOverBatch(Layer):
    """A layer that averages over the wrong axis: the examples, where the units were meant."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """The mean over the batch, for every example."""
        return np.broadcast_to(x.mean(axis=0), x.shape).copy(), x

    def backward(self, saved: Array, dy: Array) -> Array:
        """Its derivative."""
        return np.broadcast_to(dy.mean(axis=0), dy.shape).copy()
