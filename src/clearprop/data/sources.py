"""Sources: built-in data sets by name, files by their suffix, and pairs of arrays, all read into a `Raw`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import describe
from clearprop.data.array_files import read_idx_folder, read_mat, read_npz
from clearprop.data.built_in import BUILT_IN, read_built_in
from clearprop.data.raw import Raw, Task, raw_arrays
from clearprop.data.table import read_table
from clearprop.data.table_files import ENDINGS, is_frame, read_frame
from clearprop.data.table_options import TableOptions
from clearprop.errors import DataError, UnknownNameError

ARRAY_FILES = {".npz": read_npz, ".mat": read_mat}
FOREIGN = {
    ".xls": "a spreadsheet in Excel's old format",
    ".xlsb": "a spreadsheet in Excel's binary format",
    ".ods": "a spreadsheet of LibreOffice",
    ".sav": "a data set of SPSS",
    ".dta": "a data set of Stata",
    ".rds": "a data set of R",
}
SUFFIXES = (*ARRAY_FILES, *ENDINGS)


def read_source(
    source: Any,
    rng: np.random.Generator,
    data_dir: str | Path | None = None,
    target: Any = None,
    asked: TableOptions | None = None,
    task: Task | None = None,
) -> Raw:
    """Read a built-in data set, a file, a folder of IDX files, a data frame, or a pair (X, y) of arrays.

    Raises
    ------
    UnknownNameError
        If it looks like a name, but is neither a built-in one nor a file.
    DataError
        If it looks like a path and does not exist, or the file is of an unknown kind or damaged.
    """
    if is_frame(source):
        return read_table(source, target, asked, task)
    if isinstance(source, tuple) and len(source) == 2 and is_frame(source[0]):
        return _frame_and_target(source[0], source[1], asked, task)
    if isinstance(source, tuple) and len(source) == 2:
        return raw_arrays("(X, y)", {"train": (source[0], source[1])})
    if not isinstance(source, (str, Path)):
        raise DataError(
            f"A source is a built-in name, a path, a data frame, or a pair (X, y) of arrays, not {describe(source)}."
        )
    if source in BUILT_IN:
        return read_built_in(str(source), rng, data_dir)
    path = find_path(source)
    if path.is_dir():
        return read_idx_folder(path)
    if path.suffix.lower() in ARRAY_FILES:
        return ARRAY_FILES[path.suffix.lower()](path)
    return read_table(path, target, asked, task)


def _frame_and_target(X: Any, y: Any, asked: TableOptions | None, task: Task | None) -> Raw:
    """A frame of features and a target beside it, as one table."""
    import pandas as pd

    frame = read_frame(X, TableOptions()).frame
    given = read_frame(y, TableOptions()).frame if is_frame(y) else pd.DataFrame(np.asarray(y))
    if len(given) != len(frame):
        raise DataError(f"(X, y) has {len(frame)} rows of X but {len(given)} of y; each needs one target.")
    names = [
        str(name) if str(name) not in ("0", *map(str, frame.columns)) else f"y{i or ''}" for i, name in enumerate(given.columns)
    ]
    while set(names) & set(map(str, frame.columns)):
        names = [name + "_" for name in names]
    together = pd.concat([frame, given.set_axis(names, axis=1)], axis=1)
    return read_table(together, names, asked, task)


def find_path(source: str | Path) -> Path:
    """`source` as the path of a folder, or of a file of a known kind that is not empty."""
    if str(source) == "-":
        return Path("-")
    if str(source).startswith(("http://", "https://", "ftp://")):
        raise DataError(f"{source} is an address on the network; download the file first, and name it.")
    path = Path(source).expanduser()
    try:
        exists = bool(str(source)) and path.exists()
    except OSError:  # a name that is too long for the file system
        exists = False
    if not exists:
        raise _not_found(str(source), path)
    if path.is_dir():
        return path
    if path.suffix.lower() in FOREIGN:
        raise DataError(f"{path} is {FOREIGN[path.suffix.lower()]}; save it as .xlsx or .csv.")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} ends in {path.suffix or 'nothing'!r}; it must be one of {', '.join(SUFFIXES)}.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a file with at least one example.")
    return path


def _not_found(source: str, path: Path) -> DataError | UnknownNameError:
    named = path.suffix == "" and path.name == source
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() and not named else []
    near = difflib.get_close_matches(path.name if beside else source.lower(), [*beside, *BUILT_IN], n=1, cutoff=0.6)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    message = f"{source!r} is neither a file nor a built-in data set{guess} Built in: {', '.join(BUILT_IN)}."
    return UnknownNameError(message) if named else DataError(message)
