"""The losses that the kernel knows, and their units: one function for rows of the batch, one for a block of a narrow net."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.loss_blocks import loss_block
from clearprop.engines.compiled.loss_rows import loss_rows
from clearprop.engines.compiled.memory import Memory
from clearprop.engines.compiled.plan import COLUMNS, CORRECT, DF, LOSS, N_OUT
from clearprop.engines.compiled.verified import original
from clearprop.nn import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Quantile,
)


class KernelLoss(NamedTuple):
    """A loss, as it is compiled.

    Attributes
    ----------
    name : str
    f, df : callable or None
        Element-wise value and derivative, for a loss of classes in terms of log p; None for cross-entropy and negative
        log-likelihood, which are the kernel's own.
    on_logits : bool
        For classes: softmax is part of it.
    bounded : bool
        Predictions are moved into [eps, 1 - eps] first.
    threshold : float or None
        A prediction above it says "yes"; None if there is no right and wrong.
    constants : tuple of float
        Further arguments of f and df.
    adjusted : bool
        Targets are smoothed or weighted, class by class.
    """

    name: str
    f: Callable[..., Any] | None = None
    df: Callable[..., Any] | None = None
    on_logits: bool = False
    bounded: bool = False
    threshold: float | None = None
    constants: tuple[float, ...] = ()
    adjusted: bool = False

    @property
    def of_classes(self) -> bool:
        """Whether the target is a class, not a number for each output."""
        return self.f is None or self.on_logits


def _of_numbers(name: str, kind: type[Loss], bounded: bool, threshold: float | None) -> KernelLoss:
    return KernelLoss(name, original(kind, "f"), original(kind, "df"), False, bounded, threshold)


KERNEL_LOSSES: dict[type[Loss], KernelLoss] = {
    CrossEntropy: KernelLoss("cross_entropy", on_logits=True),
    NegativeLogLikelihood: KernelLoss("likelihood"),
    Focal: KernelLoss("focal", original(Focal, "f"), original(Focal, "df"), on_logits=True),
    MeanSquaredError: _of_numbers("squared", MeanSquaredError, False, None),
    MeanAbsoluteError: _of_numbers("absolute", MeanAbsoluteError, False, None),
    Huber: _of_numbers("huber", Huber, False, None),
    Quantile: _of_numbers("quantile", Quantile, False, None),
    BinaryCrossEntropy: _of_numbers("binary", BinaryCrossEntropy, True, 0.5),
    BinaryCrossEntropyWithLogits: _of_numbers("binary_logits", BinaryCrossEntropyWithLogits, False, 0.0),
}
ADJUSTED_CROSS_ENTROPY = KernelLoss("adjusted_cross_entropy", on_logits=True, adjusted=True)
RAW_BINARY = _of_numbers("raw_binary", BinaryCrossEntropy, False, 0.5)


def kernel_loss(loss: Loss) -> KernelLoss | None:
    """A loss as the kernel knows it; None if it does not."""
    if type(loss) is BinaryCrossEntropy and loss.raw:
        return RAW_BINARY
    if type(loss) is CrossEntropy and adjusts(loss):
        return ADJUSTED_CROSS_ENTROPY
    found = KERNEL_LOSSES.get(type(loss))
    return found if found is None or found.f is None else found._replace(constants=loss.constants())


def adjusts(loss: CrossEntropy) -> bool:
    """Whether cross-entropy smooths or weighs its targets."""
    return bool(loss.label_smoothing) or loss.class_weight is not None


def class_terms(loss: CrossEntropy, n: int) -> tuple[Array, Array]:
    """Factor and summand (n,) that make the targets of a loss out of the shares y: t = w ((1 - epsilon) y + epsilon / n)."""
    w = np.ones(n) if loss.class_weight is None else np.array(loss.class_weight)
    return w * (1 - loss.label_smoothing), w * (loss.label_smoothing / n)


@cache
def loss_functions(loss: KernelLoss) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions of a loss's unit: for some rows of the batch, and for a block of a narrow net."""

    def rows(p: Memory, first: int, row: int, row_end: int, scale: float) -> None:
        """dz of the last stage for some rows; this thread's share in the loss and in the correct predictions."""
        value, n_correct = loss_rows(p, loss, first, row, row_end, scale)
        p.partial[LOSS * p.threads + p.thread] = value * scale
        p.partial[CORRECT * p.threads + p.thread] = n_correct

    def block(p: Memory, is_wide: int, start: int, begin: int, n_real: int, scale: float) -> None:
        """dz of the last stage for a block of examples; adds to the sums of losses and of correct predictions."""
        if is_wide != 0:
            loss_block(p.widened(), loss, start, begin, n_real, scale)
            last_derivative(p.widened(), start)
        else:
            loss_block(p, loss, start, begin, n_real, scale)
            last_derivative(p, start)

    return rows, block


def last_derivative(p: Any, start: int) -> None:
    """dz <- da * f'(z) of the last stage, for a block."""
    at = (p.stages - 1) * COLUMNS
    n, unit = p.table[at + N_OUT], p.table[at + DF]
    if unit != 0:
        call(unit, p.a, p.z, p.da, start, start + n * p.lanes, n, p.lanes)
