"""Layer normalisation: each example is standardised over its units."""

from __future__ import annotations

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.nn.layer import Layer
from clearprop.registry import count, number


class LayerNorm(Layer):
    """y = gamma * x_hat + beta, with x_hat = (x - mean) / sqrt(var + eps), for each example.

    Mean and variance are those of the example's own n numbers, so that it is computed alike in training and afterwards, and for
    a batch of any size. `BatchNorm` takes them over the examples, for each unit.

    Source: Ba, Kiros and Hinton, "Layer normalization" (2016), equation 4.

    Parameters
    ----------
    n : int
        Number of units, 2 or more: the variance of a single number is 0.
    eps : float
        Added to the variance, to keep the root away from zero.

    Notes
    -----
    With s = 1 / sqrt(var + eps), x_hat_j = s (x_j - mean), and mean and s depend on every unit of the example.
    gamma and beta enter once for each example: dgamma = sum_b dy_b x_hat_b, dbeta = sum_b dy_b, and dx_hat = gamma dy.
    The three paths from x to x_hat (direct; through the mean, with dmean / dx_j = 1 / n; through the variance, with
    dvar / dx_j = 2 (x_j - mean) / n, so ds / dx_j = -s^2 x_hat_j / n) give

        dx_j = s (dx_hat_j - mean_k(dx_hat_k) - x_hat_j mean_k(dx_hat_k x_hat_k)).

    Examples
    --------
    >>> LayerNorm(2, eps=0.0)(np.array([[1.0, 3.0], [10.0, 0.0]]))
    array([[-1.,  1.],
           [ 1., -1.]])
    """

    names = ("gamma", "beta")
    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        self.n = self.n_in = count("n", n, 2)
        self.eps = number("eps", eps, lambda e: e >= 0, "zero or more")
        self.allocate(gamma=(self.n,), beta=(self.n,))
        self.gamma[:], self.beta[:] = 1, 0

    def forward(self, x: Array, training: bool = False) -> tuple[Array, tuple[Array, Array]]:
        """gamma * x_hat + beta; saves x_hat (B, n) and s (B, 1)."""
        self.check_input(x)
        s = 1 / np.sqrt(x.var(axis=1, keepdims=True) + self.eps)
        x_hat = (x - x.mean(axis=1, keepdims=True)) * s
        return self.gamma * x_hat + self.beta, (x_hat, s)

    def backward(self, saved: tuple[Array, Array], dy: Array) -> Array:
        """dgamma += sum(dy x_hat), dbeta += sum(dy); returns dx, through all three paths."""
        x_hat, s = saved
        self.dgamma += (dy * x_hat).sum(axis=0)
        self.dbeta += dy.sum(axis=0)
        dx_hat = dy * self.gamma
        return s * (dx_hat - dx_hat.mean(axis=1, keepdims=True) - x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True))

    @checked
    def initialise(self, rng: np.random.Generator | int) -> LayerNorm:
        """gamma = 1, beta = 0; nothing is drawn."""
        self.gamma[:], self.beta[:] = 1, 0
        return self
