"""The raw form that every source is read into, before anything is split or scaled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.data.scaling import Scale
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)
Label = int | float | str | bool


@dataclass(frozen=True, eq=False)
class Raw:
    """A source as it was read.

    Attributes
    ----------
    name : str
        Name of the source in messages.
    parts : dict of str to (X, y)
        "train" always; "val" and "test" where the source comes with them. X is a matrix (N, n_x), or a table's
        DataFrame of features; y holds labels (N,) or reals (N,) or (N, n_y), and is None where there is none.
    features, targets : list of str
    task : {"classification", "regression"} or None
        None where it follows from the targets.
    scale : {"standard", "unit", "none"} or None
        None where it follows from the task.
    image_shape : tuple of int or None
    full_scale : float or None
        The largest value that a pixel can have.
    target_index : int
        Position of the target among a table's columns.
    val, test : float or int
        Default share (or number) of examples for the parts that the source lacks.
    notes : list of str
        Findings and assumptions on the way, a sentence each.
    formats : dict of str to str
        Formats of a table's columns of dates.
    ids, order : list of str
        A table's columns that are passed through; and all of its columns, in order, if some are not learned from.
    groups, times, weights : array (N,) or None
        Of each training row: the group it belongs to, its time, its weight.
    """

    name: str
    parts: dict[str, tuple[Array | pd.DataFrame, Array | None]]
    features: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=lambda: ["y"])
    task: Task | None = None
    scale: Scale | None = None
    image_shape: tuple[int, int] | None = None
    full_scale: float | None = None
    target_index: int = -1
    val: float | int = 0.15
    test: float | int = 0.15
    notes: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    groups: Array | None = None
    times: Array | None = None
    weights: Array | None = None


def raw_arrays(name: str, pairs: dict[str, tuple[Any, Any]]) -> Raw:
    """A `Raw` of plain arrays, checked; images (N, height, width) are flattened to rows.

    Raises
    ------
    DataError
        If an array holds objects, NaN or infinity, X is not a matrix, or X and y differ in length.
    """
    parts = {part: (_matrix(name, part, X), _target(name, part, y)) for part, (X, y) in pairs.items()}
    widths = {part: X.shape[1] for part, (X, _) in parts.items()}
    if len(set(widths.values())) > 1:
        raise DataError(f"{name} has parts of different widths, {widths}; they must share one set of features.")
    for part, (X, y) in parts.items():
        if y is not None and len(y) != len(X):
            raise DataError(f"{name} has {len(X)} rows of X in {part} but {len(y)} of y; each needs one target.")
    given = np.asarray(pairs["train"][0])
    pixels = all(X.dtype == np.uint8 for X, _ in parts.values())
    return Raw(
        name,
        dict(parts),
        features=[f"x{i + 1}" for i in range(widths["train"])],
        scale="unit" if pixels else None,
        image_shape=(int(given.shape[1]), int(given.shape[2])) if _is_images(given) else None,
        full_scale=255.0 if pixels else None,
    )


def _is_images(X: Array) -> bool:
    return X.ndim == 3 or (X.ndim == 4 and X.shape[3] == 1)


def _matrix(name: str, part: str, given: Any) -> Array:
    X = np.asarray(given)
    what = f"{name} has X ({part}) as {describe(X)}"
    if X.dtype.kind not in "fiub":
        raise DataError(f"{what}; it must hold numbers.")
    if X.ndim < 2 or X.size == 0:
        raise DataError(f"{what}; it must be a matrix (N, n_x) with at least one example and one feature.")
    X = X.reshape(len(X), -1)
    _require_finite(f"{name}, X ({part})", X)
    return X


def _target(name: str, part: str, given: Any) -> Array | None:
    if given is None:
        return None
    y = np.asarray(given)
    what = f"{name} has y ({part}) as {describe(y)}"
    if y.dtype.kind not in "fiubUS":
        raise DataError(f"{what}; it must hold numbers or texts.")
    if y.ndim not in (1, 2) or y.size == 0:
        raise DataError(f"{what}; it must be labels (N,), one-hot rows (N, n_y) or reals (N, n_y).")
    if y.ndim == 2 and 1 in y.shape:  # MATLAB has no 1-D arrays: labels come as (N, 1) or (1, N)
        y = y.ravel()
    if y.dtype.kind == "f":
        _require_finite(f"{name}, y ({part})", y)
    return y.astype(str) if y.dtype.kind == "S" else y


def _require_finite(what: str, values: Array) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise DataError(f"{what} holds {count} NaN or infinite values in {describe(values)}; fill or remove those rows.")
