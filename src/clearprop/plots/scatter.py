"""Predicted against true values of a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

SIZE = (4.6, 4.6)


@checked
def regression_fit(y: Array, y_hat: Array, ax: Axes | None = None) -> Axes:
    """Predictions against targets, the diagonal on which both are equal, and R^2.

    R^2 = 1 - sum (y - y_hat)^2 / sum (y - mean y)^2: 1 for perfect predictions, 0 for predicting the mean.

    Parameters
    ----------
    y : array (N,), (N, 1) or (N, n_y)
        Targets; several columns get a colour and an R^2 each.
    y_hat : array, as y
        Predictions.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If y and y_hat differ in shape, also where NumPy would broadcast them.
    OptionError
        If there are no values, or one is not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = regression_fit(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]), Figure().subplots())
    >>> ax.get_title(loc="left")
    '$R^2$ = 0.500'
    """
    y, y_hat = _checked(y, y_hat)
    ax = style.axes_or_new(ax, SIZE)
    everything = np.concatenate([y, y_hat])
    low, high = float(everything.min()), float(everything.max())
    margin = 0.05 * (high - low) or 0.5
    ax.axline((low, low), slope=1, color=style.FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
    n, n_y = y.shape
    for k in range(n_y):
        ax.scatter(
            y[:, k], y_hat[:, k], s=float(np.clip(8000 / n, 7, 30)), alpha=float(np.clip(400 / n, 0.25, 0.8)),
            color=style.colour(k), linewidths=0, zorder=2, rasterized=y.size > 5000,
        )  # fmt: skip
    style.dress(ax, "true value", "predicted value")
    ax.set_xlim(low - margin, high + margin)
    ax.set_ylim(low - margin, high + margin)
    ax.set_aspect("equal")
    if n_y == 1:
        style.headline(ax, _r2(y[:, 0], y_hat[:, 0]))
    else:
        style.legend_above(ax, _keys(y, y_hat), columns=2)
    return ax


def _checked(y: Array, y_hat: Array) -> tuple[Array, Array]:
    """Both as matrices (N, n_y) of float64."""
    y, y_hat = np.asarray(y, dtype=np.float64), np.asarray(y_hat, dtype=np.float64)
    if y.shape != y_hat.shape or y.ndim not in (1, 2):
        raise ShapeError(f"y and y_hat must have one shape, (N,) or (N, n_y), not {describe(y)} and {describe(y_hat)}.")
    if y.size == 0:
        raise OptionError(f"There are no values to draw: y is {describe(y)}.")
    for name, values in (("y", y), ("y_hat", y_hat)):
        if not np.isfinite(values).all():
            raise OptionError(
                f"{np.count_nonzero(~np.isfinite(values))} of the {values.size} values of {name} are NaN or infinite."
            )
    return y.reshape(len(y), -1), y_hat.reshape(len(y), -1)


def _keys(y: Array, y_hat: Array) -> list[Line2D]:
    """A dot in full colour for each target; in the figure, many dots are pale."""
    from matplotlib.lines import Line2D

    labels = [f"target {k + 1}: {_r2(y[:, k], y_hat[:, k])}" for k in range(y.shape[1])]
    return [Line2D([], [], linestyle="none", marker="o", color=style.colour(k), label=label) for k, label in enumerate(labels)]


def _r2(y: Array, y_hat: Array) -> str:
    total = ((y - y.mean()) ** 2).sum()
    if total == 0:
        return "$R^2$ undefined: all true values are equal"
    return f"$R^2$ = {1 - ((y - y_hat) ** 2).sum() / total:.3f}"
