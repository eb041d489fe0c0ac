"""Faults of the L2 penalty's share of the gradients: l2 W, for l2/2 |W|^2 in the loss."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site, each_and_all
from clearprop.gradcheck.faults.tape import Parameter, Tape


class PenaltyFault(Fault):
    """Happens to the derivative of the L2 penalty, in one weight matrix or in all."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        names = [name for name, parameter in right.parameters.items() if parameter.is_weight]
        return list(reversed(each_and_all(names))) if right.step.weight_decay else []


class PenaltyMissing(PenaltyFault):
    """The loss has an L2 term, l2/2 |W|^2, and its gradient has none. The derivative of that term is l2 W."""

    slug = "penalty-missing"
    title = "L2 term missing"
    clause = "the gradient of the L2 term is missing in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return np.zeros_like(right)


class PenaltyDoubled(PenaltyFault):
    """2 l2 W, for a loss that has l2/2 |W|^2: the half and the exponent cancel."""

    slug = "penalty-doubled"
    title = "L2 term doubled"
    clause = "the L2 term is doubled in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return 2.0 * right


class PenaltyHalved(PenaltyFault):
    """l2/2 W, for a loss that has l2/2 |W|^2: the exponent's 2 is forgotten."""

    slug = "penalty-halved"
    title = "L2 term halved"
    clause = "the L2 term is halved in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return 0.5 * right


class PenaltySubtracted(PenaltyFault):
    """- l2 W: the penalty pushes the weights away from zero. It adds to the loss, and so to the gradient."""

    slug = "penalty-subtracted"
    title = "L2 term subtracted"
    clause = "the L2 term is subtracted in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return -right


class PenaltyOverBatch(PenaltyFault):
    """l2 W is divided by B, as the data's part is; but the penalty is no mean over the batch."""

    slug = "penalty-over-batch"
    title = "L2 term divided by B"
    clause = "the L2 term is divided by B in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return right / here.tape.batch


class PenaltyOnBiases(Fault):
    """l2 b is added to the gradients of the biases, which the penalty of this loss does not hold."""

    slug = "penalty-on-biases"
    title = "L2 applied to biases"
    clause = "the L2 term is applied to the biases too ({extra})"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss; db without it"
    hint = "Look at the penalty's share of the gradients."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        names = [name for name in right.parameters if name[0] == "b" and name[1:].isdigit()]
        return list(reversed(each_and_all(names))) if right.step.weight_decay else []

    def penalty(self, here: Parameter, right: Array) -> Array:
        return here.tape.step.weight_decay * here.value
