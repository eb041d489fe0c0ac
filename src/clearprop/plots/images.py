"""Figures made of images: the worst mistakes of a classifier, and the weights of the first layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style
from clearprop.registry import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = (1.75, 1.85)  # of one image with its caption, in inches
UNIT = 0.8  # side of one image of weights, in inches


@checked
def most_wrong(
    images: Array,
    y: Array,
    probabilities: Array,
    classes: Sequence[object],
    image_shape: tuple[int, int],
    figure: Figure | None = None,
    n: int = 16,
) -> Figure:
    """The misclassified images whose true class got the lowest probability, the worst first.

    Parameters
    ----------
    images : array (N, height * width)
        One image a row. Each is drawn from its own smallest (white) to its own largest value (black).
    y : array (N,) of int
        True classes.
    probabilities : array (N, C)
        Predicted probability of each class.
    classes : sequence
        The C labels, in order.
    image_shape : tuple of int
        (height, width).
    figure : matplotlib Figure, optional
        To draw on; by default, a new pyplot figure.
    n : int
        Largest number of images. If none is misclassified, the figure says so.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ShapeError
        If the arrays do not fit one another, the labels or the image shape.
    OptionError
        If n is below 1, or a probability is not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> figure = most_wrong(np.eye(2, 4), np.array([1, 1]), p, ["4", "9"], (2, 2), Figure())
    >>> [ax.get_title() for ax in figure.axes]
    ['true 9, pred. 4 (90 %)']
    """
    images, y, p = np.asarray(images), np.asarray(y), np.asarray(probabilities)
    require(n >= 1, "n", n, "at least 1 image")
    _check(images, y, p, classes, image_shape)
    predicted = p.argmax(axis=1)
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(p[wrong, y[wrong]], kind="stable")][:n]
    columns = len(worst) if 0 < len(worst) < 4 else max(math.ceil(math.sqrt(len(worst))), 1)
    rows = max(math.ceil(len(worst) / columns), 1)
    if figure is None:
        from matplotlib import pyplot

        size = (max(columns * CELL[0], 3.6), rows * CELL[1] + 0.4) if len(worst) else (3.6, 1.2)
        figure = pyplot.figure(figsize=size, layout="constrained")
    if not len(worst):
        text = f"All {len(y):,} are correct."
        figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=style.TITLE, color=style.INK)
        return figure
    figure.suptitle(_headline(len(wrong), len(y), len(worst)), fontsize=style.TITLE, color=style.INK)
    for place, i in enumerate(worst, 1):
        ax = figure.add_subplot(rows, columns, place)
        ax.imshow(images[i].reshape(image_shape), cmap="gray_r", interpolation="nearest")
        _bare(ax)
        true, guess = (style.plain(str(classes[k])) for k in (y[i], predicted[i]))
        title = f"true {true}, pred. {guess} ({_percent(float(p[i, predicted[i]]))})"
        ax.set_title(title, fontsize=style.NOTE, color=style.INK, pad=4)
    return figure


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color(style.GRID)


def _headline(wrong: int, total: int, shown: int) -> str:
    which = "" if shown == wrong else f"; the {shown} worst" if shown > 1 else "; the worst"
    return f"{wrong:,} of {total:,} wrong{which}"


def _percent(p: float) -> str:
    """A percentage that is 100 only for 1 itself."""
    return ">99 %" if 0.995 <= p < 1 else f"{100 * p:.0f} %"


def _check(images: Array, y: Array, p: Array, classes: Sequence[object], image_shape: tuple[int, int]) -> None:
    height, width = image_shape
    if images.ndim != 2 or images.shape[1] != height * width:
        raise ShapeError(
            f"Images of {height} x {width} pixels must be rows, (N, {height * width}), not {describe(images)};"
            " flatten them with images.reshape(len(images), -1)."
        )
    if y.shape != images.shape[:1] or not np.issubdtype(y.dtype, np.integer):
        raise ShapeError(f"{len(images)} images need integer classes of shape ({len(images)},), but y is {describe(y)}.")
    if p.shape != (len(images), len(classes)):
        raise ShapeError(
            f"{len(images)} images and {len(classes)} classes need probabilities of shape ({len(images)}, {len(classes)}),"
            f" not {describe(p)}."
        )
    if y.size and not 0 <= y.min() <= y.max() < len(classes):
        raise ShapeError(f"y holds classes {y.min()} to {y.max()}, but there are labels for 0 to {len(classes) - 1}.")
    if not np.isfinite(p).all():
        raise OptionError(f"{np.count_nonzero(~np.isfinite(p))} of the {p.size} probabilities are NaN or infinite.")


@checked
def first_layer(W: Array, image_shape: tuple[int, int], figure: Figure | None = None, n: int = 40) -> Figure:
    """The weights of each hidden unit as an image, each weight at the place of the pixel that it multiplies.

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
        Largest number of units.

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

        figure = pyplot.figure(figsize=(columns * UNIT, rows * UNIT + 0.4), layout="constrained")
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("signs", [style.PALETTE[0], "white", style.PALETTE[1]])
    for place, unit in enumerate(chosen, 1):
        ax = figure.add_subplot(rows, columns, place)
        largest = float(np.abs(W[:, unit]).max()) or 1.0
        ax.imshow(W[:, unit].reshape(image_shape), cmap=shades, vmin=-largest, vmax=largest, interpolation="nearest")
        _bare(ax)
    return figure
