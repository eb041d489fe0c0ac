"""A net as a table: shapes, parameters, and what it costs in memory."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from html import escape
from typing import Any

import numpy as np

from clearprop.headroom import require_memory
from clearprop.nn.layer import Layer

HEADER = ("layer", "output", "parameters", "bytes", "saved bytes")


class LayerTable:
    """A row for each layer: its output's shape, its parameters, their bytes, and the bytes that a training step saves.

    Parameters
    ----------
    layers : sequence of Layer
    n_in : int or None
        Number of inputs; None if it is not known, which leaves sizes open.
    dtype : numpy.dtype
    batch_size : int
        Examples of the training step whose saved bytes are counted.

    Examples
    --------
    >>> import clearprop as cp
    >>> print(cp.mlp([2, 3, 2], hidden="tanh").summary())
    layer         output  parameters  bytes  saved bytes
    ------------  ------  ----------  -----  -----------
    Linear(2, 3)  (B, 3)           9     36            8
    Tanh()        (B, 3)           0      0           12
    Linear(3, 2)  (B, 2)           8     32            0
    17 parameters, 68 bytes (float32), and as many again for their gradients
    saved bytes: kept by the forward pass for the backward pass, batch of 1; what two layers share is counted once
    """

    def __init__(self, layers: Sequence[Layer], n_in: int | None, dtype: np.dtype[Any], batch_size: int = 1) -> None:
        self.dtype, self.batch_size = dtype, batch_size
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.total = 0
        width, seen = n_in, set[int]()
        for layer, saved in zip(layers, saved_bytes(layers, n_in, dtype, batch_size), strict=True):
            width = layer.width(width)
            shared = "  (shared, counted above)" if id(layer) in seen and layer.names else ""
            count = 0 if id(layer) in seen else sum(array.size for array in layer.parameters().values())
            seen.add(id(layer))
            self.total += count
            self.rows.append((repr(layer) + shared, f"(B, {width or '?'})", f"{count:,}", f"{count * dtype.itemsize:,}", saved))

    @property
    def totals(self) -> str:
        """One line: parameters and bytes of all layers."""
        size = self.total * self.dtype.itemsize
        return f"{self.total:,} parameters, {size:,} bytes ({self.dtype.name}), and as many again for their gradients"

    def text(self) -> str:
        """The table in plain text."""
        table = [HEADER, *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
        lines = [
            "  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
            for row in (HEADER, ["-" * w for w in widths], *self.rows)
        ]
        note = (
            f"saved bytes: kept by the forward pass for the backward pass, batch of {self.batch_size};"
            " what two layers share is counted once"
        )
        return "\n".join([*(line.rstrip() for line in lines), self.totals, note])

    def html(self) -> str:
        """The table in HTML, for notebooks."""
        head = "".join(f"<th>{name}</th>" for name in HEADER)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(self.totals)}</p>"


def saved_bytes(layers: Sequence[Layer], n_in: int | None, dtype: np.dtype[Any], batch_size: int) -> list[str]:
    """Bytes that each layer's `forward` keeps for a batch, measured on one; an array that two layers keep is counted once."""
    if n_in is None:
        return ["?"] * len(layers)
    size = max(batch_size, 2)  # a BatchNorm needs two examples
    require_memory(f"a batch of {size:,} examples", 64 * size * n_in, "give a smaller batch_size")
    a = np.zeros((size, n_in), dtype)
    counted, found = set[int](), []
    everything = []  # kept alive, so that no two arrays have the same id
    for layer in deepcopy(list(layers)):  # copies, whose running means and generators may change
        a, kept = layer.forward(a, training=True)
        everything.append(kept)
        found.append(f"{_bytes(kept, counted) * batch_size // size:,}")
    return found


def _bytes(kept: Any, counted: set[int]) -> int:
    if isinstance(kept, np.ndarray) and id(kept) not in counted:
        counted.add(id(kept))
        return kept.nbytes
    if isinstance(kept, (tuple, list)):
        return sum(_bytes(part, counted) for part in kept)
    return 0
