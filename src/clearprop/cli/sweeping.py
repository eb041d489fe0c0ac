"""What `clearprop sweep` shows: a bar with the time left, a table, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clearprop.errors import OptionError

if TYPE_CHECKING:
    pass

Row = dict[str, Any]
SHOWN = 40  # so many combinations are listed
METRICS = ("val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss")


class Bar:
    """A progress bar with the time left, to be called with (done, total)."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("trials"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=Console(file=console.file))
        self.task = self.progress.add_task("", total=None)

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show how many of the trials are finished."""
        self.progress.update(self.task, completed=done, total=total)


def headline_metric(rows: Sequence[Row]) -> str:
    """The figure that a choice is made by: in validation if there is any, else in the test.

    Examples
    --------
    >>> headline_metric([{"lr": 0.1, "train_loss": 0.3, "test_loss": 0.5}])
    'test_loss'
    """
    return next(name for name in METRICS if name in rows[0])


def conclude(console: Console, rows: Sequence[Row], lines: Sequence[Row], metric: str, best_of: Callable[..., Row]) -> None:
    """The table of combinations, the best first where there are many, and the best in words."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    share, swept = metric.endswith("accuracy"), list(lines[0])[: list(lines[0]).index("n")]
    ordered = sorted(lines, key=lambda line: _badness(line, share)) if len(lines) > SHOWN else list(lines)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in swept:
        table.add_column(name, justify="right")
    for name in (f"{metric.replace('_', ' ')}: mean", "spread", "lowest", "highest", "diverged"):
        table.add_column(name, justify="right")
    for line in ordered[:SHOWN]:
        figures = [in_figures(line[name], share) for name in ("mean", "std", "min", "max")]
        table.add_row(*(setting(line[name]) for name in swept), *figures, str(line["n"] - line["finite"] or ""))
    console.print(table)
    seeds = max(line["n"] for line in lines)
    seconds = sum(row.get("seconds") or 0.0 for row in rows)
    if len(lines) > SHOWN:
        console.print(f"... and {len(lines) - SHOWN} more.")
    console.print(f"{len(rows):,} trials, {seconds:.1f} s of training; spread: standard deviation over {seeds} seed(s).")
    try:
        best = best_of(rows, metric)
    except OptionError as error:
        console.print(str(error), markup=False)
        return
    chosen = ", ".join(f"{name} {setting(best[name])}" for name in swept)
    console.print(f"Best: {chosen}: {in_figures(best['mean'], share)} +- {in_figures(best['std'], share)}.", markup=False)


def _badness(line: Row, share: bool) -> float:
    mean = float(line["mean"])
    return np.inf if not np.isfinite(mean) else -mean if share else mean


def in_figures(value: float, share: bool) -> str:
    """A loss, or a share as a percentage.

    Examples
    --------
    >>> in_figures(0.93456, True), in_figures(0.12345, False), in_figures(float("nan"), False)
    ('93.46 %', '0.1235', 'nan')
    """
    return f"{100 * value:.2f} %" if share else f"{value:.4g}"


def setting(value: Any) -> str:
    """A setting as people write it."""
    return "all" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def draw(rows: Sequence[Row], metric: str, file: Path) -> None:
    """The picture of the sweep, as a file."""
    from clearprop.plots import save
    from clearprop.report import sweep_picture

    save(sweep_picture(rows, metric).figure(), file)
