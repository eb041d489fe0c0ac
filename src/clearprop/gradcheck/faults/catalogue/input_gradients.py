"""Faults of the gradient that a layer passes down to the layer below: dx = dy W^T."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LinearFault, Site
from clearprop.gradcheck.faults.tape import LossNode, Node, Tape


class WeightsTransposedBackward(LinearFault):
    """dy W instead of dy W^T, which a square W allows. x_bi enters y_bj with factor W_ij: dx_bi = sum_j dy_bj W_ij."""

    slug = "weights-transposed-backward"
    title = "W not transposed in the backward pass"
    clause = "{at}dx is dy W instead of dy W^T"
    remedy = "dx = dy W^T"
    hint = "Look at the gradient that a layer passes down to the layer below."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and node.W.shape[0] == node.W.shape[1] > 1

    def weights(self, here: Node, right: Array) -> Array:
        return right.T


class WeightsReshaped(LinearFault):
    """W.reshape(n_out, n_in) instead of W.T on the way down: the shape is right, and the numbers are in the wrong places."""

    slug = "weights-reshaped"
    title = "reshape instead of transpose, of the weights"
    clause = "{at}W is reshaped instead of transposed in dx"
    remedy = "dx = dy W^T; reshape is no transpose"
    hint = "Look at the gradient that a layer passes down to the layer below."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and min(node.W.shape) > 1

    def weights(self, here: Node, right: Array) -> Array:
        return right.reshape(right.T.shape).T


class WeightsOfAnotherLayer(Fault):
    """dx is computed with the weights of another layer of the same shape. Each layer hands down dy W^T with its own W."""

    slug = "weights-of-another-layer"
    title = "weights of another layer in the backward pass"
    clause = "dx of layer {extra} is computed with another layer's W"
    remedy = "dx = dy W^T, with the layer's own W"
    hint = "Look at the gradient that a layer passes down to the layer below."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        linear = right.find("linear")
        pairs = [(a, b) for a in linear[1:] for b in linear if a.layer is not b.layer and a.W.shape == b.W.shape]
        return [(a.label, f"{b.label} for") for a, b in pairs]

    def weights(self, here: Node, right: Array) -> Array:
        return here.tape.node(self.site[1].removesuffix(" for")).W

    def sentence(self, right: Tape) -> str:
        return self.clause.format(extra=right.node(self.site[0]).number)


class UpdatedWeights(Fault):
    """A layer is updated before the layer below has used its weights: dx = dy (W - lr dW)^T.

    All gradients belong to the same parameters; update afterwards.
    """

    slug = "updated-weights"
    title = "updated W used for the layer below"
    clause = "each layer is updated (by lr = {extra}) before the layer below uses its W"
    remedy = "dx = dy W^T with the W of the forward pass; update after the whole backward pass"
    hint = "Look at the order of backward and update."
    fitted = True

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        labels = tuple(dict.fromkeys(node.label for node in right.find("linear") if node.index))
        return [labels] if labels else []

    def weights(self, here: Node, right: Array) -> Array:
        name = here.names[0]
        dW = here.tape.gradients[name]
        if dW.shape != right.shape:
            return right
        return right - self.amount * (dW + here.tape.step.weight_decay * right)

    def sentence(self, right: Tape) -> str:
        return self.clause.format(extra=f"{self.amount:.6g}")

    def admits(self, right: Tape) -> bool:
        """Whether it is a learning rate: positive, and not huge."""
        return 1e-7 < self.amount < 100.0


class GraphCut(Fault):
    """The chain is cut (a detached tensor, a copy as NumPy array or Python number): everything below gets zero.

    The gradient must pass through every layer.
    """

    slug = "graph-cut"
    title = "a detached tensor: nothing reaches the layers below"
    clause = "the gradient stops at {extra}: a tensor is detached there"
    remedy = "dx = dy W^T and dz = da * f'(z), element by element, down to the first layer"
    hint = "Look at the gradient that a layer passes down to the layer below."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        below: list[Site] = [(node.label,) for node in right.nodes if node.index]
        return [("loss",), *below]

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return np.zeros_like(right)

    def dx(self, here: Node, right: Array) -> Array:
        return np.zeros_like(right)

    def sentence(self, right: Tape) -> str:
        label = self.site[0]
        node = None if label == "loss" else right.node(label)
        return self.clause.format(extra="the loss" if node is None else f"{node.function}, layer {node.number}")
