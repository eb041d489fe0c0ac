"""Classes so unequal that accuracy hides a net which ignores the small one."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import finish
from clearprop.nn import mlp


class Imbalance(Rule):
    """A high accuracy that is no more than the share of the largest class."""

    slug, tier = "imbalance", 4.4
    because = (
        "constant-predictor", "diverging", "dead-relus", "rate-too-low", "too-few-epochs", "underfitting", "inputs-unscaled",
        "strong-regularisation", "saturated-units", "summed-gradient", "features-shuffled",
    )  # fmt: skip

    def find(self, chart: Chart) -> Finding | None:
        targets, last = chart.one("targets"), next(iter(chart.latest("scores")), {})
        share = targets.get("largest", 0.0)
        if share < 0.8 or last.get("worst_recall") is None or last["worst_recall"] > 0.5:
            return None
        if last["accuracy"] < share - 0.03 or last["accuracy"] > share + 0.6 * (1 - share):
            return None
        return self.finding(
            f"The accuracy of {100 * last['accuracy']:.1f} % says nothing: {100 * share:.1f} % of the examples are of"
            " one class, and of"
            f" the smallest only {100 * last['worst_recall']:.0f} % are found.",
            "accuracy = sum of share x recall: with shares 0.95 and 0.05, recalls of 1 and 0 already make 0.95.",
            Remedy(
                "judge by recall and balanced accuracy, and give the small class more weight (here: repeat its rows)",
                ({"balance": True},),
            ),
            where="metric",
            evidence={"share": share, "accuracy": last["accuracy"], "worst_recall": last["worst_recall"]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the small class is found now."""
        a, b = before.latest("scores"), after.latest("scores")
        return bool(b) and b[0].get("worst_recall", 0.0) > a[0]["worst_recall"] + 0.2

    def plant(self, rng: np.random.Generator) -> Problem:
        n, d = int(rng.integers(300, 600)), int(rng.integers(2, 8))
        share = float(rng.uniform(0.04, 0.1))
        y = (rng.random(n + 200) < share).astype(np.int64)
        shift = rng.normal(size=d)
        X = rng.normal(size=(n + 200, d)) + np.outer(y, shift / np.linalg.norm(shift)) * float(rng.uniform(1.0, 1.4))
        X = ((X - X[:n].mean(axis=0)) / X[:n].std(axis=0)).astype(np.float32)
        activation = str(rng.choice(["relu", "tanh"]))
        net = mlp([d, int(rng.integers(8, 16)), 2], hidden=activation, seed=int(rng.integers(1000)))
        problem = finish(
            rng, net, Split(X[:n], y[:n]), Split(X[n:], y[n:]), "cross_entropy", str(rng.choice(["sgd", "momentum"]))
        )
        return problem.but(epochs=8, metric="accuracy")
