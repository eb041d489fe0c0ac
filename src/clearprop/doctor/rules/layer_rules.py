"""Rules about the layers: what one of them fails to do."""

from __future__ import annotations

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.rules.rule import Rule
from clearprop.training.history import Row

AFFINE = ("Linear", "Dropout", "BatchNorm")  # layers that leave a product of matrices a product of matrices


class NoNonlinearity(Rule):
    """Two Linear layers without an activation between them."""

    slug, certain = "no-nonlinearity", True

    def find(self, chart: Chart) -> Finding | None:
        previous: int | None = None
        for row in chart.rows("structure"):
            if row["kind"] == "Linear" and previous is not None:
                return self.told(previous, row["layer"])
            if row["kind"] == "Linear":
                previous = row["layer"]
            elif row["kind"] not in AFFINE:
                previous = None
        return None

    def told(self, first: int, second: int) -> Finding:
        """The finding for two layers."""
        return self.finding(
            f"Between the linear layers {first} and {second} there is no activation: together they are one linear layer.",
            "(x W + b) V + c = x (W V) + (b V + c): a product of matrices is a matrix.",
            Remedy("put an activation between them", ({"activation": "relu"}, {"activation": "tanh"})),
            where=f"layers {first} and {second}",
            evidence={"layers": [first, second]},
        )


class FrozenParameter(Rule):
    """A parameter whose gradient stays exactly 0, though a gradient reaches its layer."""

    slug, certain = "frozen-parameter", True

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

    def told(self, chart: Chart, row: Row, reached: float) -> Finding:
        """The finding for one parameter."""
        steps = chart.one("settings").get("steps", 0)
        return self.finding(
            f"{row['parameter']} of layer {row['layer']} has not moved in {steps} steps: its gradient is exactly 0, though one"
            f" of size {reached:.2g} reaches the layer.",
            "dW = x^T dy and db = sum of dy are not 0 while dy is not: the layer's backward omits one of them (or, in PyTorch,"
            " the parameter has no requires_grad, or is not in the optimizer).",
            Remedy("fix the layer's backward, or use clearprop's own layer", ({"replace_layer": row["layer"]},)),
            where=f"layer {row['layer']}, {row['parameter']}",
            evidence={**row, "reaching": reached},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it moves now."""
        return self.find(after) is None and not after.rows("failure")


class DropoutAtEvaluation(Rule):
    """Outputs that differ when the net is evaluated twice."""

    slug, certain = "dropout-at-evaluation", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("repeatability")
        if not row.get("difference"):
            return None
        return self.finding(
            f"Evaluated twice on the same 64 inputs, layer {row['layer']} ({row['repr']}) gives outputs that differ by up to"
            f" {row['difference']:.2g}: it still drops units at evaluation.",
            "y = m x with a random mask m has E[y] = x, but variance x^2 p / (1 - p), which after training is pure error.",
            Remedy(
                "switch dropout off outside of training (training=False; in PyTorch, model.eval())",
                ({"dropout": 0.2},),
            ),
            where=f"layer {row['layer']}",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether two evaluations agree now."""
        return self.find(after) is None and not after.rows("failure")
