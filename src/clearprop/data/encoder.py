"""The encoder: raw values to X and y, and predictions back to values.

It is fitted on the training split alone and saved with the model as JSON, so that later files are scaled with the figures
that the model was trained with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from clearprop.arguments import checked, shaped
from clearprop.arrays import Array, Dtype, describe, float_dtype, numbers
from clearprop.data.columns import Column, fit_column
from clearprop.data.notes import some
from clearprop.data.raw import Label, Task
from clearprop.data.scaling import Scale, Scaling, fit_scaling
from clearprop.data.task import class_numbers
from clearprop.errors import ClearpropError, DataError

if TYPE_CHECKING:
    import pandas as pd


class EncoderRecord(TypedDict):
    """Schema of an encoder in JSON."""

    kind: Literal["array", "table"]
    features: list[str]
    inputs: dict[str, Any] | list[dict[str, Any]]
    targets: list[str]
    classes: list[Label]
    target_scaling: dict[str, Any]
    target_index: int


@checked
@dataclass(frozen=True)
class Encoder:
    """Encoding of raw values as X and of targets as y, and decoding of predictions.

    Parameters
    ----------
    features : tuple of str
        A name for each column of X.
    inputs : Scaling or tuple of Column
        For arrays, their scaling; for tables, the encoding of each column.
    targets : tuple of str
        The column to predict; for regression, one for each column of y.
    classes : tuple
        The label of each integer class, in order; empty for regression.
    target_scaling : Scaling
        For regression: the scaling of the targets in training.
    target_index : int
        Position of the target among a table's columns, for later tables without a header.
    ids : tuple of str
        Columns that are not learned from, but passed through by predictions.
    order : tuple of str
        All columns of the training table, in order, if some are not learned from.

    Examples
    --------
    >>> encoder = Encoder(("x1",), Scaling((1.0,), (2.0,)), classes=("no", "yes"))
    >>> encoder.encode(np.array([[5.0], [1.0]])).ravel()
    array([2., 0.], dtype=float32)
    >>> encoder.encode_target(np.array(["yes", "no"])), encoder.decode_target(np.array([1])).tolist()
    (array([1, 0]), ['yes'])
    >>> Encoder.from_json(encoder.to_json()) == encoder
    True
    """

    features: tuple[str, ...]
    inputs: Scaling | tuple[Column, ...]
    targets: tuple[str, ...] = ("y",)
    classes: tuple[Label, ...] = ()
    target_scaling: Scaling = field(default_factory=Scaling)
    target_index: int = -1
    ids: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise a `DataError` where the parts of an encoder that was read from a file do not fit together."""
        wide = sum(len(column.features) for column in self.columns) if self.columns else len(self.features)
        if wide != len(self.features):
            raise DataError(f"The columns of the encoder give {wide} features, but it names {len(self.features)}.")
        if isinstance(self.inputs, Scaling) and len(self.inputs.shift) not in (1, len(self.features)):
            raise DataError(f"The scaling has {len(self.inputs.shift)} figures for {len(self.features)} features.")
        scalings = [self.inputs] if isinstance(self.inputs, Scaling) else [column.scaling for column in self.inputs]
        for scaling in (*scalings, self.target_scaling):
            if scaling is not None and (len(scaling.shift) != len(scaling.spread) or not scaling.shift or 0 in scaling.spread):
                raise DataError("A scaling needs as many shifts as spreads, none of which may be 0.")

    @property
    def task(self) -> Task:
        """Task of the data: "classification" or "regression"."""
        return "classification" if self.classes else "regression"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table; none for arrays."""
        return () if isinstance(self.inputs, Scaling) else self.inputs

    def scaling_in_words(self) -> str:
        """The scaling of raw values, for people.

        Examples
        --------
        >>> Encoder(("x1",), Scaling((1.0,), (2.0,))).scaling_in_words()
        '(x - 1) / 2'
        """
        if not isinstance(self.inputs, Scaling):
            numeric = [column for column in self.inputs if column.kind == "numeric"]
            dates = sum(column.kind == "date" for column in self.inputs)
            scaled = "scaled" if any(column.scaling != Scaling() for column in numeric) else "unscaled"
            categorical = f"{len(self.inputs) - len(numeric) - dates} categorical one-hot"
            return f"{len(numeric)} numeric columns {scaled}, {categorical}" + (f", {dates} of dates" if dates else "")
        if self.inputs == Scaling():
            return "none"
        if len(self.inputs.shift) == 1:
            return f"(x - {self.inputs.shift[0]:g}) / {self.inputs.spread[0]:g}"
        return "each column shifted and divided by constants from the training split"

    @checked
    def encode(self, raw: Array | pd.DataFrame, dtype: Dtype = "float32") -> Array:
        """X (N, n_x) from a table's frame, or from an array (N, n_x).

        The columns of a frame are found by name, in any order; other columns are ignored.

        Raises
        ------
        DataError
            If columns are missing, or the array has the wrong width.
        """
        kind = float_dtype(dtype)
        if isinstance(self.inputs, Scaling):
            values = numbers("The data", raw)
            if values.ndim != 2 or values.shape[1] != len(self.features):
                raise DataError(f"The data have {describe(values)}, but the model takes {len(self.features)} features.")
            return self.inputs.apply(values, kind)
        if isinstance(raw, np.ndarray):
            raise DataError(f"The model takes a table with the columns {self._column_names()}, not {describe(raw)}.")
        missing = [column.name for column in self.inputs if column.name not in raw.columns]
        if missing:
            raise DataError(f"The table lacks the columns {some(missing)}; all needed: {self._column_names()}.")
        out = np.empty((len(raw), len(self.features)), kind)
        places = self._places()
        at_once = self._at_once(raw)
        if at_once:
            _encode_numbers(at_once, raw, out, [places[column.name][0] for column in at_once])
        done = {column.name for column in at_once}
        for column in self.inputs:
            if column.name not in done:
                start, stop = places[column.name]
                out[:, start:stop] = column.encode(raw[column.name])
        return out

    def _places(self) -> dict[str, tuple[int, int]]:
        """The first of the columns of X that each column becomes, and the one behind the last."""
        found, start = {}, 0
        for column in self.columns:
            width = len(column.features)
            found[column.name] = (start, start + width)
            start += width
        return found

    def _at_once(self, raw: pd.DataFrame) -> list[Column]:
        """The plain columns of numbers, which are scaled together: a table may have thousands."""
        kinds = {str(name): dtype.kind for name, dtype in zip(raw.columns, raw.dtypes, strict=True)}
        return [
            column for column in self.columns if column.kind == "numeric" and not column.marked and kinds[column.name] in "iuf"
        ]

    def encode_target(self, y: Array, dtype: Dtype = "float32") -> Array:
        """Integer classes (N,) from labels, or scaled targets (N, n_y) from reals (N, n_y) or (N,).

        Raises
        ------
        DataError
            If a label is not among the classes.
        """
        if self.classes:
            return class_numbers(y, list(self.classes))
        reals = numbers("y", y)
        return self.target_scaling.apply(reals.reshape(len(reals), -1), float_dtype(dtype))

    @checked
    def decode_target(self, y: Array) -> Array:
        """Labels (N,) from integer classes; or targets (N, n_y) in their own units, as float64, from scaled ones."""
        if self.classes:
            numbered = y.astype(np.int64) if np.isfinite(y).all() else np.full(y.shape, -1)
            if y.size and not 0 <= numbered.min() <= numbered.max() < len(self.classes):
                raise DataError(f"y must hold numbers of classes, from 0 to {len(self.classes) - 1}; it is {describe(y)}.")
            return np.asarray(np.array(self.classes)[numbered])
        return self.target_scaling.undo(y)

    def to_json(self) -> dict[str, Any]:
        """The encoder as JSON-able values; floats keep every digit."""
        tabular = not isinstance(self.inputs, Scaling)
        return {
            "kind": "table" if tabular else "array",
            "features": list(self.features),
            "inputs": self.inputs.to_json() if isinstance(self.inputs, Scaling) else [c.to_json() for c in self.inputs],
            "targets": list(self.targets),
            "classes": list(self.classes),
            "target_scaling": self.target_scaling.to_json(),
            "target_index": self.target_index,
            **({"ids": list(self.ids)} if self.ids else {}),
            **({"order": list(self.order)} if self.order else {}),
        }

    @classmethod
    @checked
    def from_json(cls, values: dict[str, Any]) -> Encoder:
        """The encoder that `to_json` described.

        Raises
        ------
        DataError
            If the values describe no encoder.
        """
        try:
            shaped(EncoderRecord, values, "the encoder")
            given = values["inputs"]
            table = values["kind"] == "table"
            return cls(
                tuple(values["features"]),
                tuple(Column.from_json(column) for column in given) if table else Scaling.from_json(given),
                tuple(values["targets"]),
                tuple(values["classes"]),
                Scaling.from_json(values["target_scaling"]),
                int(values["target_index"]),
                tuple(values.get("ids", ())),
                tuple(values.get("order", ())),
            )
        except ClearpropError as error:
            raise DataError(f"This JSON describes no encoder: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"This JSON describes no encoder ({type(error).__name__}: {error}).") from None

    def _column_names(self) -> str:
        return some(column.name for column in self.columns)


def _encode_numbers(columns: list[Column], raw: pd.DataFrame, out: Array, at: list[int]) -> None:
    """Scale columns of numbers into the columns `at` of `out` (N, n_x), block by block."""
    scalings = [column.scaling for column in columns if column.scaling is not None]
    scaling = Scaling(tuple(s.shift[0] for s in scalings), tuple(s.spread[0] for s in scalings))
    names = [column.name for column in columns]
    values = (raw if names == list(raw.columns) else raw[names]).to_numpy(dtype=np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        values = np.where(bad, np.array([column.middle for column in columns]), values)
    if at == list(range(out.shape[1])):
        out[:] = scaling.apply(values, out.dtype)
    else:
        out[:, at] = scaling.apply(values, out.dtype)


def fit_columns(
    X: pd.DataFrame, names: list[str], scale: Scale, formats: dict[str, str], notes: list[str]
) -> tuple[Column, ...]:
    """Fit the encoding of each column to the training rows; complete columns of numbers all at once."""
    dtypes = dict(zip(map(str, X.columns), X.dtypes, strict=True))
    numeric = [name for name in names if dtypes[name].kind in "iuf"]
    values = X[numeric].to_numpy(dtype=np.float64) if numeric else np.zeros((len(X), 0))
    whole: Array = np.asarray(np.isfinite(values).all(axis=0))
    plain = {name: j for j, name in enumerate(n for n, complete in zip(numeric, whole, strict=True) if complete)}
    scaling = fit_scaling(scale, values if whole.all() else values[:, whole]) if plain else Scaling()
    found = []
    for name in names:
        if name in plain:
            j = plain[name] if len(scaling.shift) > 1 else 0
            found.append(Column(name, Scaling((scaling.shift[j],), (scaling.spread[j],))))
        else:
            found.append(fit_column(name, X[name], scale, formats.get(name), notes))
    return tuple(found)


def fit_encoder(
    X: Array | pd.DataFrame,
    y: Array,
    scale: Scale,
    *,
    features: list[str],
    targets: list[str],
    classes: list[Label],
    full_scale: float | None = None,
    target_index: int = -1,
    formats: dict[str, str] | None = None,
    notes: list[str] | None = None,
    **more: Any,
) -> Encoder:
    """Fit an encoder to the training split X, y; what is worth saying is added to `notes`.

    Regression targets are scaled to mean 0 and standard deviation 1, unless `scale` is "none": the outputs of a new net
    are of order one, and training towards targets of order a thousand would take many epochs, or diverge.
    """
    inputs: Scaling | tuple[Column, ...]
    if isinstance(X, np.ndarray):
        inputs = fit_scaling(scale, X, full_scale)
        names = tuple(features)
    else:
        inputs = fit_columns(X, features, scale, formats or {}, [] if notes is None else notes)
        names = tuple(name for column in inputs for name in column.features)
    target_scaling = Scaling() if classes or scale == "none" else fit_scaling("standard", y)
    wide = [*targets] if classes or y.shape[1] == len(targets) else [f"{targets[0]}{i + 1}" for i in range(y.shape[1])]
    return Encoder(names, inputs, tuple(wide), tuple(classes), target_scaling, target_index, **more)
