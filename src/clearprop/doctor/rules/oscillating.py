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
        scores = np.array([s for s in chart.column("scores", "train")[1:] if np.isfinite(s)])
        scores = scores[len(scores) // 3 :]
        if len(scores) < 4:
            return None
        jumps = np.diff(scores)
        rises, level = float((jumps > 0).mean()), float(scores.mean())
        swing = float(np.abs(jumps).mean()) / max(level, 1e-30)
        if rises < 0.25 or swing < 0.08 or level < 0.06 * chart.base:
            return None
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
