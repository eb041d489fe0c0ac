"""A parameter that never moves."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.changes import layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import Linear


class FrozenParameter(Rule):
    """A gradient reaches the layer, and yet one of its parameters stays what it was."""

    slug, tier, certain = "frozen-parameter", 1.35, True

    def find(self, chart: Chart) -> Finding | None:
        rows = chart.latest("movement")
        still = [row for row in rows if row["total"] == 0]
        if not still or len(still) == len(rows):
            return None
        for row in still:
            seen = chart.rows("gradients", layer=row["layer"])
            reached = max((item["reaching"] for item in seen if item["entering"] > 1e-9), default=0.0)
            own = max((item["parts"].get(row["parameter"], 0.0) for item in seen), default=0.0)
            if reached > 1e-9 and own == 0:
                return self.told(chart, row, reached)
        return None

    def told(self, chart: Chart, row: dict[str, float], reached: float) -> Finding:
        """The sentence for one parameter."""
        steps = chart.one("settings").get("steps", 0)
        return self.finding(
            f"{row['parameter']} of layer {row['layer']} has not moved in {steps} steps: its gradient is exactly 0, though one"
            f" of size {reached:.2g} reaches the layer.",
            "dW = x^T dy and db = sum of dy are not 0 while dy is not: the layer's backward leaves one of them out (or, in"
            " PyTorch, the parameter has no requires_grad, or is not in the optimizer).",
            Remedy("mend the layer's backward, or take clearprop's own layer", ({"replace_layer": row["layer"]},)),
            where=f"layer {row['layer']}, {row['parameter']}",
            evidence={**row, "reaching": reached},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it moves now."""
        return self.find(after) is None and not after.rows("failure")

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        layers = layers_of(problem)
        places = [i for i, layer in enumerate(layers) if isinstance(layer, Linear)]
        at = int(rng.choice(places))
        old = layers[at]
        assert isinstance(old, Linear)
        kind = WithoutWeights if rng.random() < 0.6 else WithoutBias
        new = kind(old.n_in, old.n_out)
        new.W[:], new.b[:] = old.W, old.b
        layers[at] = new
        return with_layers(problem, layers)


class WithoutWeights(Linear):
    """A Linear whose backward forgets dW, as a user's own might."""

    def backward(self, saved: Array, dy: Array) -> Array:
        """db and dx, but no dW."""
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


class WithoutBias(Linear):
    """A Linear whose backward forgets db, as a user's own might."""

    def backward(self, saved: Array, dy: Array) -> Array:
        """dW and dx, but no db."""
        self.dW += saved.T @ dy
        return dy @ self.W.T
