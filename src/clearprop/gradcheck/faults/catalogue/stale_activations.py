"""The mistake: stale activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import each_and_all
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class StaleActivations(Fault):
    """The backward pass reads the input that the layer had before: of the last batch, or of the last example.

    dW = x^T dy needs the x of this very forward pass.
    """

    title = "stale activations"
    mistake = "dW is computed with stale inputs{place} ({extra})"
    remedy = "dW = x^T dy, with x of this forward pass"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        labels = [node.label for node in right.find("linear")]
        words = ["those of the last example", "those of the last example, first zeros"] if right.batch > 1 else []
        if right.previous is not None and right.previous.X.shape == right.problem.X.shape:
            words.insert(0, "those of the last batch")
        return [(*site, word) for site in each_and_all(labels) for word in words]

    def saved(self, here: Node, right: Array) -> Array:
        if "those of the last batch" in self.site and here.tape.previous is not None:
            return type(here.tape)(here.tape.previous).run().nodes[here.index].saved
        stale = np.roll(right, 1, axis=0)
        if "those of the last example, first zeros" in self.site:
            stale[0] = 0.0
        return stale
