"""Rules about the layers: what one of them fails to do."""

from __future__ import annotations

from typing import Any

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.rules.rule import Rule, improved
from clearprop.training.history import Row

AFFINE = ("Linear", "Dropout", "BatchNorm")  # layers that leave a product of matrices a product of matrices


class NoNonlinearity(Rule):
    """Two Linear layers without an activation between them."""

    slug, certain = "no-nonlinearity", True

    def find(self, chart: Chart) -> Finding | None:
        if "pairs" in chart.measured:  # a module of PyTorch, whose operations were recorded
            row = chart.one("pairs")
            return self.told(row["first"], row["second"]) if row else None
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
        if "parameters" in chart.measured:
            return self.of_torch(chart.rows("parameters"))
        rows = [row for row in chart.latest("movement") if not row.get("frozen")]
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

    def of_torch(self, rows: list[Row]) -> Finding | None:
        """The finding for a module of PyTorch; what has `requires_grad=False` was frozen on purpose, unless everything has."""
        wanting = [row for row in rows if row["wants"] and row["used"]]
        strange = [row for row in wanting if row.get("strange") and not row["held"]]
        missing = [row for row in wanting if not row["held"] and not row.get("strange")]
        cut = [row for row in wanting if row["held"] and not row["reached"]]
        flat = [row for row in wanting if row["held"] and row.get("flat")]
        when = "nothing learns" if len(wanting) in (len(missing), len(cut), len(flat)) else ""
        options: tuple[dict[str, Any], ...] = ({"parameters": "all"},)
        if rows and not any(row["wants"] for row in rows):
            text = "All of the module's parameters have requires_grad=False, so nothing can be learned."
            words = "set requires_grad=True for those that are to learn"
            return self.of_parameters(text, words, rows, ({"unfreeze": "all"},), when)
        if missing and when:
            text = "The optimizer holds none of the module's parameters, so no step changes the module."
            words = "make the optimizer of this module's parameters(), after the last change of it"
            return self.of_parameters(text, words, missing, options, when)
        if strange:
            text = f"{strange[0]['name']} wants a gradient and is used, but is no parameter of the module, and in no optimizer."
            words = "register it: nn.Parameter, or an nn.ModuleList instead of a list"
            return self.of_parameters(text, words, strange, options)
        if cut:
            text = f"No gradient reaches {names(cut)}, though the loss depends on the module through them."
            words = "look for detach(), no_grad(), .data, .numpy() or argmax on the way to the loss"
            return self.of_parameters(text, words, cut, (), when)
        if flat:
            text = f"The gradient of {names(flat)} is exactly 0: {flat[0]['flat']} has slope 0 wherever it has one."
            words = "leave it out in training, or use a smooth function in its place, such as a sigmoid"
            return self.of_parameters(text, words, flat, (), when)
        if missing:
            text = f"The optimizer does not hold {names(missing)}, which want a gradient and get one."
            words = "hand them to the optimizer, or set requires_grad=False if they are to stay"
            return self.of_parameters(text, words, missing, options, certain=False)
        return None

    def of_parameters(
        self, sentence: str, words: str, rows: list[Row], options: tuple[dict[str, Any], ...], when: str = "",
        certain: bool = True,
    ) -> Finding:  # fmt: skip
        """The finding for parameters of a module of PyTorch."""
        return self.finding(
            sentence,
            "theta moves by the optimizer's step alone, and that takes dL/dtheta: what it is not given, or what no gradient"
            " reaches, stays as it began.",
            Remedy(words, options),
            when=when,
            where=names(rows),
            evidence={"parameters": [row["name"] for row in rows]},
            certain=certain,
        )

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
        """Whether it moves now; in PyTorch, whether it learns more."""
        if "parameters" in after.measured:
            return improved(before, after, 0.8)
        return self.find(after) is None and not after.rows("failure")


def names(rows: list[Row]) -> str:
    """The first names of parameters, and how many more there are."""
    first = ", ".join(str(row["name"]) for row in rows[:2])
    return first if len(rows) <= 2 else f"{first} and {len(rows) - 2} more"


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
