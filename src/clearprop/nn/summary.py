"""A net as a table: shapes, parameters, and what it costs in memory."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from clearprop.nn.net import Net

HEADER = ("layer", "output", "parameters", "bytes", "saved bytes")


def summary_rows(net: Net, batch_size: int = 1) -> list[tuple[str, str, str, str, str]]:
    """One row per layer: name, output shape, number of parameters, their bytes, bytes saved by a training step."""
    rows = []
    width = net.n_in
    seen: set[int] = set()
    saved = saved_bytes(net, batch_size)
    for layer, kept in zip(net.layers, saved, strict=True):
        width = layer.width(width)
        arrays = [] if id(layer) in seen else list(layer.parameters().values())
        shared = "  (shared, counted above)" if id(layer) in seen and layer.names else ""
        seen.add(id(layer))
        count = sum(a.size for a in arrays)
        rows.append((repr(layer) + shared, f"(B, {width or '?'})", f"{count:,}", f"{count * net.dtype.itemsize:,}", kept))
    return rows


def saved_bytes(net: Net, batch_size: int) -> list[str]:
    """What each layer's `forward` keeps for a batch, measured on one; an array that two layers keep is counted once."""
    if net.n_in is None:
        return ["?"] * len(net)
    twin = net.copy()
    saved = twin.forward(np.zeros((max(batch_size, 2), net.n_in)), training=True)[1]
    seen: set[int] = set()
    return [f"{_bytes(kept, seen) * batch_size // max(batch_size, 2):,}" for kept in saved]


def _bytes(kept: Any, seen: set[int]) -> int:
    if isinstance(kept, np.ndarray) and id(kept) not in seen:
        seen.add(id(kept))
        return kept.nbytes
    if isinstance(kept, (tuple, list)):
        return sum(_bytes(part, seen) for part in kept)
    return 0


def totals(net: Net) -> str:
    """One line: parameters and bytes of the whole net."""
    return (
        f"{net.theta.size:,} parameters, {net.theta.nbytes:,} bytes ({net.dtype.name}), and as many again for their gradients"
    )


def summary_text(net: Net, batch_size: int = 1) -> str:
    """The table in plain text.

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
    table = [HEADER, *summary_rows(net, batch_size)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
    table.insert(1, tuple("-" * w for w in widths))  # type: ignore[arg-type]
    lines = [
        "  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in table
    ]
    note = (
        f"saved bytes: kept by the forward pass for the backward pass, batch of {batch_size};"
        " what two layers share is counted once"
    )
    return "\n".join([*(line.rstrip() for line in lines), totals(net), note])


def summary_html(net: Net) -> str:
    """The table in HTML, for notebooks."""
    head = "".join(f"<th>{name}</th>" for name in HEADER)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in summary_rows(net, batch_size=1)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(totals(net))}</p>"
