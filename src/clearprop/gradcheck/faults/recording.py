"""Recording: forward and backward through a net, written out, with a question at every line.

It computes what the layers and losses compute (a test compares them), but shows each value to the planted faults, any of
which may replace it by a wrong one. Without faults the tape is right.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.tape import LossNode, Node, Parameter, Tape
from clearprop.gradcheck.step import Step
from clearprop.nn import Activation, BatchNorm, ElementwiseLoss
from clearprop.nn.cross_entropy import one_hot

Hook = Literal[
    "value", "shift", "total", "probabilities", "saved", "targets", "slope_of_loss", "scale", "slope", "weights", "dx", "dW",
    "db", "accumulated", "penalty", "gradient",
]  # fmt: skip


def record(
    step: Step,
    faults: tuple[Fault, ...] = (),
    previous: Step | None = None,
    right: Tape | None = None,
    inputs: bool = True,
) -> Tape:
    """Run one step forward and backward.

    Parameters
    ----------
    step : Step
    faults : tuple of Fault
        Planted faults, asked in this order.
    previous : Step, optional
        The step before, for faults that carry something over from it.
    right : Tape, optional
        The same step without faults, whose forward values are used again as long as nothing differs.
    inputs : bool
        Whether to compute dX, which for a wide first layer costs as much as all else.
    """
    recording = Recording(Tape(step, previous), faults, right, inputs)
    with np.errstate(all="ignore"):  # overflow and 0 / 0 are part of some faults, and no warning
        recording.forward()
        recording.backward(recording.differentiate_loss())
    return recording.tape


class Recording:
    """Fills a tape, with any number of faults planted; see `record`."""

    def __init__(self, tape: Tape, faults: tuple[Fault, ...], right: Tape | None, inputs: bool) -> None:
        self.tape, self.faults, self.right, self.inputs = tape, faults, right, inputs

    def ask(self, hook: Hook, here: Any, right: Any) -> Any:
        """The value of one line: the right one, unless a fault planted here has another."""
        for fault in self.faults:
            if here.label in fault.site:
                right = getattr(fault, hook)(here, right)
        return right

    def forward(self) -> None:
        """Each layer's value, from the first to the last."""
        x = self.tape.step.X
        for fault in self.faults:
            x = fault.data(self.tape, x) if "data" in fault.site else x
        for node in self.tape.nodes:
            node.x = x
            node.y = x = self.ask("value", node, self.value(node))
            node.saved = self.ask("saved", node, node.x)
        self.tape.loss.x = x

    def value(self, node: Node) -> Array:
        """The value of one layer."""
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
        node, y = self.tape.loss, self.tape.step.y
        node.y = self.ask("targets", node, one_hot(y, like=node.x) if node.classes else y)
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
            return loss.df(node.p, y, *loss.constants())
        return loss.backward(loss.forward(node.x, y)[1]) * (len(node.x) if loss.reduction == "mean" else 1.0)

    def backward(self, dy: Array) -> None:
        """Every gradient, from the last layer to the first."""
        for node in reversed(self.tape.nodes):
            node.dy = dy
            wanted = node.index > 0 or self.inputs
            node.dx = dy = self.ask("dx", node, self.dx(node)) if wanted else self.dx(node)
        returned = {name: self.finished(parameter) for name, parameter in self.tape.parameters.items()}
        if self.inputs:
            returned["dX"] = dy
        for fault in self.faults:
            returned = fault.returned(self.tape, returned) if self.tape.label in fault.site else returned
        self.tape.gradients = returned

    def dx(self, node: Node) -> Array:
        """The gradient of one layer's input; those of its parameters are added to the sums on the way."""
        dy = node.dy
        if node.kind == "linear":
            self.add(node, node.saved.T @ dy, dy.sum(axis=0))
            if node.index == 0 and not self.inputs:
                return np.zeros((0, 0))
            return dy @ self.ask("weights", node, node.W).T
        if isinstance(node.layer, Activation):
            return dy * self.ask("slope", node, node.layer.slope(node.x, node.y))
        if node.kind == "softmax":
            return node.y * (dy - (dy * node.y).sum(axis=1, keepdims=True))
        if isinstance(node.layer, BatchNorm):
            self.add(node, (dy * node.x_hat).sum(axis=0), dy.sum(axis=0))
            dx_hat = dy * node.layer.gamma
            return node.s * (dx_hat - dx_hat.mean(axis=0) - node.x_hat * (dx_hat * node.x_hat).mean(axis=0))
        return node.layer.backward(node.kept, dy)

    def add(self, node: Node, dW: Array, db: Array) -> None:
        """Add one use of a layer to its parameters' gradients."""
        sums = self.tape.gradients
        shares = self.ask("dW", node, dW), self.ask("db", node, db)
        for name, share in zip(node.names, shares, strict=False):  # there may be no bias
            parameter = self.tape.parameters[name]
            parameter.share = share
            sums[name] = self.ask("accumulated", parameter, sums[name] + share if name in sums else share)

    def finished(self, parameter: Parameter) -> Array:
        """A parameter's gradient with the penalty's share."""
        weight_decay = self.tape.step.weight_decay
        gradient = self.tape.gradients[parameter.label]
        if weight_decay:
            term = self.ask("penalty", parameter, weight_decay * parameter.value * parameter.is_weight)
            if np.shape(term) == gradient.shape and np.any(term):
                gradient = gradient + term
        return self.ask("gradient", parameter, gradient)
