"""Faults of the gradients of BatchNorm."""

from __future__ import annotations

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site, each_and_all
from clearprop.gradcheck.faults.tape import Node, Tape


class BatchNormFault(Fault):
    """Happens to a BatchNorm."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return each_and_all([node.label for node in right.find("batchnorm")])


class BatchnormMeanConstant(BatchNormFault):
    """The path through the mean is lost: dx lacks the term - s mean_c(dx_hat_c)."""

    slug = "batchnorm-mean-constant"
    title = "BatchNorm's mean treated as constant"
    clause = "the mean of BatchNorm is treated as constant"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm: on which examples do the mean and the variance depend?"

    def dx(self, here: Node, right: Array) -> Array:
        d = here.dy * here.gamma
        return here.s * (d - here.x_hat * (d * here.x_hat).mean(axis=0))


class BatchnormVarianceConstant(BatchNormFault):
    """The path through the variance is lost: dx lacks the term - s x_hat_b mean_c(dx_hat_c x_hat_c)."""

    slug = "batchnorm-variance-constant"
    title = "BatchNorm's variance treated as constant"
    clause = "the variance of BatchNorm is treated as constant"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm: on which examples do the mean and the variance depend?"

    def dx(self, here: Node, right: Array) -> Array:
        d = here.dy * here.gamma
        return here.s * (d - d.mean(axis=0))


class BatchnormStatisticsConstant(BatchNormFault):
    """Mean and variance are treated as constants, so that two of the three paths from x to x_hat are lost."""

    slug = "batchnorm-statistics-constant"
    title = "BatchNorm's statistics treated as constants"
    clause = "mean and variance of BatchNorm are treated as constants"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm: on which examples do the mean and the variance depend?"

    def dx(self, here: Node, right: Array) -> Array:
        d = here.dy * here.gamma
        return here.s * d


class BatchnormGammaMissing(BatchNormFault):
    """gamma is left out of dx: dx_hat = gamma dy."""

    slug = "batchnorm-gamma-missing"
    title = "gamma left out of BatchNorm's dx"
    clause = "gamma is left out of dx"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm's scale."

    def dx(self, here: Node, right: Array) -> Array:
        d = here.dy
        return here.s * (d - d.mean(axis=0) - here.x_hat * (d * here.x_hat).mean(axis=0))


class BatchnormGammaFromInput(BatchNormFault):
    """dgamma is computed with x instead of the standardised x_hat. gamma multiplies x_hat: dgamma = sum_b dy_b x_hat_b."""

    slug = "batchnorm-gamma-from-input"
    title = "dgamma with x instead of x_hat"
    clause = "dgamma is computed with x instead of x_hat"
    remedy = "dgamma = sum_b dy_b x_hat_b"
    hint = "Look at what gamma multiplies."

    def dW(self, here: Node, right: Array) -> Array:
        return (here.dy * here.x).sum(axis=0)
