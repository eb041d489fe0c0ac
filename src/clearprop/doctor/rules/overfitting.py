"""A net that learns its examples by heart."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.scoring import score
from clearprop.doctor.specimens import outcome, sound
from clearprop.training import fit


class Overfitting(Rule):
    """The validation loss has its minimum early, and rises while the training loss goes on falling."""

    slug, tier = "overfitting", 4.3
    because = ("features-shuffled", "inputs-unscaled", "label-encoding")

    def find(self, chart: Chart) -> Finding | None:
        val, train = chart.column("scores", "val")[1:], chart.column("scores", "train")[1:]
        if len(val) < 5 or not np.isfinite(val).all() or chart.one("settings").get("patience"):
            return None
        best = int(np.argmin(val))
        end = float(np.median(val[-3:]))
        if end < 1.35 * val[best] + 0.08 * chart.base or best > 0.75 * len(val) or train[-1] > 0.95 * train[best]:
            return None
        return self.finding(
            f"The net over-fits: the validation loss is lowest ({number(val[best])}) in epoch {best + 1} and rises to"
            f" {number(end)},"
            f" while the training loss falls from {number(train[best])} to {number(train[-1])}.",
            "E[val loss] = loss of what is true + what was learned of the noise: the second part grows with every epoch.",
            Remedy("keep the net of the best validation epoch (EarlyStopping)", ({"epochs": best + 1},)),
            where="epochs",
            since=f"epoch {best + 1}",
            evidence={"best_epoch": best + 1, "best": val[best], "end": end, "train": train[-1]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the shorter run does better on the held-out examples."""
        a, b = before.column("scores", "val"), after.column("scores", "val")
        return bool(b and b[-1] < 0.85 * a[-1])

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(100):
            problem = sound(rng, kinds=("blobs", "teacher"), activations=("relu", "tanh"), optimizers=("adam", "rmsprop"), n=60)
            y = problem.train.y.copy()
            wrong = rng.random(len(y)) < 0.25
            y[wrong] = y[rng.permutation(len(y))][wrong]
            assert problem.val is not None
            faulty = problem.but(train=Split(problem.train.X, y), epochs=60, batch_size=8)
            net, early = faulty.net.copy(), faulty.net.copy()
            for one, epochs in ((early, 6), (net, 60)):
                fit(
                    one,
                    faulty.train,
                    loss=faulty.loss,
                    optimizer=faulty.fresh_optimizer(),
                    batch_size=8,
                    epochs=epochs,
                    seed=faulty.seed,
                    engine="batch",
                )
            soon, late = (score(faulty, one, problem.val)[0] for one in (early, net))
            if (late > 1.8 * soon + 0.2 and outcome(faulty) < 0.3) or k == 99:
                return faulty
        return faulty
