"""The embedding: each category of a column becomes a vector that is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, brief
from clearprop.errors import DataError, OptionError
from clearprop.nn.initialisers import INITIALISERS, Initialiser
from clearprop.nn.layer import Layer
from clearprop.registry import count
from clearprop.rules import is_sequence

NEAR = 0.01  # as far as a category's number may be from an integer: float32 holds those exactly up to 16 million


class Embedding(Layer):
    """Columns of numbers pass; the category c of any other column becomes row c of a table W, a vector of `dim` numbers.

    It is what a linear layer without bias does to one-hot columns, x W with one 1 in x, without the zeros.

    Parameters
    ----------
    sizes : sequence of int
        For each column of the input: its number of categories, which are numbered from 0; or 0 for a column of numbers.
    dim : int
        Length of the vectors.
    init : str or Initialiser
        Initialiser of the vectors, by default N(0, 1), as in PyTorch.

    Notes
    -----
    The output holds the columns of numbers, then the vectors, column by column. W holds the tables of all columns, one below
    the other; with o_k the first row of column k, y = W[o_k + x_k].

    *dW*. Row r enters once for each example and column that picks it: dW_r = sum over these of dy.

    *dx*. dy itself for a column of numbers; 0 for categories, which cannot change by a little.

    Only the rows that were picked are needed; so these are what it saves.

    Examples
    --------
    >>> layer = Embedding([0, 3], dim=2)
    >>> layer.W = [[1, 0], [0, 1], [5, 5]]
    >>> layer(np.array([[0.7, 2], [0.9, 0]]))
    array([[0.7, 5. , 5. ],
           [0.9, 1. , 0. ]])
    """

    names = ("W",)
    W: Array
    dW: Array
    n_in: int

    def __init__(self, sizes: Sequence[int], dim: int = 4, init: str | dict[str, Any] | Initialiser = "normal") -> None:
        if not is_sequence(sizes) or len(sizes) == 0:
            raise OptionError(f"sizes must list a number of categories for each column, such as [0, 12], not {brief(sizes)}.")
        self.sizes = [count(f"sizes[{k}]", size, 0) for k, size in enumerate(sizes)]
        self.dim = count("dim", dim)
        self.init: Initialiser = INITIALISERS.make(init)
        self.n_in = len(self.sizes)
        self.numbers = [k for k, size in enumerate(self.sizes) if not size]
        self.categories = [k for k, size in enumerate(self.sizes) if size]
        if not self.categories:
            raise OptionError(f"sizes must have a column of categories, with 1 or more of them, not only zeros: {self.sizes}.")
        counts = np.array([self.sizes[k] for k in self.categories])
        self.first_rows = np.cumsum(counts) - counts
        self.allocate(W=(int(counts.sum()), self.dim))

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """The columns of numbers, and the vectors of the categories (B, n_out); saves the rows picked (B, n_categories)."""
        self.check_input(x)
        rows = self.codes(x) + self.first_rows
        return np.hstack([x[:, self.numbers], self.W[rows].reshape(len(x), -1)]), rows

    def backward(self, saved: Array, dy: Array) -> Array:
        """dW[rows] += dy, added up where several examples pick a row; returns dx, 0 for categories."""
        rows, n = saved, len(self.numbers)
        np.add.at(self.dW, rows, dy[:, n:].reshape(*rows.shape, self.dim))
        dx = np.zeros((len(dy), self.n_in), dtype=dy.dtype)
        dx[:, self.numbers] = dy[:, :n]
        return dx

    def codes(self, x: Array) -> Array:
        """The categories as integers (B, n_categories).

        Raises
        ------
        DataError
            If one is no integer, or there is no such category.
        """
        given = x[:, self.categories]
        codes = np.rint(given)
        sizes = np.array([self.sizes[k] for k in self.categories])
        wrong = ~((np.abs(given - codes) < NEAR) & (codes >= 0) & (codes < sizes))
        if wrong.any():
            b, k = np.argwhere(wrong)[0]
            raise DataError(
                f"Column {self.categories[k]} has the categories 0 ... {sizes[k] - 1}, but row {b} holds {given[b, k]:.6g};"
                " number the categories from 0, and give sizes one more for those that are not known."
            )
        return codes.astype(np.int64)

    def width(self, n_in: int | None) -> int:
        super().width(n_in)
        return len(self.numbers) + self.dim * len(self.categories)

    @checked
    def initialise(self, rng: np.random.Generator | int) -> Embedding:
        """Draw all vectors."""
        self.W[:] = self.init.draw(np.random.default_rng(rng), self.W.shape, 1, self.dim)
        return self
