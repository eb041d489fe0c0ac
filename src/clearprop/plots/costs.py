"""The cost of derivatives as a picture: seconds against parameters, one line for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.errors import OptionError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gradient_costs(rows: list[dict[str, Any]], exponents: dict[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Seconds for one gradient against the number of parameters, both on logarithmic scales.

    Parameters
    ----------
    rows : list of dict
        As from `clearprop.studies.derivative_cost.measure_costs`: `method`, `parameters`, `seconds`.
    exponents : dict of str to float, optional
        For each method, the k of the law seconds ~ P^k; shown in the legend.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no rows.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"method": "back-propagation", "parameters": P, "seconds": 1e-6 * P} for P in (10, 100)]
    >>> ax = gradient_costs(rows, {"back-propagation": 1.0}, Figure().subplots())
    >>> ax.get_legend().get_texts()[0].get_text()
    'back-propagation, $P^{1.00}$'
    """
    if not rows:
        raise OptionError("There is nothing to draw: no row has a time.")
    ax = style.axes_or_new(ax)
    for index, method in enumerate(dict.fromkeys(row["method"] for row in rows)):
        points = sorted((row["parameters"], row["seconds"]) for row in rows if row["method"] == method)
        law = f", $P^{{{exponents[method]:.2f}}}$" if exponents and method in exponents else ""
        ax.plot(
            *zip(*points, strict=True), color=style.colour((1, 3, 0)[index % 3]), linewidth=style.LINE, marker="os^"[index % 3],
            markersize=style.MARKER + 1, label=method + law,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.dress(ax, "parameters P", "seconds for one gradient")
    style.legend_above(ax, columns=1)
    return ax
