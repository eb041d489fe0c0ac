"""Dropout: units are switched off at random while training."""

from __future__ import annotations

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.nn.layer import Layer
from clearprop.registry import number


class Dropout(Layer):
    """While training, y = m * x, where each m is 0 with probability `rate` and 1 / (1 - rate) otherwise; else y = x.

    The factor 1 / (1 - rate) keeps the expected value of y at x, so that nothing has to be rescaled after training.
    The mask does not depend on x, so dx = m * dy.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014), in its
    "inverted" form.

    Parameters
    ----------
    rate : float
        Probability that a unit is dropped, at least 0 and below 1.

    Examples
    --------
    >>> layer = Dropout(0.5).initialise(0)
    >>> layer.forward(np.ones((1, 6)), training=True)[0]
    array([[2., 0., 2., 0., 0., 2.]])
    >>> layer(np.ones((1, 6)))
    array([[1., 1., 1., 1., 1., 1.]])
    """

    rng: np.random.Generator

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = number("rate", rate, lambda p: 0 <= p < 1, "at least 0 and below 1")
        self.rng = np.random.default_rng(0)

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array | None]:
        """m * x while training, x otherwise; saves the mask m (B, n), or None."""
        if not training or self.rate == 0:
            return x, None
        keep = self.rng.random(x.shape) >= self.rate
        mask = keep.astype(x.dtype) / x.dtype.type(1 - self.rate)
        return x * mask, mask

    def backward(self, saved: Array | None, dy: Array) -> Array:
        """dx = m * dy."""
        return dy if saved is None else dy * saved

    @checked
    def initialise(self, rng: np.random.Generator | int) -> Dropout:
        """Take a generator of its own, spawned from `rng`, so that masks and weights never compete for the same draws."""
        self.rng = np.random.default_rng(rng).spawn(1)[0]
        return self
