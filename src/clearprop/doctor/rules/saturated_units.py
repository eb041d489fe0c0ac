"""Units that are saturated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, moment_words, number, stuck
from clearprop.doctor.specimens import planted
from clearprop.nn import Linear, Normal


class SaturatedUnits(Rule):
    """Sigmoid or tanh units so far out that their slope is all but 0."""

    slug, tier, because = "saturated-units", 2.05, ("inputs-unscaled", "diverging")

    def find(self, chart: Chart) -> Finding | None:
        rows = [row for row in chart.rows("activations") if row.get("saturated", 0) >= 0.5 and not row["last"]]
        start = [row for row in rows if row["epoch"] == 0]
        if start:
            return self.told(chart, start[0])
        if rows and stuck(chart) and rows[-1] in chart.latest("activations"):
            found = self.told(chart, rows[0])
            return replace(found, tier=3.06, because=(*self.because, "initial-loss", "oscillating"))
        return None

    def told(self, chart: Chart, row: dict[str, float]) -> Finding:
        """The sentence, with what made the pre-activations so large."""
        linear = [r for r in chart.rows("structure") if "gain" in r and r["layer"] < row["layer"]]
        inputs, gain = chart.one("inputs"), max((r["gain"] for r in linear), default=1.0)
        unscaled = inputs.get("rms", 1.0) > 8
        big = gain > 2.5
        reasons = [f"the inputs reach {number(inputs['high'])} (size {number(inputs['rms'])})"] if unscaled else []
        if big and linear:
            worst = max(linear, key=lambda r: float(r["gain"]))
            reasons.append(
                f"the weights of layer {worst['layer']} have spread {number(worst['spread'])}, {number(gain)} x too much"
            )
        why = " because " + " and ".join(reasons) if reasons else ""
        share = f"{100 * row['saturated']:.1f} %"
        options = [{"scale": "standard", "init": "default"}] if unscaled and big else []
        options += [{"init": "default"}] if big and not unscaled else []
        options += [{"scale": "standard"}] if unscaled and not big else []
        return self.finding(
            f"{share} of the {row['kind'].lower()} values of layer {row['layer']} ({row['units']} units x {row['examples']}"  # type: ignore[attr-defined]
            f" examples) are saturated{why}.",
            "sigma'(z) = a (1 - a) and tanh'(z) = 1 - a^2 go to 0 like exp(-|z|): behind a saturated unit there is no"
            " gradient.",
            Remedy(
                "scale the inputs, and draw the weights by Xavier's rule",
                tuple(options) or ({"rate": 0.1}, {"init": "default"}),
            ),
            where=f"layer {row['layer']}",
            since=moment_words(row),
            evidence={
                "saturated": row["saturated"],
                "input_rms": inputs.get("rms"),
                "input_high": inputs.get("high"),
                "gain": gain,
            },
            because=() if unscaled and big else self.because,
            tier=2.0 if unscaled and big else (2.15 if unscaled else self.tier),
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            layers = layers_of(problem)
            for i in range(last_linear(layers)):
                layer = layers[i]
                if isinstance(layer, Linear):
                    layers[i] = Linear(
                        layer.n_in, layer.n_out, init=Normal(float(rng.uniform(8, 30)) * (1 + k % 6) / layer.n_in**0.5)
                    )
            return with_layers(problem, layers, problem.seed)

        kinds = ("teacher", "waves", "regression", "rings")
        return planted(
            rng, make, lambda good, bad, base: bad > 2 * good + 0.1 * base, kinds=kinds, activations=("tanh", "sigmoid")
        )
