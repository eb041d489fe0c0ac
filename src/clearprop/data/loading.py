"""Loading: a source as a data set to train on, or as examples for a trained model to predict.

`load` reads a source, settles the task, splits, fits the encoder on the training split alone, and encodes.
`read_examples` reads new examples in the way the training data were read, and encodes them with the model's own encoder.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, Dtype, float_dtype
from clearprop.data.built_in import BUILT_IN
from clearprop.data.dataset import SPLITS, Dataset, Split
from clearprop.data.encoder import Encoder, fit_encoder
from clearprop.data.kept_rows import kept_rows
from clearprop.data.new_rows import NewRows, read_new_rows
from clearprop.data.notes import rows, some
from clearprop.data.outliers import Outliers, robust_scaling
from clearprop.data.raw import Label, Raw, Task
from clearprop.data.scaling import SCALES, Scale, Scaling
from clearprop.data.sources import find_path, read_source
from clearprop.data.splitting import part_size, require_rest, split_groups, split_rows, split_times
from clearprop.data.table_files import ENDINGS, is_frame
from clearprop.data.table_options import TableOptions
from clearprop.data.task import class_labels, class_numbers, is_one_hot, settle_task, target_notes
from clearprop.data.weighting import balancing
from clearprop.errors import DataError, OptionError
from clearprop.registry import choose

if TYPE_CHECKING:
    import pandas as pd

    Part = tuple[Array | pd.DataFrame, Array, Array | None]
    """X, labels or reals, and the weights of the rows."""

OUTLIERS: tuple[Outliers, ...] = get_args(Outliers)
LOG = logging.getLogger("clearprop")


@checked
def load(
    source: Any,
    *,
    seed: int | np.random.Generator = 0,
    val: float | int | None = None,
    test: float | int | None = None,
    data_dir: str | Path | None = None,
    target: str | int | list[str] | None = None,
    task: Task | None = None,
    scale: Scale | None = None,
    dtype: Dtype = "float32",
    class_weight: Literal["balanced"] | None = None,
    outliers: Outliers = "auto",
    **table: Any,
) -> Dataset:
    """Load a data set, split it and scale it.

    Parameters
    ----------
    source : str, Path, frame or tuple
        A built-in name (`clearprop.data.BUILT_IN`); a table (.csv, .tsv, .txt, .data, .dat, .json, .jsonl, .xlsx, .arff,
        .feather, .parquet; also .gz or .zip, and "-" for standard input); a data frame of pandas or Polars; arrays (.npz, .mat)
        called X and y, or Xtrain, Ytrain, Xtest, Ytest; a folder of four IDX files; or a pair (X, y) of arrays.
    seed : int or numpy.random.Generator
        Seed for the split, and for the points of "circles".
    val, test : float or int, optional
        Fraction of the examples (below 1), or their number; 0 for none. They are taken out of training, stratified by
        class, and every part keeps the order of the rows. A part that comes with the source stays as it is, or is left
        out by 0. Default: 0.15 each, but 5000 of MNIST's 60,000 images for validation.
    data_dir : path, optional
        Folder of MNIST's files; default: `$CLEARPROP_DATA`.
    target : str, int or list, optional
        A table's column to predict, or several; default: the one called target, label, class or y, else the last.
    task : {"classification", "regression"}, optional
        Default: inferred from the targets (see `clearprop.data.task`).
    scale : {"standard", "unit", "none"}, optional
        Scaling of X: mean 0 and standard deviation 1 for each column; range [0, 1] (pixels: one constant for all); or
        none. Default: "standard" for tables, synth and regression, "unit" for images, "none" for circles and other
        arrays. Regression targets are standardised too, unless it is "none".
    dtype : {"float32", "float64"}
    class_weight : {"balanced"}, optional
        Weigh the training and validation rows so that all classes count the same in the loss.
    outliers : {"auto", "keep"}
        "auto" scales a regression target by its median and interquartile range, and clips it in training and validation, if a
        few values lie so far out that they would decide everything; a note says so.
    **table
        Options of a table: `delimiter`, `decimal`, `encoding`, `skip`, `na`, `missing`, `drop`, `only`, `categorical`,
        `id`, `group`, `time`, `weight`, `test_file`; see `clearprop.data.TableOptions`.

    Returns
    -------
    Dataset
        Its `notes` say what was found out or assumed.

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
    kind, asked = float_dtype(dtype), TableOptions.of(**table)
    if scale is not None:
        choose("scale", scale, SCALES)
    if class_weight is not None:
        choose("class_weight", class_weight, ("balanced",))
    rng = _generator(seed)
    raw = read_source(source, rng, data_dir, target, asked, task)
    if isinstance(raw.parts["train"][0], np.ndarray) and (target is not None or asked.given()):
        given = ", ".join(["target"] * (target is not None) + asked.given())
        raise OptionError(f"The options {given} are for tables, but {raw.name} is none; omit them.")
    asked_task = task
    task, y = settle_task(raw, task)
    classes: list[Label] = np.unique(np.concatenate(list(y.values()))).tolist() if task == "classification" else []
    notes = [*raw.notes, *target_notes(raw, y, classes, asked_task)]
    if raw.weights is not None and (raw.weights == 0).any():
        notes.append(f"{rows(int((raw.weights == 0).sum()))} with the weight 0 take no part in training.")
    parts = _split(raw, y, classes, {"val": val, "test": test}, rng, class_weight)
    X_train, y_train, _ = parts["train"]
    encoder = fit_encoder(
        X_train, y_train, scale or raw.scale or ("none" if classes else "standard"), features=raw.features,
        targets=raw.targets, classes=classes, full_scale=raw.full_scale, target_index=raw.target_index, formats=raw.formats,
        notes=notes, ids=tuple(raw.ids), order=tuple(raw.order),
    )  # fmt: skip
    clip = None
    if task == "regression" and encoder.target_scaling != Scaling() and choose("outliers", outliers, OUTLIERS) == "auto":
        encoder, clip = _without_outliers(encoder, y_train, notes)
    splits = {
        part: Split(encoder.encode(X, kind), encoder.encode_target(labels, kind), weights)
        for part, (X, labels, weights) in parts.items()
    }
    if clip is not None:
        splits |= {part: replace(s, y=np.clip(s.y, -clip, clip)) for part, s in splits.items() if part != "test"}
    features, targets = list(encoder.features), list(encoder.targets)
    alone = raw.groups is None and raw.times is None
    examples = kept_rows(parts.get("test", parts["train"])[0], raw.features, raw.formats)
    return Dataset(raw.name, splits, task, classes, features, targets, encoder, raw.image_shape, notes, alone, examples)


def _without_outliers(encoder: Encoder, y: Array, notes: list[str]) -> tuple[Encoder, float | None]:
    """The encoder with a robust scaling of the target, and the limit of scaled values, if there are outliers."""
    found = robust_scaling(y)
    if found is None:
        return encoder, None
    scaling, limit, n = found
    low, high = (scaling.shift[0] + sign * limit * scaling.spread[0] for sign in (-1, 1))
    notes.append(
        f"{n} of {len(y)} training values of the target {some(encoder.targets)} {'lies' if n == 1 else 'lie'} far outside the"
        " others; in training and"
        f" validation it is clipped to {low:.6g} to {high:.6g} (outliers='keep', --outliers keep, for none of that)."
    )
    return replace(encoder, target_scaling=scaling), limit


def _split(
    raw: Raw,
    y: dict[str, Array],
    classes: list[Label],
    asked: dict[str, float | int | None],
    rng: np.random.Generator,
    class_weight: str | None = None,
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
            given[part] = (raw.parts[part][0], y[part], None)
    require_rest(raw.name, n, counts)
    places = _rows_of_parts(raw, y["train"], classes, {part: count for part, count in counts.items() if count > 0}, rng)
    if raw.weights is not None:  # a row without weight must not take part in the scaling either
        places |= {part: at[raw.weights[at] > 0] for part, at in places.items() if part != "test"}
    weights = _weights_of_rows(raw, y["train"], classes, places["train"], class_weight)
    taken: dict[str, Part] = {
        part: (_take(X, at), y["train"][at], None if weights is None or part == "test" else weights[at])
        for part, at in places.items()
        if len(at) > 0
    }
    return {**taken, **given}


def _weights_of_rows(raw: Raw, y: Array, classes: list[Label], train: Array, class_weight: str | None) -> Array | None:
    """The weight of each row: of its column, and of its class among the training rows."""
    weights = raw.weights
    if len(train) == 0:
        raise DataError(f"All training rows of {raw.name} have the weight 0; give some of them more.")
    if class_weight is None or not classes:
        return weights
    numbers = class_numbers(y, classes)
    of_class = balancing(numbers[train], None if weights is None else weights[train])
    factors = np.append(of_class, np.zeros(len(classes) - len(of_class)))[numbers]
    factors = np.where(factors > 0, factors, 1.0)  # a class that is in validation alone
    return np.asarray(factors if weights is None else factors * weights)


def _rows_of_parts(
    raw: Raw, y: Array, classes: list[Label], counts: dict[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Row numbers of each part: by time, by group, or at random and stratified by class."""
    if raw.times is not None:
        return dict(split_times(raw.times, counts))
    if raw.groups is not None:
        return dict(split_groups(raw.groups, counts, rng))
    return dict(split_rows(class_numbers(y, classes) if classes else np.zeros(len(y), dtype=np.int64), counts, rng))


def _take(X: Array | pd.DataFrame, rows: Array) -> Array | pd.DataFrame:
    if len(rows) == len(X) and np.array_equal(rows, np.arange(len(X))):
        return X
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise OptionError(f"seed must be a whole number from 0, or a numpy.random.Generator, not {seed!r}.") from None


@checked
def read_examples(
    source: Any,
    encoder: Encoder,
    *,
    data_dir: str | Path | None = None,
    dtype: Dtype = "float32",
    **table: Any,
) -> tuple[Array, Array | None]:
    """Read new examples, encoded as the model's training data were.

    A table's columns are matched by name, in any order, with or without the target; without a header, by position. Of
    a source that comes with a test set, the test set is read; of any other, all rows. What had to be assumed (a missing column
    or cell, a category that was not in the training split) is logged, and stands in the notes of `read_rows`.

    Parameters
    ----------
    source : str, Path, frame, array (N, n_x) or tuple (X, y)
    encoder : Encoder
        The model's.
    data_dir : path, optional
        Folder of MNIST's files; default: `$CLEARPROP_DATA`.
    dtype : {"float32", "float64"}
    **table
        Options of a table, as for `load`: `header`, `delimiter`, `decimal`, `encoding`, `skip`, `na`, `missing`.

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
    found = read_rows(source, encoder, data_dir=data_dir, dtype=dtype, **table)
    for note in found.notes:
        LOG.info(note)
    return found.X, found.y


@checked
def read_rows(
    source: Any, encoder: Encoder, *, data_dir: str | Path | None = None, dtype: Dtype = "float32", **table: Any
) -> NewRows:
    """As `read_examples`, with the columns to pass through and notes on what was assumed."""
    asked = TableOptions.of(**table)
    if is_frame(source):
        return read_new_rows(source, encoder, asked, dtype)
    if isinstance(source, np.ndarray):
        source = (source, None)
    if isinstance(source, (str, Path)) and source not in BUILT_IN:
        path = find_path(source)
        if str(path) == "-" or (path.suffix.lower() in ENDINGS and path.is_file()):
            return read_new_rows(path, encoder, asked, dtype)
    raw = read_source(source, np.random.default_rng(0), data_dir)
    X, y = raw.parts.get("test", raw.parts["train"])
    if y is not None and encoder.classes:
        y = class_labels(raw.name, y) if y.ndim == 1 or is_one_hot(y) else None
    elif y is not None:
        y = y.reshape(len(y), -1)
    return NewRows(encoder.encode(X, dtype), y)
