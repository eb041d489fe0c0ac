"""The weights of the first layer as images: what each hidden unit looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import ShapeError
from clearprop.plots import style
from clearprop.registry import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = 0.8  # side of one image, in inches


def first_layer(W: Array, image_shape: tuple[int, int], figure: Figure | None = None, n: int = 40) -> Figure:
    """Each hidden unit's weights at the place of the pixel that they multiply.

    Orange where a bright pixel raises the unit, blue where it lowers it; each image has its own scale. The units with the
    longest weight vectors come first.

    Parameters
    ----------
    W : array (height * width, n_hidden)
        Such as `net.layers[0].W`.
    image_shape : tuple of int
        (height, width).
    figure : matplotlib Figure, optional
        To draw on; by default, a new pyplot figure.
    n : int
        How many units at most.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ShapeError
        If W does not have one row for each pixel.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> len(first_layer(np.eye(4, 3), (2, 2), Figure()).axes)
    3
    """
    W = np.asarray(W)
    height, width = image_shape
    if W.ndim != 2 or len(W) != height * width or W.shape[1] == 0:
        raise ShapeError(f"The weights of images {height} x {width} must be (n_pixels, n_hidden), not {describe(W)}.")
    require(n >= 1, "n", n, "at least 1 unit")
    chosen = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:n]
    columns = min(math.ceil(math.sqrt(2 * len(chosen))), len(chosen))
    rows = math.ceil(len(chosen) / columns)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(columns * CELL, rows * CELL + 0.4), layout="constrained")
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("signs", [style.PALETTE[0], "white", style.PALETTE[1]])
    for place, unit in enumerate(chosen, 1):
        ax = figure.add_subplot(rows, columns, place)
        largest = float(np.abs(W[:, unit]).max()) or 1.0
        ax.imshow(W[:, unit].reshape(image_shape), cmap=shades, vmin=-largest, vmax=largest, interpolation="nearest")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_color(style.GRID)
    return figure
