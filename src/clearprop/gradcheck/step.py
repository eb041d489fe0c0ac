"""The training step: a network, a loss and a batch, for which gradients were computed."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.arrays import Array
from clearprop.nn import Linear, Loss, Net


@dataclass(frozen=True, eq=False)
class Step:
    """One training step of a known network: all that is needed to compute the gradients that any fault would produce.

    Attributes
    ----------
    net : Net
        In float64, made of clearprop's own layers; "W1", "b1", "W2", ... are the arrays of its `Linear` layers, in order.
    loss : Loss
    X : array (B, n_x) of float64
    y : array
        Targets, as `loss` takes them.
    weight_decay : float
        Weight of the penalty: weight_decay / 2 times the sum of all squared weights (not biases) is added to the loss.
    """

    net: Net
    loss: Loss
    X: Array
    y: Array
    weight_decay: float = 0.0

    def linears(self) -> list[Linear]:
        """The linear layers, in order of their first appearance: number k holds "Wk" and "bk"."""
        return [layer for layer in self.net.unique_layers() if isinstance(layer, Linear)]

    def parameters(self) -> dict[str, Array]:
        """The arrays "W1", "b1", "W2", ... themselves (views into the net's theta)."""
        numbered = enumerate(self.linears(), start=1)
        return {f"{name}{k}": array for k, layer in numbered for name, array in layer.parameters().items()}

    def value(self) -> float:
        """The loss, penalty included."""
        penalty = 0.5 * self.weight_decay * sum(float((layer.W * layer.W).sum()) for layer in self.linears())
        return self.loss(self.net.forward(self.X, training=True)[0], self.y) + penalty
