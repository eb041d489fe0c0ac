"""From a source to a data set: read, tell the task, split, fit the encoder on the training split alone, encode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array, float_dtype
from clearprop.data.dataset import Dataset, Split
from clearprop.data.encoder import fit_encoder
from clearprop.data.raw import Raw
from clearprop.data.scaling import SCALES
from clearprop.data.sources import read_source
from clearprop.data.splitting import part_size, require_rest, split_rows
from clearprop.data.targets import Label, class_numbers, settle_task
from clearprop.errors import OptionError
from clearprop.registry import choose

if TYPE_CHECKING:
    import pandas as pd

    Part = tuple[Array | pd.DataFrame, Array]


def load(
    source: str | Path | tuple[Any, Any],
    *,
    seed: int | np.random.Generator = 0,
    val: float | int | None = None,
    test: float | int | None = None,
    data_dir: str | Path | None = None,
    target: str | int | None = None,
    header: bool | None = None,
    task: str | None = None,
    scale: str | None = None,
    dtype: object = "float32",
) -> Dataset:
    """Load a data set, split it and scale it.

    Parameters
    ----------
    source : str, Path or tuple
        A built-in name (`clearprop.data.BUILT_IN`); a table (.csv, .tsv, .parquet); arrays (.npz, .mat) called X and y,
        or Xtrain, Ytrain, Xtest, Ytest; a folder of four IDX files; or a pair (X, y) of arrays.
    seed : int or numpy.random.Generator
        For the split, and for the points of "circles".
    val, test : float or int, optional
        Fraction of the examples (below 1), or their number; 0 for none. They are taken out of training, stratified by
        class, and every part keeps the order of the rows. A part that comes with the source stays as it is, or is left
        out by 0. Default: 0.15 each, but 5000 of MNIST's 60,000 images for validation.
    data_dir : path, optional
        Where MNIST lies; default: `$CLEARPROP_DATA`.
    target : str or int, optional
        A table's column to predict; default: the one called target, label, class or y, else the last.
    header : bool, optional
        Whether a table's first row holds names; default: found out.
    task : {"classification", "regression"}, optional
        Default: told from the targets (see `clearprop.data.targets`).
    scale : {"standard", "unit", "none"}, optional
        Mean 0 and standard deviation 1 for each column; range [0, 1] (pixels: one constant for all); as they are.
        Default: "standard" for tables, synth and regression, "unit" for images, "none" for circles and other arrays.
        Regression targets are standardised too, unless it is "none".
    dtype : {"float32", "float64"}

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the source is missing, damaged, or holds what cannot be learned from; the message says which.
    OptionError
        If an argument has a value that it cannot have.
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
    return Dataset(
        raw.name, splits["train"], splits.get("val"), splits.get("test"), task, classes, list(encoder.features),
        list(encoder.targets), encoder, raw.image_shape,
    )  # fmt: skip


def _split(
    raw: Raw, y: dict[str, Array], classes: list[Label], asked: dict[str, float | int | None], rng: np.random.Generator
) -> dict[str, Part]:
    """The parts of the data set: those that the source came with, and the others taken out of training."""
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
                    f"{raw.name} comes with {len(y[part])} examples for {part}, so {part}={share!r} cannot be had; "
                    f"leave {part} out, or give {part}=0 to do without."
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
    except (TypeError, ValueError) as error:
        raise OptionError(f"seed must be a whole number from 0, or a numpy.random.Generator, not {seed!r}.") from error
