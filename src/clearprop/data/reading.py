"""New examples for a trained model: read as its training data were, and encoded with the model's own figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.encoder import Encoder
from clearprop.data.sources import BUILT_IN, find_path, read_source
from clearprop.data.table import DELIMITED, PARQUET, read_frame, require_complete
from clearprop.data.targets import class_labels, is_one_hot
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def read_examples(
    source: str | Path | Array | tuple[Any, Any],
    encoder: Encoder,
    *,
    data_dir: str | Path | None = None,
    header: bool | None = None,
    dtype: object = "float32",
) -> tuple[Array, Array | None]:
    """Read a source to predict from, scaled as the model's training data were.

    A table's columns are matched by name, in any order, with or without the target; without a header, by position. Of
    a source that comes with a test set, the test set is read; of any other, all rows. A category that training did not
    have becomes a row of zeros.

    Parameters
    ----------
    source : str, Path, array (N, n_x) or tuple (X, y)
    encoder : Encoder
        The model's.
    data_dir : path, optional
        Where MNIST lies; default: `$CLEARPROP_DATA`.
    header : bool, optional
        Whether a table's first row holds names; default: found out.
    dtype : {"float32", "float64"}

    Returns
    -------
    X : array (N, n_x)
    y : array (N,) of labels, or (N, n_y) of reals; or None
        The targets as they stand in the source, where it has them, each filled in.

    Raises
    ------
    DataError
        If the source is missing or damaged, or lacks columns that the model takes.

    Examples
    --------
    >>> from clearprop.data import load
    >>> X, y = read_examples(np.array([[0.5, 1.0]]), load("circles").encoder)
    >>> X, y
    (array([[0.5, 1. ]], dtype=float32), None)
    """
    if isinstance(source, np.ndarray):
        source = (source, None)
    if isinstance(source, (str, Path)) and source not in BUILT_IN:
        path = find_path(source)
        if path.suffix.lower() in (*DELIMITED, *PARQUET) and path.is_file():
            return _from_table(path, encoder, header, dtype)
    raw = read_source(source, np.random.default_rng(0), data_dir)
    X, y = raw.parts.get("test", raw.parts["train"])
    if y is not None and encoder.classes:
        y = class_labels(raw.name, y) if y.ndim == 1 or is_one_hot(y) else None
    elif y is not None:
        y = y.reshape(len(y), -1)
    return encoder.encode(X, dtype), y


def _from_table(path: Path, encoder: Encoder, header: bool | None, dtype: object) -> tuple[Array, Array | None]:
    frame, target = _frame(path, encoder, header), encoder.targets[0]
    labels = frame[target] if target in frame.columns else None
    names = [column.name for column in encoder.columns] or list(encoder.features)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"{path.name} lacks the columns {', '.join(missing)} (it has {', '.join(map(str, frame.columns))}); "
            "the model needs every column that it was trained on."
        )
    require_complete(path.name, frame[names])
    if encoder.columns:
        X = encoder.encode(frame[names], dtype)
    else:
        try:
            X = encoder.encode(frame[names].to_numpy(dtype=np.float64), dtype)
        except ValueError as error:
            raise DataError(f"{path.name} holds text, but the model takes {len(names)} columns of numbers.") from error
    if labels is None or bool(labels.isna().any()):
        return X, None
    values = np.asarray(labels.to_numpy())
    return X, class_labels(path.name, values) if encoder.classes else values.reshape(len(values), -1)


def _frame(path: Path, encoder: Encoder, header: bool | None) -> pd.DataFrame:
    """The table, its columns named as in training."""
    text = {column.name for column in encoder.columns if column.scaling is None}
    if encoder.classes and isinstance(encoder.classes[0], str):
        text.add(encoder.targets[0])
    frame = read_frame(path, header, text)
    names = [column.name for column in encoder.columns] or list(encoder.features)
    nameless = all(str(column) == f"column_{i}" for i, column in enumerate(frame.columns))
    if not nameless or set(names) <= set(frame.columns):
        return frame
    if len(frame.columns) == len(names) + 1:
        at = encoder.target_index if encoder.target_index >= 0 else len(names)
        names.insert(at, encoder.targets[0])
    if len(frame.columns) != len(names):
        return frame
    # Which cells stay text is known only now that each column has its name.
    kept = {f"column_{i}" for i, name in enumerate(names) if name in text}
    return read_frame(path, header, kept).set_axis(names, axis=1)
