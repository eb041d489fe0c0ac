"""The mistake: double softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault
from clearprop.nn import softmax

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class DoubleSoftmax(LossFault):
    """A loss on scores is given probabilities: softmax (or sigmoid) of softmax, differentiated as such.

    The derivative is right for that other loss; cross-entropy on scores has dz = p - y, with p = softmax(z).
    """

    title = "double softmax"
    mistake = "softmax (or sigmoid) is applied twice, in the net and again in the loss"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z)); the loss takes scores"
    hint = "Look at what the loss expects, scores or probabilities."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        if here.kind == "bce_logits":
            return (1.0 / (1.0 + np.exp(-here.p)) - here.y) * here.p * (1.0 - here.p)
        d = softmax(here.p) * here.y.sum(axis=1, keepdims=True) - here.y
        return here.p * (d - (d * here.p).sum(axis=1, keepdims=True))
