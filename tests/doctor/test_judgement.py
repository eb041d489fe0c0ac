"""The judgement: what is told first, what is never called healthy, and which figures a sentence argues with."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

import clearprop as cp
from clearprop.arrays import Array
from clearprop.doctor import Finding, Treatment
from clearprop.doctor.chart import Chart
from clearprop.doctor.diagnosis import by_evidence
from clearprop.doctor.monitor import Monitor
from clearprop.doctor.scoring import base_score, score
from clearprop.doctor.treating import learned_nothing
from clearprop.nn.loss import ElementwiseLoss
from support.doctor_planting import plant
from support.doctor_specimens import sound

Pair = tuple[Array, Array]


def two_classes(n: int = 400) -> Pair:
    X, y = make_classification(n, 7, random_state=0)
    return X.astype("f4"), y.astype("f4")[:, None]


def numbers(n: int = 200) -> Pair:
    X, y = make_regression(n, 6, random_state=1)
    return X.astype("f4"), (y / y.std()).astype("f4")[:, None]


# ---------------------------------------------------------------- order


def tried(slug: str, tier: float, helped: bool | None) -> Finding:
    treatment = None if helped is None else Treatment({}, [], [], helped, "")
    return Finding(slug, "", tier=tier, treatment=treatment, certain=True)


def test_a_cause_whose_trial_cures_comes_before_one_whose_trial_does_not() -> None:
    found = [tried("a", 0.1, False), tried("b", 3.0, True), tried("c", 4.1, True), tried("d", 1.0, None)]
    # d is a fact that nobody can try, and keeps its place among the causes; c is an outcome
    assert [finding.slug for finding in by_evidence(found)] == ["d", "b", "a", "c"]


def test_what_follows_from_a_cause_stands_below_it() -> None:
    follows = Finding("e", "", tier=4.1, follows="b")
    found = by_evidence([tried("a", 0.1, False), follows, tried("b", 3.0, True)])
    assert [finding.slug for finding in found] == ["b", "e", "a"]


def test_an_output_that_cannot_reach_comes_before_the_size_of_the_targets() -> None:
    X, y = make_regression(100, 18, random_state=42)
    net = cp.Net(
        cp.Linear(18, 36), cp.ReLU(), cp.Linear(36, 16), cp.ReLU(), cp.Linear(16, 1), cp.Softmax(), seed=0,
    )  # fmt: skip
    found = cp.diagnose(
        net, (X.astype("f4"), y.astype("f4")[:, None]), loss="mse", optimizer=cp.optim.Adam(0.001), batch_size=35, epochs=60
    ).findings
    slugs = [finding.slug for finding in found]
    assert slugs.index("one-unit-softmax") < slugs.index("output-mismatch") < slugs.index("label-encoding")
    assert found[0].helped
    assert not found[slugs.index("label-encoding")].helped
    assert "numbers need no softmax" in found[0].remedy.words, "the advice is what was tried"
    assert found[0].treatment is not None
    assert found[0].treatment.changes == {"output": "suited"}


# ---------------------------------------------------------------- never healthy at the constant's level


def tiny_sigmoids() -> tuple[cp.Net, Pair]:
    """Three layers of sigmoids with weights of a twentieth, two epochs of SGD: nothing is learned."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (600, 1))
    small = cp.Uniform(-0.05, 0.05)
    layers = [cp.Linear(1, 20, init=small), cp.Sigmoid(), cp.Linear(20, 20, init=small), cp.Sigmoid(), cp.Linear(20, 1)]
    return cp.Net(*layers, seed=0), (((x + 10) / 20).astype("f4"), ((np.sin(x) + 1) / 2).astype("f4"))


def test_a_run_at_the_constants_level_is_not_healthy() -> None:
    net, data = tiny_sigmoids()
    found = cp.diagnose(net, data, loss="mse", optimizer=cp.SGD(0.01), epochs=2)
    assert learned_nothing(found.chart)
    assert not found.healthy
    assert found.status == 2 or found.findings[0].helped
    assert "the best constant has" in str(found) or found.findings


@pytest.mark.parametrize("n", [300, 3000])
def test_the_constant_is_judged_on_the_sample_that_the_run_is(n: int) -> None:
    # Of 3,000 examples 1,024 are looked at; their own best constant is the yardstick, and a net that answers it is at it.
    rng = np.random.default_rng(5)
    y = (rng.exponential(size=(n, 1)) ** 3).astype("f4")  # so few large ones that a sample's variance is quite another
    case = sound(np.random.default_rng(0), kinds=("regression",)).but(
        net=cp.mlp([2, 4, 1]), train=cp.data.Split(rng.normal(size=(n, 2)).astype("f4"), y), val=None
    )
    monitor = Monitor(case)
    constant = np.full((len(monitor.sample), 1), monitor.sample.y.mean(dtype=float))
    at = score(case, case.net, monitor.sample, constant)[0]
    assert monitor.chart.base == pytest.approx(at, rel=1e-6)
    assert (abs(base_score(case) - at) < 1e-9) == (n <= 1024), "with all examples it would be another number"


def test_the_constant_of_classes_is_the_entropy_of_the_samples_shares() -> None:
    case = sound(np.random.default_rng(3), kinds=("blobs",))
    case = case.but(train=cp.data.Split(case.train.X[:100], np.repeat([0, 1, 2, 3], [10, 20, 30, 40])), val=None)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    assert base_score(case) == pytest.approx(float(-(shares * np.log(shares)).sum()))
    part = cp.data.Split(case.train.X[:10], np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]))
    assert base_score(case, part) == pytest.approx(np.log(2))


def test_a_rate_of_1e7th_is_raised_as_far_as_it_takes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8)).astype("f4")
    y = (X @ rng.normal(size=(8, 3))).argmax(1)
    first = cp.diagnose(cp.mlp([8, 32, 3], hidden="relu"), (X, y), optimizer=cp.optim.Adam(1e-7), epochs=20).findings[0]
    assert first.slug == "rate-too-low"
    assert "learning rate 1e-07" in first.sentence, "as it was given"
    assert first.treatment is not None
    assert first.treatment.changes["rate"] > 1000
    assert first.treatment.after[-1]["train"] < 0.3


def test_two_remedies_are_combined_where_neither_helps_alone() -> None:
    # Weights of a hundredth *and* three epochs: the scale alone is too late, the epochs alone find a flat loss.
    net, data = tiny_sigmoids()
    found = cp.diagnose(net, (data[0][:400], data[1][:400]), loss="mse", optimizer=cp.optim.Adam(0.01), epochs=2)
    combined = [finding for finding in found.findings if finding.treatment and "epochs" in finding.treatment.changes]
    assert combined or found.status == 2
    for finding in combined:
        assert finding.treatment is not None
        assert finding.treatment.after[-1]["train"] < 0.7 * found.chart.base


def test_noise_is_undecided_and_no_longer_run_is_advised() -> None:
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 6)).astype("f4"), rng.integers(0, 2, 300)
    held = (rng.normal(size=(300, 6)).astype("f4"), rng.integers(0, 2, 300))
    found = cp.diagnose(cp.mlp([6, 8, 2]), (X, y), optimizer=cp.SGD(0.01), epochs=5, validation=held)
    assert [finding.slug for finding in found.findings] == []
    assert found.status == 2
    assert "best constant" in found.unknown


# ---------------------------------------------------------------- targets


def behind(*layers: cp.Layer, n_in: int = 7) -> cp.Net:
    return cp.Net(cp.Linear(n_in, 16), cp.ReLU(), cp.Linear(16, 1), *layers, seed=0)


@pytest.mark.parametrize(("ending", "words"), [
    ([cp.ReLU()], "2 classes, but the loss is the squared error of numbers, behind a ReLU"),
    ([cp.Sigmoid()], "behind a sigmoid whose slope goes to 0"),
    ([], "2 classes, but the loss is the squared error of numbers."),
])  # fmt: skip
def test_a_squared_error_for_classes_is_a_finding(ending: list[cp.Layer], words: str) -> None:
    found = cp.diagnose(behind(*ending), two_classes(), loss="mse", optimizer=cp.SGD(0.01), epochs=5)
    mismatch = next(finding for finding in found.findings if finding.slug == "output-mismatch")
    assert words in mismatch.sentence


SAME: dict[str, tuple[Pair, str, str]] = {
    "one class": ((two_classes()[0], np.ones((400, 1), "f4")), "bce", "All 400 targets are 1"),
    "one class, as an integer": ((two_classes()[0], np.full(400, 0)), "cross_entropy", "All 400 targets are 0"),
    "one class, as rows": ((two_classes()[0], np.tile([0.0, 1.0], (400, 1)).astype("f4")), "mse", "are the same row"),
    "zero variance": ((two_classes()[0], np.full((400, 1), 0.1, "f4")), "mse", "All 400 targets are 0.1"),
    "one example": ((two_classes()[0][:1], np.ones((1, 1), "f4")), "mse", "There is one training example"),
}


@pytest.mark.parametrize("name", SAME)
def test_targets_that_are_all_the_same_are_one_plain_sentence(name: str) -> None:
    data, loss, words = SAME[name]
    outputs = 1 if loss != "cross_entropy" and data[1].shape[-1] == 1 else 2
    ending = [cp.Sigmoid()] if loss == "bce" else []
    net = cp.Net(cp.Linear(7, 8), cp.Tanh(), cp.Linear(8, outputs), *ending, seed=0)
    found = cp.diagnose(net, data, loss=loss, optimizer=cp.SGD(0.01), epochs=5, metric="accuracy")
    assert [finding.slug for finding in found.findings] == ["label-encoding"]
    assert words in found.findings[0].sentence
    assert "e+" not in str(found), "no figure of a division by nothing"


# ---------------------------------------------------------------- figures


def test_nan_in_the_first_epoch_is_told_as_it_was_measured() -> None:
    net = cp.mlp([6, 32, 1], seed=0)
    found = cp.diagnose(net, numbers(), loss="mse", optimizer=cp.SGD(60.0), epochs=5)
    first = found.findings[0]
    assert first.slug == "diverging"
    assert "The learning rate 60 is too high" in first.sentence
    assert "stops being finite in step" in first.sentence
    assert "of epoch 1" in first.sentence
    assert "0 times" not in first.sentence
    steps = [row["loss"] for row in found.chart.rows("steps", epoch=1) if np.isfinite(row["loss"])]
    assert f"is up to {max(steps):.3g} on the way" in first.sentence


def test_a_rate_is_quoted_as_it_was_given() -> None:
    from clearprop.optim import CoolDown

    net, optimizer = cp.mlp([6, 32, 1], seed=0), cp.SGD(CoolDown(60.0, 100))
    found = cp.diagnose(net, numbers(), loss="mse", optimizer=optimizer, epochs=10)
    assert "The learning rate 60 is too high" in found.findings[0].sentence


def test_imbalance_argues_with_the_recall_that_it_raises() -> None:
    found = cp.doctor.examine(plant("imbalance", np.random.default_rng(1)))
    first = next(finding for finding in found.findings if finding.slug == "imbalance")
    assert first.treatment is not None
    assert first.treatment.words.startswith("of the class that is found least, ")
    assert "balanced accuracy" in first.treatment.words
    assert "loss" not in first.treatment.words


# ---------------------------------------------------------------- what a person brings


class Huber(ElementwiseLoss):
    """A loss that clearprop does not know."""

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        r = np.abs(y_hat - y)
        return np.where(r < 1, 0.5 * r * r, r - 0.5)

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        return np.clip(y_hat - y, -1, 1)


def test_a_loss_of_ones_own_is_examined() -> None:
    assert cp.diagnose(cp.mlp([6, 16, 1], seed=0), numbers(), loss=Huber(), optimizer=cp.optim.Adam(0.01), epochs=40).healthy
    found = cp.diagnose(cp.mlp([6, 16, 1], seed=0), numbers(), loss=Huber(), optimizer=cp.optim.Adam(1e-6), epochs=20)
    assert found.findings[0].slug == "rate-too-low"


def test_layers_frozen_on_purpose_stay_as_they_are_and_are_no_fault() -> None:
    net = cp.mlp([6, 16, 1], seed=0)
    found = cp.diagnose(net, numbers(), loss="mse", optimizer=cp.optim.Adam(0.03), epochs=30, frozen=[1])
    assert "frozen-parameter" not in [finding.slug for finding in found.findings]
    moved = {row["layer"]: row["total"] for row in found.chart.latest("movement") if row["parameter"] == "W"}
    assert moved[1] == 0 < moved[3]


def test_a_layer_that_is_used_twice_is_examined() -> None:
    shared = cp.Linear(6, 6)
    net = cp.Net(shared, cp.Tanh(), shared, cp.Tanh(), cp.Linear(6, 1), seed=0)
    found = cp.diagnose(net, numbers(), loss="mse", optimizer=cp.optim.Adam(1e-6), epochs=20)
    assert found.findings[0].slug == "rate-too-low"
    assert found.findings[0].helped


def test_an_empty_chart_is_no_run_that_learned_nothing() -> None:
    assert not learned_nothing(Chart())
