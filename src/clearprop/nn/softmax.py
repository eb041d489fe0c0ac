"""The softmax layer: scores become probabilities."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array, describe, numbers
from clearprop.errors import ShapeError
from clearprop.nn.layer import Layer


def softmax(z: Array) -> Array:
    """exp(z_bi) / sum_j exp(z_bj), along each row.

    Subtracting a row's maximum from the row changes nothing (numerator and denominator shrink by the same factor), but
    keeps exp from overflowing. It must be the row's *own* maximum: with that of the whole batch, a row far below it would
    underflow to 0 / 0.

    Parameters
    ----------
    z : array (B, n)

    Returns
    -------
    array (B, n)
        Positive numbers; each row sums to 1.

    Raises
    ------
    ShapeError
        If z is not a matrix.
    """
    z = numbers("z", z)
    if z.ndim != 2:
        hint = "give one example as z[None, :]" if z.ndim == 1 else "flatten each example to a row"
        raise ShapeError(f"A softmax takes a batch of shape (B, n), not {describe(z)}: {hint}.")
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Softmax(Layer):
    """y_i = exp(x_i) / sum_j exp(x_j), for each example.

    Notes
    -----
    Every output depends on every input. With S = sum_j exp(x_j), the quotient rule gives

        dy_i / dx_j = ([i = j] exp(x_i) S - exp(x_i) exp(x_j)) / S^2 = y_i ([i = j] - y_j),

    a full matrix per example, J = diag(y) - y y^T (`jacobian`). Taking only its diagonal y_i (1 - y_i), as for an
    element-wise function, loses the terms through which raising one score lowers the other probabilities.

    The chain rule dx_j = sum_i dy_i J_ij then needs no matrix: dx_j = y_j (dy_j - sum_i dy_i y_i).

    Examples
    --------
    >>> Softmax()(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """Probabilities (B, n) of scores (B, n); saves them."""
        y = softmax(x)
        return y, y

    def backward(self, saved: Array, dy: Array) -> Array:
        """dx = y * (dy - sum_i dy_i y_i), the product of dy with the whole Jacobian."""
        y = saved
        return y * (dy - (dy * y).sum(axis=1, keepdims=True))

    @staticmethod
    def jacobian(y: Array) -> Array:
        """dy_i / dx_j = y_i ([i = j] - y_j) for every example.

        Parameters
        ----------
        y : array (B, n)
            Values of the softmax.

        Returns
        -------
        array (B, n, n)

        Examples
        --------
        >>> Softmax.jacobian(np.array([[0.25, 0.75]]))
        array([[[ 0.1875, -0.1875],
                [-0.1875,  0.1875]]])
        """
        return y[:, :, None] * (np.eye(y.shape[1], dtype=y.dtype) - y[:, None, :])
