"""Loggers: the row of each epoch, written to a file as soon as it is there."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path

from clearprop.arguments import as_path
from clearprop.errors import cannot_access
from clearprop.training.history import json_row
from clearprop.training.run import Callback, Run


class FileLogger(Callback):
    """Base of the loggers that write a text file, line by line.

    A run that starts afresh overwrites the file; one that is resumed writes the rows that were done before it as well.

    Parameters
    ----------
    path : path
        File to write; its folder is made if need be.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(as_path("path", path))
        self.written = 0

    @abstractmethod
    def lines(self, run: Run, first: int) -> str:
        """The text of the rows from number `first` on."""

    def on_fit_start(self, run: Run) -> None:
        """Begin an empty file, so that a wrong path is found out before any work."""
        self.written = 0
        try:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            Path(self.path).write_text("", encoding="utf-8")
        except OSError as error:
            raise cannot_access(error) from None

    def on_epoch_end(self, run: Run) -> None:
        """Write the rows that are not written yet."""
        with Path(self.path).open("a", encoding="utf-8", newline="") as file:
            file.write(self.lines(run, self.written))
        self.written = run.epoch


class CSVLogger(FileLogger):
    """Writes the history as a table with commas, one line for each epoch.

    Parameters
    ----------
    path : path
        File to write; its folder is made if need be.

    Examples
    --------
    >>> import tempfile
    >>> import clearprop as cp
    >>> path = Path(tempfile.mkdtemp()) / "history.csv"
    >>> data, net = cp.data.load("circles"), cp.mlp([2, 10, 2])
    >>> _ = cp.fit(net, data, epochs=2, callbacks=CSVLogger(path))
    >>> path.read_text().splitlines()[0]
    'epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds'
    """

    def lines(self, run: Run, first: int) -> str:
        rows = run.history.rows
        names = list(rows[0])
        table = [names] if first == 0 else []
        table += [[str(row.get(name, "")) for name in names] for row in rows[first:]]
        return "".join(",".join(quoted(cell) for cell in line) + "\n" for line in table)


class JSONLinesLogger(FileLogger):
    """Writes the history as one JSON object a line, as `History.to_jsonl` does at the end.

    Parameters
    ----------
    path : path
        File to write; its folder is made if need be.
    """

    def lines(self, run: Run, first: int) -> str:
        return "".join(json.dumps(json_row(row), allow_nan=False) + "\n" for row in run.history.rows[first:])


def quoted(cell: str) -> str:
    """A cell of a table with commas, in quotes if it needs them."""
    special = any(mark in cell for mark in ',"\n')
    return '"' + cell.replace('"', '""') + '"' if special else cell
