"""The mistake: divided by B C instead of B."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class MeanOverClasses(LossFault):
    """The mean is taken over all B C numbers of a matrix, instead of over its B examples.

    A cross-entropy is one number per example, however many classes there are.
    """

    title = "divided by B C instead of B"
    mistake = "the mean runs over all B C numbers instead of over the B examples"
    remedy = "L = (1/B) sum_b -log p_bc: one term for each example"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    kinds = ("cross_entropy", "nll")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def scale(self, here: LossNode, right: float) -> float:
        return right / here.x.shape[1]
