"""The pass: forward and backward through a net, written out, with a question at every line.

It computes what the layers and losses compute (a test compares them), but puts each value before the planted faults, any of
which may replace it by the wrong one. Without faults it is the right pass.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.nodes import LossNode, Node, Parameter
from clearprop.gradcheck.problem import Problem
from clearprop.nn import (
    Activation,
    BatchNorm,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Layer,
    Linear,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
    Softmax,
)
from clearprop.nn.cross_entropy import one_hot
from clearprop.nn.loss import ElementwiseLoss

KINDS: tuple[tuple[type[Layer], str], ...] = (
    (Linear, "linear"),
    (Activation, "activation"),
    (Softmax, "softmax"),
    (BatchNorm, "batchnorm"),
)
LOSS_KINDS: dict[type[Loss], str] = {
    CrossEntropy: "cross_entropy",
    NegativeLogLikelihood: "nll",
    BinaryCrossEntropy: "bce",
    BinaryCrossEntropyWithLogits: "bce_logits",
    MeanSquaredError: "mse",
}

Line = Literal[
    "value", "shift", "total", "probabilities", "saved", "targets", "slope_of_loss", "scale", "slope", "weights", "dx", "dW",
    "db", "accumulated", "penalty", "gradient",
]  # fmt: skip


class Pass:
    """One forward and one backward pass, with any number of faults planted.

    Parameters
    ----------
    problem : Problem
    faults : tuple of Fault
        Asked in this order.
    previous : Problem, optional
        The step before, for faults that carry something over from it.
    right : Pass, optional
        The same pass without faults, whose forward values are used again as long as nothing differs.
    inputs : bool
        Whether dX is wanted, which for a wide first layer costs as much as all else.

    Attributes
    ----------
    nodes : list of Node
        The layers, with all that they computed.
    loss : LossNode
    gradients : dict of str to array
        "W1", "b1", ..., "gamma1", "beta1", ..., and "dX".
    depth : int
        Number of linear layers.
    """

    label = "pass"

    def __init__(
        self,
        problem: Problem,
        faults: tuple[Fault, ...] = (),
        previous: Problem | None = None,
        right: Pass | None = None,
        inputs: bool = True,
    ) -> None:
        self.problem, self.faults, self.previous = problem, faults, previous
        self.right, self.inputs = right, inputs
        self.nodes, self.parameters = _nodes(self)
        self.depth = len(problem.linears())
        self.loss = LossNode(self, LOSS_KINDS.get(type(problem.loss), "other"), problem.loss)
        self.gradients: dict[str, Array] = {}

    def run(self) -> Pass:
        """Forward, loss and backward; returns itself. Overflow and 0 / 0 are part of some mistakes, and no warning."""
        with np.errstate(all="ignore"):
            self.forward()
            self.backward(self.differentiate_loss())
        return self

    def ask(self, line: Line, here: Any, right: Any) -> Any:
        """The value of one line: the right one, unless a fault planted here has another."""
        for fault in self.faults:
            if here.label in fault.site:
                right = getattr(fault, line)(here, right)
        return right

    def forward(self) -> None:
        """Each layer's value, from the first to the last."""
        x = self.problem.X
        for fault in self.faults:
            x = fault.data(self, x) if "data" in fault.site else x
        for node in self.nodes:
            node.x = x
            node.y = x = self.ask("value", node, self.value(node))
            node.saved = self.ask("saved", node, node.x)
        self.loss.x = x

    def value(self, node: Node) -> Array:
        """Of one layer."""
        layer, x = node.layer, node.x
        if self.right is not None and node.kind in ("linear", "activation") and x is self.right.nodes[node.index].x:
            return self.right.nodes[node.index].y
        if node.kind == "linear":
            return x @ node.W + node.b
        if isinstance(layer, Activation):
            return layer.f(x)
        if node.kind == "softmax":
            return self.softmax(node, x)
        if isinstance(layer, BatchNorm):
            node.s = 1 / np.sqrt(x.var(axis=0) + layer.eps)
            node.x_hat = (x - x.mean(axis=0)) * node.s
            return layer.gamma * node.x_hat + layer.beta
        y, node.kept = layer.forward(x, training=True)
        return y

    def softmax(self, node: Node | LossNode, z: Array) -> Array:
        """Probabilities of the scores z (B, n), row by row."""
        node.e = np.exp(z - self.ask("shift", node, z.max(axis=1, keepdims=True)))
        return self.ask("probabilities", node, node.e / self.ask("total", node, node.e.sum(axis=1, keepdims=True)))

    def differentiate_loss(self) -> Array:
        """dy_hat (B, n_y), mean or sum included."""
        node = self.loss
        y = one_hot(self.problem.y, like=node.x) if node.classes else self.problem.y
        node.y = self.ask("targets", node, y)
        slope = self.ask("slope_of_loss", node, self.slope_of_loss(node))
        mean = node.loss.reduction == "mean"
        node.dx = slope * self.ask("scale", node, 1.0 / node.count if mean else 1.0)
        return node.dx

    def slope_of_loss(self, node: LossNode) -> Array:
        """Derivative of the loss of each example, or of each number, with respect to its prediction."""
        loss, y = node.loss, node.y
        if node.kind == "cross_entropy":
            node.p = self.softmax(node, node.x)
            return node.p * y.sum(axis=1, keepdims=True) - y
        if node.kind == "bce_logits":
            node.p = self.ask("probabilities", node, 0.5 * (1.0 + np.tanh(0.5 * node.x)))
            return node.p - y
        if node.kind == "nll":
            node.p = np.maximum(node.x, np.finfo(node.x.dtype).tiny)
            return -y / node.p
        if isinstance(loss, ElementwiseLoss):
            node.p = loss.admissible(node.x)
            return loss.df(node.p, y)
        return loss.backward(loss.forward(node.x, y)[1]) * (len(node.x) if loss.reduction == "mean" else 1.0)

    def backward(self, dy: Array) -> None:
        """Every gradient, from the last layer to the first."""
        for node in reversed(self.nodes):
            node.dy = dy
            wanted = node.index > 0 or self.inputs
            node.dx = dy = self.ask("dx", node, self.dx(node)) if wanted else self.dx(node)
        returned = {name: self.finished(parameter) for name, parameter in self.parameters.items()}
        if self.inputs:
            returned["dX"] = dy
        for fault in self.faults:
            returned = fault.returned(self, returned) if self.label in fault.site else returned
        self.gradients = returned

    def dx(self, node: Node) -> Array:
        """The gradient of one layer's input; those of its parameters are added to the sums on the way."""
        dy = node.dy
        if node.kind == "linear":
            self.add(node, node.saved.T @ dy, dy.sum(axis=0))
            if node.index == 0 and not self.inputs:
                return np.zeros((0, 0))
            return dy @ self.ask("weights", node, node.W).T
        if isinstance(node.layer, Activation):
            return dy * self.ask("slope", node, node.layer.df(node.y))
        if node.kind == "softmax":
            return node.y * (dy - (dy * node.y).sum(axis=1, keepdims=True))
        if isinstance(node.layer, BatchNorm):
            self.add(node, (dy * node.x_hat).sum(axis=0), dy.sum(axis=0))
            dx_hat = dy * node.layer.gamma
            return node.s * (dx_hat - dx_hat.mean(axis=0) - node.x_hat * (dx_hat * node.x_hat).mean(axis=0))
        return node.layer.backward(node.kept, dy)

    def add(self, node: Node, dW: Array, db: Array) -> None:
        """Add one use of a layer to its parameters' gradients."""
        shares = self.ask("dW", node, dW), self.ask("db", node, db)
        for name, share in zip(node.names, shares, strict=True):
            parameter = self.parameters[name]
            parameter.share = share
            total = self.gradients[name] + share if name in self.gradients else share
            self.gradients[name] = self.ask("accumulated", parameter, total)

    def finished(self, parameter: Parameter) -> Array:
        """A parameter's gradient with the penalty's share."""
        l2 = self.problem.l2
        gradient = self.gradients[parameter.label]
        if l2:
            term = self.ask("penalty", parameter, l2 * parameter.value * parameter.is_weight)
            if np.shape(term) == gradient.shape and np.any(term):
                gradient = gradient + term
        return self.ask("gradient", parameter, gradient)

    # what faults ask about the net

    @property
    def batch(self) -> int:
        """B."""
        return len(self.problem.X)

    def find(self, kind: str) -> list[Node]:
        """The layers of one kind, in order."""
        return [node for node in self.nodes if node.kind == kind]

    def node(self, label: str) -> Node:
        """The layer of that label."""
        return next(node for node in self.nodes if node.label == label)


def _nodes(tape: Pass) -> tuple[list[Node], dict[str, Parameter]]:
    """The layers of a net as nodes, with labels that are numbered by linear layer, and their parameters."""
    nodes: list[Node] = []
    numbers: dict[int, int] = {}
    norms: dict[int, int] = {}
    parameters: dict[str, Parameter] = {}
    number = 0
    for index, layer in enumerate(tape.problem.net.layers):
        kind = next((name for base, name in KINDS if isinstance(layer, base)), "other")
        names: tuple[str, ...] = ()
        if kind == "linear":
            number = numbers.setdefault(id(layer), len(numbers) + 1)
            names = (f"W{number}", f"b{number}")
        elif kind == "batchnorm":
            k = norms.setdefault(id(layer), len(norms) + 1)
            names = (f"gamma{k}", f"beta{k}")
        label = f"{type(layer).__name__.lower()}{number}"
        label += "'" * sum(node.label.rstrip("'") == label for node in nodes)
        own = layer.copy() if kind == "other" else layer  # the same Dropout mask in every pass
        nodes.append(Node(tape, index, label, kind, number, own, names))
        values = list(layer.parameters().values()) if names else []
        if isinstance(layer, Linear) and not layer.bias:
            values.append(nodes[-1].b)  # zeros, whose gradient nobody claims
        for name, value in zip(names, values, strict=True):
            parameters.setdefault(name, Parameter(tape, name, value))
    return nodes, parameters
