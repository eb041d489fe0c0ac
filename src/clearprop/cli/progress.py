"""Progress of a run, epoch by epoch, and of a sweep, trial by trial: a bar on a terminal, lines in a pipe, or nothing."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from clearprop.training import Callback, Run
from clearprop.training.history import Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

LINES = 15  # epochs that are printed in a pipe, about


class Progress(Callback):
    """Callback that shows every epoch on a bar, or some epochs as lines.

    It is one class for all of these, so that a run can be resumed whatever showed its progress before.

    Parameters
    ----------
    console : rich Console or None
        None shows nothing.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console
        self.bar: RichProgress | None = None
        self.shown = 0
        if console is not None and console.is_terminal:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

            self.bar = wrapping_bar(
                console,
                TextColumn("epoch {task.completed}/{task.total}"),
                BarColumn(bar_width=8),
                TextColumn("{task.description}"),
                TimeRemainingColumn(compact=True),
            )
            self.task = self.bar.add_task("", total=None)

    def live(self) -> AbstractContextManager[Any]:
        """Context of the training, which removes the bar whatever happens."""
        return self.bar or nullcontext()

    def on_fit_start(self, run: Run) -> None:
        """Set the length of the bar."""
        if self.bar is not None:
            self.bar.update(self.task, total=run.settings.epochs)

    def on_epoch_end(self, run: Run) -> None:
        """Show the epoch that has ended."""
        if self.bar is not None:
            self.bar.update(self.task, completed=run.epoch, description=in_words(run.history[-1]))
        elif self.console is not None and (run.epoch == 1 or run.epoch % stride(run.settings.epochs) == 0):
            self.show(run)

    def on_fit_end(self, run: Run) -> None:
        """Show the last epoch if it was not shown."""
        if self.bar is None and self.console is not None and len(run.history) and self.shown < run.epoch:
            self.show(run)

    def show(self, run: Run) -> None:
        """Print the last epoch as a line, below a header if it is the first."""
        if self.console is None:
            return
        if not self.shown:
            self.console.print(head(run.history[-1]))
        self.console.print(line(run.history[-1]))
        self.shown = run.epoch


class TrialBar:
    """A progress bar of a sweep, called with the number of finished trials and of all trials."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("trials"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress = wrapping_bar(console, *columns)
        self.task = self.progress.add_task("", total=None)

    def __enter__(self) -> TrialBar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show the number of finished trials."""
        self.progress.update(self.task, completed=done, total=total)


def wrapping_bar(console: Console, *columns: Any) -> RichProgress:
    """A bar on the file of a console that, unlike ours, wraps: one that does not would break a bar in a narrow window."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(file=console.file))


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
    """Header line with the names of the columns of a row.

    Examples
    --------
    >>> head({"epoch": 1, "train_loss": 0.5})
    'epoch  train loss'
    """
    return "  ".join(name.rjust(_width(key)) for key, (name, _) in COLUMNS.items() if key in row)


def line(row: Row) -> str:
    """Line with the values of a row, aligned with the header.

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
    """Number of epochs from one printed line to the next: 1, 2, 5, 10, 20, 50, ...

    Examples
    --------
    >>> [stride(epochs) for epochs in (3, 15, 16, 40, 114, 1000)]
    [1, 1, 2, 5, 10, 100]
    """
    least = max(1.0, epochs / LINES)
    power = 10 ** math.floor(math.log10(least))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= least))


def in_words(row: Row) -> str:
    """Description of an epoch on the bar: loss and accuracy in training and validation.

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
