"""Loading: a source as a data set to train on, or as examples for a trained model to predict.

`load` reads a source, settles the task, splits, fits the encoder on the training split alone, and encodes.
`read_examples` reads new examples in the way the training data were read, and encodes them with the model's own encoder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, Dtype, float_dtype
from clearprop.data.built_in import BUILT_IN
from clearprop.data.dataset import SPLITS, Dataset, Split
from clearprop.data.encoder import Encoder, fit_encoder
from clearprop.data.raw import Label, Raw, Task
from clearprop.data.scaling import SCALES, Scale
from clearprop.data.sources import find_path, read_source
from clearprop.data.splitting import part_size, require_rest, split_rows
from clearprop.data.table import DELIMITED, PARQUET, read_frame, require_complete
from clearprop.data.task import class_labels, class_numbers, is_one_hot, settle_task
from clearprop.errors import DataError, OptionError
from clearprop.registry import choose

if TYPE_CHECKING:
    import pandas as pd

    Part = tuple[Array | pd.DataFrame, Array]


@checked
def load(
    source: str | Path | tuple[Any, Any],
    *,
    seed: int | np.random.Generator = 0,
    val: float | int | None = None,
    test: float | int | None = None,
    data_dir: str | Path | None = None,
    target: str | int | None = None,
    header: bool | None = None,
    task: Task | None = None,
    scale: Scale | None = None,
    dtype: Dtype = "float32",
) -> Dataset:
    """Load a data set, split it and scale it.

    Parameters
    ----------
    source : str, Path or tuple
        A built-in name (`clearprop.data.BUILT_IN`); a table (.csv, .tsv, .parquet); arrays (.npz, .mat) called X and y,
        or Xtrain, Ytrain, Xtest, Ytest; a folder of four IDX files; or a pair (X, y) of arrays.
    seed : int or numpy.random.Generator
        Seed for the split, and for the points of "circles".
    val, test : float or int, optional
        Fraction of the examples (below 1), or their number; 0 for none. They are taken out of training, stratified by
        class, and every part keeps the order of the rows. A part that comes with the source stays as it is, or is left
        out by 0. Default: 0.15 each, but 5000 of MNIST's 60,000 images for validation.
    data_dir : path, optional
        Folder of MNIST's files; default: `$CLEARPROP_DATA`.
    target : str or int, optional
        A table's column to predict; default: the one called target, label, class or y, else the last.
    header : bool, optional
        Whether a table's first row holds names; default: inferred from the cells.
    task : {"classification", "regression"}, optional
        Default: inferred from the targets (see `clearprop.data.task`).
    scale : {"standard", "unit", "none"}, optional
        Scaling of X: mean 0 and standard deviation 1 for each column; range [0, 1] (pixels: one constant for all); or
        none. Default: "standard" for tables, synth and regression, "unit" for images, "none" for circles and other
        arrays. Regression targets are standardised too, unless it is "none".
    dtype : {"float32", "float64"}

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the source is missing, damaged, or not fit for training; the message says why.
    OptionError
        If an argument has an invalid value.
    UnknownNameError
        If `source` is neither a file nor a built-in name.

    Examples
    --------
    >>> load("circles", seed=0).splits.keys()
    dict_keys(['train', 'val', 'test'])
    >>> load("circls")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    clearprop.errors.UnknownNameError: 'circls' is neither a file nor a built-in data set; did you mean ...
    """
    kind = float_dtype(dtype)
    if scale is not None:
        choose("scale", scale, SCALES)
    rng = _generator(seed)
    raw = read_source(source, rng, data_dir, target, header)
    if isinstance(raw.parts["train"][0], np.ndarray) and not (target is None and header is None):
        raise OptionError(f"target={target!r} and header={header!r} are for tables, but {raw.name} is none; omit them.")
    task, y = settle_task(raw, task)
    classes: list[Label] = np.unique(np.concatenate(list(y.values()))).tolist() if task == "classification" else []
    parts = _split(raw, y, classes, {"val": val, "test": test}, rng)
    X_train, y_train = parts["train"]
    encoder = fit_encoder(
        X_train, y_train, scale or raw.scale or ("none" if classes else "standard"), features=raw.features,
        targets=raw.targets, classes=classes, full_scale=raw.full_scale, target_index=raw.target_index,
    )  # fmt: skip
    splits = {part: Split(encoder.encode(X, kind), encoder.encode_target(labels, kind)) for part, (X, labels) in parts.items()}
    features, targets = list(encoder.features), list(encoder.targets)
    return Dataset(raw.name, splits, task, classes, features, targets, encoder, raw.image_shape)


def _split(
    raw: Raw, y: dict[str, Array], classes: list[Label], asked: dict[str, float | int | None], rng: np.random.Generator
) -> dict[str, Part]:
    """The parts of the data set: those that the source comes with, and the others taken out of training."""
    X, n = raw.parts["train"][0], len(y["train"])
    given: dict[str, Part] = {}
    counts = {}
    for part, default in (("val", raw.val), ("test", raw.test)):
        share = asked[part]
        size = part_size(part, default if share is None else share, n)
        if part not in raw.parts:
            counts[part] = size
        elif share is None or size > 0:
            if share is not None and size != len(y[part]):
                raise OptionError(
                    f"{raw.name} comes with {len(y[part])} examples for {part}, not {part}={share!r}: the {SPLITS[part]} set "
                    f"is fixed; omit {part}, or pass {part}=0 to drop it."
                )
            given[part] = (raw.parts[part][0], y[part])
    require_rest(raw.name, n, counts)
    groups = class_numbers(y["train"], classes) if classes else np.zeros(n, dtype=np.int64)
    rows = split_rows(groups, {part: count for part, count in counts.items() if count > 0}, rng)
    taken: dict[str, Part] = {part: (_take(X, at), y["train"][at]) for part, at in rows.items() if len(at) > 0}
    return {**taken, **given}


def _take(X: Array | pd.DataFrame, rows: Array) -> Array | pd.DataFrame:
    if len(rows) == len(X):
        return X
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise OptionError(f"seed must be a whole number from 0, or a numpy.random.Generator, not {seed!r}.") from None


@checked
def read_examples(
    source: str | Path | Array | tuple[Any, Any],
    encoder: Encoder,
    *,
    data_dir: str | Path | None = None,
    header: bool | None = None,
    dtype: Dtype = "float32",
) -> tuple[Array, Array | None]:
    """Read new examples, encoded as the model's training data were.

    A table's columns are matched by name, in any order, with or without the target; without a header, by position. Of
    a source that comes with a test set, the test set is read; of any other, all rows. A category that was not in the
    training split becomes a row of zeros.

    Parameters
    ----------
    source : str, Path, array (N, n_x) or tuple (X, y)
    encoder : Encoder
        The model's.
    data_dir : path, optional
        Folder of MNIST's files; default: `$CLEARPROP_DATA`.
    header : bool, optional
        Whether a table's first row holds names; default: inferred from the cells.
    dtype : {"float32", "float64"}

    Returns
    -------
    X : array (N, n_x)
    y : array (N,) of labels, or (N, n_y) of reals; or None
        The targets in the source's own terms; None if it has none, or if some are missing.

    Raises
    ------
    DataError
        If the source is missing or damaged, or lacks columns that the model takes.

    Examples
    --------
    >>> X, y = read_examples(np.array([[0.5, 1.0]]), load("circles").encoder)
    >>> X, y
    (array([[0.5, 1. ]], dtype=float32), None)
    """
    if isinstance(source, np.ndarray):
        source = (source, None)
    if isinstance(source, (str, Path)) and source not in BUILT_IN:
        path = find_path(source)
        if path.suffix.lower() in (*DELIMITED, *PARQUET) and path.is_file():
            return _examples_in_table(path, encoder, header, dtype)
    raw = read_source(source, np.random.default_rng(0), data_dir)
    X, y = raw.parts.get("test", raw.parts["train"])
    if y is not None and encoder.classes:
        y = class_labels(raw.name, y) if y.ndim == 1 or is_one_hot(y) else None
    elif y is not None:
        y = y.reshape(len(y), -1)
    return encoder.encode(X, dtype), y


def _examples_in_table(path: Path, encoder: Encoder, header: bool | None, dtype: Dtype) -> tuple[Array, Array | None]:
    frame, target = _named_frame(path, encoder, header), encoder.targets[0]
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
        except ValueError:
            raise DataError(f"{path.name} holds text, but the model takes {len(names)} columns of numbers.") from None
    if labels is None or bool(labels.isna().any()):
        return X, None
    values = np.asarray(labels.to_numpy())
    return X, class_labels(path.name, values) if encoder.classes else values.reshape(len(values), -1)


def _named_frame(path: Path, encoder: Encoder, header: bool | None) -> pd.DataFrame:
    """The table, with its columns named as in training."""
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
    # The cells that must stay text are known only now that each column has its name, so the table is read again.
    kept = {f"column_{i}" for i, name in enumerate(names) if name in text}
    return read_frame(path, header, kept).set_axis(names, axis=1)
