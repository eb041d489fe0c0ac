"""Losses for one class out of several: cross-entropy on scores, and negative log-likelihood on probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop.arrays import Array, brief, describe
from clearprop.errors import DataError, OptionError, ShapeError
from clearprop.nn.loss import Loss, Reduction, classes_of
from clearprop.nn.softmax import softmax
from clearprop.registry import number
from clearprop.rules import is_sequence

SUM_ERROR = 0.02  # of shares that were rounded to two digits


def one_hot(y: Array, like: Array) -> Array:
    """Targets as rows that sum to 1, of the shape and dtype of the predictions `like` (B, C).

    Parameters
    ----------
    y : array of int (B,), or array (B, C)
        The index of the class, or one-hot (or soft) rows.
    like : array (B, C)

    Raises
    ------
    ShapeError
        If y has neither shape, or names a class outside 0 ... C - 1.
    DataError
        If the rows are not shares of 1.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), like=np.zeros((2, 3)))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    if like.ndim != 2 or like.shape[1] < 2:
        raise ShapeError(
            f"Predictions must be of shape (B, C), with one output for each of C >= 2 classes, not {describe(like)};"
            " for a net with one output, use BinaryCrossEntropyWithLogits."
        )
    n_classes = like.shape[1]
    if y.shape == like.shape:
        check_shares(y)
        return y.astype(like.dtype, copy=False)
    if y.shape != like.shape[:1] or not np.issubdtype(y.dtype, np.integer):
        raise ShapeError(
            f"For predictions of shape {like.shape}, targets must be integer classes of shape {like.shape[:1]} or one-hot rows"
            f" of shape {like.shape}, not {describe(y)}" + _remedy(y, like)
        )
    if y.size and not 0 <= y.min() <= y.max() < n_classes:
        wrong = y[(y < 0) | (y >= n_classes)][0]
        raise ShapeError(
            f"The label {wrong} is outside the classes 0 ... {n_classes - 1} of a net with {n_classes} outputs;"
            " number the classes from 0, or give the net more outputs."
        )
    rows = np.zeros_like(like)
    rows[np.arange(len(y)), y] = 1
    return rows


def check_shares(rows: Array) -> None:
    """Raise a `DataError` unless the rows are shares of classes: not negative, and of sum 1, up to rounding to two digits.

    NaN passes: the loss is NaN then, which training reports.
    """
    sums = rows.sum(axis=1)
    wrong = (np.abs(sums - 1) > SUM_ERROR) | (rows < 0).any(axis=1)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"Target rows must hold shares of the classes, zero or more and of sum 1, but row {first} is"
            f" {brief(rows[first].tolist())}; give one-hot rows or integer classes, or divide each row by its sum."
        )


def _remedy(y: Array, like: Array) -> str:
    if len(y) != len(like):
        return ": X and y must have one row for each example."
    if y.shape == (len(like), 1):
        return ": write y[:, 0]."
    if y.ndim == 1:
        return ": write y.astype(int)."
    return "."


class ClassLoss(Loss):
    """A loss of one class out of several, whose targets are read as rows (B, C) of shares."""

    def rows(self, y: Array, like: Array) -> Array:
        """Targets as rows of the shape and dtype of the predictions `like` (B, C), as the formula of the loss takes them."""
        return one_hot(y, like)

    def scale(self, y: Array) -> float:
        """1 for a sum; 1 / B for a mean."""
        return 1.0 if self.reduction == "sum" else 1.0 / max(len(y), 1)


class CrossEntropy(ClassLoss):
    """-log of the probability given to the true class, computed from scores (logits): softmax is part of the loss.

    L_b = -sum_i y_bi log p_bi, with p = softmax(z); for a one-hot y that is -log p_bc, c being the true class.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Over the examples of the batch.
    label_smoothing : float
        epsilon, at least 0 and below 1: the targets become (1 - epsilon) y + epsilon / C, so that no score has to grow without
        end (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7).
    class_weight : sequence of float, optional
        w_i for each of the C classes, zero or more: how much its term counts. The mean still divides by B, as with weights of
        single examples, and not by the sum of the weights, as PyTorch does.

    Notes
    -----
    *Stable form.* log p_i = z_i - log sum_j exp(z_j). With m = max_j z_j, log sum_j exp(z_j) = m + log sum_j exp(z_j - m),
    where no exp overflows and the sum is at least 1. No probability is ever rounded to 0 before its logarithm is taken.

    *Derivative.* L = log sum_j exp(z_j) - sum_i y_i z_i for rows y that sum to 1, so dL/dz_i = p_i - y_i: the Jacobian of
    the softmax and the 1 / p of the logarithm cancel (compare `Softmax` followed by `NegativeLogLikelihood`).

    *Smoothing and weights* change the rows only: t_i = w_i ((1 - epsilon) y_i + epsilon / C) in place of y_i. Their sum need
    not be 1, and L = (sum_i t_i) log sum_j exp(z_j) - sum_i t_i z_i, so dL/dz_i = (sum_j t_j) p_i - t_i.

    Examples
    --------
    >>> loss = CrossEntropy()
    >>> loss(np.array([[0.0, 0.0]]), np.array([0]))
    0.6931471805599453
    >>> round(CrossEntropy(class_weight=[10, 1])(np.array([[0.0, 0.0]]), np.array([0])), 4)
    6.9315
    """

    def __init__(
        self, reduction: Reduction = "mean", label_smoothing: float = 0.0, class_weight: Sequence[float] | None = None
    ) -> None:
        super().__init__(reduction)
        self.label_smoothing = number("label_smoothing", label_smoothing, lambda e: 0 <= e < 1, "at least 0 and below 1")
        self.class_weight = None if class_weight is None else weights_of_classes(class_weight)

    def rows(self, y: Array, like: Array) -> Array:
        """The targets, smoothed and weighted: t_i = w_i ((1 - epsilon) y_i + epsilon / C)."""
        y = one_hot(y, like)
        if self.label_smoothing:
            y = (1 - self.label_smoothing) * y + self.label_smoothing / y.shape[1]
        if self.class_weight is None:
            return y
        if len(self.class_weight) != y.shape[1]:
            raise OptionError(
                f"class_weight needs a number for each of the {y.shape[1]} outputs, but it has {len(self.class_weight)}:"
                f" {self.class_weight}."
            )
        return y * np.array(self.class_weight, dtype=y.dtype)

    def forward(self, y_hat: Array, y: Array) -> tuple[float, tuple[Array, Array]]:
        """Mean or sum of -log p_c; saves log p and the one-hot targets, both (B, C)."""
        y = self.rows(y, like=y_hat)
        z = y_hat - y_hat.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        total = float((y * np.where(y == 0, 0, -log_p)).sum(dtype=np.float64))  # 0 log 0 = 0
        return total * self.scale(y), (log_p, y)

    def backward(self, saved: tuple[Array, Array]) -> Array:
        """dz = (p - y) / B, without 1 / B for a sum."""
        log_p, y = saved
        return (np.exp(log_p) * y.sum(axis=1, keepdims=True) - y) * y.dtype.type(self.scale(y))

    def of_each(self, y_hat: Array, y: Array) -> Array:
        """-log p_c of each example (B,)."""
        log_p, y = self.forward(y_hat, y)[1]
        return (y * np.where(y == 0, 0, -log_p)).sum(axis=1, dtype=np.float64)

    def probabilities(self, y_hat: Array) -> Array:
        """softmax of the scores."""
        return softmax(y_hat)

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples whose largest score, and so largest probability, is that of the target."""
        return float(np.count_nonzero(y_hat.argmax(axis=1) == classes_of(y)))


class NegativeLogLikelihood(ClassLoss):
    """-log of the probability given to the true class, computed from probabilities (the output of `Softmax`).

    L_b = -sum_i y_bi log p_bi, so dL/dp_i = -y_i / p_i: only the true class has a derivative, and the other scores feel
    it through the Jacobian of the softmax. A p that was rounded to 0 is read as the smallest positive number instead, so
    that the loss stays finite; `CrossEntropy` does not need this.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Over the examples of the batch.

    Examples
    --------
    >>> loss = NegativeLogLikelihood()
    >>> loss(np.array([[0.5, 0.5]]), np.array([0]))
    0.6931471805599453
    """

    def forward(self, y_hat: Array, y: Array) -> tuple[float, tuple[Array, Array]]:
        """Mean or sum of -log p_c; saves p (kept above 0) and the one-hot targets, both (B, C)."""
        y = self.rows(y, like=y_hat)
        p = np.maximum(y_hat, np.finfo(y_hat.dtype).tiny)
        return float((y * -np.log(p)).sum(dtype=np.float64)) * self.scale(y), (p, y)

    def backward(self, saved: tuple[Array, Array]) -> Array:
        """dp = -y / (p B), without 1 / B for a sum."""
        p, y = saved
        return -y / p * y.dtype.type(self.scale(y))

    def of_each(self, y_hat: Array, y: Array) -> Array:
        """-log p_c of each example (B,)."""
        p, y = self.forward(y_hat, y)[1]
        return (y * -np.log(p)).sum(axis=1, dtype=np.float64)

    def probabilities(self, y_hat: Array) -> Array:
        """The predictions themselves."""
        return y_hat


def weights_of_classes(given: Sequence[float]) -> list[float]:
    """`given` as a list of floats, if they can weigh classes."""
    if not is_sequence(given) or len(given) < 2:
        raise OptionError(f"class_weight must be a sequence with a number for each class, such as [1, 10], not {brief(given)}.")
    return [number(f"class_weight[{i}]", weight, lambda w: w >= 0, "zero or more") for i, weight in enumerate(given)]
