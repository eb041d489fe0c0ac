"""A learning rate so high that the loss jumps up and down."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import rate
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, area, improved, number
from clearprop.doctor.specimens import last_losses, outcome, sound


class Oscillating(Rule):
    """The loss falls, but jumps about a level from which smaller steps would bring it down."""

    slug, tier = "oscillating", 3.1
    because = ("inputs-unscaled", "summed-gradient", "label-encoding", "diverging", "sorted-rows", "exploding-gradients")

    def find(self, chart: Chart) -> Finding | None:
        # At the ends of the epochs, and as means over their steps, where jumps within an epoch show too.
        found = [swings(chart.column("scores", "train")[1:]), swings(chart.column("losses", "train_loss"))]
        wild = [s for s in found if s is not None and s[0] >= 0.2 and s[1] >= 0.08 and s[2] >= 0.06 * chart.base]
        if not wild:
            return None
        rises, swing, level = max(wild, key=lambda s: s[1] * s[2])
        lr = chart.one("settings")["lr"]
        return self.finding(
            f"The learning rate {number(lr)} is too high: the loss jumps by {100 * swing:.0f} % from epoch to epoch, up in"
            f" {100 * rises:.0f} % of them, around {number(level)}.",
            "Along a direction of curvature h, a step multiplies the distance to the minimum by 1 - lr h: between 1 / h"
            " and 2 / h it changes sides, and noise of size lr never dies down.",
            Remedy("lower the learning rate, or let it decay", ({"rate": 0.1}, {"rate": 0.3}, {"rate": 0.03})),
            where="learning rate",
            evidence={"lr": lr, "rises": rises, "swing": swing, "level": level},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it ends clearly lower, or is far lower on the way and no higher in the end."""
        calmer = area(after) < 0.3 * area(before) and after.final < 1.05 * before.final
        late = float(np.mean(before.column("scores", "train")[-4:]))
        return calmer or (improved(before, after, 0.6) and after.final < 0.6 * late)

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(160):
            if k % 8 == 0:
                problem = sound(rng, optimizers=("sgd", "adam", "momentum", "rmsprop"))
                good = outcome(problem)
            faulty = rate(problem, float(10 ** rng.uniform(0.7, 1.9)))
            ends = last_losses(faulty)
            if not np.isfinite(ends).all():
                continue
            mean, swing = float(np.mean(ends)), float(np.abs(np.diff(ends)).mean())
            if good < 0.25 and mean > 3 * good + 0.1 and mean < 0.6 and swing > 0.15 * mean:
                return faulty
        return faulty


def swings(curve: list[float]) -> tuple[float, float, float] | None:
    """Of the last two thirds of a curve: the share of rises, the mean jump as a share of the level, and the level."""
    values = np.array([value for value in curve if np.isfinite(value)])
    values = values[len(values) // 3 :]
    if len(values) < 4:
        return None
    jumps, level = np.diff(values), float(values.mean())
    return float((jumps > 0).mean()), float(np.abs(jumps).mean()) / max(level, 1e-30), level
