"""The loss: one number that says how wrong a batch of predictions is, and its derivative with respect to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, get_args

import numpy as np

from clearprop.arrays import Array, describe, numbers
from clearprop.errors import ShapeError
from clearprop.registry import Configured, choose, switch

Reduction = Literal["mean", "sum"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


class Loss(Configured, ABC):
    """A function of a batch of predictions and targets.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Whether the losses of the examples are averaged over the batch, or added. The gradient matches: for "sum" it is B
        times as large, so that a good learning rate depends on the batch size.

    Notes
    -----
    A loss differentiates with respect to its own input, whatever that is: logits for `CrossEntropy`, probabilities for
    `BinaryCrossEntropy`. A loss of your own needs `forward` and `backward`; `probabilities` only if it is made for classes.
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        self.reduction: Reduction = choose("reduction", reduction, REDUCTIONS)

    @abstractmethod
    def forward(self, y_hat: Array, y: Array) -> tuple[float, Any]:
        """The loss of the batch, and what `backward` needs.

        Parameters
        ----------
        y_hat : array (B, n_y)
            Predictions: the output of the net.
        y : array
            Targets; which shapes are right depends on the loss.

        Returns
        -------
        value : float
        saved : anything
        """

    @abstractmethod
    def backward(self, saved: Any) -> Array:
        """dy_hat (B, n_y), the gradient of the value that `forward` returned with respect to the predictions."""

    def __call__(self, y_hat: Array, y: Array) -> float:
        """The value of the loss alone."""
        return self.forward(numbers("y_hat", y_hat), numbers("y", y))[0]

    def constants(self) -> tuple[float, ...]:
        """The numbers, besides predictions and targets, on which the formula depends, such as the delta of `Huber`."""
        return ()

    def of_each(self, y_hat: Array, y: Array) -> Array:
        """The loss of each example (B,), of which `forward` is the mean or the sum over the batch."""
        return np.array([self.forward(y_hat[b : b + 1], y[b : b + 1])[0] for b in range(len(y_hat))], dtype=np.float64)

    def probabilities(self, y_hat: Array) -> Array | None:
        """Probability of each class, (B, n_classes); None for a loss that is not about classes."""
        return None

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples predicted right, whose likeliest class is the target; NaN for a loss without classes."""
        probabilities = self.probabilities(y_hat)
        if probabilities is None:
            return float("nan")
        return float(np.count_nonzero(probabilities.argmax(axis=1) == classes_of(y)))


def classes_of(y: Array) -> Array:
    """Integer classes (B,) from integers (B,), one-hot rows (B, C), or a column of zeros and ones (B, 1)."""
    if y.ndim == 1:
        return y
    return y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]


class ElementwiseLoss(Loss):
    """A loss that compares each prediction with its own target, number by number.

    With "mean", the value is the mean over all B x n_y numbers, as in PyTorch and scikit-learn; with "sum", their sum.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n). By default targets must have the shape of the
        predictions, because NumPy would silently repeat (B, 1) against (B, n), and (B,) against (B, 1) even into (B, B).
    """

    def __init__(self, reduction: Reduction = "mean", broadcast: bool = False) -> None:
        super().__init__(reduction)
        self.broadcast = switch("broadcast", broadcast)

    @staticmethod
    @abstractmethod
    def f(y_hat: Array, y: Array, *constants: Any) -> Array:
        """The loss of one number, element-wise."""

    @staticmethod
    @abstractmethod
    def df(y_hat: Array, y: Array, *constants: Any) -> Array:
        """Its derivative with respect to y_hat, element-wise."""

    def admissible(self, y_hat: Array) -> Array:
        """`y_hat`, kept where `f` and `df` are finite; unchanged, unless a loss says otherwise."""
        return y_hat

    def forward(self, y_hat: Array, y: Array) -> tuple[float, tuple[Array, Array]]:
        """Mean or sum of f(y_hat, y); saves both."""
        self.check(y_hat, y)
        y_hat = self.admissible(y_hat)
        value = self.f(y_hat, y, *self.constants()).sum(dtype=np.float64)
        return float(value * self.scale(y_hat)), (y_hat, y)

    def backward(self, saved: tuple[Array, Array]) -> Array:
        """df(y_hat, y), divided by the number of numbers if the value was their mean."""
        y_hat, y = saved
        return (self.df(y_hat, y, *self.constants()) * self.scale(y_hat)).astype(y_hat.dtype, copy=False)

    def of_each(self, y_hat: Array, y: Array) -> Array:
        """Mean or sum of f(y_hat, y) over the numbers of each example (B,)."""
        self.check(y_hat, y)
        losses = self.f(self.admissible(y_hat), y, *self.constants())
        return losses.sum(axis=1, dtype=np.float64) / (1 if self.reduction == "sum" else y_hat.shape[1])

    def scale(self, y_hat: Array) -> float:
        """1 for a sum; 1 / (B n_y) for a mean."""
        return 1.0 if self.reduction == "sum" else 1.0 / max(y_hat.size, 1)

    def check(self, y_hat: Array, y: Array) -> None:
        """Raise a `ShapeError` unless y has the shape of y_hat, or may be broadcast to it."""
        if y.shape == y_hat.shape or (self.broadcast and y.shape == (len(y_hat), 1)):
            return
        hint = "give the net as many outputs as y has columns"
        if y.ndim == 1 and len(y) == len(y_hat):
            hint = "write the targets as a column, y[:, None], for a net with one output"
            if y_hat.shape[1] > 1:
                hint = "give one-hot rows, or use CrossEntropy, which takes integer classes"
        elif len(y) != len(y_hat):
            hint = "X and y must have one row for each example"
        raise ShapeError(
            f"{type(self).__name__} compares number by number, but y_hat is {describe(y_hat)} and y is {describe(y)}: {hint}."
        )
