"""Rules about the signal: activations on their way forwards through the layers, and gradients on their way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy, counted
from clearprop.doctor.rules.rule import Rule, dead_rows, flat_epochs, moment_words, stuck
from clearprop.training.history import Row


class SaturatedUnits(Rule):
    """Sigmoid or tanh units whose slope is nearly 0 for most examples."""

    slug = "saturated-units"

    def find(self, chart: Chart) -> Finding | None:
        rows = [row for row in chart.rows("activations") if row.get("saturated", 0) >= 0.5 and not row["last"]]
        start = [row for row in rows if row["epoch"] == 0]
        if start:
            return self.told(chart, start[0])
        if rows and stuck(chart) and rows[-1] in chart.latest("activations"):
            return self.told(chart, rows[0])
        return None

    def told(self, chart: Chart, row: Row) -> Finding:
        """The finding, with what made the pre-activations so large."""
        linear = [r for r in chart.rows("structure") if "gain" in r and r["layer"] < row["layer"]]
        inputs, gain = chart.one("inputs"), max((r["gain"] for r in linear), default=1.0)
        unscaled, big = inputs.get("rms", 1.0) > 8, gain > 2.5
        reasons = [f"the inputs reach {inputs['high']:.3g} (root mean square {inputs['rms']:.3g})"] if unscaled else []
        if big:
            worst = max(linear, key=lambda r: float(r["gain"]))
            reasons.append(
                f"the weights of layer {worst['layer']} have spread {worst['spread']:.3g}, {gain:.3g} times too large"
            )
        why = " because " + " and ".join(reasons) if reasons else ""
        changes: dict[str, Any] = ({"scale": "standard"} if unscaled else {}) | ({"init": "default"} if big else {})
        when = "unscaled inputs, large weights" if unscaled and big else ("unscaled inputs" if unscaled else "")
        return self.finding(
            f"{100 * row['saturated']:.1f} % of the {row['kind'].lower()} values of layer {row['layer']} ({row['units']} units"
            f" x {row['examples']} examples) are saturated{why}.",
            "sigma'(z) = a (1 - a) goes to 0 like exp(-|z|), tanh'(z) = 1 - a^2 like 4 exp(-2 |z|): next to no gradient"
            " passes a saturated unit.",
            Remedy(
                "scale the inputs, and draw the weights by Xavier's rule",
                (changes,) if changes else ({"rate": 0.1}, {"init": "default"}),
            ),
            when=when if row["epoch"] == 0 else "after some steps",
            where=f"layer {row['layer']}",
            since=moment_words(row),
            evidence={
                "saturated": row["saturated"],
                "input_rms": inputs.get("rms"),
                "input_high": inputs.get("high"),
                "gain": gain,
            },
        )


class ExplodingGradients(Rule):
    """A gradient that grows from layer to layer on its way back."""

    slug = "exploding-gradients"

    def find(self, chart: Chart) -> Finding | None:
        rows = chart.rows("gradients", epoch=0)
        linear = [row for row in chart.rows("structure") if row.get("gain")]
        if len(rows) < 4 or len(linear) < 4:
            return None
        gain = float(np.exp(np.mean([np.log(row["gain"]) for row in linear[:-1]])))
        seen = min(rows[0]["reaching"], rows[-1]["reaching"]) > 0  # no gradient passes outputs saturated at 0 and 1
        growth = rows[0]["reaching"] / rows[-1]["reaching"] if seen else gain ** (len(linear) - 1)
        if growth < 10 or not 1.4 < gain < 4:
            return None
        text = (
            f"The gradient explodes: it is {rows[-1]['reaching']:.3g} at the last linear layer and {rows[0]['reaching']:.3g} at"
            f" the first, {growth:.3g} times as large"
            if seen
            else f"The activations grow {growth:.3g}-fold, and with them the gradient"
        )
        return self.finding(
            f"{text} (each of {len(linear) - 1} hidden layers multiplies what enters it by {gain:.3g}).",
            "dx = dy W^T: every layer multiplies the gradient by its gain, and gain^depth reaches the first.",
            Remedy(
                "draw the weights by He's or Xavier's rule (or clip the gradient)",
                ({"init": "default"}, {"optimizer": {"clip_norm": 1.0}}),
            ),
            where="all layers",
            evidence={"growth": growth, "gain": gain, "reaching": [row["reaching"] for row in rows]},
        )


class VanishingGradients(Rule):
    """A gradient that shrinks from layer to layer on its way back."""

    slug = "vanishing-gradients"

    def find(self, chart: Chart) -> Finding | None:
        rows = chart.rows("gradients", epoch=0)
        if len(rows) < 3 or not rows[-1]["reaching"]:
            return None
        share = rows[0]["reaching"] / rows[-1]["reaching"]
        flat = flat_epochs(chart)
        if share > 0.02 or not (flat >= 2 or chart.final > 0.3 * chart.base):
            return None
        kinds = {row["kind"] for row in chart.rows("activations")}
        return self.finding(
            f"The gradient vanishes: of the {rows[-1]['reaching']:.3g} at the last linear layer, {rows[0]['reaching']:.3g}"
            f" ({100 * share:.3g} %) reach the first; the loss stays flat for {counted(flat, 'epoch')}.",
            "dz = da f'(z) at every layer, and sigma' is at most 1/4 (tanh' at most 1): a product of one factor a layer.",
            Remedy(
                "use ReLU (or tanh) with weights by He's (Xavier's) rule, or fewer layers",
                ({"activation": "relu"}, {"activation": "tanh"})
                if "Sigmoid" in kinds
                else ({"init": "default"}, {"activation": "relu"}),
            ),
            where="first layers",
            evidence={"share": share, "flat_epochs": flat, "reaching": [row["reaching"] for row in rows]},
        )


class DeadReLUs(Rule):
    """ReLUs whose output is 0 for every training example."""

    slug = "dead-relus"

    def find(self, chart: Chart) -> Finding | None:
        bad = [row for row in dead_rows(chart) if not row["last"]]
        if not bad:
            return None
        layer, dead, units = bad[0]["layer"], bad[0]["dead"], bad[0]["units"]
        history = chart.rows("activations", layer=layer)
        onset = next(row for row in history if row["dead"] >= dead)
        early = history[0]["dead"] >= max(2, 0.5 * units)
        subject = "All" if dead == units else f"{dead} of"
        whole = chart.one("settings").get("examples") == onset["examples"]
        return self.finding(
            f"{subject} {units} ReLUs of layer {layer} are dead for all {onset['examples']}"
            f" {'training examples' if whole else 'sampled examples'} {'from' if early else 'after'} {moment_words(onset)}.",
            "a = max(z, 0) has slope 0 for z < 0: a unit that is negative for every example gets no gradient, as long as what"
            " enters it stays the same.",
            Remedy(
                "draw the weights by He's rule with zero biases" if early else "take smaller steps",
                ({"init": "default"},) if early else ({"rate": 0.1}, {"rate": 0.3}, {"rate": 0.03}),
            ),
            when="" if early else "after some steps",
            where=f"layer {layer}",
            since=moment_words(onset),
            evidence={"dead": dead, "units": units, **{k: onset[k] for k in ("examples", "epoch", "step")}},
        )
