"""New rows: a later table, read with what the model knows of its training table; and what was assumed, in notes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array, Dtype
from clearprop.data.column_matching import matched
from clearprop.data.columns import Column
from clearprop.data.encoder import Encoder
from clearprop.data.missing import holes, in_words, require_complete
from clearprop.data.notes import columns, rows, some
from clearprop.data.table_files import Frame, read_frame
from clearprop.data.table_options import TableOptions
from clearprop.data.task import class_labels
from clearprop.data.tidying import tidy
from clearprop.data.written_numbers import is_number, is_placeholder, read_numbers
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class NewRows:
    """Examples to predict.

    Attributes
    ----------
    X : array (N, n_x)
    y : array (N,) of labels, or (N, n_y) of reals; or None
        None if the source has none, or if some are missing.
    ids : dict of str to list
        Columns to pass through.
    notes : list of str
        Assumptions, a sentence each.
    """

    X: Array
    y: Array | None = None
    ids: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_new_rows(source: Any, encoder: Encoder, asked: TableOptions, dtype: Dtype = "float32") -> NewRows:
    """Read a table of new examples.

    Columns are matched by name, in any order, without regard to capital letters; without a header, by position. A missing
    column, or cell, is filled with what the training rows suggest; a category that was not in training becomes a row of zeros.

    Raises
    ------
    DataError
        If the table is damaged, or lacks most of the columns that the model takes.
    """
    found = _named(source, encoder, asked)
    wanted = [column.name for column in encoder.columns] or list(encoder.features)
    frame, notes = matched(found.frame, [*wanted, *encoder.targets, *encoder.ids])
    notes = [*found.notes, *notes]
    frame = _with_every_column(found.name, frame, wanted, encoder, notes)
    formats = {column.name: column.form for column in encoder.columns if column.form is not None}
    known = [name for name in (*wanted, *encoder.targets) if name in frame.columns]
    numeric_labels = bool(encoder.classes) and not isinstance(encoder.classes[0], str)
    text = {column.name for column in encoder.columns if column.kind == "categorical"}
    text |= set() if numeric_labels or not encoder.classes else {*encoder.targets}
    ids = {
        name: ["" if value is None or value != value else value for value in frame[name].tolist()]
        for name in encoder.ids
        if name in frame.columns
    }
    tidied = tidy(frame[known], found.decimal, asked.decimal is not None, text=text, formats=formats)
    notes += tidied.notes
    inputs = _in_kind(tidied.frame[wanted], encoder, notes)
    lacking = {name for name in wanted if name not in found.frame.columns and not inputs[name].notna().any()}
    if asked.missing == "refuse" or not encoder.columns:
        require_complete(found.name, inputs)
    elif holes(inputs):
        cells = {name: count for name, count in holes(inputs).items() if name not in lacking}
        notes += [f"Missing cells are filled with what the training rows suggest ({in_words(cells)})."] if cells else []
    for column in encoder.columns:
        if column.kind == "categorical":
            notes += _strange_categories(column, inputs[column.name])
    X = encoder.encode(inputs if encoder.columns else inputs.to_numpy(dtype=np.float64), dtype)
    return NewRows(X, _targets(found.name, tidied.frame, encoder), ids, notes)


def _named(source: Any, encoder: Encoder, asked: TableOptions) -> Frame:
    """The table, with its columns named as in training."""
    text = {column.name for column in encoder.columns if column.kind == "categorical"} | set(encoder.ids)
    if encoder.classes and isinstance(encoder.classes[0], str):
        text.add(encoder.targets[0])
    found = read_frame(source, asked, text)
    names = [column.name for column in encoder.columns] or list(encoder.features)
    if found.named or set(names) <= set(found.frame.columns):
        return found
    at = encoder.target_index if encoder.target_index >= 0 else len(names)
    order = list(encoder.order) or [*names[:at], *encoder.targets, *names[at:]]
    orders = [
        order,
        [name for name in order if name not in encoder.targets],
        [*names[:at], *encoder.targets, *names[at:]],
        names,
    ]
    width = found.frame.shape[1]
    fitting = next((candidate for candidate in orders if len(candidate) == width), None)
    if fitting is None:
        return found
    # The cells that must stay text are known only now that each column has its name, so the table is read again.
    kept = {f"column_{i}" for i, name in enumerate(fitting) if name in text}
    again = read_frame(source, asked, kept)
    notes = [note for note in again.notes if not note.startswith("There is no header")]
    return replace(
        again,
        frame=again.frame.set_axis(fitting, axis=1),
        notes=[*notes, "There is no header; the columns are taken in the order of the training table."],
    )


def _with_every_column(name: str, frame: pd.DataFrame, wanted: list[str], encoder: Encoder, notes: list[str]) -> pd.DataFrame:
    """The frame with an empty column in place of each that it lacks; what is too much is said."""
    there = [str(column) for column in frame.columns]
    lacking = [column for column in wanted if column not in there]
    if lacking and (not encoder.columns or 2 * len(lacking) > len(wanted)):
        raise DataError(
            f"{name} lacks {columns(lacking)} of the {len(wanted)} that the model takes (it has {some(there)}); "
            "give a table with the columns of the training table."
        )
    ignored = [column for column in there if column not in {*wanted, *encoder.targets, *encoder.ids, *encoder.order}]
    if ignored:
        notes.append(f"Ignored: {columns(ignored)}, which the model does not know.")
    if not lacking:
        return frame
    notes.append(
        f"The table lacks {columns(lacking)}; {'it is' if len(lacking) == 1 else 'they are'} filled with what the training rows"
        " suggest."
    )
    import pandas as pd

    empty = pd.DataFrame({column: pd.Series(np.full(len(frame), np.nan), index=frame.index) for column in lacking})
    return pd.concat([frame, empty], axis=1)


def _in_kind(inputs: pd.DataFrame, encoder: Encoder, notes: list[str]) -> pd.DataFrame:
    """Each column as numbers, texts or times, as it was in training."""
    import pandas as pd

    changed: dict[str, pd.Series[Any]] = {}
    for column in encoder.columns:
        values = inputs[column.name]
        if column.kind == "numeric" and values.dtype.kind not in "iuf":
            changed[column.name] = _as_numbers(column.name, values, notes)
        elif column.kind == "date" and values.dtype.kind != "M":
            times = pd.to_datetime(
                values.astype(object), errors="coerce", format="mixed" if column.form is None else column.form
            )
            if times.isna().all() and values.notna().any():
                raise DataError(
                    f"The column {column.name!r} held dates in training, but now {str(values.dropna().iloc[0])!r} and the like;"
                    " correct them."
                )
            changed[column.name] = times.astype("datetime64[ns]")
    if not changed:
        return inputs
    return pd.DataFrame({name: changed.get(str(name), inputs[name]) for name in inputs.columns}, index=inputs.index)


def _as_numbers(name: str, values: pd.Series[Any], notes: list[str]) -> pd.Series[Any]:
    """A column of texts of which some are numbers; the others count as missing.

    Raises
    ------
    DataError
        If none is.
    """
    import pandas as pd

    texts = values.astype(object)
    bad = texts.notna() & ~texts.map(lambda value: is_number(str(value)))
    numbers = read_numbers(texts.where(~bad))
    if bool(bad.any()) and all(is_placeholder(str(text)) for text in texts[bad]) and bool(bad[texts.notna()].all()):
        return pd.Series(np.full(len(values), np.nan), index=values.index)
    if numbers is None:
        raise DataError(
            f"The column {name!r} was numeric in training, but now holds"
            f" {str(texts[bad].iloc[0]) if bad.any() else ''!r} and the like; correct the cells that are not numbers."
        )
    notes.append(
        f"Column {name}: {some(map(repr, texts[bad].unique()))} in {rows(int(bad.sum()))} is no number and counts as missing."
    )
    return pd.Series(numbers.values, index=values.index)


def _strange_categories(column: Column, values: pd.Series[Any]) -> list[str]:
    """Notes on the texts that were not in training, and on those that were spelled otherwise."""
    counts = Counter(str(value) for value in values.dropna().tolist())
    texts = list(counts)
    places = column.places(texts)
    unknown = [text for text, place in zip(texts, places, strict=True) if place == len(column.categories)]
    respelled = [
        (text, column.categories[place])
        for text, place in zip(texts, places, strict=True)
        if place < len(column.categories) and column.categories[place] != text
    ]
    notes = []
    if respelled:
        pairs = some(f"{text!r} as {category!r}" for text, category in respelled)
        notes.append(f"Column {column.name}: {pairs}, in {rows(sum(counts[text] for text, _ in respelled))}.")
    if unknown:
        as_what = "count as one of the rare ones" if column.grouped else "count as none of the known ones"
        notes.append(
            f"Column {column.name}: {some(map(repr, unknown))} in {rows(sum(counts[text] for text in unknown))} not seen in"
            f" training; they {as_what}."
        )
    return notes


def _targets(name: str, frame: pd.DataFrame, encoder: Encoder) -> Array | None:
    targets = list(encoder.targets)
    if any(target not in frame.columns for target in targets) or bool(frame[targets].isna().to_numpy().any()):
        return None
    if encoder.classes:
        return class_labels(name, np.asarray(frame[targets[0]].to_numpy()))
    if any(dtype.kind not in "iuf" for dtype in frame[targets].dtypes):
        return None
    return np.asarray(frame[targets].to_numpy(dtype=np.float64))
