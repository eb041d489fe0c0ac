"""Faults of a bias and its gradient: db = sum over the batch of dy."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LinearFault, Site, each_and_all
from clearprop.gradcheck.faults.tape import Node, Tape


class BiasFault(Fault):
    """Happens to the gradient of a bias (or of a BatchNorm's beta), in one layer or in all."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        linear = [node.label for node in right.find("linear") if cls.concerns(node)]
        return each_and_all(linear) + [(node.label,) for node in right.find("batchnorm") if cls.concerns(node)]

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made in this layer."""
        return True


class BiasMissing(LinearFault):
    """The forward pass leaves the bias out. z = x W + b."""

    slug = "bias-missing"
    title = "bias left out of the forward pass"
    clause = "the forward pass leaves out b{place}"
    remedy = "z = x W + b"
    hint = "Look at the forward pass."

    def value(self, here: Node, right: Array) -> Array:
        return right - here.b


class BiasNotSummed(BiasFault):
    """One row for each example instead of one number for each unit.

    b_j enters every y_bj with factor 1, so its gradient is a sum over b.
    """

    slug = "bias-not-summed"
    title = "bias gradient not summed over the batch"
    clause = "{at}db is not summed over the batch"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.dy


class BiasSummedToScalar(BiasFault):
    """Summed over everything, to one number for all units. db_j = sum_b dy_bj leaves one number for each unit."""

    slug = "bias-summed-to-scalar"
    title = "bias gradient summed to one number"
    clause = "{at}db is summed over the units too, to one number"
    remedy = "db = sum over the batch of dy: over axis 0 of (B, n) only"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.y.shape[1] > 1

    def db(self, here: Node, right: Array) -> Array:
        return np.asarray(here.dy.sum())


class BiasSummedWrongAxis(BiasFault):
    """Summed over the units instead of over the examples. b_j enters every y_bj with factor 1: db_j = sum_b dy_bj."""

    slug = "bias-summed-wrong-axis"
    title = "bias gradient summed over the wrong axis"
    clause = "{at}db is summed over the units instead of over the batch"
    remedy = "db = sum over the batch of dy: axis 0 of (B, n)"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.dy.sum(axis=1)


class BiasFromOneExample(BiasFault):
    """db is the row of one example (a loop that assigns, or an index that was left over). Each example adds its share."""

    slug = "bias-from-one-example"
    title = "bias gradient of one example only"
    clause = "{at}db is that of the {extra} example alone"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [*right.find("linear"), *right.find("batchnorm")]
        labels = list(dict.fromkeys(node.label for node in nodes))
        return [(label, which) for which in ("last", "first") for label in labels] if right.batch > 1 else []

    def db(self, here: Node, right: Array) -> Array:
        return here.dy[-1 if "last" in self.site else 0]


class BiasFromWeights(LinearFault):
    """The bias gradient is taken from that of the weights, summed over the inputs.

    db = sum_b dy_b; the input does not come into it.
    """

    slug = "bias-from-weights"
    title = "bias gradient summed from that of the weights"
    clause = "{at}db is taken from dW, summed over the inputs"
    remedy = "db = sum over the batch of dy; x does not enter"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return (here.saved.T @ here.dy).sum(axis=0)


class BiasIsWeightGradient(LinearFault):
    """dW is returned for db too. y = x W + b depends on b with factor 1: db = sum_b dy_b."""

    slug = "bias-is-weight-gradient"
    title = "bias gradient is that of the weights"
    clause = "{at}db is dW"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.saved.T @ here.dy


class BiasBeforeActivation(LinearFault):
    """The layer's db is taken from da, before the activation's derivative. b enters z, so db needs dz = da * f'(z)."""

    slug = "bias-before-activation"
    title = "bias gradient taken before the activation's derivative"
    clause = "{at}db is summed from da instead of dz"
    remedy = "db = sum over the batch of dy, with dz = da * f'(z)"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.above is not None and node.above.kind in ("activation", "softmax")

    def db(self, here: Node, right: Array) -> Array:
        return here.dy.sum(axis=0) if here.above is None else here.above.dy.sum(axis=0)
