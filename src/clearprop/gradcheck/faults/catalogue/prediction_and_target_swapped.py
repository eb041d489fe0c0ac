"""The mistake: y_hat and y swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault
from clearprop.nn.loss import ElementwiseLoss

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class PredictionAndTargetSwapped(LossFault):
    """The arguments of the loss change places: y - y_hat. The derivative is that of L(y_hat, y) with respect to y_hat."""

    title = "y_hat and y swapped"
    mistake = "y_hat and y are swapped in the loss's derivative"
    remedy = "dL/dy_hat: (y_hat - y), prediction first"
    hint = "Look at the derivative of the loss."

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        if isinstance(here.loss, ElementwiseLoss) and here.kind != "bce_logits":
            return here.loss.df(np.broadcast_to(here.y, here.x.shape), here.p)
        return -here.p / here.y if here.kind == "nll" else here.y - here.p
