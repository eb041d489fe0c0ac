"""The runs that their authors could not explain: each is named first, with its numbers, and cured in the counterfactual."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.data.dataset import Split
from clearprop.doctor import Case, examine
from clearprop.training import FitSettings

Published = Callable[[str], Case]


def test_minibatch_40_died_of_a_summed_gradient(published: Published) -> None:
    found = examine(published("minibatch-40"))
    first = found.findings[0]
    assert first.slug == "summed-gradient"
    assert "40 x 0.03 = 1.2" in first.sentence
    assert "all 32 ReLUs" in first.sentence
    assert "step 13 of epoch 0, counted from 0" in first.sentence
    assert first.treatment is not None
    assert first.treatment.before[-1]["train"] == pytest.approx(0.695, abs=0.001)
    assert first.treatment.after[20]["train"] < 0.25
    assert first.treatment.after[-1]["train"] < 0.05
    follow = {finding.slug: finding.follows for finding in found.findings}
    assert follow["dead-relus"] == follow["constant-predictor"] == "summed-gradient"


def test_the_dead_relus_are_dead_for_every_training_example_and_not_a_step_sooner(published: Published) -> None:
    rows = examine(published("minibatch-40")).chart.rows("activations", epoch=1)
    dead = {row["step"]: row["dead"] for row in rows if not row["end"] and "dead" in row}
    assert (dead[13], dead[14]) == (30, 32)
    assert rows[0]["examples"] == 898


def test_lr_005_is_traced_to_the_sigmoid_that_reached_1(published: Published) -> None:
    first = examine(published("lr-0.05")).findings[0]
    assert first.slug == "nonfinite-loss"
    assert "of epoch 14, counted from 0" in first.sentence
    assert "the sigmoid's output reached 1" in first.sentence
    assert first.treatment is not None
    assert first.treatment.helped
    assert np.isfinite([row["train"] for row in first.treatment.after]).all()


def test_one_layer_is_32_outputs_against_one_label(published: Published) -> None:
    first = examine(published("one-layer")).findings[0]
    assert first.slug == "broadcast-outputs"
    assert "32 outputs are broadcast against one label" in first.sentence
    assert first.treatment is not None
    assert first.treatment.helped
    assert first.treatment.changes == {"outputs": 1}


def test_deep_is_flat_for_eight_epochs_because_of_its_first_weights(published: Published) -> None:
    found = examine(published("deep"))
    first = found.findings[0]
    assert first.slug == "initial-scale"
    assert "stays flat for 8 epochs" in first.sentence
    assert "vanishing" in first.sentence
    assert {f.slug: f.follows for f in found.findings}["vanishing-gradients"] == "initial-scale"
    assert first.treatment is not None
    assert first.treatment.after[2]["train"] < 0.4


def test_two_layer_is_healthy(published: Published) -> None:
    assert {finding.slug for finding in examine(published("two-layer")).findings} <= {"overfitting"}


def test_two_linear_layers_are_one(published: Published) -> None:
    assert "no-nonlinearity" in [finding.slug for finding in examine(published("two-linear")).findings[:2]]


@pytest.mark.skipif(not Path(os.environ.get("CLEARPROP_DATA", "/nowhere"), "mnist").is_dir(), reason="needs MNIST")
def test_raw_pixels_and_unit_normal_weights_saturate_every_unit() -> None:
    data = cp.data.load("mnist", scale="none")
    rows = np.random.default_rng(0).permutation(len(data.train))[:4000]
    train = Split(data.train.X[rows], data.train.y[rows])
    net = cp.mlp([784, 300, 10], hidden="sigmoid", init=cp.Normal(1.0))
    assert data.val is not None
    val = Split(data.val.X[:500], data.val.y[:500])
    first = examine(Case(net, train, cp.CrossEntropy(), cp.SGD(0.03), val=val, settings=FitSettings(100, 3))).findings[0]
    assert first.slug == "saturated-units"
    assert first.evidence["saturated"] > 0.99
    assert "the inputs reach 255" in first.sentence
    assert "have spread 1" in first.sentence
    assert first.treatment is not None
    assert first.treatment.helped
    assert first.treatment.after[-1]["accuracy"] > first.treatment.before[-1]["accuracy"] + 0.3
