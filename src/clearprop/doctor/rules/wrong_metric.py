"""A metric that does not go with the task."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound

OF_CLASSES = ("accuracy", "f1", "precision", "recall", "balanced_accuracy", "auc", "roc_auc")
OF_NUMBERS = ("r2", "rmse", "mae", "mse", "mean_squared_error", "mean_absolute_error")


class WrongMetric(Rule):
    """Accuracy of numbers, or a squared error of classes."""

    slug, tier, certain = "wrong-metric", 1.8, True

    def find(self, chart: Chart) -> Finding | None:
        settings, targets = chart.one("settings"), chart.one("targets")
        name = str(settings.get("metric", "")).lower().removeprefix("val_")
        if name in OF_CLASSES and targets.get("labels") is False:
            return self.told(name, f"{targets.get('different')} different numbers", "r2")
        if name in OF_NUMBERS and targets.get("labels"):
            return self.told(name, f"{targets.get('n_classes')} classes", "accuracy")
        return None

    def told(self, name: str, what: str, better: str) -> Finding:
        """The sentence."""
        return self.finding(
            f"The run is judged by {name}, but its targets are {what}.",
            "A real target is hit exactly with probability 0, so an accuracy of numbers is 0 however good they are; and between"
            " classes there is no distance, so a squared error depends on how they happen to be numbered.",
            Remedy(f"judge it by {better}", ({"metric": better},)),
            where="metric",
            evidence={"metric": name},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the metric goes with the task now."""
        return self.find(after) is None

    def plant(self, rng: np.random.Generator) -> Problem:
        if rng.random() < 0.5:
            return sound(rng, kinds=("regression",)).but(metric=str(rng.choice(OF_CLASSES)))
        return sound(rng, kinds=("blobs", "rings", "waves", "teacher")).but(metric=str(rng.choice(OF_NUMBERS)))
