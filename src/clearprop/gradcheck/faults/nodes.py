"""The nodes of a pass: everything that one layer, the loss, or one parameter sees, by the letters of the legend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import Layer, Linear, Loss

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass

EMPTY: Array = np.zeros((0, 0))


@dataclass(eq=False)
class Node:
    """One layer in one pass.

    Attributes
    ----------
    label : str
        "linear1", "tanh1", "softmax2", ...: what it is, and the number of the linear layer that it is or follows.
    kind : str
        "linear", "activation", "softmax", "batchnorm" or "other".
    names : tuple of str
        Of the parameters, as they are numbered: ("W1", "b1").
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
    kept : anything
        What a layer of another kind saved.
    """

    tape: Pass
    index: int
    label: str
    kind: str
    number: int
    layer: Layer
    names: tuple[str, ...] = ()
    x: Array = field(default_factory=lambda: EMPTY)
    y: Array = field(default_factory=lambda: EMPTY)
    saved: Array = field(default_factory=lambda: EMPTY)
    dy: Array = field(default_factory=lambda: EMPTY)
    dx: Array = field(default_factory=lambda: EMPTY)
    e: Array = field(default_factory=lambda: EMPTY)
    x_hat: Array = field(default_factory=lambda: EMPTY)
    s: Array = field(default_factory=lambda: EMPTY)
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
        return self.layer.b if self.layer.bias else np.zeros(self.layer.n_out)

    @property
    def function(self) -> str:
        """What the layer computes, in a word: "tanh", "softmax"."""
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


@dataclass(eq=False)
class LossNode:
    """The loss in one pass.

    Attributes
    ----------
    kind : str
        "cross_entropy", "nll", "bce", "bce_logits", "mse", or "other".
    x : array (B, n_y)
        The prediction y_hat.
    y : array (B, n_y)
        The targets, one row an example.
    p : array (B, n_y)
        The probabilities that the loss computes of scores, or finds in y_hat.
    e : array (B, n_y)
        exp of the shifted scores, for cross-entropy.
    dx : array (B, n_y)
        Gradient of the loss with respect to y_hat.
    """

    tape: Pass
    kind: str
    loss: Loss
    label: str = "loss"
    x: Array = field(default_factory=lambda: EMPTY)
    y: Array = field(default_factory=lambda: EMPTY)
    p: Array = field(default_factory=lambda: EMPTY)
    e: Array = field(default_factory=lambda: EMPTY)
    dx: Array = field(default_factory=lambda: EMPTY)

    @property
    def function(self) -> str:
        """What the loss computes of scores: "softmax" or "sigmoid"."""
        return "softmax" if self.classes else "sigmoid"

    @property
    def classes(self) -> bool:
        """Whether the loss is about one class out of several."""
        return self.kind in ("cross_entropy", "nll")

    @property
    def count(self) -> int:
        """How many numbers the mean of the loss is over: B, or B n_y for a loss that compares number by number."""
        return len(self.x) if self.classes or self.kind == "other" else self.x.size


@dataclass(eq=False)
class Parameter:
    """One parameter in one pass: its label ("W1"), its value, the last layer that used it, and that layer's newest share."""

    tape: Pass
    label: str
    value: Array
    share: Array = field(default_factory=lambda: EMPTY)

    @property
    def is_weight(self) -> bool:
        """Whether the penalty of the loss holds it."""
        return self.label.startswith("W")
