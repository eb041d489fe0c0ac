"""Faults of the product x W and of the weights' gradient: dW = x^T dy."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LinearFault, Site, each_and_all
from clearprop.gradcheck.faults.recording import record
from clearprop.gradcheck.faults.tape import Node, Tape


class WeightsTransposedForward(LinearFault):
    """x W^T instead of x W in the forward pass, which a square W allows. y_bj = sum_i x_bi W_ij + b_j."""

    slug = "weights-transposed-forward"
    title = "W transposed in the forward pass"
    clause = "{at}the forward pass multiplies by W^T instead of W"
    remedy = "y = x W + b"
    hint = "Look at the forward pass."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.W.shape[0] == node.W.shape[1] > 1

    def value(self, here: Node, right: Array) -> Array:
        return here.x @ here.W.T + here.b


class WeightGradientTransposed(LinearFault):
    """dy^T x instead of x^T dy: the transpose of the gradient. dW has the shape of W, and dW_ij = sum_b x_bi dy_bj."""

    slug = "weight-gradient-transposed"
    title = "weight gradient transposed"
    clause = "{at}dW is transposed (dy^T x instead of x^T dy)"
    remedy = "dW = x^T dy"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.W.shape) > 1 or node.W.shape[0] != node.W.shape[1]

    def dW(self, here: Node, right: Array) -> Array:
        return right.T


class WeightGradientReshaped(LinearFault):
    """dW comes out transposed, and is made to fit by reshape.

    reshape keeps the order of the numbers, and so mixes rows with columns; dW = x^T dy has the shape of W by itself.
    """

    slug = "weight-gradient-reshaped"
    title = "reshape instead of transpose, in the weight gradient"
    clause = "{at}dy^T x is brought to W's shape by reshape instead of transposed"
    remedy = "dW = x^T dy; reshape is no transpose"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.W.shape) > 1

    def dW(self, here: Node, right: Array) -> Array:
        return right.T.reshape(right.shape)


class InputReshaped(LinearFault):
    """x.reshape(n, B) instead of x.T: the shape is right, and the numbers are in the wrong places."""

    slug = "input-reshaped"
    title = "reshape instead of transpose, of the input"
    clause = "{at}x is reshaped to (n, B) instead of transposed"
    remedy = "dW = x^T dy; reshape is no transpose"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.x.shape) > 1

    def dW(self, here: Node, right: Array) -> Array:
        return here.saved.reshape(here.saved.shape[::-1]) @ here.dy


class DataForActivation(LinearFault):
    """dW of an inner layer is computed with the data X instead of the layer's own input, which has the same width."""

    slug = "data-for-activation"
    title = "X instead of the layer's input in dW"
    clause = "{at}dW is computed with the data X instead of the layer's own input"
    remedy = "dW = x^T dy, x being the layer's own input"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and node.x.shape == node.tape.step.X.shape

    def saved(self, here: Node, right: Array) -> Array:
        return here.tape.nodes[0].x


class PreactivationSaved(LinearFault):
    """dW is computed with z of the layer below instead of a = f(z). The layer's input is a."""

    slug = "preactivation-saved"
    title = "pre-activation instead of activation in dW"
    clause = "{at}dW is computed with the pre-activation z of the layer below instead of a"
    remedy = "dW = a^T dz, with a = f(z) of the layer below"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.below is not None and node.below.kind in ("activation", "softmax")

    def saved(self, here: Node, right: Array) -> Array:
        return here.below.x if here.below is not None else right


class StaleActivations(Fault):
    """The backward pass reads the input that the layer had before: of the last batch, or of the last example.

    dW = x^T dy needs the x of this very forward pass.
    """

    slug = "stale-activations"
    title = "stale activations"
    clause = "dW is computed with stale inputs{place} ({extra})"
    remedy = "dW = x^T dy, with x of this forward pass"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        labels = [node.label for node in right.find("linear")]
        words = ["those of the last example", "those of the last example, first zeros"] if right.batch > 1 else []
        if right.previous is not None and right.previous.X.shape == right.step.X.shape:
            words.insert(0, "those of the last batch")
        return [(*site, word) for site in each_and_all(labels) for word in words]

    def saved(self, here: Node, right: Array) -> Array:
        if "those of the last batch" in self.site and here.tape.previous is not None:
            return record(here.tape.previous).nodes[here.index].saved
        stale = np.roll(right, 1, axis=0)
        if "those of the last example, first zeros" in self.site:
            stale[0] = 0.0
        return stale


class WeightsBeforeActivation(LinearFault):
    """The layer's dW is taken from da, before the activation's derivative; in a variant, db too.

    W enters z, so dW = x^T dz needs dz = da * f'(z).
    """

    slug = "weights-before-activation"
    title = "weight gradient taken before the activation's derivative"
    clause = "{at}{extra} is computed from da instead of dz"
    remedy = "dW = x^T dz and db = sum_b dz, with dz = da * f'(z)"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.above and node.above.kind in ("activation", "softmax")]
        return [(node.label, extra) for node in nodes for extra in ("dW", "dW (and db)")]

    def dW(self, here: Node, right: Array) -> Array:
        return here.saved.T @ here.above.dy if here.above is not None else right

    def db(self, here: Node, right: Array) -> Array:
        return here.above.dy.sum(axis=0) if here.above is not None and "dW (and db)" in self.site else right
