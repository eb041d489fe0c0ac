"""Faults of loops over examples and units: bounds that leave some out, assignments where a sum belongs."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LossFault, Site
from clearprop.gradcheck.faults.tape import LossNode, Node, Tape


class ExampleSkipped(LossFault):
    """A loop over the batch that starts at 1, or ends one too early. Every example adds its share."""

    slug = "example-skipped"
    title = "an example skipped"
    clause = "the {extra} example of the batch is skipped"
    remedy = "for b in range(B): every example counts"
    hint = "Look at the bounds of the loops."
    variants = ("last", "first")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        kept = right.copy()
        kept[-1 if "last" in self.site else 0] = 0.0
        return kept


class OneExampleOnly(LossFault):
    """The loop over the batch assigns instead of adding, so that one example's gradient is left.

    Each example adds its share.
    """

    slug = "one-example-only"
    title = "gradient of one example only"
    clause = "only the {extra} example of the batch counts"
    remedy = "dW = sum_b x_b^T dy_b: += over the batch"
    hint = "Look at how the examples are added up."
    variants = ("last", "first")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 2

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        kept = np.zeros_like(right)
        row = -1 if "last" in self.site else 0
        kept[row] = right[row]
        return kept


class RunningSumsAdded(LossFault):
    """The running sum is added after each example, so that the first of B counts B times, the last once.

    dW is the sum of the examples' shares, each counted once.
    """

    slug = "running-sums-added"
    title = "running sums added up"
    clause = "the running sum is added up after each example"
    remedy = "dW = sum_b x_b^T dy_b: each example once"
    hint = "Look at how the examples are added up."

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return right * np.arange(len(right), 0, -1)[:, None]


class InputSkippedForward(Fault):
    """The weighted sum of the forward pass leaves out an input: a loop bound. y_j = sum_i x_i W_ij + b_j."""

    slug = "input-skipped-forward"
    title = "loop bound that skips an input, in the forward pass"
    clause = "{at}the forward sum leaves out the {extra} input"
    remedy = "y_j = sum over all i of x_i W_ij, + b_j"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.x.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def value(self, here: Node, right: Array) -> Array:
        i = -1 if "last" in self.site else 0
        return right - np.outer(here.x[:, i], here.W[i])


class InputSkippedBackward(Fault):
    """dx of one input unit is never computed: a loop over the inputs that stops one short (or starts at 1)."""

    slug = "input-skipped-backward"
    title = "loop bound that skips an input, in dx"
    clause = "{at}dx of the {extra} input unit stays zero"
    remedy = "dx = dy W^T: for every input"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.index and node.x.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def dx(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        kept[:, -1 if "last" in self.site else 0] = 0.0
        return kept


class UnitSkippedBackward(Fault):
    """The sum over the units of the layer above stops one short (or starts at 1): dx_i = sum_j dy_j W_ij lacks a term."""

    slug = "unit-skipped-backward"
    title = "loop bound that skips a unit, in dx"
    clause = "{at}the sum for dx leaves out the {extra} output unit"
    remedy = "dx = dy W^T: the sum runs over all units"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.index and node.y.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def dx(self, here: Node, right: Array) -> Array:
        j = -1 if "last" in self.site else 0
        return right - np.outer(here.dy[:, j], here.W[:, j])


class UnitSkippedInGradient(Fault):
    """A loop over the entries of dW (or db) stops one short, or starts at 1: a row or column stays zero."""

    slug = "unit-skipped-in-gradient"
    title = "loop bound that skips a unit, in dW or db"
    clause = "{at}{extra} stays zero"
    remedy = "dW = x^T dy, for every pair of units"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = right.find("linear")
        parts = [f"the {end} {part}" for end in ("last", "first") for part in ("row of dW", "column of dW", "entry of db")]
        return [(node.label, part) for node in nodes for part in parts]

    def dW(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        words = " ".join(self.site)
        index = -1 if "the last" in words else 0
        if "row of" in words:
            kept[index] = 0.0
        elif "column of" in words:
            kept[:, index] = 0.0
        return kept

    def db(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        words = " ".join(self.site)
        if "entry of" in words and kept.ndim:
            kept[..., -1 if "the last" in words else 0] = 0.0
        return kept
