"""The loss, line by line: its value, and its derivative with respect to the output of the net."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.nn import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    ElementwiseLoss,
    Focal,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Quantile,
    Softmax,
    softmax,
)
from clearprop.nn.cross_entropy import ClassLoss
from clearprop.walkthrough.lines import Stage

VALUES: dict[type, tuple[str, str]] = {
    CrossEntropy: ("-sum of y * log p", "p - y"),
    NegativeLogLikelihood: ("-sum of y * log {o}", "-y / {o}"),
    BinaryCrossEntropy: ("-sum of (y log {o} + (1 - y) log(1 - {o}))", "({o} - y) / ({o} (1 - {o}))"),
    BinaryCrossEntropyWithLogits: ("-sum of (y log p + (1 - y) log(1 - p))", "p - y"),
    Focal: ("-sum of y * (1 - p)^gamma log p", "g - p sum of g, g = y (gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma)"),
    MeanSquaredError: ("sum of ({o} - y)^2", "2 ({o} - y)"),
    MeanAbsoluteError: ("sum of |{o} - y|", "sign({o} - y)"),
    Huber: ("sum of e^2 / 2, or delta (|e| - delta / 2) where |e| > delta, e = {o} - y", "{o} - y, between -delta and delta"),
    Quantile: ("sum of q (y - {o}) where y > {o}, else (1 - q) ({o} - y)", "-q where y > {o}, else 1 - q"),
}
"""For each loss, its value and its derivative, before the division by the number of examples; {o} is the output."""


class LossLines:
    """Writes down a loss of an output called `o`, whose numbers are `y_hat` (B, n_y).

    Raises
    ------
    OptionError
        If softmax and logarithm are to be differentiated separately, but are not both in the loss.
    """

    def __init__(self, loss: Loss, o: str, y_hat: Array, y: Array, separate: bool) -> None:
        if separate and type(loss) is not CrossEntropy:
            raise OptionError(f"softmax='separate' takes CrossEntropy apart into softmax and logarithm; the loss is {loss!r}.")
        self.loss, self.o, self.y_hat, self.separate = loss, o, y_hat, separate
        self.y = loss.rows(y, y_hat) if isinstance(loss, ClassLoss) else y
        self.value, kept = loss.forward(y_hat, y)
        self.dy_hat = loss.backward(kept)
        parts = y_hat.size if isinstance(loss, ElementwiseLoss) else len(y_hat)
        self.count = 1 if loss.reduction == "sum" else parts
        self.by_count = f" / {self.count}" if self.count > 1 else ""

    def forward(self, stage: Stage) -> None:
        """The probabilities, where the loss makes them, and the value."""
        if type(self.loss) in (CrossEntropy, Focal):
            stage.add("p", f"softmax({self.o}) = exp({self.o}) / sum of exp({self.o}), in each row", softmax(self.y_hat))
        if type(self.loss) is BinaryCrossEntropyWithLogits:
            stage.add("p", f"1 / (1 + exp(-{self.o}))", 0.5 * (1 + np.tanh(0.5 * self.y_hat)))
        formula = VALUES.get(type(self.loss), (f"{type(self.loss).__name__}.forward({{o}}, y)", ""))[0].format(o=self.o)
        stage.add("L", f"({formula}){self.by_count}" if self.by_count and type(self.loss) in VALUES else formula, self.value)

    def backward(self, stage: Stage) -> None:
        """The derivative with respect to the output."""
        if self.separate:
            return self._two_factors(stage)
        formula = VALUES.get(type(self.loss), ("", f"{type(self.loss).__name__}.backward()"))[1].format(o=self.o)
        if isinstance(self.loss, CrossEntropy) and self.loss.class_weight is not None:
            formula = "p * (sum of y, in each row) - y"  # weighted rows have another sum than 1
        stage.add(f"d{self.o}", f"({formula}){self.by_count}" if self.by_count else formula, self.dy_hat)
        return None

    def _two_factors(self, stage: Stage) -> None:
        """The derivative of the logarithm, that of the softmax, their product, and what the product comes to."""
        p = softmax(self.y_hat)
        dp = NegativeLogLikelihood(self.loss.reduction).backward((p, self.y))
        J = Softmax.jacobian(p)
        stage.add("dp", f"-y / p{self.by_count}", dp, "the derivative of the logarithm")
        meaning = f"the derivative of the softmax, J_ij = dp_i / d{self.o}_j: one matrix for each example"
        stage.add("J", "diag(p) - p p^T", J, meaning)
        product = np.einsum("bi,bij->bj", dp, J)
        stage.add(f"d{self.o}", "dp J", product, "their product, by the chain rule")
        simple = self.dy_hat
        stage.add(
            f"d{self.o}",
            f"(p - y){self.by_count}" if self.by_count else "p - y",
            simple,
            f"the same numbers without any product: p in J cancels 1 / p in dp; they differ by {gap(product, simple)}",
        )
        diagonal = dp * p * (1 - p)
        stage.add(
            "wrong",
            "dp * p (1 - p)",
            diagonal,
            f"the diagonal of J alone; the terms beside it are lost, and the result is off by {gap(diagonal, simple)}",
        )


def gap(first: Array, second: Array) -> str:
    """The largest difference between two arrays, in words.

    Examples
    --------
    >>> gap(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    'at most 0.5'
    """
    largest = float(np.abs(first - second).max(initial=0))
    return f"at most {largest:.2g}" if largest else "0"
