"""The style that all figures share (colours that colour-blind people can tell apart, sizes, a light frame), and `save`.

Everything is set on the given axes; Matplotlib's global rcParams are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError, printable
from clearprop.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#999933", "#332288", "#7f7f7f")
"""Okabe and Ito's colours without black and yellow, then four of Paul Tol's "muted" ones; see jfly.uni-koeln.de/color."""

TRAIN, VALIDATION = PALETTE[0], PALETTE[1]
INK, FAINT, GRID = "#22262e", "#6b7280", "#e6e8ec"
TITLE, LABEL, TICK, NOTE = 11.0, 10.0, 9.0, 9.0  # font sizes, in points
LINE, MARKER = 1.8, 4.0
SHADE = "#e3e5e9"  # marks what is not finite
SIZE = (5.6, 3.8)  # of a new figure, in inches
DECADES = 2  # a loss that spans more is drawn on a logarithmic scale
DPI = 144
FORMATS = ("png", "svg")


def colour(index: int) -> str:
    """The colour of class number `index`; from the eleventh on those of the first ten, darker and then paler.

    Examples
    --------
    >>> colour(0), colour(10), colour(20)
    ('#0072b2', '#003f62', '#73b1d5')
    """
    plain, again = PALETTE[index % len(PALETTE)], index // len(PALETTE) % 3
    if again == 0:
        return plain
    mixed = 0.55 * rgb(plain) if again == 1 else 1 - 0.55 * (1 - rgb(plain))
    return "#" + "".join(f"{round(255 * part):02x}" for part in mixed)


def rgb(code: str) -> Array:
    """A colour such as "#0072b2" as an array (3,) between 0 and 1.

    Examples
    --------
    >>> rgb("#ff0000")
    array([1., 0., 0.])
    """
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def tint(code: str, amount: Array | float) -> Array:
    """The colour mixed with white: `amount` (...) from 0 (white) to 1 (pure) gives an array (..., 3)."""
    return 1 - np.asarray(amount)[..., np.newaxis] * (1 - rgb(code))


def readable(background: Array) -> str:
    """The ink, white or dark, that is readable on a background (3,).

    Examples
    --------
    >>> readable(rgb("#000000")), readable(rgb("#ffffff"))
    ('white', '#22262e')
    """
    linear = np.where(background <= 0.04045, background / 12.92, ((background + 0.055) / 1.055) ** 2.4)  # sRGB to light
    return "white" if linear @ [0.2126, 0.7152, 0.0722] < 0.3 else INK


def axes_or_new(ax: Axes | None, size: tuple[float, float] = SIZE) -> Axes:
    """`ax`, or the axes of a new pyplot figure of `size` inches if there is none."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ValueError as error:  # what Matplotlib raises for MPLBACKEND=zzz, when it is imported
        raise OptionError(f"Matplotlib cannot be imported: {str(error).partition(';')[0]}.") from None
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def dress(ax: Axes, xlabel: str, ylabel: str, *, grid: bool = True, frame: bool = False) -> None:
    """Label the axes, and give them the frame, ticks and grid that all figures share."""
    ax.set_xlabel(xlabel, fontsize=LABEL, color=INK)
    ax.set_ylabel(ylabel, fontsize=LABEL, color=INK)
    ax.tick_params(labelsize=TICK, color=FAINT, labelcolor=INK, length=3)
    ax.spines[:].set_color(FAINT)
    ax.spines[:].set_linewidth(0.8)
    ax.spines[["top", "right"]].set_visible(frame)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(True, color=GRID, linewidth=0.8)


def legend_above(ax: Axes, handles: Sequence[object] | None = None, columns: int = 4) -> Legend:
    """A legend above the axes, at the left, where it hides no data."""
    found = ax.get_legend_handles_labels()[0] if handles is None else handles
    return ax.legend(
        handles=found,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(columns, max(len(found), 1)),
        frameon=False,
        fontsize=NOTE,
        labelcolor=INK,
        borderaxespad=0.2,
        borderpad=0.2,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.4,
    )


def headline(ax: Axes, text: str) -> None:
    """A short title above the axes, at the left."""
    ax.set_title(text, loc="left", fontsize=LABEL, color=INK, pad=8)


def log_if_wide(ax: Axes, values: Array) -> None:
    """Give the y axis a logarithmic scale if the finite values are positive and span more than two decades."""
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() > 10**DECADES * finite.min():
        ax.set_yscale("log")


def percent_axis(ax: Axes) -> None:
    """Write the ticks of the y axis, which are shares, as percentages."""
    from matplotlib.ticker import FuncFormatter

    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def plain(name: str) -> str:
    r"""A name from a person's data as a figure shows it: without control characters, and a dollar as a dollar.

    Examples
    --------
    >>> plain("5 $")
    '5 \\$'
    """
    return printable(name).replace("$", r"\$")


def setting_name(value: object) -> str:
    """The value of a setting as written along an axis.

    Examples
    --------
    >>> setting_name(0.00030000000000000003), setting_name(None), setting_name("relu")
    ('0.0003', 'all', 'relu')
    """
    if value is None:
        return "all"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@checked
def save(drawing: Figure | Axes, path: str | Path) -> Path:
    """Write a figure, or the figure that some axes belong to, whole or not at all.

    The same figure gives the same bytes: nothing in the file depends on the clock.

    Parameters
    ----------
    drawing : matplotlib Figure or Axes
    path : path
        Ends in .png (144 dots per inch) or .svg. Missing folders are made.

    Returns
    -------
    pathlib.Path
        Path of the file.

    Raises
    ------
    OptionError
        If the path has another ending.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> save(Figure(), "curves.jpeg")
    Traceback (most recent call last):
    clearprop.errors.OptionError: A figure is written to a .png or .svg file, not to 'curves.jpeg'.
    """
    from matplotlib.axes import Axes

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise OptionError(f"A figure is written to a .png or .svg file, not to {str(path)!r}.")
    figure = drawing.figure if isinstance(drawing, Axes) else drawing
    whole = figure.figure if figure.figure is not None else figure  # of a subfigure, the figure around it
    write_atomically(path, partial(_write_png if kind == "png" else _write_svg, whole))
    return path


def _write_svg(figure: Figure, path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "clearprop"}):
        figure.savefig(path, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})


def _write_png(figure: Figure, path: Path) -> None:
    """Write what ``savefig(bbox_inches="tight")`` does, without its second drawing, which only serves to find the box."""
    from matplotlib import rc_context, rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    engine, before, dpi = figure.get_layout_engine(), figure.canvas, figure.dpi
    canvas: Any = FigureCanvasAgg(figure)
    try:
        figure.dpi = DPI
        if engine is not None:
            engine.execute(figure)
        with rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)  # of the rcParams, which is none now
        box = figure.get_tightbbox(canvas.get_renderer()).padded(rcParams["savefig.pad_inches"])
        thrift = {"compress_level": 3}  # two thirds of the time of the usual 6, for files that are a few percent larger
        figure.savefig(path, format="png", dpi=DPI, bbox_inches=box, facecolor="white", pil_kwargs=thrift)
    finally:
        figure.dpi = dpi
        figure.set_canvas(before)
        if engine is not None:
            figure.set_layout_engine(engine)
