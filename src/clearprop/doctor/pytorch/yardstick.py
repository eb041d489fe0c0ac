"""The yardstick of a PyTorch run: one score for every loss, so that a run and its cured copy can be compared.

A loss that is known is measured as clearprop's are: the mean cross-entropy of the probabilities, or the squared error as a
share of the variance of the targets. Any other is its own yardstick, and the best constant is looked for with the loss itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.case import holds_labels
from clearprop.doctor.pytorch.computation import Computation
from clearprop.doctor.pytorch.loader_examples import Given
from clearprop.doctor.pytorch.operations_seen import SAME
from clearprop.doctor.pytorch.torch_run import TorchRun
from clearprop.nn.pytorch import torch

OF_LABELS = ("CrossEntropy", "NLLLoss", "KLDivLoss")
OF_LOGARITHMS = ("NLLLoss", "KLDivLoss")  # losses that take logarithms of probabilities
OF_YES = ("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits")
TINY = 1e-7
SQUARES = ({"sub", "pow", "mean"}, {"sub", "mul", "mean"}, {"rsub", "pow", "mean"}, {"mse_loss"}, {"mse_loss", "mean"})


PLAIN = {
    "log_softmax", "nll_loss_forward", "nll_loss2d_forward", "nll_loss_nd", "sum", "neg", "masked_fill", "div", "mul", "add",
    "mean", "eq", "bitwise_not",
}  # fmt: skip
"""Operations of a cross-entropy, with its label smoothing."""


@dataclass(frozen=True)
class Yardstick:
    """How a run is scored.

    Attributes
    ----------
    loss : str
        The loss by clearprop's name, PyTorch's for those that take logarithms of probabilities, or the person's own name.
    known : bool
        Whether it is one of those that are measured as clearprop's.
    logarithms : bool
        For a loss that takes logarithms of probabilities, whether the module gives them.
    """

    loss: str
    known: bool
    logarithms: bool = False

    def rows(self, answer: Any, targets: Any) -> tuple[Array, Array]:
        """Answers and targets with one row an example (or pixel, or token); classes (N,), everything else (N, k)."""
        out = answer.detach().double().cpu()
        y = targets.detach().cpu()
        if self.loss in OF_LABELS and y.dim() == out.dim() - 1:
            out = (out.movedim(1, -1) if out.dim() > 2 else out).reshape(-1, out.shape[1])
            return out.numpy(), y.reshape(-1).numpy()
        if self.loss in OF_YES and (out.dim() < 2 or out[0].numel() == 1):
            return out.reshape(-1, 1).numpy(), y.double().reshape(-1, 1).numpy()
        if self.loss not in OF_LABELS and y.dim() <= 1:
            return out.reshape(len(out), -1).numpy(), y.double().reshape(-1, 1).numpy()
        return out.reshape(len(out), -1).numpy(), y.double().reshape(len(y), -1).numpy()

    def probabilities(self, out: Array) -> Array:
        """Probabilities of the classes, from answers (N, C) or (N, 1)."""
        if self.loss in OF_YES:
            return 1 / (1 + np.exp(-np.clip(out, -500, 500))) if self.loss.endswith("Logits") else np.clip(out, 0, 1)
        if self.loss in OF_LOGARITHMS and self.logarithms:
            return np.exp(np.minimum(out, 0))
        if self.loss in OF_LOGARITHMS and (out >= 0).all() and np.allclose(out.sum(axis=1), 1, atol=1e-3):
            return out
        p = np.exp(out - out.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    def score(self, run: TorchRun, answer: Any, given: Given) -> tuple[float, float, Array | None]:
        """Score, accuracy (NaN without classes), and predicted classes if there are any."""
        with np.errstate(all="ignore"):
            if not self.known:
                return own_loss(run, answer, given), math.nan, None
            out, y = self.rows(answer, given.targets)
            if not np.isfinite(out).all():
                return math.inf, math.nan, None
            if self.loss in OF_LABELS:
                return of_classes(self.probabilities(out), y)
            if self.loss in OF_YES:
                return of_yes(self.probabilities(out), y)
            if holds_labels(y) and out.shape == y.shape and set(np.unique(y)) <= {0.0, 1.0}:
                p = np.clip(out, TINY if y.shape[1] > 1 else 0, None if y.shape[1] > 1 else 1)
                return of_yes(p, y) if y.shape[1] == 1 else of_classes(p / p.sum(axis=1, keepdims=True), y)
            variance = max(float(y.var(axis=0).mean()), 1e-30)
            error = float(((out - y) ** 2).mean()) if out.shape == y.shape else float(((out[:, :1] - y[:, :1]) ** 2).mean())
            return error / variance, squared_accuracy(out, y), None

    def base(self, run: TorchRun, answer: Any, given: Given, ending: str) -> float:
        """Score of the best constant answer; NaN if none can be found."""
        if not self.known:
            return best_constant(run, answer, given, ending)
        y = self.rows(answer, given.targets)[1]
        if self.loss in OF_LABELS:
            if y.ndim == 2:  # shares of classes
                return float(-(y.mean(axis=0) * np.log(np.clip(y.mean(axis=0), TINY, 1))).sum())
            shares = np.unique(y[y >= 0], return_counts=True)[1] / max((y >= 0).sum(), 1)
            return float(-(shares * np.log(shares)).sum())
        if self.loss in OF_YES:
            p = np.clip(y.mean(axis=0), TINY, 1 - TINY)
            return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).mean())
        if holds_labels(y) and set(np.unique(y)) <= {0.0, 1.0}:
            p = np.clip(y.mean(axis=0), TINY, 1 - TINY)
            q = 1 - p if len(p) == 1 else p[:0]
            return float(-(p * np.log(p)).sum() - (q * np.log(np.clip(q, TINY, 1))).sum())
        return 1.0


def of_classes(p: Array, y: Array) -> tuple[float, float, Array | None]:
    """Mean cross-entropy, accuracy and predicted classes."""
    if y.ndim == 2:
        score = float(-(y * np.log(np.clip(p, TINY, 1))).sum(axis=1).mean())
        return score, float((p.argmax(axis=1) == y.argmax(axis=1)).mean()), None
    seen = (y >= 0) & (y < p.shape[1])
    chosen = p[seen][np.arange(seen.sum()), y[seen]]
    predicted = p.argmax(axis=1)
    return float(-np.log(np.clip(chosen, TINY, 1)).mean()), float((predicted[seen] == y[seen]).mean()), predicted


def of_yes(p: Array, y: Array) -> tuple[float, float, Array | None]:
    """Mean binary cross-entropy, accuracy and predicted classes (of a single column)."""
    if p.shape != y.shape:
        return math.nan, math.nan, None
    right = y * np.log(np.clip(p, TINY, 1)) + (1 - y) * np.log(np.clip(1 - p, TINY, 1))
    predicted = (p > 0.5).astype(np.int64)
    return float(-right.mean()), float((predicted == (y > 0.5)).mean()), predicted[:, 0] if p.shape[1] == 1 else None


def squared_accuracy(out: Array, y: Array) -> float:
    """The accuracy of answers to labels under a squared error; NaN where the targets are numbers."""
    if not holds_labels(y) or out.shape != y.shape:
        return math.nan
    if y.shape[1] > 1:
        return float((out.argmax(axis=1) == y.argmax(axis=1)).mean())
    middle = (y.min() + y.max()) / 2
    return float(((out > middle) == (y > middle)).mean())


def own_loss(run: TorchRun, answer: Any, given: Given) -> float:
    """The person's loss of the answers, an example."""
    with torch.no_grad():
        loss = run.criterion(answer, given.targets).detach().double()
    return float(loss.mean()) / (len(given) if reduction_of(run, answer, given) == "sum" else 1)


def reduction_of(run: TorchRun, answer: Any, given: Given) -> str:
    """The loss's reduction: "sum" if the loss of all rows twice is twice that of the rows, else "mean"."""
    named = getattr(run.loss_fn, "reduction", None)
    if named in ("sum", "mean"):
        return str(named)
    try:
        with torch.no_grad():
            once = float(run.criterion(answer, given.targets))
            twice = float(run.criterion(torch.cat([answer, answer]), torch.cat([given.targets, given.targets])))
    except Exception:
        return "mean"
    return "sum" if once and abs(twice / once - 2) < 0.02 else "mean"


def best_constant(run: TorchRun, answer: Any, given: Given, ending: str) -> float:
    """The person's loss of the best answer that is the same for all examples, found by gradient descent on it.

    The function that ends the module is applied to the constant too: a loss of probabilities need not have a minimum elsewhere.
    """
    bound = ENDINGS.get(ending, lambda v: v)
    try:
        start = answer.detach().mean(dim=0, keepdim=True).clone()
        value = (torch.zeros_like(start) if ending in ENDINGS else start.clone()).requires_grad_(True)
        search = torch.optim.LBFGS([value], max_iter=60, line_search_fn="strong_wolfe")
        best = [math.inf]

        def closure() -> Any:
            search.zero_grad()
            loss = run.criterion(bound(value).expand_as(answer), given.targets).mean()  # type: ignore[no-untyped-call]
            loss.backward()
            best.append(float(loss.detach()))
            return loss

        search.step(closure)  # type: ignore[no-untyped-call]
        finite = [b for b in best if math.isfinite(b)]
        if not float(value.detach().abs().max()) < 1e4 * (1 + float(start.abs().max())):
            return math.nan  # the loss has no lower bound
        share = len(given) if reduction_of(run, answer, given) == "sum" else 1
        return min(finite) / share if finite else math.nan
    except Exception:
        return math.nan


ENDINGS = {
    "Softmax": lambda v: torch.softmax(v, -1), "LogSoftmax": lambda v: torch.log_softmax(v, -1), "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh, "ReLU": torch.relu, "Softplus": torch.nn.functional.softplus,
}  # fmt: skip


def yardstick_for(run: TorchRun, seen: Computation) -> Yardstick:
    """The yardstick that suits what the loss was seen to compute."""
    names = seen.loss_names()
    own = (
        type(run.loss_fn).__name__ if isinstance(run.loss_fn, torch.nn.Module) else getattr(run.loss_fn, "__name__", "the loss")
    )
    if seen.answers != 1 or not isinstance(seen.output, torch.Tensor):
        return Yardstick(own, False)
    for name, loss in (
        ("binary_cross_entropy_with_logits", "BinaryCrossEntropyWithLogits"), ("binary_cross_entropy", "BinaryCrossEntropy"),
    ):  # fmt: skip
        if name in names:
            return Yardstick(loss, True)
    if any(name.startswith("nll_loss") for name in names):
        if "log_softmax" in names:
            return Yardstick("CrossEntropy", set(names) <= PLAIN)
        return Yardstick("NLLLoss", True, gives_logarithms(seen))
    if own in ("KLDivLoss", "kl_div") and not getattr(run.loss_fn, "log_target", False):
        return Yardstick("KLDivLoss", True, gives_logarithms(seen))
    if names[:1] == ["log_softmax"] and set(names) <= {"log_softmax", "mul", "sum", "neg", "div", "mean"}:
        return Yardstick("CrossEntropy", True)
    if {name for name in names if name != "div"} in SQUARES:
        return Yardstick("MeanSquaredError", True)
    return Yardstick(own, False)


def gives_logarithms(seen: Computation) -> bool:
    """Whether the module ends in the logarithm of a softmax."""
    ending = [kind for kind in seen.ending() if kind not in SAME]
    return ending[:1] == ["LogSoftmax"] or ending[:2] == ["log", "Softmax"]


NAMED = {
    "CrossEntropyLoss": "CrossEntropy", "cross_entropy": "CrossEntropy", "NLLLoss": "NLLLoss", "nll_loss": "NLLLoss",
    "BCELoss": "BinaryCrossEntropy", "binary_cross_entropy": "BinaryCrossEntropy", "MSELoss": "MeanSquaredError",
    "BCEWithLogitsLoss": "BinaryCrossEntropyWithLogits", "mse_loss": "MeanSquaredError",
    "binary_cross_entropy_with_logits": "BinaryCrossEntropyWithLogits",
}  # fmt: skip
"""Losses by the names of PyTorch's classes and functions, for those that raise before they can be seen."""


def named_yardstick(run: TorchRun) -> Yardstick:
    """The yardstick of a loss by its name alone."""
    name = getattr(run.loss_fn, "__name__", type(run.loss_fn).__name__)
    return Yardstick(NAMED.get(name, name), name in NAMED)
