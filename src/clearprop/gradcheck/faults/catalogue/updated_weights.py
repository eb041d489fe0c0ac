"""The mistake: updated W used for the layer below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class UpdatedWeights(Fault):
    """A layer is updated before the layer below has used its weights: dx = dy (W - lr dW)^T.

    All gradients belong to the same parameters; update afterwards.
    """

    title = "updated W used for the layer below"
    mistake = "each layer is updated (by lr = {extra}) before the layer below uses its W"
    remedy = "dx = dy W^T with the W of the forward pass; update after the whole backward pass"
    hint = "Look at the order of backward and update."
    fitted = True

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        labels = tuple(dict.fromkeys(node.label for node in right.find("linear") if node.index))
        return [labels] if labels else []

    def weights(self, here: Node, right: Array) -> Array:
        name = here.names[0]
        dW = here.tape.gradients[name]
        if dW.shape != right.shape:
            return right
        return right - self.amount * (dW + here.tape.problem.l2 * right)

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=f"{self.amount:.6g}")

    @classmethod
    def draw(cls, right: Pass, rng: np.random.Generator) -> float:
        return float(rng.choice([0.01, 0.03, 0.1, 0.5, 1.0]))

    def admits(self, right: Pass) -> bool:
        """A learning rate is positive, and not huge."""
        return 1e-7 < self.amount < 100.0
