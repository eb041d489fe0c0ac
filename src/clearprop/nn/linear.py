"""The linear layer, y = x W + b."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.nn.initialisers import INITIALISERS, Initialiser, Zeros
from clearprop.nn.layer import Layer
from clearprop.registry import count, switch


class Linear(Layer):
    """Each output is a weighted sum of the inputs, plus a bias: y_j = sum_i x_i W_ij + b_j, that is y = x W + b.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and outputs.
    init : str or Initialiser
        Initialiser of the weights: "xavier", "he", `Normal(0.3)`, ... They are drawn by the `Net`, or by `initialise`; until
        then `W` is NaN, unless you set it.
    bias_init : str or Initialiser
        Initialiser of the biases.
    bias : bool
        Without one, y = x W: the layer has no `b` and no `db`.

    Notes
    -----
    *dW*. W_ij enters the loss only through y_bj = ... + x_bi W_ij + ..., once for every example b. The chain rule adds
    over the examples: dW_ij = sum_b x_bi dy_bj, which is the matrix product dW = x^T dy.

    *db*. b_j enters every y_bj with factor 1: db_j = sum_b dy_bj.

    *dx*. x_bi enters every output y_bj with factor W_ij: dx_bi = sum_j dy_bj W_ij, which is dx = dy W^T.

    Of all that `forward` sees, only x is needed for this; so x is what it saves.

    Examples
    --------
    >>> layer = Linear(2, 3)
    >>> layer.W[:] = [[1, 1, 1], [-1, -1, -1]]
    >>> layer(np.array([[1.0, -1.0]]))
    array([[2., 2., 2.]])
    >>> Linear(2, 3, bias=False).names
    ('W',)
    """

    W: Array
    b: Array
    dW: Array
    db: Array
    n_in: int

    def __init__(
        self,
        n_in: int,
        n_out: int,
        init: str | dict[str, Any] | Initialiser = "xavier",
        bias_init: str | dict[str, Any] | Initialiser = "zeros",
        bias: bool = True,
    ) -> None:
        self.n_in, self.n_out = count("n_in", n_in), count("n_out", n_out)
        self.init: Initialiser = INITIALISERS.make(init)
        self.bias_init: Initialiser = INITIALISERS.make(bias_init)
        self.bias = switch("bias", bias)
        rules = {"W": self.init, "b": self.bias_init} if self.bias else {"W": self.init}
        shapes = {"W": (self.n_in, self.n_out), "b": (self.n_out,)}
        self.names = tuple(rules)
        self.allocate(**{name: shapes[name] for name in rules})
        for name, rule in rules.items():
            if isinstance(rule, Zeros):  # which leaves nothing to draw
                setattr(self, name, np.zeros(shapes[name]))

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """y = x W + b; saves x (B, n_in)."""
        self.check_input(x)
        y = x @ self.W
        return (y + self.b if self.bias else y), x

    def backward(self, saved: Array, dy: Array) -> Array:
        """dW += x^T dy, db += sum over the batch of dy; returns dx = dy W^T."""
        x = saved
        self.dW += x.T @ dy
        if self.bias:
            self.db += dy.sum(axis=0)
        return dy @ self.W.T

    def width(self, n_in: int | None) -> int:
        super().width(n_in)
        return self.n_out

    @checked
    def initialise(self, rng: np.random.Generator | int) -> Linear:
        """Draw the weights, then the biases, if there are any."""
        rng = np.random.default_rng(rng)
        self.W[:] = self.init.draw(rng, (self.n_in, self.n_out), self.n_in, self.n_out)
        if self.bias:
            self.b[:] = self.bias_init.draw(rng, (self.n_out,), self.n_in, self.n_out)
        return self
