"""A net that is too small for the task."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.specimens import outcome, sound
from clearprop.nn import Linear

QUICK = ("adam", "momentum", "sgd")


class Underfitting(Rule):
    """The training loss has settled high, and more units bring it down."""

    slug, tier = "underfitting", 4.2
    because = (
        "rate-too-low", "too-few-epochs", "strong-regularisation", "inputs-unscaled", "no-nonlinearity", "initial-scale",
        "vanishing-gradients", "dead-relus", "saturated-units", "diverging", "oscillating", "output-mismatch",
    )  # fmt: skip

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        linear = [row for row in chart.rows("structure") if row["kind"] == "Linear"]
        widths = [row["width"] for row in linear[:-1]]
        if len(scores) < 5 or not chart.final > 0.3 * chart.base or min(widths, default=0) > 8:
            return None
        shape = f"hidden layers of {widths} units" if widths else "no hidden layer"
        return self.finding(
            f"The net is too small: with {shape} the training loss settles at {number(chart.final)}"
            f" (a constant has {number(chart.base)}).",
            "A unit of a hidden layer bends the boundary once; without any, it is a straight line, whatever the weights.",
            Remedy("give the net more hidden units", ({"hidden": 24}, {"hidden": 64})),
            where="hidden layers",
            evidence={"widths": widths, "final": chart.final},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the larger net learns clearly more, and what it learns holds."""
        a, b = before.column("scores", "val"), after.column("scores", "val")
        return improved(before, after, 0.7) and after.final < 0.7 * before.final and (not a or b[-1] < 0.9 * a[-1])

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(100):
            problem = sound(rng, kinds=("rings", "checks"), activations=("relu", "tanh"), optimizers=QUICK)
            layers = layers_of(problem)
            end = last_linear(layers)
            last = layers[end]
            assert isinstance(last, Linear)
            n_in = problem.train.X.shape[1]
            width = int(rng.integers(0, 3))
            body = [Linear(n_in, width), layers[1]] if width else []
            tail = [Linear(width or n_in, last.n_out), *layers[end + 1 :]]
            faulty = with_layers(problem, [*body, *tail], problem.seed)
            good = outcome(problem)
            bad, longer = outcome(faulty), outcome(faulty.but(epochs=3 * problem.epochs))
            if (good < 0.25 and longer > 2 * good + 0.25 and bad < 1.3 * longer) or k == 99:
                return faulty
        return faulty
