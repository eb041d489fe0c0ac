"""Curves of functions: an activation beside its gradient, the penalties of losses, the error of a numeric derivative."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.registry import number
from clearprop.rules import require_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@runtime_checkable
class Elementwise(Protocol):
    """Anything with the two passes of an element-wise layer."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Any]:
        """y, and what the backward pass needs."""

    def backward(self, saved: Any, dy: Array) -> Array:
        """dx."""


KINDS = {"forward": "forward difference", "central": "central difference"}


@checked
def activation(layer: Elementwise, low: float = -10.0, high: float = 10.0, ax: Axes | None = None) -> Axes:
    """An element-wise layer and its gradient over an interval; the gradient is that of the layer's own backward pass.

    Parameters
    ----------
    layer : Layer
        Sigmoid(), ReLU(), or any layer that keeps the shape of its input.
    low, high : float
        Ends of the interval.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from clearprop.nn import Sigmoid
    >>> from matplotlib.figure import Figure
    >>> activation(Sigmoid(), ax=Figure().subplots()).get_title(loc="left")
    'Sigmoid'
    """
    high = number("high", high, lambda end: end > low, f"greater than low = {low:g}")
    x = np.linspace(low, high, 401)[:, None]
    try:
        inspect.signature(layer.forward).bind(x)
    except TypeError:  # a class, or a loss
        raise OptionError(f"layer must be an element-wise layer, such as ReLU(), not {describe(layer)}.") from None
    ax = style.axes_or_new(ax)
    y, saved = layer.forward(x)
    dx = layer.backward(saved, np.ones_like(y))
    ax.plot(x, y, color=style.PALETTE[0], linewidth=style.LINE, label="y")
    ax.plot(x, dx, color=style.PALETTE[1], linewidth=style.LINE, linestyle="--", label="dy/dx")
    style.dress(ax, "x", "")
    style.headline(ax, type(layer).__name__)
    ax.legend(frameon=False, fontsize=style.NOTE, labelcolor=style.INK)
    return ax


@checked
def penalties(mark: float = 0.1, ax: Axes | None = None) -> Axes:
    """Cross-entropy and squared error of the predicted probability of the true class, y = 1, with their values at a mark.

    Parameters
    ----------
    mark : float
        Prediction y_hat, between 0 and 1, whose penalties are written down.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> [text.get_text() for text in penalties(0.1, ax=Figure().subplots()).texts]
    ['2.303', '0.81']
    """
    mark = number("mark", mark, lambda share: 0 < share < 1, "between 0 and 1")
    ax = style.axes_or_new(ax)
    y_hat = np.linspace(0.01, 1, 300)
    curves: dict[str, Callable[[Any], Any]] = {
        "cross-entropy, $-\\log \\hat y$": lambda p: -np.log(p),
        "squared error, $(1 - \\hat y)^2$": lambda p: (1 - p) ** 2,
    }
    for index, (name, f) in enumerate(curves.items()):
        ax.plot(y_hat, f(y_hat), color=style.colour(index), linewidth=style.LINE, label=name)
        ax.plot(mark, f(mark), "o", color=style.colour(index), markersize=style.MARKER + 2)
        ax.annotate(f"{f(mark):.4g}", (mark, f(mark)), (8, 4), textcoords="offset points", fontsize=style.NOTE, color=style.INK)
    style.dress(ax, r"$\hat y$ of the true class", "penalty")
    ax.legend(frameon=False, fontsize=style.NOTE, labelcolor=style.INK)
    return ax


@checked
def difference_errors(rows: list[dict[str, float]], ax: Axes | None = None) -> Axes:
    """The error of a numeric derivative against its step, both on logarithmic scales.

    Parameters
    ----------
    rows : list of dict
        `step`, and the errors `forward` and `central` of the two differences. Exact zeros are left out.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"step": h, "forward": h, "central": h**2} for h in (1e-3, 1e-2)]
    >>> difference_errors(rows, Figure().subplots()).get_yscale()
    'log'
    """
    require_rows("rows", rows, [], ["step", *KINDS])
    ax = style.axes_or_new(ax)
    for index, (kind, name) in enumerate(KINDS.items()):
        points = [(row["step"], row[kind]) for row in rows if row[kind] > 0]
        ax.plot(
            *zip(*points, strict=True), color=style.colour(index), linewidth=style.LINE, marker="os"[index],
            markersize=style.MARKER, label=name,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.dress(ax, "step h", "largest error")
    ax.legend(frameon=False, fontsize=style.NOTE, labelcolor=style.INK)
    return ax
