"""Faults of the softmax: its axis, its Jacobian, and scores where probabilities belong."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LossFault, Site
from clearprop.gradcheck.faults.tape import LossNode, Node, Tape
from clearprop.nn import softmax


class SoftmaxFault(Fault):
    """Happens to a softmax: a layer of its own, or the one inside cross-entropy."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        inside: list[Site] = [("loss",)] if right.loss.kind == "cross_entropy" else []
        return inside + [(node.label,) for node in right.find("softmax")]


class SoftmaxUnnormalised(SoftmaxFault):
    """exp(z) without the sum below it. p_i = exp(z_i) / sum_j exp(z_j)."""

    slug = "softmax-unnormalised"
    title = "softmax without its denominator"
    clause = "softmax lacks its denominator"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def total(self, here: Node | LossNode, right: Array) -> Array:
        return np.ones_like(right)


class SoftmaxColumns(SoftmaxFault):
    """Normalised down the columns, over the batch, instead of along each example's row.

    Each example's probabilities sum to 1.
    """

    slug = "softmax-columns"
    title = "softmax over the wrong axis"
    clause = "softmax runs down the columns (over the batch) instead of along the rows"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj), sums along each row"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        e = np.exp(here.x - here.x.max(axis=0))
        return e / e.sum(axis=0)


class SoftmaxWholeMatrix(SoftmaxFault):
    """Normalised over the whole matrix: all probabilities of the batch sum to 1. Each example's must."""

    slug = "softmax-whole-matrix"
    title = "softmax over the whole matrix"
    clause = "softmax runs over the whole matrix instead of along each row"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj), sums along each row"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        e = np.exp(here.x - here.x.max())
        return e / e.sum()


class SoftmaxSumMisaligned(SoftmaxFault):
    """The row sums (B,) divide along the columns, since keepdims was forgotten; no error is raised when B = C."""

    slug = "softmax-sum-misaligned"
    title = "softmax sums lined up with the columns"
    clause = "the row sums (B,) of softmax divide the columns (keepdims is missing)"
    remedy = "e / e.sum(axis=1, keepdims=True)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def total(self, here: Node | LossNode, right: Array) -> Array:
        return right.ravel() if here.e.shape[0] == here.e.shape[1] else right


class SoftmaxShiftMisaligned(SoftmaxFault):
    """The row maxima (B,) are subtracted along the columns, since keepdims was forgotten; no error is raised when B = C."""

    slug = "softmax-shift-misaligned"
    title = "softmax shift lined up with the columns"
    clause = "the row maxima (B,) are subtracted from the columns (keepdims is missing)"
    remedy = "z - z.max(axis=1, keepdims=True)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        return right.ravel() if here.x.shape[0] == here.x.shape[1] else right


class SoftmaxShiftColumns(SoftmaxFault):
    """The maximum of each *column* is subtracted. Only what is the same for a whole row cancels in the fraction."""

    slug = "softmax-shift-columns"
    title = "softmax shifted by the maxima of the columns"
    clause = "softmax is shifted by the maximum of each column instead of each row"
    remedy = "exp(z_b - max_j z_bj): each row's own maximum"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        return here.x.max(axis=0, keepdims=True)


class SoftmaxShiftBatch(SoftmaxFault):
    """The maximum of the whole batch is subtracted, instead of each row's own.

    It cancels, until a row lies so far below it that all its exp are 0, and 0/0 is NaN (in float32 at a distance of 104).
    """

    slug = "softmax-shift-batch"
    title = "softmax shifted by the maximum of the whole batch"
    clause = "softmax is shifted by the maximum of the whole batch instead of each row's"
    remedy = "exp(z_b - max_j z_bj): each row's own maximum"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return [(*site, word) for site in super().sites(right) for word in ("in float64", "in float32")]

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        shifted = here.x - here.x.max()
        e = np.exp(shifted.astype(np.float32) if "in float32" in self.site else shifted)
        return (e / e.sum(axis=1, keepdims=True)).astype(here.x.dtype)


class SoftmaxDerivativeOmitted(SoftmaxFault):
    """The derivative of -log p is handed down as if the probabilities were the scores.

    Between the two lies the Jacobian of the softmax.
    """

    slug = "softmax-derivative-omitted"
    title = "derivative of softmax left out"
    clause = "the derivative of softmax is left out"
    remedy = "dz_j = p_j (dp_j - sum_i dp_i p_i), the product with J = diag(p) - p p^T; with cross-entropy, dz = (p - y) / B"
    hint = "Look at what lies between the scores and the loss."

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy


class SoftmaxDiagonal(SoftmaxFault):
    """Only the diagonal p_i (1 - p_i) of the softmax's Jacobian, as if it were element-wise.

    Raising one score lowers every other probability: J = diag(p) - p p^T.
    """

    slug = "softmax-diagonal"
    title = "softmax Jacobian: diagonal only"
    clause = "only the diagonal p (1 - p) of the Jacobian of softmax is used"
    remedy = "dz_j = p_j (dp_j - sum_i dp_i p_i), the product with J = diag(p) - p p^T; with cross-entropy, dz = (p - y) / B"
    hint = "Look at the softmax: does one score change one probability only?"

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y * (1.0 - here.p)

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy * here.y * (1.0 - here.y)


class SoftmaxTwice(LossFault):
    """A loss on scores is given probabilities: softmax (or sigmoid) of softmax, differentiated as such.

    The derivative is right for that other loss; cross-entropy on scores has dz = p - y, with p = softmax(z).
    """

    slug = "double-softmax"
    title = "double softmax"
    clause = "softmax (or sigmoid) is applied twice, in the net and again in the loss"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z)); the loss takes scores"
    hint = "Look at what the loss expects, scores or probabilities."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        if here.kind == "bce_logits":
            return (1.0 / (1.0 + np.exp(-here.p)) - here.y) * here.p * (1.0 - here.p)
        d = softmax(here.p) * here.y.sum(axis=1, keepdims=True) - here.y
        return here.p * (d - (d * here.p).sum(axis=1, keepdims=True))


class SoftmaxTwiceForward(Fault):
    """Softmax (or sigmoid) is applied a second time to probabilities, and the backward pass does not know of it.

    Probabilities need no second softmax.
    """

    slug = "double-softmax-forward"
    title = "double softmax in the forward pass alone"
    clause = "softmax (or sigmoid) is applied to probabilities once more, in the forward pass only"
    remedy = "p = softmax(z), once"
    hint = "Look at the forward pass."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        inside: list[Site] = [("loss",)] if right.loss.kind in ("cross_entropy", "bce_logits") else []
        return inside + [(node.label,) for node in right.find("softmax")]

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-right)) if isinstance(here, LossNode) and here.kind == "bce_logits" else softmax(right)


class ScoresForProbabilities(LossFault):
    """z - y: the scores are compared with the target as if they were probabilities. p - y, with p = softmax(z)."""

    slug = "scores-for-probabilities"
    title = "scores used as probabilities"
    clause = "the scores z are used where the probabilities p belong"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z))"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.x - here.y
