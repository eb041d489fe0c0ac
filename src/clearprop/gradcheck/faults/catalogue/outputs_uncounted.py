"""The mistake: divided by B instead of B n_y."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class OutputsUncounted(LossFault):
    """The loss is a mean over all B n_y numbers, its gradient divided by B alone. The divisor is that of the value."""

    title = "divided by B instead of B n_y"
    mistake = "the outputs are not counted: divided by B instead of B n_y"
    remedy = "the mean over B n_y numbers has 1/(B n_y) in its gradient"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.loss.reduction == "mean" and loss.x.shape[1] > 1

    def scale(self, here: LossNode, right: float) -> float:
        return right * here.x.shape[1]
