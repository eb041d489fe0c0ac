"""A softmax that is applied twice."""

from __future__ import annotations

import math

import numpy as np

from clearprop.doctor.changes import layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import Softmax


class DoubleSoftmax(Rule):
    """A net that ends in a softmax, and a loss that applies one itself."""

    slug, tier, certain = "double-softmax", 1.2, True

    def find(self, chart: Chart) -> Finding | None:
        structure, settings = chart.rows("structure"), chart.one("settings")
        soft = [row["layer"] for row in structure if row["kind"] == "Softmax" and row["width"] != 1]
        inside = settings.get("loss") == "CrossEntropy" and bool(soft) and soft[-1] == len(structure)
        if not inside and len(soft) < 2:
            return None
        classes = structure[-1]["width"] or 2
        floor = math.log(1 + (classes - 1) / math.e)
        return self.finding(
            f"Layer {soft[-1]} is a softmax, and CrossEntropy applies another: the loss cannot fall below {floor:.3f}"
            f" for {classes} classes."
            if inside
            else f"The net applies a softmax twice, in layers {soft[-2]} and {soft[-1]}.",
            "softmax(p) of probabilities p in [0, 1] gives the true class at most e / (e + C - 1), so that"
            " -log of it stays above ln(1 + (C - 1) / e).",
            Remedy("leave the softmax to the loss", ({"output": "suited"},)),
            where=f"layer {soft[-1]}",
            evidence={"layers": soft, "classes": classes, "floor": floor},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng, kinds=("blobs", "rings", "waves", "teacher"), losses=("cross_entropy",))
        return with_layers(problem, [*layers_of(problem), Softmax()])
