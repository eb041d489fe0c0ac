"""The report of a sweep: mean and spread of every combination, and all trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.recipes import Picture, Table
from clearprop.report.document import Document, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]


@checked
def sweep_report(rows: Sequence[Row], metric: str, source: str, configuration: Row, command: str) -> Document:
    """The mean and spread of every combination, a picture of them, and all trials.

    Parameters
    ----------
    rows : sequence of dict
        As `clearprop.sweeps.run_sweep` returns them.
    metric : str
        The column that is compared.
    source, configuration, command
        Name of the data, the settings that were fixed, and the command line that repeats the sweep.
    """
    from clearprop.sweeps import summarise

    lines = summarise(rows, metric)
    if not lines:
        raise OptionError("There are no rows to report.")
    seconds = sum(row.get("seconds") or 0.0 for row in rows)
    lead = f"{len(rows):,} trials on {source}, {seconds:.1f} s of training; compared by {metric.replace('_', ' ')}."
    summary = Table(metric.replace("_", " "), list(lines[0]), [list(line.values()) for line in lines])
    columns = list(dict.fromkeys(name for row in rows for name in row))
    trials = Table("Trials", columns, [[row.get(name) for name in columns] for row in rows])
    sections = [
        Section("Combinations", tables=[summary], pictures=[sweep_picture(rows, metric)]),
        Section("All trials", tables=[trials]),
    ]
    return Document(f"Sweep on {source}", lead, sections, configuration, command)


@checked
def sweep_picture(rows: Sequence[Row], metric: str) -> Picture:
    """A heat map over the last two settings of the grid, or a mean with its band over a single setting."""
    from clearprop.plots import bands, heat_map
    from clearprop.plots.heatmap import figure_size
    from clearprop.sweeps import pivot, summarise, swept_columns

    swept = [name for name in swept_columns(rows) if len({row[name] for row in rows}) > 1] or swept_columns(rows)
    if not swept:
        raise OptionError("There is nothing to draw: the rows name no setting that a sweep varied.")
    share, name = metric.endswith("accuracy"), metric.replace("_", " ")
    if len(swept) == 1:
        lines = {"": summarise(rows, metric, swept)}

        def draw(figure: Figure) -> None:
            bands(lines, swept[0], name, percent=share, ax=figure.subplots())

        return Picture("sweep", f"{name} by {swept[0]}", draw)
    down, across = swept[-1], swept[-2]
    cells = [{**line, "share": line["finite"] / line["n"]} for line in summarise(rows, metric, [down, across])]
    tables: dict[str, Array] = {}
    for key in ("mean", "std", "share"):
        downs, acrosses, tables[key] = pivot(cells, across, down, key)
    n = max(line["n"] for line in cells)

    def draw_map(figure: Figure) -> None:
        heat_map(
            tables["mean"], downs, acrosses, names=(down, across), spread=tables["std"] if n > 1 else None,
            value=f"{name}{f', mean and spread of {n} runs' if n > 1 else ''}", finite=tables["share"],
            percent=share, ax=figure.subplots(),
        )  # fmt: skip

    return Picture("sweep", f"{name} by {across} and {down}", draw_map, figure_size(*tables["mean"].shape))
