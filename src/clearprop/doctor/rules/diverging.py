"""A learning rate so high that training diverges."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import rate
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, born_in_loss, improved, number, stuck
from clearprop.doctor.scoring import base_score
from clearprop.doctor.specimens import last_losses, planted


class Diverging(Rule):
    """The steps are so long that the loss grows, or that the weights are thrown where nothing is learned."""

    slug, tier = "diverging", 3.0
    because = ("inputs-unscaled", "summed-gradient", "label-encoding", "exploding-gradients", "initial-scale", "inputs-nan")

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        settings = chart.one("settings")
        if not scores:
            return None
        blown = bool(chart.rows("nonfinite")) and not born_in_loss(chart)
        late = [score for score in scores[1:] if np.isfinite(score)][-max(4, len(scores) // 3) :]
        lost = stuck(chart) and bool(late) and float(np.median(late)) > 0.93 * chart.base  # and not just in its last epoch
        far = self.thrown(chart)
        if not (blown or (lost and (chart.final > 1.15 * max(scores[0], chart.base) or far > 1.5))):
            return None
        worst = max((s for s in scores if np.isfinite(s)), default=float("nan"))
        end = (
            "stops being finite"
            if blown
            else f"ends at {number(chart.final)}, no better than a constant's {number(chart.base)}"
        )
        return self.finding(
            f"The learning rate {number(settings['lr'])} is too high: the loss starts at {number(scores[0])}, goes up to"
            f" {number(worst)} and {end}; in the first epoch the weights move {number(far)} times their own size.",
            "A step along the gradient lowers the loss only while lr < 2 / curvature; beyond that every step overshoots by more"
            " than the last.",
            Remedy("lower the learning rate", ({"rate": 0.1}, {"rate": 0.01}, {"rate": 0.3})),
            where="learning rate",
            since="the first epoch",
            evidence={"lr": settings["lr"], "first": scores[0], "worst": worst, "moved": far},
        )

    @staticmethod
    def thrown(chart: Chart) -> float:
        """How many times its own size the most moved weight matrix went in the first epoch."""
        size = {row["layer"]: row["spread"] for row in chart.rows("structure") if row.get("spread")}
        rows = [row for row in chart.rows("movement", epoch=1, parameter="W") if size.get(row["layer"])]
        return max((row["change"] / size[row["layer"]] for row in rows), default=0.0)

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns now."""
        return improved(before, after, 0.8)

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            for _ in range(20):  # a run that is above the constant only now and then oscillates
                faulty = rate(problem, float(10 ** rng.uniform(1.2, 1.7)) * 2.0 ** (k % 6))
                if np.median(last_losses(faulty)) > 1.2 * base_score(problem):
                    break
            return faulty

        return planted(rng, make, lambda good, bad, base: bad > 1.2 * base)
