"""The loss landscape with the path of training on it, and frames: the same picture after every epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import ShapeError
from clearprop.files import write_atomically
from clearprop.plots import style
from clearprop.registry import count, number, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = 24  # contours
FRAME_DPI = 80


@checked
def landscape(u: Array, v: Array, loss: Array, path: Array, ax: Axes | None = None) -> Axes:
    """Contours of the loss on a slice through the parameters, on a logarithmic scale, and the path of training.

    Parameters
    ----------
    u, v : array (K,)
        Coordinates along the two directions.
    loss : array (K, K)
        Loss at (u_j, v_i), in row i and column j.
    path : array (T, 2)
        Coordinates of the path, from the start to the end.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If the shapes do not fit together, or two points on a side are not there.
    OptionError
        If no loss is finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> u = np.linspace(-1, 1, 5)
    >>> loss = 0.1 + u**2 + u[:, None] ** 2
    >>> landscape(u, u, loss, np.array([[1.0, 1.0], [0.0, 0.0]]), Figure().subplots()).get_xlabel()
    'along the first direction'
    """
    if u.ndim != 1 or v.ndim != 1 or min(len(u), len(v)) < 2 or loss.shape != (len(v), len(u)):
        raise ShapeError(
            f"u is {describe(u)}, v {describe(v)} and loss {describe(loss)}; give u (K,) and v (L,) of 2 or more, loss (L, K)."
        )
    if path.ndim != 2 or path.shape[1] != 2 or len(path) == 0:
        raise ShapeError(f"path is {describe(path)}; give a row with two coordinates for each point (T, 2).")
    require(bool(np.isfinite(loss).any()), "loss", loss, "finite somewhere")
    ax = style.axes_or_new(ax)
    height = np.log10(np.maximum(np.nan_to_num(loss, nan=np.inf), np.finfo(float).tiny))
    top = height[np.isfinite(height)].max()
    shades = ax.contourf(u, v, np.minimum(height, top), LEVELS, cmap="Blues_r")
    bar = ax.figure.colorbar(shades, ax=ax)
    bar.set_label("log10 of the loss", fontsize=style.LABEL, color=style.INK)
    bar.ax.tick_params(labelsize=style.TICK, labelcolor=style.INK)
    ax.plot(*path.T, color=style.VALIDATION, linewidth=style.LINE, marker="o", markersize=style.MARKER / 2)
    ax.plot(*path[-1], "*", color=style.VALIDATION, markersize=3 * style.MARKER)
    style.dress(ax, "along the first direction", "along the second direction", grid=False, frame=True)
    return ax


@checked
def save_frames(draw: Callable[[Figure, int], object], n: int, path: str | Path, size: tuple[float, float] = (4.0, 4.0),
                per_second: float = 10.0) -> Path:  # fmt: skip
    """Write an animation as a GIF, whole or not at all.

    Parameters
    ----------
    draw : callable
        Draws frame number k, from 0 to n - 1, on an empty figure.
    n : int
        Number of frames.
    path : path
        Ends in ".gif".
    size : tuple of float
        Width and height in inches.
    per_second : float
        Frames a second.

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = save_frames(lambda figure, k: figure.text(0.5, 0.5, str(k)), 2, Path(folder) / "count.gif", (1, 1))
    ...     file.read_bytes()[:6]
    b'GIF89a'
    """
    from matplotlib.animation import PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n, per_second = count("n", n), number("per_second", per_second, lambda rate: rate > 0, "greater than 0")
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    writer = PillowWriter(fps=per_second)  # type: ignore[arg-type]  # any rate will do

    def write(temporary: Path) -> None:
        gif = temporary.with_name(f"{temporary.name}.gif")  # Pillow tells the format by the ending
        try:
            with writer.saving(figure, str(gif), FRAME_DPI):
                for k in range(n):
                    figure.clear()
                    draw(figure, k)
                    writer.grab_frame()
            gif.replace(temporary)
        finally:
            gif.unlink(missing_ok=True)

    write_atomically(path, write)
    return Path(path)
