"""Progress: a bar on a terminal, lines of a table in a pipe, or nothing."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from clearprop.training import Callback, Run
from clearprop.training.history import Row

LINES = 15  # in a pipe, about so many epochs are printed


class Progress(Callback):
    """Shows every epoch, or some of them. There is one class for all ways to show, so that any run can resume any other.

    Parameters
    ----------
    console : rich Console or None
        Where to; None for nowhere.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console
        self.bar: RichProgress | None = None
        self.shown = 0
        if console is not None and console.is_terminal:
            self.bar = RichProgress(
                TextColumn("epoch {task.completed}/{task.total}"),
                BarColumn(bar_width=8),
                TextColumn("{task.description}"),
                TimeRemainingColumn(compact=True),
                console=Console(file=console.file),  # the other one never wraps, which would break a bar in a narrow window
            )
            self.task = self.bar.add_task("", total=None)

    def live(self) -> AbstractContextManager[Any]:
        """To be entered while training, so that the bar is taken down whatever happens."""
        return self.bar or nullcontext()

    def on_fit_start(self, run: Run) -> None:
        """Give the bar its length."""
        if self.bar is not None:
            self.bar.update(self.task, total=run.settings.epochs)

    def on_epoch_end(self, run: Run) -> None:
        """Show the epoch."""
        if self.bar is not None:
            self.bar.update(self.task, completed=run.epoch, description=in_words(run.history[-1]))
        elif self.console is not None and (run.epoch == 1 or run.epoch % stride(run.settings.epochs) == 0):
            self.show(run)

    def on_fit_end(self, run: Run) -> None:
        """Show the last epoch, if it was not shown."""
        if self.bar is None and self.console is not None and len(run.history) and self.shown < run.epoch:
            self.show(run)

    def show(self, run: Run) -> None:
        """Print the last epoch as a line, under a head for the first."""
        if self.console is None:
            return
        if not self.shown:
            self.console.print(head(run.history[-1]))
        self.console.print(line(run.history[-1]))
        self.shown = run.epoch


COLUMNS = {
    "epoch": ("epoch", "{:d}"),
    "train_loss": ("train loss", "{:.5f}"),
    "val_loss": ("val. loss", "{:.5f}"),
    "train_accuracy": ("train acc.", "{:.2%}"),
    "val_accuracy": ("val. acc.", "{:.2%}"),
    "lr": ("rate", "{:.6f}"),
    "seconds": ("seconds", "{:.3f}"),
}


def head(row: Row) -> str:
    """The names of the columns that the row has.

    Examples
    --------
    >>> head({"epoch": 1, "train_loss": 0.5})
    'epoch  train loss'
    """
    return "  ".join(name.rjust(_width(key)) for key, (name, _) in COLUMNS.items() if key in row)


def line(row: Row) -> str:
    """The figures of a row, under the names.

    Examples
    --------
    >>> line({"epoch": 1, "train_loss": 0.5})
    '    1     0.50000'
    """
    return "  ".join(
        form.format(row[key]).replace("%", " %").rjust(_width(key)) for key, (_, form) in COLUMNS.items() if key in row
    )


def _width(key: str) -> int:
    return max(len(COLUMNS[key][0]), 5)


def stride(epochs: int) -> int:
    """Epochs from one printed line to the next: 1, 2, 5, 10, 20, 50, ...

    Examples
    --------
    >>> [stride(epochs) for epochs in (3, 15, 16, 40, 114, 1000)]
    [1, 1, 2, 5, 10, 100]
    """
    least = max(1.0, epochs / LINES)
    power = 10 ** math.floor(math.log10(least))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= least))


def in_words(row: Row) -> str:
    """An epoch for the bar: loss and accuracy in training, and in validation.

    Examples
    --------
    >>> in_words({"train_loss": 0.25, "val_loss": 0.3, "train_accuracy": 0.9, "val_accuracy": 0.88})
    'loss 0.2500, val. 0.3000; acc. 90.0 %, val. 88.0 %'
    """
    loss = f"loss {row['train_loss']:.4f}" + (f", val. {row['val_loss']:.4f}" if "val_loss" in row else "")
    if "train_accuracy" not in row:
        return loss
    accuracy = f"acc. {100 * row['train_accuracy']:.1f} %"
    return f"{loss}; {accuracy}" + (f", val. {100 * row['val_accuracy']:.1f} %" if "val_accuracy" in row else "")
