"""Every loss against central differences and torch, for every kind of target, and planted faults.

The tolerances are those of the layers: 1e-6 of finite differences, 1e-12 of torch; a fault of 0.001 % is found by either.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import clearprop as cp
from clearprop.nn import LOSSES

NUMERIC, TORCH = 1e-6, 1e-12
RNG = np.random.default_rng(8)
SCORES = RNG.normal(size=(5, 3)) * 2
PROBABILITIES = RNG.dirichlet(np.ones(3), size=5)
CHANCES = RNG.uniform(0.05, 0.95, size=(5, 3))
LABELS = np.array([0, 2, 1, 1, 2])
ONE_HOT = np.eye(3)[LABELS]
SOFT = RNG.dirichlet(np.ones(3), size=5)
ZERO_ONE = RNG.integers(2, size=(5, 3)).astype(float)
REAL = RNG.normal(size=(5, 3))
WEIGHTS = [0.5, 2.0, 3.0]


class Case(NamedTuple):
    loss: type[cp.Loss]
    y_hat: np.ndarray
    y: np.ndarray
    reference: Callable  # (y_hat, y, reduction) -> value, in torch
    options: dict | None = None


def torch_cross_entropy(y_hat, y, reduction):
    return F.cross_entropy(y_hat, y, reduction=reduction)


def torch_smoothed(epsilon):
    def reference(y_hat, y, reduction):
        return F.cross_entropy(y_hat, y, reduction=reduction, label_smoothing=epsilon)

    return reference


def torch_weighted(y_hat, y, reduction):
    total = F.cross_entropy(y_hat, y, weight=torch.tensor(WEIGHTS, dtype=y_hat.dtype), reduction="sum")
    return total if reduction == "sum" else total / len(y_hat)  # PyTorch's own mean divides by the weights of the classes


def torch_smoothed_and_weighted(y_hat, y, reduction):
    weight = torch.tensor(WEIGHTS, dtype=y_hat.dtype)
    total = F.cross_entropy(y_hat, y, weight=weight, reduction="sum", label_smoothing=0.1)
    return total if reduction == "sum" else total / len(y_hat)


def torch_focal(gamma):
    def reference(y_hat, y, reduction):
        rows = y if y.ndim == 2 else F.one_hot(y, y_hat.shape[1]).double()
        p = torch.softmax(y_hat, 1)
        total = -(rows * (1 - p) ** gamma * torch.log(p)).sum()
        return total if reduction == "sum" else total / len(y_hat)

    return reference


def torch_pinball(q):
    def reference(y_hat, y, reduction):
        above = (y - y_hat).clamp(min=0)
        values = q * above + (1 - q) * (y_hat - y).clamp(min=0)
        return values.sum() if reduction == "sum" else values.mean()

    return reference


def torch_nll(y_hat, y, reduction):
    if y.ndim == 1:
        return F.nll_loss(torch.log(y_hat), y, reduction=reduction)
    rows = -(y * torch.log(y_hat)).sum(1)
    return rows.sum() if reduction == "sum" else rows.mean()


def torch_bce(y_hat, y, reduction):
    return F.binary_cross_entropy(y_hat, y.double().expand_as(y_hat), reduction=reduction)


def torch_bce_logits(y_hat, y, reduction):
    return F.binary_cross_entropy_with_logits(y_hat, y.double().expand_as(y_hat), reduction=reduction)


def torch_mse(y_hat, y, reduction):
    return F.mse_loss(y_hat, y.double().expand_as(y_hat), reduction=reduction)


CASES = {
    "cross-entropy, integers": Case(cp.CrossEntropy, SCORES, LABELS, torch_cross_entropy),
    "cross-entropy, one-hot": Case(cp.CrossEntropy, SCORES, ONE_HOT, torch_cross_entropy),
    "cross-entropy, soft": Case(cp.CrossEntropy, SCORES, SOFT, torch_cross_entropy),
    "cross-entropy, smoothed": Case(cp.CrossEntropy, SCORES, LABELS, torch_smoothed(0.2), {"label_smoothing": 0.2}),
    "cross-entropy, weighted": Case(cp.CrossEntropy, SCORES, LABELS, torch_weighted, {"class_weight": WEIGHTS}),
    "cross-entropy, weighted, soft": Case(cp.CrossEntropy, SCORES, SOFT, torch_weighted, {"class_weight": WEIGHTS}),
    "cross-entropy, both": Case(
        cp.CrossEntropy, SCORES, LABELS, torch_smoothed_and_weighted, {"label_smoothing": 0.1, "class_weight": WEIGHTS}
    ),
    "focal": Case(cp.Focal, SCORES, LABELS, torch_focal(2.0)),
    "focal, soft": Case(cp.Focal, SCORES, SOFT, torch_focal(2.0)),
    "focal, 0.5": Case(cp.Focal, SCORES, LABELS, torch_focal(0.5), {"gamma": 0.5}),
    "focal, 0": Case(cp.Focal, SCORES, LABELS, torch_focal(0.0), {"gamma": 0.0}),
    "cross-entropy, one example": Case(cp.CrossEntropy, SCORES[:1], LABELS[:1], torch_cross_entropy),
    "nll, integers": Case(cp.NegativeLogLikelihood, PROBABILITIES, LABELS, torch_nll),
    "nll, one-hot": Case(cp.NegativeLogLikelihood, PROBABILITIES, ONE_HOT, torch_nll),
    "nll, soft": Case(cp.NegativeLogLikelihood, PROBABILITIES, SOFT, torch_nll),
    "bce": Case(cp.BinaryCrossEntropy, CHANCES, ZERO_ONE, torch_bce),
    "bce, one output": Case(cp.BinaryCrossEntropy, CHANCES[:, :1], ZERO_ONE[:, :1], torch_bce),
    "bce, integer targets": Case(cp.BinaryCrossEntropy, CHANCES, ZERO_ONE.astype(np.uint8), torch_bce),
    "bce, soft": Case(cp.BinaryCrossEntropy, CHANCES, SOFT, torch_bce),
    "bce, raw": Case(cp.BinaryCrossEntropy, CHANCES, ZERO_ONE, torch_bce, {"raw": True}),
    "bce, broadcast": Case(cp.BinaryCrossEntropy, CHANCES, ZERO_ONE[:, :1], torch_bce, {"broadcast": True}),
    "bce with logits": Case(cp.BinaryCrossEntropyWithLogits, SCORES, ZERO_ONE, torch_bce_logits),
    "bce with logits, soft": Case(cp.BinaryCrossEntropyWithLogits, SCORES, SOFT, torch_bce_logits),
    "bce with logits, broadcast": Case(
        cp.BinaryCrossEntropyWithLogits, SCORES, ZERO_ONE[:, :1], torch_bce_logits, {"broadcast": True}
    ),
    "mae": Case(cp.MeanAbsoluteError, SCORES, REAL, lambda y_hat, y, r: F.l1_loss(y_hat, y, reduction=r)),
    "huber": Case(cp.Huber, SCORES, REAL, lambda y_hat, y, r: F.huber_loss(y_hat, y, reduction=r)),
    "huber, delta": Case(
        cp.Huber, SCORES, REAL, lambda y_hat, y, r: F.huber_loss(y_hat, y, reduction=r, delta=0.3), {"delta": 0.3}
    ),
    "quantile": Case(cp.Quantile, SCORES, REAL, torch_pinball(0.5)),
    "quantile, 0.9": Case(cp.Quantile, SCORES, REAL, torch_pinball(0.9), {"q": 0.9}),
    "quantile, broadcast": Case(cp.Quantile, SCORES, REAL[:, :1], torch_pinball(0.2), {"q": 0.2, "broadcast": True}),
    "mse": Case(cp.MeanSquaredError, SCORES, REAL, torch_mse),
    "mse, one output": Case(cp.MeanSquaredError, SCORES[:, :1], REAL[:, :1], torch_mse),
    "mse, integer targets": Case(cp.MeanSquaredError, SCORES, ZERO_ONE.astype(int), torch_mse),
    "mse, broadcast": Case(cp.MeanSquaredError, SCORES, REAL[:, :1], torch_mse, {"broadcast": True}),
}


def check(loss: cp.Loss, case: Case, slope, agree) -> None:
    """Value and gradient against both oracles."""
    y_hat = case.y_hat.copy()
    value, saved = loss.forward(y_hat, case.y)
    got = loss.backward(saved)
    agree(got, slope(lambda: loss(y_hat, case.y), y_hat), NUMERIC, "numeric dy_hat")
    tensor = torch.tensor(y_hat, requires_grad=True)
    wanted = case.reference(tensor, torch.tensor(case.y), loss.reduction)
    wanted.backward()
    agree(value, wanted.item(), TORCH, "value")
    agree(got, tensor.grad.numpy(), TORCH, "torch dy_hat")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_gradients(case, reduction, slope, agree):
    check(case.loss(reduction=reduction, **(case.options or {})), case, slope, agree)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_registered_loss_is_in_the_table(name):
    assert LOSSES.find(name) in {case.loss for case in CASES.values()}, f"add a case for {name} to CASES"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_sum_is_mean_times_the_number_averaged_over(case, agree):
    # class losses average over the B examples, element-wise ones over all B n_y numbers
    n = len(case.y_hat) if case.loss in (cp.CrossEntropy, cp.NegativeLogLikelihood, cp.Focal) else case.y_hat.size
    mean, total = case.loss(**(case.options or {})), case.loss(reduction="sum", **(case.options or {}))
    agree(n * mean(case.y_hat, case.y), total(case.y_hat, case.y), TORCH)
    gradients = [loss.backward(loss.forward(case.y_hat, case.y)[1]) for loss in (mean, total)]
    agree(n * gradients[0], gradients[1], TORCH)


def test_cross_entropy_is_softmax_then_negative_log_likelihood(agree):
    layer, nll, fused = cp.Softmax(), cp.NegativeLogLikelihood(), cp.CrossEntropy()
    p, kept = layer.forward(SCORES)
    value, saved = nll.forward(p, LABELS)
    agree(value, fused(SCORES, LABELS), TORCH)
    agree(layer.backward(kept, nll.backward(saved)), fused.backward(fused.forward(SCORES, LABELS)[1]), TORCH)


def test_bce_with_logits_is_sigmoid_then_bce(agree):
    layer, bce, fused = cp.Sigmoid(), cp.BinaryCrossEntropy(), cp.BinaryCrossEntropyWithLogits()
    p, kept = layer.forward(SCORES)
    value, saved = bce.forward(p, ZERO_ONE)
    agree(value, fused(SCORES, ZERO_ONE), TORCH)
    agree(layer.backward(kept, bce.backward(saved)), fused.backward(fused.forward(SCORES, ZERO_ONE)[1]), TORCH)


# --- planted faults -----------------------------------------------------------------------------------------------------


def times(factor):
    """A fault: the right gradient, times a factor."""

    def plant(parent):
        class Scaled(parent):
            def backward(self, saved):
                return super().backward(saved) * factor

        return Scaled

    return plant


def y_hat_minus_y(parent):
    """A fault: the gradient of fused losses, used for whatever loss."""

    class Fused(parent):
        def backward(self, saved):
            y_hat, y = saved
            return (y_hat - y) * self.scale(y_hat)

    return Fused


def averaged_over_examples_only(parent):
    class Fewer(parent):
        def scale(self, y_hat):
            return 1 / len(y_hat)

    return Fewer


def value_without_soft_targets(parent):
    """A fault: p - y, also for targets that do not sum to 1."""

    class Rows(parent):
        def backward(self, saved):
            log_p, y = saved
            return (np.exp(log_p) - y) * self.scale(y)

    return Rows


FAULTS = [
    ("cross-entropy, integers", times(5)),  # no 1 / B
    ("cross-entropy, integers", times(-1)),
    ("cross-entropy, one-hot", times(1.0005)),
    ("cross-entropy, one-hot", times(1.00001)),
    ("cross-entropy, weighted, soft", value_without_soft_targets),
    ("nll, integers", times(5)),
    ("nll, soft", y_hat_minus_y),
    ("bce", times(15)),
    ("bce", times(1.0005)),
    ("bce", y_hat_minus_y),
    ("bce", averaged_over_examples_only),
    ("bce with logits", times(0.9995)),
    ("mse", times(0.5)),  # the factor 2 forgotten
    ("mse", times(1.00001)),
    ("mse", averaged_over_examples_only),
]


@pytest.mark.parametrize(("name", "plant"), FAULTS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(FAULTS)])
def test_planted_faults_are_found(name, plant, slope, agree):
    case = CASES[name]
    check(case.loss(**(case.options or {})), case, slope, agree)  # the right one passes, so it is the fault that is found
    with pytest.raises(AssertionError, match=r"dy_hat|value"):
        check(plant(case.loss)(**(case.options or {})), case, slope, agree)
