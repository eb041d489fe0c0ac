"""Storage of rows: a journal that gains a line with every finished trial, and in the end a table.

A line of the journal is one JSON object, written in a single call and flushed to the disk. Whatever a kill leaves half
written has no newline at its end, and is dropped when the sweep is taken up again.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clearprop.arguments import checked
from clearprop.errors import DataError, MissingExtraError, OptionError
from clearprop.files import parse_json, write_atomically
from clearprop.rules import require_rows
from clearprop.sweeps.trial import Row
from clearprop.training.history import json_row, parse_row

ENDINGS = (".jsonl", ".parquet")


@checked
class Store:
    """The rows of a sweep on the disk, by trial.

    Parameters
    ----------
    path : path
        Ends in .jsonl or .parquet. Until `finish`, new trials are in the journal beside it, `path` + ".journal".

    Raises
    ------
    OptionError
        If it ends otherwise.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix not in ENDINGS:
            raise OptionError(f"Rows are written to a .jsonl or .parquet file, not to {str(path)!r}.")
        if self.path.suffix == ".parquet":
            require_pyarrow()
        self.journal = self.path.with_name(self.path.name + ".journal")

    def load(self) -> dict[str, list[Row]]:
        """The finished trials: key -> rows."""
        found: dict[str, list[Row]] = {}
        for row in read_rows(self.path) if self.path.exists() else []:
            found.setdefault(str(row.get("trial")), []).append(row)
        if self.journal.exists():
            whole = self.journal.read_bytes()
            end = whole.rfind(b"\n") + 1
            if end < len(whole):
                os.truncate(self.journal, end)
            for number, line in enumerate(whole[:end].splitlines(), 1):
                rows = journal_rows(line)
                if rows is None:
                    raise DataError(f"Line {number} of {str(self.journal)!r} is damaged; remove that line.")
                found[rows[0]["trial"]] = rows
        return found

    @checked
    def add(self, rows: list[Row]) -> None:
        """Keep the rows of one finished trial, at once."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps([json_row(row) for row in rows], allow_nan=False) + "\n"
        handle = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, line.encode()) < len(line.encode()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.journal))
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)  # half a line would spoil the next one
            raise
        finally:
            os.close(handle)

    def finish(self, rows: Iterable[Row]) -> None:
        """Write the table, in the order given, and remove the journal."""
        write_rows(rows, self.path)
        self.journal.unlink(missing_ok=True)


def journal_rows(line: bytes) -> list[Row] | None:
    """The rows of a trial in a line of the journal; None if it holds something else."""
    try:
        rows = json.loads(line)
    except (ValueError, RecursionError):
        return None
    sound = isinstance(rows, list) and rows and all(isinstance(row, dict) and isinstance(row.get("trial"), str) for row in rows)
    return [parse_row(row) for row in rows] if sound else None


@checked
def write_rows(rows: Iterable[Row], path: str | Path) -> None:
    """Write tidy rows, whole or not at all: .jsonl (NaN as the text "nan") or .parquet."""
    path, table = Path(path), list(rows)
    require_rows("rows", table, [])
    if path.suffix == ".parquet":
        require_pyarrow()
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = list(dict.fromkeys(name for row in table for name in row))
        columns = {name: _column([row.get(name) for row in table]) for name in names}
        write_atomically(path, lambda temporary: pq.write_table(pa.table(columns), temporary))
        return
    if path.suffix != ".jsonl":
        raise OptionError(f"Rows are written to a .jsonl or .parquet file, not to {str(path)!r}.")
    text = "".join(json.dumps(json_row(row), allow_nan=False) + "\n" for row in table)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _column(values: list[Any]) -> Any:
    """An Arrow array; as texts, if the values are of kinds that a column cannot hold together."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])


@checked
def read_rows(path: str | Path) -> list[Row]:
    """Read the rows that `write_rows` wrote.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            require_pyarrow()
            import pyarrow.parquet as pq

            return list(pq.read_table(path).to_pylist())
        lines = path.read_text(encoding="utf-8").splitlines()
        return [parse_row(parse_json(line, f"Line {number}")) for number, line in enumerate(lines, 1)]
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"Cannot read the rows in {str(path)!r}: {error}.") from None


def require_pyarrow() -> None:
    """Raise a `MissingExtraError` unless Parquet files can be read and written."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("Parquet needs pyarrow: pip install 'clearprop[parquet]', or write a .jsonl file.") from None
