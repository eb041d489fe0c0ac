"""A gradient that is summed over a large batch."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, born_in_loss, number, stuck
from clearprop.doctor.specimens import planted
from clearprop.nn import LOSSES


class SummedGradient(Rule):
    """The sum over B examples makes every step B times as long as the rate says."""

    slug, tier, because = "summed-gradient", 2.7, ("inputs-unscaled", "label-encoding", "exploding-gradients")

    def find(self, chart: Chart) -> Finding | None:
        settings = chart.one("settings")
        if settings.get("reduction") != "sum" or settings["batch_size"] < 4:
            return None
        dead = [r for r in chart.latest("activations") if r.get("dead", 0) >= max(2, 0.5 * r["units"])]
        wild = bool(chart.rows("nonfinite")) and not born_in_loss(chart)
        if not (wild or stuck(chart)):
            return None
        B, lr = settings["batch_size"], settings["lr"]
        told = ""
        if dead:
            first = next(r for r in chart.rows("activations", layer=dead[0]["layer"]) if r["dead"] >= dead[0]["dead"])
            told = (
                f"; {'all' if first['dead'] == first['units'] else str(first['dead']) + ' of'} {first['units']} ReLUs of"
                f" layer {first['layer']} are"
                f" dead after step {first['step']} of epoch {first['epoch']} (step {first['step'] - 1} of epoch"
                f" {first['epoch'] - 1}, counted from 0)"
            )
        return self.finding(
            f"The gradient is summed over batches of {B}, which makes the learning rate {B} x {number(lr)} ="
            f" {number(B * lr)}{told}.",
            "sum_b g_b = B mean_b g_b: what was a rate for one example is B times as much for a batch.",
            Remedy("average the gradient over the batch", ({"loss": {"reduction": "mean"}},)),
            where="loss",
            evidence={"batch_size": B, "lr": lr, "effective": B * lr},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            loss = LOSSES.make(problem.loss.config() | {"reduction": "sum"})
            return problem.but(loss=loss, batch_size=int(rng.choice([32, 50, 64, 100])) * (1 + k % 3))

        return planted(rng, make, lambda good, bad, base: bad > 0.95 * base, optimizers=("sgd", "momentum"), n=450)
