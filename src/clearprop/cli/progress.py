"""Progress of a run, epoch by epoch, and of a sweep, trial by trial: a bar on a terminal, lines in a pipe, or nothing.

Where there is a bar, it also shows that the kernel is being compiled, and since when; elsewhere that is a line on stderr.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clearprop.engines.compilations import COMPILATIONS
from clearprop.training import Callback, Run
from clearprop.training.history import Row
from clearprop.training.settings_search import Choice
from clearprop.training.settings_search import SearchProgress as Search

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
    what : str
        Unit of the count: epochs of one network, or the networks of a search.
    """

    def __init__(self, console: Console | None = None, what: str = "epoch") -> None:
        self.console = console
        self.bar: CompilingBar | None = None
        self.shown = 0
        if console is not None and console.is_terminal:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

            self.bar = CompilingBar(
                console,
                TextColumn(f"{what} {{task.completed}}/{{task.total}}"),
                BarColumn(bar_width=8),
                TextColumn("{task.description}"),
                TimeRemainingColumn(compact=True),
            )

    @contextmanager
    def live(self) -> Iterator[None]:
        """Context of the training, which removes the bar whatever happens."""
        if self.bar is None:
            yield
            return
        with self.bar.live():
            yield

    def on_fit_start(self, run: Run) -> None:
        """Show the bar, of as many epochs as there will be."""
        if self.bar is not None:
            self.bar.update(run.epoch, run.settings.epochs)

    def on_epoch_end(self, run: Run) -> None:
        """Show the epoch that has ended."""
        if self.bar is not None:
            self.bar.update(run.epoch, run.settings.epochs, in_words(run.history[-1]))
        elif self.console is not None and (run.epoch == 1 or run.epoch % stride(run.settings.epochs) == 0):
            self.show(run)

    def on_fit_end(self, run: Run) -> None:
        """Show the last epoch if it was not shown."""
        if self.bar is None and self.console is not None and len(run.history) and self.shown < run.epoch:
            self.show(run)

    def searched(self, search: Search) -> None:
        """Show how far the search for settings has come."""
        text = "" if search.best is None else f"best so far: {setting_in_words(search.best)}"
        if self.bar is not None:
            self.bar.update(search.done, search.planned, text)
        elif self.console is not None and search.done == search.planned:
            self.console.print(f"{search.done:5d} networks  {text}", markup=False)

    def show(self, run: Run) -> None:
        """Print the last epoch as a line, below a header if it is the first."""
        if self.console is None:
            return
        if not self.shown:
            self.console.print(head(run.history[-1]))
        self.console.print(line(run.history[-1]))
        self.shown = run.epoch


def setting_in_words(choice: Choice) -> str:
    """A setting of a search: the hidden units and the weight decay.

    Examples
    --------
    >>> setting_in_words(((64, 64), 0.001))
    'hidden 64-64, weight decay 0.001'
    """
    hidden, decay = choice
    return f"hidden {'-'.join(map(str, hidden)) or 'none'}, weight decay {decay:g}"


class TrialBar:
    """A progress bar of a sweep, called with the number of finished trials and of all trials."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("trials"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = CompilingBar(console, *columns)

    def __enter__(self) -> TrialBar:
        self.context = self.bar.live()
        self.context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.context.__exit__(*error)

    def __call__(self, done: int, total: int) -> None:
        """Show the number of finished trials."""
        self.bar.update(done, total)


class StageBar:
    """Progress of experiments: a bar over all of them with what goes on now, or lines in a pipe.

    Parameters
    ----------
    console : rich Console or None
        None shows nothing.
    total : int
        Number of experiments.
    """

    def __init__(self, console: Console | None, total: int) -> None:
        self.console, self.total, self.done, self.name = console, total, 0, ""
        self.bar: CompilingBar | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Context of one experiment; the bar is there while it lasts."""
        self.name = name
        if self.console is not None and self.console.is_terminal:
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

            columns = (TextColumn("experiment {task.completed}/{task.total}"), BarColumn(bar_width=12),
                       TimeElapsedColumn(), TextColumn("{task.description}"))  # fmt: skip
            self.bar = CompilingBar(self.console, *columns)
            with self.bar.live():
                self.bar.update(self.done, self.total, name)
                yield
            self.bar = None
        else:
            if self.console is not None and self.total > 1:
                self.console.print(f"{name} ({self.done + 1} of {self.total})", style="dim", markup=False, highlight=False)
            yield
        self.done += 1

    def say(self, message: str) -> None:
        """Show what goes on now."""
        if self.bar is not None:
            self.bar.update(self.done, self.total, f"{self.name}: {message}")
        elif self.console is not None:
            self.console.print(f"... {message}", style="dim", markup=False)


class CompilingBar:
    """A bar, which appears once its length is known; while the kernel is compiled, a line in its place counts the seconds.

    It is drawn on the file of the console by another one that, unlike ours, wraps: one that does not would break a bar in a
    narrow window.
    """

    def __init__(self, console: Console, *columns: Any) -> None:
        from rich.console import Console
        from rich.progress import Progress
        from rich.text import Text

        compiling = self.compiling

        class Bar(Progress):
            def get_renderables(self) -> Iterator[Any]:
                text = compiling()
                yield Text(text) if text else self.make_tasks_table(self.tasks)

        self.text, self.began = "", 0.0
        self.progress: RichProgress = Bar(*columns, console=Console(file=console.file))
        self.task = self.progress.add_task("", total=None, visible=False)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Context in which the bar is drawn, and removed whatever happens."""
        with COMPILATIONS.told_to(self), self.progress:
            yield

    def update(self, done: int, total: int, description: str = "") -> None:
        """Draw so much of the bar."""
        self.progress.update(self.task, completed=done, total=total, description=description, visible=True)

    def compiling(self) -> str:
        """The line about the compilation that goes on, if one does."""
        return f"{self.text} {time.perf_counter() - self.began:.0f} s" if self.text else ""

    def compilation_began(self, text: str) -> None:
        """Show the sentence in place of the bar."""
        self.text, self.began = text, time.perf_counter()
        self.progress.refresh()

    def compilation_ended(self, seconds: float, whole: bool) -> None:
        """Leave a line with the time that it took, and show the bar again."""
        text, self.text = self.text, ""
        self.progress.refresh()  # or the line would be drawn once more below
        self.progress.console.print(f"{text} {'done in' if whole else 'broken off after'} {seconds:.1f} s.", highlight=False)


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
