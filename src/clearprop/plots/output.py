"""Writing a figure to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clearprop.errors import OptionError
from clearprop.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 144
FORMATS = ("png", "svg")


def save(drawing: Figure | Axes, path: str | Path) -> Path:
    """Write a figure, or the figure that some axes belong to, whole or not at all.

    The same figure gives the same bytes, today and tomorrow: nothing in the file depends on the clock.

    Parameters
    ----------
    drawing : matplotlib Figure or Axes
    path : path
        Ends in .png (144 dots per inch) or .svg. Missing folders are made.

    Returns
    -------
    pathlib.Path
        Where the file is.

    Raises
    ------
    OptionError
        If the path ends otherwise.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> save(Figure(), "curves.jpeg")
    Traceback (most recent call last):
    clearprop.errors.OptionError: A figure is written to a .png or .svg file, not to 'curves.jpeg'.
    """
    import matplotlib
    from matplotlib.axes import Axes

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise OptionError(f"A figure is written to a .png or .svg file, not to {str(path)!r}.")
    figure = drawing.figure if isinstance(drawing, Axes) else drawing
    whole = figure.figure if figure.figure is not None else figure  # of a subfigure, the figure around it
    metadata = {"Date": None} if kind == "svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "clearprop"}):
        write_atomically(
            path,
            lambda temporary: whole.savefig(
                temporary, format=kind, dpi=DPI, bbox_inches="tight", facecolor="white", metadata=metadata
            ),
        )
    return path
