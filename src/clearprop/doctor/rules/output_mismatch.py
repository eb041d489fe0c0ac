"""A last layer whose answers are not what the loss takes."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import sound
from clearprop.nn import BinaryCrossEntropy, Layer, NegativeLogLikelihood, ReLU, Sigmoid, Tanh

BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "ReLU": (0.0, float("inf")), "Softmax": (0.0, 1.0)}
WANTED = {
    "CrossEntropy": (("Sigmoid", "Tanh", "ReLU"), "scores of any size"),
    "BinaryCrossEntropyWithLogits": (("Sigmoid", "Tanh", "ReLU", "Softmax"), "scores of any size"),
    "BinaryCrossEntropy": (("Linear", "Tanh", "ReLU"), "probabilities, such as a sigmoid's"),
    "NegativeLogLikelihood": (("Linear", "Tanh", "ReLU", "Sigmoid"), "probabilities that sum to 1, a softmax's"),
}


class OutputMismatch(Rule):
    """Bounded outputs for a loss on scores, scores for a loss on probabilities, outputs that cannot reach the targets."""

    slug, tier, certain = "output-mismatch", 1.3, True

    def find(self, chart: Chart) -> Finding | None:
        structure, settings, targets = chart.rows("structure"), chart.one("settings"), chart.one("targets")
        if not structure or not settings:
            return None
        last, loss = structure[-1]["kind"], settings["loss"]
        wrong, wants = WANTED.get(loss, ((), ""))
        sentence = f"{loss} takes {wants}, but the net ends in {last}." if last in wrong else ""
        if loss == "MeanSquaredError" and last in BOUNDS:
            low, high = BOUNDS[last]
            if targets.get("low", 0) < low - 1e-6 or targets.get("high", 0) > high + 1e-6:
                sentence = (
                    f"The net ends in {last}, whose values lie between {number(low)} and {number(high)}, but the targets go"
                    f" from {number(targets['low'])} to {number(targets['high'])}."
                )
        if not sentence:
            return None
        return self.finding(
            sentence,
            "A score must be free to go to plus or minus infinity for p to come near 1 or 0; a probability must lie in (0, 1)"
            " for its logarithm to exist; what a bounded function cannot reach stays in the loss for ever.",
            Remedy(
                "end in a Linear, and use the loss on scores (CrossEntropy, BinaryCrossEntropyWithLogits) or on numbers",
                ({"output": "suited"},),
            ),
            where="output layer",
            evidence={"last": last, "loss": loss},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        way = rng.integers(4)
        if way == 0:
            problem = sound(rng, kinds=("regression",))
            layer: Layer = Sigmoid() if rng.random() < 0.5 else ReLU()
            return with_layers(problem, [*layers_of(problem), layer])
        if way == 1:
            problem = sound(rng, kinds=("rings", "waves", "teacher"), losses=("logits",))
            return with_layers(problem, [*layers_of(problem), Sigmoid()])
        if way == 2:
            problem = sound(rng, kinds=("rings", "waves", "teacher"), losses=("logits",))
            return problem.but(loss=BinaryCrossEntropy())
        problem = sound(rng, kinds=("blobs", "waves"), losses=("cross_entropy",))
        if rng.random() < 0.5:
            layers = layers_of(problem)
            return with_layers(problem.but(loss=NegativeLogLikelihood()), layers[: last_linear(layers) + 1])
        return with_layers(problem, [*layers_of(problem), Tanh() if rng.random() < 0.5 else ReLU()])
