"""Rules about the output: last layer, targets, loss and metric that do not fit together."""

from __future__ import annotations

import math
from typing import Any

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.rules.rule import Rule
from clearprop.training.history import Row

BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "ReLU": (0.0, math.inf), "Softmax": (0.0, 1.0)}
NOT_LOGARITHMS = ("Linear", "Tanh", "ReLU", "Sigmoid", "Softmax")
WANTED = {  # loss -> last layers that do not suit it, and what it takes
    "CrossEntropy": (("Sigmoid", "Tanh", "ReLU"), "logits of any size"),
    "BinaryCrossEntropyWithLogits": (("Sigmoid", "Tanh", "ReLU", "Softmax"), "logits of any size"),
    "BinaryCrossEntropy": (("Linear", "Tanh", "ReLU"), "probabilities, such as a sigmoid's"),
    "NegativeLogLikelihood": (("Linear", "Tanh", "ReLU", "Sigmoid"), "probabilities that sum to 1, a softmax's"),
    "NLLLoss": (NOT_LOGARITHMS, "logarithms of probabilities, a log_softmax's (or use CrossEntropyLoss on the raw scores)"),
    "KLDivLoss": (NOT_LOGARITHMS, "logarithms of probabilities, a log_softmax's"),
}
STEPS = {  # loss, last layer -> the step between them that is missing, or is taken twice
    ("NLLLoss", "Softmax"): "The logarithm is missing: the loss is -p instead of -log p.",
    ("NLLLoss", "Linear"): "The log_softmax is missing: the loss is minus a raw score, and has no lower bound.",
    ("KLDivLoss", "Softmax"): "The logarithm is missing: the loss is -t p instead of -t log p.",
    ("KLDivLoss", "Linear"): "The log_softmax is missing: the loss is minus a raw score, and has no lower bound.",
    ("BinaryCrossEntropyWithLogits", "Sigmoid"): "The sigmoid is applied twice.",
    ("BinaryCrossEntropy", "Linear"): "The sigmoid is missing.",
}
OF_CLASSES = ("accuracy", "f1", "precision", "recall", "balanced_accuracy", "auc", "roc_auc")
OF_NUMBERS = ("r2", "rmse", "mae", "mse", "mean_squared_error", "mean_absolute_error")


class BroadcastOutputs(Rule):
    """Predictions (B, n) that are broadcast against targets (B, 1)."""

    slug, certain = "broadcast-outputs", True

    def find(self, chart: Chart) -> Finding | None:
        settings, targets = chart.one("settings"), chart.one("targets")
        if chart.one("shapes").get("compared"):
            return self.compared(chart.one("shapes"))
        if not settings.get("broadcast") or targets["columns"] != 1 or (targets["outputs"] or 1) < 2:
            return None
        n = targets["outputs"]
        return self.finding(
            f"{n} outputs are broadcast against one label: the net is {n} separate predictors of the same thing, whose losses"
            " are averaged.",
            "(B, n) - (B, 1) repeats the column n times; as the last layer shares no weights, output j learns independently of"
            " the others.",
            Remedy("give the net one output", ({"outputs": 1},)),
            where="output layer",
            evidence={"outputs": n, "label_columns": 1},
        )

    def compared(self, row: Row) -> Finding:
        """The finding for outputs (B, 1) and targets (B,), each of which is compared with all of the others."""
        outputs, targets = tuple(row["outputs"]), tuple(row["targets"])
        return self.finding(
            f"Outputs of shape {outputs} are broadcast against targets of shape {targets}: the loss compares every output with"
            f" every target, {row['compared']} pairs instead of {outputs[0]}.",
            "(B, 1) - (B,) is a matrix (B, B); the mean of (y_hat_i - y_j)^2 over all pairs is least where every y_hat_i is"
            " the mean of y.",
            Remedy("give both the same shape: targets.unsqueeze(1), or outputs.squeeze(1)", ({"align": True},)),
            where="loss",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the run still learns, with one output for one target."""
        return self.find(after) is None and after.final < max(1.15 * before.final, 0.9 * after.base)


class OneUnitSoftmax(Rule):
    """A softmax over a single unit."""

    slug, certain = "one-unit-softmax", True

    def find(self, chart: Chart) -> Finding | None:
        bad = [row for row in chart.rows("structure") if row["kind"] in ("Softmax", "LogSoftmax") and row["width"] == 1]
        settings, targets = chart.one("settings"), chart.one("targets")
        rows = chart.rows("structure")
        if not bad and rows and rows[-1]["width"] == 1 and settings.get("torch") and settings.get("loss") == "CrossEntropy":
            bad = rows[-1:]  # the softmax is the loss's own
        if not bad:
            return None
        numbers = targets.get("labels") is False
        return self.finding(
            f"Layer {bad[0]['layer']} is a softmax over one unit: its output is 1 for every input, and its derivative is 0.",
            "exp(z) / exp(z) = 1 for every z, so dL/dz = 0 and no weight ever moves.",
            Remedy(
                "end in a Linear, with the squared error: numbers need no softmax"
                if numbers
                else "use a sigmoid (or logits with BinaryCrossEntropyWithLogits)",
                ({"output": "suited"},),
            ),
            where=f"layer {bad[0]['layer']}",
            evidence={"layer": bad[0]["layer"], "width": 1},
        )


class DoubleSoftmax(Rule):
    """A softmax in the net, and another in the loss or in a later layer."""

    slug, certain = "double-softmax", True

    def find(self, chart: Chart) -> Finding | None:
        structure, settings = chart.rows("structure"), chart.one("settings")
        soft = [row["layer"] for row in structure if row["kind"] == "Softmax" and row["width"] != 1]
        if soft and structure[-1]["kind"] == "LogSoftmax":
            soft.append(structure[-1]["layer"])
        inside = settings.get("loss") == "CrossEntropy" and bool(soft) and soft[-1] == len(structure)
        if not inside and len(soft) < 2:
            return None
        classes = structure[-1]["width"] or 2
        floor = math.log(1 + (classes - 1) / math.e)
        return self.finding(
            f"Layer {soft[-1]} is a softmax, and CrossEntropy applies another: the loss cannot fall below {floor:.3f} for"
            f" {classes} classes."
            if inside
            else f"The net applies a softmax twice, in layers {soft[-2]} and {soft[-1]}.",
            "softmax(p) of probabilities p in [0, 1] gives the true class at most e / (e + C - 1), so the loss stays above"
            " ln(1 + (C - 1) / e).",
            Remedy("leave the softmax to the loss", ({"output": "suited"},)),
            where=f"layer {soft[-1]}",
            evidence={"layers": soft, "classes": classes, "floor": floor},
        )


class OutputMismatch(Rule):
    """A last layer whose values are not what the loss takes, or cannot reach the targets."""

    slug, certain = "output-mismatch", True

    def find(self, chart: Chart) -> Finding | None:
        structure, settings, targets = chart.rows("structure"), chart.one("settings"), chart.one("targets")
        if not structure or not settings:
            return None
        last, loss = structure[-1]["kind"], settings["loss"]
        if structure[-1].get("over_batch"):
            text = f"The {structure[-1]['repr']} that ends the net is taken over dimension 0, the examples of a batch"
            return self.told(f"{text}, and not over the classes.", last, loss, "take it over the last dimension, dim=1")
        wrong, wants = WANTED.get(loss, ((), ""))
        if last in wrong:
            step = STEPS.get((loss, last), "")
            return self.told(f"{loss} takes {wants}, but the net ends in {last}.{' ' + step if step else ''}", last, loss)
        if loss == "MeanSquaredError":
            return self.squared(last, targets) if targets else None
        if chart.rows("failure", stage="loss"):
            return self.refused(chart, loss)
        return None

    def squared(self, last: str, targets: Row) -> Finding | None:
        """The finding for a squared error: outputs that cannot reach the targets, or targets that are classes."""
        low, high = BOUNDS.get(last, (-math.inf, math.inf))
        if targets.get("low", 0) < low - 1e-6 or targets.get("high", 0) > high + 1e-6:
            return self.told(
                f"The net ends in {last}, whose values lie between {low:.3g} and {high:.3g}, but the targets go"
                f" from {targets['low']:.3g} to {targets['high']:.3g}.",
                last, "MeanSquaredError", when="out of reach",
            )  # fmt: skip
        if not targets.get("labels"):
            return None
        flat = {"ReLU": ", behind a ReLU that has no gradient where it answers 0", "Linear": ""}
        bent = f", behind a {last.lower()} whose slope goes to 0 where it is wrong and sure" if last in BOUNDS else ""
        return self.told(
            f"The targets are {targets.get('n_classes', 2)} classes, but the loss is the squared error of numbers"
            f"{flat.get(last, bent)}.",
            last, "MeanSquaredError", "use the cross-entropy of logits: end in a Linear, with BinaryCrossEntropyWithLogits for"
            " two classes, CrossEntropy for more",
        )  # fmt: skip

    def refused(self, chart: Chart, loss: str) -> Finding | None:
        """The finding for outputs and targets whose shapes the loss refuses."""
        row, failure = chart.one("shapes"), chart.one("failure")
        outputs, targets = row.get("outputs", []), row.get("targets", [])
        if len(outputs) > 2 and targets == outputs[:-1] and loss in ("CrossEntropy", "NLLLoss"):
            return self.told(
                f"{loss} takes the classes in dimension 1; the outputs are {tuple(outputs)}, the targets {tuple(targets)}.",
                str(outputs), loss, "move the classes there: outputs.movedim(-1, 1), or reshape(-1, C)", ({"classes": 1},),
            )  # fmt: skip
        if outputs == targets or "size" not in str(failure.get("message")).lower() or math.prod(outputs) != math.prod(targets):
            return None
        return self.told(
            f"{loss} takes outputs and targets of one shape; the outputs are {tuple(outputs)}, the targets {tuple(targets)}.",
            str(outputs), loss, "give both the same shape: targets.unsqueeze(1), or outputs.squeeze(1)", ({"align": True},),
        )  # fmt: skip

    def told(
        self, sentence: str, last: str, loss: str, words: str = "", options: tuple[dict[str, Any], ...] = (), when: str = ""
    ) -> Finding:
        """The finding in these words."""
        usual = "end in a Linear, and use the loss on logits (CrossEntropy, BinaryCrossEntropyWithLogits) or on numbers"
        return self.finding(
            sentence,
            "A logit must be free to go to plus or minus infinity for p to come near 1 or 0; a probability must lie in (0, 1)"
            " for its logarithm to exist; a bounded function never reaches targets outside its bounds.",
            Remedy(words or usual, options or ({"output": "suited"},)),
            when=when,
            where="output layer",
            evidence={"last": last, "loss": loss},
        )


class WrongMetric(Rule):
    """A metric of classes for numbers, or of numbers for classes."""

    slug, certain = "wrong-metric", True

    def find(self, chart: Chart) -> Finding | None:
        settings, targets = chart.one("settings"), chart.one("targets")
        name = str(settings.get("metric", "")).lower().removeprefix("val_")
        if name in OF_CLASSES and targets.get("labels") is False:
            return self.told(name, f"{targets.get('different')} different numbers", "r2")
        if name in OF_NUMBERS and targets.get("labels"):
            return self.told(name, f"{targets.get('n_classes')} classes", "accuracy")
        return None

    def told(self, name: str, what: str, better: str) -> Finding:
        """The finding for a metric and the targets that it does not suit."""
        return self.finding(
            f"The run is judged by {name}, but its targets are {what}.",
            "A real target is hit exactly with probability 0, so an accuracy of numbers is 0 however good they are; and classes"
            " have no distance, so a squared error depends on how they happen to be numbered.",
            Remedy(f"judge it by {better}", ({"metric": better},)),
            where="metric",
            evidence={"metric": name},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the metric suits the task now."""
        return self.find(after) is None
