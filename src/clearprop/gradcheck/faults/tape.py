"""The tape: the record of one forward and one backward pass, in the letters of the legend of `clearprop.nn`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.step import Step
from clearprop.nn import (
    Activation,
    BatchNorm,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    ElementwiseLoss,
    Layer,
    Linear,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
    Softmax,
)

LayerKind = Literal["linear", "activation", "softmax", "batchnorm", "other"]
LossKind = Literal["cross_entropy", "nll", "bce", "bce_logits", "mse", "other"]

KINDS: tuple[tuple[type[Layer], LayerKind], ...] = (
    (Linear, "linear"),
    (Activation, "activation"),
    (Softmax, "softmax"),
    (BatchNorm, "batchnorm"),
)
LOSS_KINDS: dict[type[Loss], LossKind] = {
    CrossEntropy: "cross_entropy",
    NegativeLogLikelihood: "nll",
    BinaryCrossEntropy: "bce",
    BinaryCrossEntropyWithLogits: "bce_logits",
    MeanSquaredError: "mse",
}


def kind_of(loss: Loss) -> LossKind:
    """The kind of a loss; one with smoothed or weighted targets is none of the usual kinds."""
    if isinstance(loss, CrossEntropy) and (loss.label_smoothing or loss.class_weight is not None):
        return "other"
    return LOSS_KINDS.get(type(loss), "other")


@dataclass(eq=False, repr=False)
class Node:
    """One layer on the tape.

    Attributes
    ----------
    label : str
        "linear1", "tanh1", "softmax2", ...: the layer's type, and the number of the linear layer that it is or follows.
    kind : {"linear", "activation", "softmax", "batchnorm", "other"}
    names : tuple of str
        Names of the parameters, numbered: ("W1", "b1"), or ("W1",) for a linear layer without bias.
    x, y : array (B, n_in), (B, n_out)
        Input and value. For an activation that is z and a.
    saved : array (B, n_in)
        The input, as `backward` reads it.
    dy, dx : array
        Gradients of the loss with respect to y and x. For an activation that is da and dz.
    e : array
        exp of the shifted scores, of a softmax.
    x_hat, s : array (B, n), (n,)
        Standardised input and 1 / sqrt(var + eps), of a BatchNorm.
    kept : object
        Saved values of a layer of another kind.
    """

    tape: Tape
    index: int
    label: str
    kind: LayerKind
    number: int
    layer: Layer
    names: tuple[str, ...] = ()
    x: Array = field(init=False)
    y: Array = field(init=False)
    saved: Array = field(init=False)
    dy: Array = field(init=False)
    dx: Array = field(init=False)
    e: Array = field(init=False)
    x_hat: Array = field(init=False)
    s: Array = field(init=False)
    kept: Any = None

    @property
    def W(self) -> Array:
        """The weights of a linear layer."""
        assert isinstance(self.layer, Linear)
        return self.layer.W

    @property
    def b(self) -> Array:
        """The biases of a linear layer; zeros where it has none."""
        assert isinstance(self.layer, Linear)
        return self.layer.parameters().get("b", np.zeros(self.layer.n_out))

    @property
    def gamma(self) -> Array:
        """The scale of a BatchNorm."""
        assert isinstance(self.layer, BatchNorm)
        return self.layer.gamma

    @property
    def activation(self) -> Activation:
        """The layer, if it is an activation."""
        assert isinstance(self.layer, Activation)
        return self.layer

    @property
    def function(self) -> str:
        """The layer's function in a word: "tanh", "softmax"."""
        name = type(self.layer).__name__
        return name if name == "ReLU" else name.lower()

    @property
    def above(self) -> Node | None:
        """The layer after this one."""
        return self.tape.nodes[self.index + 1] if self.index + 1 < len(self.tape.nodes) else None

    @property
    def below(self) -> Node | None:
        """The layer before this one."""
        return self.tape.nodes[self.index - 1] if self.index else None


@dataclass(eq=False, repr=False)
class LossNode:
    """The loss on the tape.

    Attributes
    ----------
    kind : {"cross_entropy", "nll", "bce", "bce_logits", "mse", "other"}
    x : array (B, n_y)
        The prediction y_hat.
    y : array (B, n_y)
        The targets, one row per example.
    p : array (B, n_y)
        The probabilities that the loss computes from scores, or finds in y_hat.
    e : array (B, n_y)
        exp of the shifted scores, for cross-entropy.
    dx : array (B, n_y)
        Gradient of the loss with respect to y_hat.
    """

    tape: Tape
    kind: LossKind
    loss: Loss
    label: str = "loss"
    x: Array = field(init=False)
    y: Array = field(init=False)
    p: Array = field(default_factory=lambda: np.zeros((0, 0)))
    e: Array = field(init=False)
    dx: Array = field(init=False)

    @property
    def function(self) -> str:
        """The function that the loss applies to scores: "softmax" or "sigmoid"."""
        return "softmax" if self.classes else "sigmoid"

    @property
    def elementwise(self) -> ElementwiseLoss:
        """The loss, if it compares number by number."""
        assert isinstance(self.loss, ElementwiseLoss)
        return self.loss

    @property
    def classes(self) -> bool:
        """Whether the loss is about one class out of several."""
        return self.kind in ("cross_entropy", "nll")

    @property
    def count(self) -> int:
        """Number of terms in the mean of the loss: B, or B n_y for a loss that compares number by number."""
        return len(self.x) if self.classes or self.kind == "other" else self.x.size


@dataclass(eq=False, repr=False)
class Parameter:
    """One parameter on the tape: its label ("W1"), its value, and the newest share of its gradient, of one use of its layer."""

    tape: Tape
    label: str
    value: Array
    share: Array = field(init=False)

    @property
    def is_weight(self) -> bool:
        """Whether the penalty of the loss includes it."""
        return self.label.startswith("W")


class Tape:
    """All values of one forward and one backward pass; `record` fills it.

    Parameters
    ----------
    step : Step
    previous : Step, optional
        The step before, for faults that carry something over from it.

    Attributes
    ----------
    nodes : list of Node
        The layers, with all that they computed.
    parameters : dict of str to Parameter
    loss : LossNode
    gradients : dict of str to array
        "W1", "b1", ..., "gamma1", "beta1", ..., and "dX".
    depth : int
        Number of linear layers.
    batch : int
        B.
    """

    label = "tape"

    def __init__(self, step: Step, previous: Step | None = None) -> None:
        self.step, self.previous = step, previous
        self.nodes: list[Node] = []
        self.parameters: dict[str, Parameter] = {}
        self._add_layers()
        self.loss = LossNode(self, kind_of(step.loss), step.loss)
        self.gradients: dict[str, Array] = {}
        self.depth = len(step.linears())
        self.batch = len(step.X)

    def find(self, kind: LayerKind) -> list[Node]:
        """The layers of one kind, in order."""
        return [node for node in self.nodes if node.kind == kind]

    def node(self, label: str) -> Node:
        """The layer of that label."""
        return next(node for node in self.nodes if node.label == label)

    def _add_layers(self) -> None:
        """The layers of the net as nodes, with labels numbered by linear layer, and their parameters."""
        numbers: dict[int, int] = {}
        norms: dict[int, int] = {}
        number = 0
        for index, layer in enumerate(self.step.net.layers):
            kind: LayerKind = next((name for base, name in KINDS if isinstance(layer, base)), "other")
            parameters: dict[str, Array] = {}
            if kind == "linear":
                number = numbers.setdefault(id(layer), len(numbers) + 1)
                parameters = {f"{name}{number}": value for name, value in layer.parameters().items()}
            elif kind == "batchnorm":
                k = norms.setdefault(id(layer), len(norms) + 1)
                parameters = {f"{name}{k}": value for name, value in layer.parameters().items()}
            label = f"{type(layer).__name__.lower()}{number}"
            label += "'" * sum(node.label.rstrip("'") == label for node in self.nodes)
            own = layer.copy() if kind == "other" else layer  # the same Dropout mask on every tape
            self.nodes.append(Node(self, index, label, kind, number, own, tuple(parameters)))
            for name, value in parameters.items():
                self.parameters.setdefault(name, Parameter(self, name, value))
