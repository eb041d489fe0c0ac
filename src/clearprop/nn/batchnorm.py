"""Batch normalisation: each unit is standardised over the batch."""

from __future__ import annotations

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import ShapeError
from clearprop.nn.layer import Layer
from clearprop.registry import count, number


class BatchNorm(Layer):
    """y = gamma * x_hat + beta, with x_hat = (x - mean) / sqrt(var + eps), for each unit.

    While training, mean and variance are those of the batch, and running averages of them are kept; afterwards the running
    averages are used. As in PyTorch, the running variance is the unbiased one (divided by B - 1).

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", ICML 2015, whose section 3 also gives the derivative.

    Parameters
    ----------
    n : int
        Number of units.
    momentum : float
        Weight of the newest batch in the running averages.
    eps : float
        Added to the variance, to keep the root away from zero.

    Notes
    -----
    With s = 1 / sqrt(var + eps), x_hat_b = s (x_b - mean), and mean and s depend on *every* example of the batch.
    gamma and beta enter as in a linear layer: dgamma = sum_b dy_b x_hat_b, dbeta = sum_b dy_b, and dx_hat = gamma dy.
    The three paths from x to x_hat (direct; through the mean; through the variance, d var / dx_b = 2 (x_b - mean) / B) give

        dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)).

    After training, mean and s are constants: dx = s dx_hat.

    Examples
    --------
    >>> BatchNorm(1, eps=0.0).forward(np.array([[1.0], [3.0]]), training=True)[0]
    array([[-1.],
           [ 1.]])
    """

    names = ("gamma", "beta")
    buffers = ("running_mean", "running_var")
    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array

    def __init__(self, n: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        self.n = self.n_in = count("n", n)
        self.momentum = number("momentum", momentum, lambda m: 0 < m <= 1, "above 0 and at most 1")
        self.eps = number("eps", eps, lambda e: e >= 0, "zero or more")
        self.allocate(gamma=(self.n,), beta=(self.n,))
        self.running_mean: Array = np.zeros(self.n)
        self.running_var: Array = np.ones(self.n)
        self.gamma[:], self.beta[:] = 1, 0

    def forward(self, x: Array, training: bool = False) -> tuple[Array, tuple[Array, Array, bool]]:
        """gamma * x_hat + beta; saves x_hat (B, n), s (n,) and whether they came from the batch."""
        self.check_input(x)
        if training:
            if len(x) < 2:
                raise ShapeError(
                    "BatchNorm cannot standardise a batch of 1 example, whose variance is 0; use a larger batch_size"
                    " (or remainder='drop', if it was the last batch of an epoch)."
                )
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * (len(x) / (len(x) - 1)) - self.running_var)
        else:
            mean, var = self.running_mean, self.running_var
        s = 1 / np.sqrt(var + self.eps)
        x_hat = (x - mean) * s
        return self.gamma * x_hat + self.beta, (x_hat, s, training)

    def backward(self, saved: tuple[Array, Array, bool], dy: Array) -> Array:
        """dgamma += sum(dy x_hat), dbeta += sum(dy); returns dx, through all three paths."""
        x_hat, s, training = saved
        self.dgamma += (dy * x_hat).sum(axis=0)
        self.dbeta += dy.sum(axis=0)
        dx_hat = dy * self.gamma
        if not training:
            return dx_hat * s
        return s * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))

    @checked
    def initialise(self, rng: np.random.Generator | int) -> BatchNorm:
        """gamma = 1, beta = 0, running mean 0 and variance 1; nothing is drawn."""
        self.gamma[:], self.beta[:] = 1, 0
        self.running_mean[:], self.running_var[:] = 0, 1
        return self
