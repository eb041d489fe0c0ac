"""The mistake: last batch divided by the nominal batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode
    from clearprop.gradcheck.faults.passes import Pass


class WrongDivisor(LossFault):
    """A last, shorter batch is divided by the nominal batch size (or by the size of the data set) instead of by its own.

    The mean over a batch divides by the number of its examples.
    """

    title = "last batch divided by the nominal batch size"
    mistake = "the gradient is divided by {extra}, although this batch holds {batch} examples"
    remedy = "divide by len(X) of this very batch, also of a last, shorter one"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    fitted = True

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.loss.reduction == "mean"

    def scale(self, here: LossNode, right: float) -> float:
        return right * (1.0 + self.amount)

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=f"{right.batch / (1.0 + self.amount):.0f}", batch=right.batch)

    @classmethod
    def draw(cls, right: Pass, rng: np.random.Generator) -> float:
        return right.batch / float(rng.integers(right.batch + 1, 5 * right.batch + 2)) - 1.0

    def admits(self, right: Pass) -> bool:
        """The divisor must be a whole number above B."""
        return -1.0 < self.amount < 0.0 and round(right.batch / (1.0 + self.amount)) > right.batch

    def settled(self, right: Pass) -> float:
        return right.batch / round(right.batch / (1.0 + self.amount)) - 1.0
