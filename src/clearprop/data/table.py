"""Tables: files and frames with one or more columns to predict, brought into the raw form of a data set.

All that a person sees at once is found out, and said in a note: see `sniffing`, `numbers`, `dates`, `missing` and `leaks`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.column_matching import matched
from clearprop.data.leaks import find_leaks
from clearprop.data.missing import settle_missing
from clearprop.data.notes import columns, rows, some
from clearprop.data.raw import Raw, Task
from clearprop.data.table_files import read_frame
from clearprop.data.table_options import TableOptions, names_in
from clearprop.data.task import holds_classes
from clearprop.data.tidying import note_of_case, sentinels, tidy
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TARGET_NAMES = ("target", "label", "class", "y")
USUAL_TARGETS = re.compile(
    r"(is_?)?(survived|diagnosis|species|outcome|churn(ed)?|default(ed)?|fraud|spam|result|response|price|quality|status|labels?)"
    r"|(class|target|label)[ _]?(name|id|\d*)|saleprice|medv|income|output"
)
"""Names, in small letters, that a column to predict often has."""


def read_table(source: Any, target: Any = None, asked: TableOptions | None = None, task: Task | None = None) -> Raw:
    """A table with one or more columns to predict.

    Parameters
    ----------
    source : Path or frame
    target : str, int or list, optional
        Name or number of the column (-1 is the last), or several names; default: the column called target, label, class or y,
        else the last one.
    asked : TableOptions, optional
    task : {"classification", "regression"}, optional

    Raises
    ------
    DataError
        If the table is empty, ragged, has no such column, or nothing to learn from.
    MissingExtraError
        If a package is needed that is not installed.
    """
    asked = asked or TableOptions()
    found = read_frame(source, asked, text=asked.categorical)
    frame, notes = found.frame, list(found.notes)
    if frame.shape[1] < 2:
        raise DataError(f"{found.name} has {frame.shape[1]} column; a target and at least one feature are needed.")
    targets = choose_targets(found.name, frame, target)
    if target is None and bool(frame[targets[0]].isna().all()):
        targets = _last_that_holds_something(frame, targets, notes)
    columns_of = {part: _columns(found.name, frame, getattr(asked, part)) for part in ("drop", "only", "categorical", "id")}
    special = {
        part: choose_targets(found.name, frame, getattr(asked, part))[0]
        for part in ("group", "time", "weight")
        if getattr(asked, part)
    }
    position = list(frame.columns).index(targets[0])
    original = [str(name) for name in frame.columns]
    frame, ids = frame.drop(columns=[c for c in columns_of["drop"] if c not in targets]), columns_of["id"]
    codes = [name for name in found.codes if name in frame.columns and name not in {*targets, *columns_of["categorical"], *ids}]
    if codes:
        notes.append(f"Digits with leading zeros are taken as names: {columns(codes)}.")
    if target is None:
        notes += _other_targets(targets[0], original)
    text = {*columns_of["categorical"], *ids, *codes}
    tidied = tidy(frame, found.decimal, asked.decimal is not None, text=text, strict=targets)
    frame, notes = tidied.frame, notes + tidied.notes
    frame = _with_targets(found.name, frame, targets, notes)
    roles = {*targets, *ids, *(special[part] for part in ("group", "weight") if part in special)}
    names = [
        str(name) for name in frame.columns if name not in roles and (not columns_of["only"] or name in columns_of["only"])
    ]
    if not names:
        raise DataError(f"{found.name} has no column left to learn from; drop fewer, or name others with only.")
    frame, names = _with_features(
        found.name, frame, names, targets, asked, columns_of["only"] + columns_of["categorical"], notes
    )
    y, shown = joined_targets(found.name, frame[targets], task, notes)
    raw = Raw(
        found.name, {"train": (frame[names], y)}, names, shown, scale="standard", target_index=position, notes=notes,
        formats=tidied.formats, ids=ids, order=original if len(original) > len(names) + len(targets) else [],
        groups=_values(frame, special.get("group")), times=_values(frame, special.get("time")),
        weights=_weights(frame, special.get("weight")),
    )  # fmt: skip
    return raw if asked.test_file is None else _with_test(raw, targets, asked, task)


def _last_that_holds_something(frame: pd.DataFrame, targets: list[str], notes: list[str]) -> list[str]:
    """The last column with a value in it, as the target; `targets` if there is none."""
    filled = [str(name) for name in frame.columns if bool(frame[name].notna().any())]
    if len(filled) < 2:
        return targets
    notes.append(f"The last column, {some(targets)}, holds nothing; {filled[-1]} is taken as the target (target, --target).")
    return filled[-1:]


def _other_targets(chosen: str, names: list[str]) -> list[str]:
    """A note if the last column is taken as the target by default, but another has a name that is often one."""
    others = [name for name in names if name != chosen and USUAL_TARGETS.fullmatch(name.strip().lower())]
    if not others or chosen.lower() in TARGET_NAMES or USUAL_TARGETS.fullmatch(chosen.strip().lower()):
        return []
    return [f"The last column, {chosen}, is taken as the target, not {some(others)}; target (--target) names another."]


def _columns(name: str, frame: pd.DataFrame, asked: tuple[str, ...]) -> list[str]:
    return [choose_target(name, frame, column) for column in asked]


def choose_targets(name: str, frame: pd.DataFrame, target: Any) -> list[str]:
    """Names of the columns that `target` refers to."""
    if isinstance(target, (list, tuple)):
        return [choose_target(name, frame, one) for one in target]
    several = names_in(target) if isinstance(target, str) and target not in frame.columns else ()
    if len(several) > 1:
        return [choose_target(name, frame, one) for one in several]
    return [choose_target(name, frame, target)]


def choose_target(name: str, frame: pd.DataFrame, target: str | int | None) -> str:
    """Name of the column that `target` refers to.

    Raises
    ------
    DataError
        If there is no such column.
    """
    columns = [str(column) for column in frame.columns]
    lower = {column.strip().lower(): column for column in reversed(columns)}
    if target is None:
        return next((lower[word] for word in TARGET_NAMES if word in lower), columns[-1])
    if target in columns:
        return str(target)
    number = str(target).strip()
    if number.lower() in lower:
        return lower[number.lower()]
    if number.lstrip("-").isdigit():
        if -len(columns) <= int(number) < len(columns):
            return columns[int(number)]
        raise DataError(f"{name} has no column number {number}; its {len(columns)} columns are numbered from 0.")
    near = difflib.get_close_matches(number, columns, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    raise DataError(f"{name} has no column called {number!r}{guess} Columns: {some(columns, 12)}.")


def _with_targets(name: str, frame: pd.DataFrame, targets: list[str], notes: list[str]) -> pd.DataFrame:
    """The rows that have a target; dates are none."""
    for target in targets:
        if frame[target].dtype.kind == "M":
            raise DataError(f"{name} has the target {target!r} with dates; name another column with target (--target).")
    missing: Array = np.asarray(frame[targets].isna().to_numpy().any(axis=1))
    for target in targets:
        if frame[target].dtype.kind == "f":
            missing |= np.isinf(frame[target].to_numpy())
    if missing.all():
        raise DataError(f"{name} has no value in the target {some(targets)}; name another column with target (--target).")
    if not missing.any():
        return frame
    notes.append(
        f"{rows(int(missing.sum()))} without a value of the target {some(targets)}"
        f" {'is' if missing.sum() == 1 else 'are'} left out."
    )
    kept = frame.loc[~missing].reset_index(drop=True)
    for target in targets:  # whole numbers became floats only because some were missing
        values = kept[target].to_numpy()
        if values.dtype.kind == "f" and np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**53:
            kept[target] = values.astype(np.int64)
    return kept


def _with_features(
    name: str, frame: pd.DataFrame, names: list[str], targets: list[str], asked: TableOptions, kept: list[str], notes: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """The frame without the columns that must not be learned from, nor the rows that are dropped."""
    leaks = find_leaks(frame[names], frame[targets], frozenset(kept))
    notes += leaks.notes()
    out = set(leaks.left_out)
    names = [column for column in names if column not in out]
    if not names:
        raise DataError(f"{name} has no column to learn from: {' '.join(leaks.notes())}")
    rows_kept, nearly, more = settle_missing(name, frame[names], asked.missing)
    notes += more
    names = [column for column in names if column not in nearly]
    if not names:
        raise DataError(f"{name} has no column to learn from: nearly all cells are missing.")
    notes += sentinels(frame[[*names, *(t for t in targets if frame[t].dtype.kind in "if")]])
    kinds = {str(column): dtype.kind for column, dtype in zip(frame.columns, frame.dtypes, strict=True)}
    for column in names:
        if kinds[column] == "O":
            notes += note_of_case(column, [str(value) for value in frame[column].dropna().unique()[:2000]])
    return (frame if rows_kept.all() else frame.loc[rows_kept].reset_index(drop=True)), names


def joined_targets(name: str, frame: pd.DataFrame, task: Task | None, notes: list[str]) -> tuple[Array, list[str]]:
    """y: labels or reals (N,) of one target; of several, reals (N, n_y), or the combination of their labels (N,).

    Raises
    ------
    DataError
        If some targets are classes and others numbers.
    """
    targets = [str(column) for column in frame.columns]
    if len(targets) == 1:
        return np.asarray(frame[targets[0]].to_numpy()), targets
    classes = {target: holds_classes(np.asarray(frame[target].to_numpy())) for target in targets}
    if task == "regression" or not any(classes.values()):
        wrong = [target for target in targets if frame[target].dtype.kind not in "iuf"]
        if wrong:
            raise DataError(f"{name} has the target {wrong[0]!r} with texts, but regression needs numbers; name other targets.")
        return frame.to_numpy(dtype=np.float64), targets
    if not all(classes.values()) and task is None:
        numbers = some(target for target, is_class in classes.items() if not is_class)
        raise DataError(
            f"{name} has targets of both kinds: {some(t for t in targets if classes[t])} hold classes and {numbers} numbers;"
            " learn them one by one, or say task='regression' if all are numbers."
        )
    labels = np.array([",".join(map(str, row)) for row in zip(*(frame[target].tolist() for target in targets), strict=True)])
    notes.append(f"Each combination of {', '.join(targets)} is a class of its own, {len(np.unique(labels))} in all.")
    return labels, [",".join(targets)]


def _values(frame: pd.DataFrame, column: str | None) -> Array | None:
    return None if column is None else np.asarray(frame[column].to_numpy())


def _weights(frame: pd.DataFrame, column: str | None) -> Array | None:
    if column is None:
        return None
    if frame[column].dtype.kind not in "iuf" or not (frame[column].to_numpy(dtype=np.float64) >= 0).all():
        raise DataError(f"The weights in {column!r} must be numbers, zero or more, and none missing.")
    return frame[column].to_numpy(dtype=np.float64)


def _with_test(raw: Raw, targets: list[str], asked: TableOptions, task: Task | None) -> Raw:
    """The table with the rows of a second file as its test."""
    path = Path(str(asked.test_file)).expanduser()
    if not path.is_file():
        raise DataError(f"The test file {str(path)!r} does not exist.")
    X, _ = raw.parts["train"]
    assert not isinstance(X, np.ndarray)
    text = {str(name) for name, dtype in zip(X.columns, X.dtypes, strict=True) if dtype.kind not in "iufM"}
    given = read_frame(path, replace(asked, test_file=None), text)
    frame, notes = matched(given.frame, [*raw.features, *targets])
    lacking = [name for name in (*raw.features, *targets) if name not in frame.columns]
    if lacking:
        raise DataError(f"{path.name} lacks {columns(lacking)}, which {raw.name} has.")
    tidied = tidy(frame[[*raw.features, *targets]], given.decimal, text=text, strict=targets, formats=raw.formats)
    test = _with_targets(path.name, tidied.frame, targets, notes)
    labels, _ = joined_targets(path.name, test[targets], task, [])
    return replace(raw, parts={**raw.parts, "test": (test[raw.features], labels)}, notes=[*raw.notes, *notes])
