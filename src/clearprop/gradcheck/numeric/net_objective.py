"""A net and its loss as an objective: parameters and input are the arrays, `backward` gives the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.objective import Objective
from clearprop.gradcheck.numeric.shifted_losses import ShiftedLosses
from clearprop.nn import ELU, SELU, Embedding, Layer, LeakyReLU, Linear, Loss, Net, ReLU

INPUT = "X"
FEW = 4  # up to so many shifts are evaluated one by one
FAST = 30_000  # elements up to which all are compared by default, for a net whose shifts are evaluated many at once


CORNERS = (ReLU, LeakyReLU, ELU, SELU)
"""Activations that may have no derivative at 0."""


class NetObjective(Objective):
    """The loss of one batch in training mode, with the same dropout masks in every call.

    Parameters
    ----------
    net : Net
        In float64; its parameters are shifted in place.
    loss : Loss
    X : array (B, n_x) of float64
    y : array
    weight_decay : float
        Weight of the penalty: weight_decay / 2 times the sum of the squared weights (W) of linear layers is added to the loss.
    backward : bool
        Whether the gradient under test is that of the net's own `backward`; otherwise it is known at one point only.

    Attributes
    ----------
    shifted : ShiftedLosses or None
        Evaluates many shifts of one layer at once; None if this net does not allow it.
    """

    def __init__(self, net: Net, loss: Loss, X: Array, y: Array, weight_decay: float = 0.0, backward: bool = True) -> None:
        self.net, self.loss, self.y, self.weight_decay, self.backward = net, loss, y, weight_decay, backward
        self.X = np.array(X, dtype=np.float64, order="C")
        self.layers = named_layers(net)
        self.arrays = {label(tag, name): a for tag, layer in self.layers for name, a in layer.parameters().items()}
        if not isinstance(net.layers[0], Embedding):  # categories cannot be shifted
            self.arrays[INPUT] = self.X
        self.states = [(layer, dict(layer.rng.bit_generator.state)) for layer in net.unique_layers() if layer.rng is not None]
        self.buffers = [(layer, name, getattr(layer, name).copy()) for layer in net.unique_layers() for name in layer.buffers]
        self.shifted = ShiftedLosses.of(net, loss, weight_decay)
        self.confirmed = False
        if self.shifted is not None:
            self.cheap = FAST

    def run(self) -> tuple[float, list[Any], Any]:
        """One forward pass: the loss, without penalty, and the saved values of the layers and of the loss."""
        self.evaluations += 1
        for layer, state in self.states:
            assert layer.rng is not None
            layer.rng.bit_generator.state = state
        for layer, name, kept in self.buffers:
            getattr(layer, name)[...] = kept
        with np.errstate(all="ignore"):
            y_hat, saved = self.net.forward(self.X, training=True)
            value, kept = self.loss.forward(y_hat, self.y)
        return value, saved, kept

    def value(self) -> float:
        return self.run()[0] + self.penalty()

    def penalty(self) -> float:
        """The L2 term, weight_decay / 2 |W|^2."""
        if not self.weight_decay:
            return 0.0
        return 0.5 * self.weight_decay * sum(float((w * w).sum()) for w in self.weights().values())

    def weights(self) -> dict[str, Array]:
        """The weights of linear layers, by name."""
        return {f"W{tag}": layer.W for tag, layer in self.layers if isinstance(layer, Linear)}

    def gradient(self) -> dict[str, Array] | None:
        if not self.backward:
            return None
        _, saved, kept = self.run()
        self.net.zero_grad()
        dX = self.net.backward(saved, self.loss.backward(kept))
        found = {label(tag, name): g.copy() for tag, layer in self.layers for name, g in layer.gradients().items()}
        for name, w in self.weights().items():
            if self.weight_decay:
                found[name] = found[name] + self.weight_decay * w
        return found | {INPUT: np.array(dX)} if INPUT in self.arrays else found

    def pairs(self, name: str, index: Array, h: Array) -> tuple[Array, Array]:
        if not self.confirmed and len(index) > FEW:
            self.confirmed = True
            self.shifted = self.shifted if self.shifted is not None and self._confirms(self.shifted) else None
        if self.shifted is None or not self.confirmed:
            return super().pairs(name, index, h)
        self.evaluations += 2 * len(index)
        with np.errstate(all="ignore"):
            self.shifted.stand(self.X, self.y)
            return self.shifted.losses(name, index, h), self.shifted.losses(name, index, -h)

    def _confirms(self, shifted: ShiftedLosses) -> bool:
        """Whether the quick way gives the losses of the net itself, tried on a few elements of each array."""
        rng = np.random.default_rng(0)
        shifted.stand(self.X, self.y)
        for name, array in self.arrays.items():
            index = rng.integers(array.size, size=2)
            h = np.full(2, 0.01)
            quick = shifted.losses(name, index, h)
            if not np.allclose(quick, super().pairs(name, index, h)[0], rtol=1e-12, atol=0):
                return False
        return True

    def flips(self, name: str, index: Array, h: Array) -> Array:
        """Whether a ReLU of the net opens, closes, or stands at exactly 0, within the step."""
        relus = [k for k, layer in enumerate(self.net.layers) if isinstance(layer, CORNERS)]
        found = np.zeros(len(index), dtype=bool)
        if not relus:
            return found
        flat = self.arrays[name].reshape(-1)
        for k, i in enumerate(index):
            kept = flat[i]
            signs = []
            for shift in (-h[k], h[k]):
                flat[i] = kept + shift
                saved = self.run()[1]
                signs.append([saved[r] > 0 for r in relus])
            flat[i] = kept
            found[k] = any(not np.array_equal(a, b) for a, b in zip(*signs, strict=True))
        return found


def named_layers(net: Net) -> list[tuple[str, Layer]]:
    """The layers that have parameters, with a tag: "1", "2" for linear ones, "BatchNorm1" for others.

    The arrays of linear layer 1 are then "W1" and "b1"; those of the first BatchNorm are "BatchNorm1.gamma", ".beta".
    """
    counts: dict[str, int] = {}
    tagged = []
    for layer in net.unique_layers():
        if layer.names:
            kind = "" if isinstance(layer, Linear) else type(layer).__name__
            counts[kind] = counts.get(kind, 0) + 1
            tagged.append((f"{kind}{counts[kind]}", layer))
    return tagged


def label(tag: str, name: str) -> str:
    """The name of a layer's array in a report.

    Examples
    --------
    >>> label("2", "W"), label("BatchNorm1", "gamma")
    ('W2', 'BatchNorm1.gamma')
    """
    return f"{name}{tag}" if tag.isdigit() else f"{tag}.{name}"
