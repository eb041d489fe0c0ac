"""ReLUs that are dead."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, moment_words
from clearprop.doctor.specimens import planted
from clearprop.nn import Linear, ReLU, Uniform


class DeadReLUs(Rule):
    """Units that answer 0 to every training example: no gradient passes them, so they stay as they are."""

    slug, tier = "dead-relus", 2.5
    because = (
        "summed-gradient",
        "diverging",
        "inputs-unscaled",
        "initial-scale",
        "exploding-gradients",
        "label-encoding",
        "oscillating",
    )

    def find(self, chart: Chart) -> Finding | None:
        bad = [r for r in chart.latest("activations") if r.get("dead", 0) >= max(2, 0.5 * r["units"]) and not r["last"]]
        if not bad:
            return None
        layer, dead = bad[0]["layer"], bad[0]["dead"]
        history = chart.rows("activations", layer=layer)
        onset = next(
            i for i in range(len(history)) if all(row["dead"] >= dead for row in history[i:]) or row_is(history[i], dead)
        )
        row = history[onset]
        early = history[0]["dead"] >= max(2, 0.5 * row["units"])
        everyone = "All" if dead == row["units"] else f"{dead} of"
        whole = chart.one("settings").get("examples") == row["examples"]
        return self.finding(
            f"{everyone} {row['units']} ReLUs of layer {layer} are dead for all {row['examples']}"
            f" {'training examples' if whole else 'examples looked at'} {'from' if early else 'after'} {moment_words(row)}.",
            "a = max(z, 0) has slope 0 for z < 0: a unit that is negative for every example gets no gradient, for ever.",
            Remedy(
                "draw the weights by He's rule with zero biases" if early else "take smaller steps",
                ({"init": "default"},) if early else ({"rate": 0.1}, {"rate": 0.3}, {"rate": 0.03}),
            ),
            where=f"layer {layer}",
            since=moment_words(row),
            evidence={
                "dead": dead,
                "units": row["units"],
                "examples": row["examples"],
                "epoch": row["epoch"],
                "step": row["step"],
            },
            tier=self.tier if early else 3.05,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            layers = layers_of(problem)
            for i in range(last_linear(layers)):
                layer = layers[i]
                if isinstance(layer, Linear) and isinstance(layers[i + 1], ReLU):
                    layers[i] = Linear(layer.n_in, layer.n_out, init=layer.init, bias_init=Uniform(-9.0 - k % 6, -4.0 - k % 6))
            return with_layers(problem, layers, problem.seed)

        return planted(rng, make, lambda good, bad, base: bad > 2 * good + 0.2 * base, activations=("relu",))


def row_is(row: dict[str, float], dead: int) -> bool:
    """Whether as many units are dead in this row already."""
    return row["dead"] >= dead
