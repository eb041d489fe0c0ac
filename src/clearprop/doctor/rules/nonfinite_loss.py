"""A loss that becomes NaN or infinite."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, born_in_loss, edges
from clearprop.doctor.specimens import outcome, sound
from clearprop.nn import BinaryCrossEntropy
from clearprop.optim import OPTIMIZERS


class NonFiniteLoss(Rule):
    """Where the first NaN or infinity was born."""

    slug, tier, certain = "nonfinite-loss", 2.8, True
    because = (
        "inputs-nan",
        "diverging",
        "summed-gradient",
        "inputs-unscaled",
        "exploding-gradients",
        "label-encoding",
        "initial-scale",
    )

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("nonfinite")
        if not row:
            return None
        at = f"step {row['step']} of epoch {row['epoch']} (step {row['step'] - 1} of epoch {row['epoch'] - 1}, counted from 0)"
        raw = chart.one("settings").get("raw", False)
        text, cause = (
            f"The loss is not finite in {at}; the first such number is {row['place']}.",
            "exp, a product or a square overflows.",
        )
        remedy = Remedy("take smaller steps, or clip the gradient", ({"rate": 0.1}, {"optimizer": {"clip_norm": 1.0}}))
        if born_in_loss(chart):
            if raw:
                low, high = edges(row["place"])
                text = f"The loss is not finite in {at}: the sigmoid's output reached {high if high == '1' else low}, and the"
                text += f" bare formula takes its logarithm (predictions between {low} and {high})."
            cause = (
                "At y_hat = 1, log(1 - y_hat) is -inf (0 x inf = NaN where y = 1); (y_hat - y) / (y_hat - y_hat^2) is 0 / 0."
            )
            remedy = Remedy(
                "compute the loss from the scores (BinaryCrossEntropyWithLogits), or keep y_hat away from 0 and 1 (raw=False)",
                ({"loss": {"raw": False}}, {"output": "suited"}) if raw else ({"output": "suited"}, {"rate": 0.1}),
            )
        return self.finding(
            text,
            cause,
            remedy,
            where=str(row["place"]),
            since=at,
            evidence=dict(row),
            tier=self.tier if born_in_loss(chart) else 4.0,
            because=() if raw and born_in_loss(chart) else self.because,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        for _k in range(40):
            problem = sound(rng, kinds=("rings", "blobs", "waves"), losses=("bce",), optimizers=("adam", "momentum", "sgd"))
            if not isinstance(problem.loss, BinaryCrossEntropy):
                continue
            config = problem.optimizer.config()
            config["lr"] *= 3.0
            faulty = problem.but(
                loss=BinaryCrossEntropy(raw=True), optimizer=OPTIMIZERS.make(config), epochs=problem.epochs * 3
            )
            tame = faulty.but(loss=BinaryCrossEntropy())
            if not np.isfinite(outcome(faulty)) and outcome(tame) < 0.3:
                return faulty
        return faulty
