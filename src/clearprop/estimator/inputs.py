"""Inputs of an estimator: an array, or a table of numbers, words, dates and holes, as the X of a net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array, Dtype
from clearprop.data.encoder import Encoder, fit_columns
from clearprop.data.new_rows import read_new_rows
from clearprop.data.scaling import Scale, Scaling, fit_scaling
from clearprop.data.table_files import is_frame, read_frame
from clearprop.data.table_options import TableOptions
from clearprop.data.tidying import tidy
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TARGET = "target"  # name of y, lengthened until no column has it


def fit_inputs(X: Array | Any, scale: Scale, weights: Array | None, notes: list[str]) -> Encoder:
    """The encoder of some training inputs, before it knows the targets.

    Parameters
    ----------
    X : array (N, n_x) or frame
        Of a frame, words are one-hot encoded, dates become numbers, and holes are filled and marked, as on the command line.
    scale : {"standard", "unit", "none"}
        Scaling of the numbers.
    weights : array (N,), optional
        Weights of the rows in the mean and the standard deviation of an array's columns.
    notes : list of str
        Gets a sentence on each column of a frame that is worth one.
    """
    if not is_frame(X):
        names = tuple(f"x{i}" for i in range(X.shape[1]))
        return Encoder(names, weighted_scaling(scale, X, weights), (TARGET,))
    table = read_frame(X, TableOptions())
    tidied = tidy(table.frame, table.decimal)
    notes += [*table.notes, *tidied.notes]
    columns = fit_columns(tidied.frame, [str(name) for name in tidied.frame.columns], scale, tidied.formats, notes)
    target = TARGET
    while target in tidied.frame.columns:
        target = f"{target}_"
    return Encoder(tuple(name for column in columns for name in column.features), columns, (target,))


def encoded(X: Array | Any, encoder: Encoder, dtype: Dtype) -> Array:
    """Inputs as the net takes them, in the way that the training inputs were encoded.

    Raises
    ------
    DataError
        If an array stands for a table that holds more than numbers.
    """
    if not encoder.columns:
        return encoder.encode(X, dtype)
    if is_frame(X):
        return read_new_rows(X, encoder, TableOptions(), dtype).X
    return encoder.encode(as_frame(X, encoder), dtype)


def as_frame(X: Array, encoder: Encoder) -> pd.DataFrame:
    """An array in place of a table of numbers, with the names of its columns."""
    import pandas as pd

    others = [column.name for column in encoder.columns if column.kind != "numeric"]
    if others:
        raise DataError(
            f"The estimator was fitted on a table whose column {others[0]!r} holds no numbers, but is given an array of shape"
            f" {X.shape}; give a frame with the same columns."
        )
    return pd.DataFrame(np.asarray(X, np.float64), columns=[column.name for column in encoder.columns])


def weighted_scaling(scale: Scale, X: Array, weights: Array | None) -> Scaling:
    """`fit_scaling`, where a row of weight 2 counts as two rows, and one of weight 0 as none.

    Examples
    --------
    >>> weighted_scaling("standard", np.array([[1.0], [3.0], [9.0]]), np.array([3, 1, 0]))
    Scaling(shift=(1.5,), spread=(0.8660254037844386,))
    """
    if weights is None or scale == "none":
        return fit_scaling(scale, X)
    kept = np.asarray(X[weights > 0], np.float64)
    if scale == "unit":
        return fit_scaling(scale, kept)
    w = weights[weights > 0] / weights.sum()
    mean = w @ kept
    std = np.sqrt(w @ (kept - mean) ** 2)
    same = kept.min(axis=0) == kept.max(axis=0)  # the mean of equal numbers may differ from them in the last digit
    spread = np.where(same | (std == 0), 1.0, std)
    return Scaling(tuple(np.where(same, kept[0], mean).tolist()), tuple(spread.tolist()))
