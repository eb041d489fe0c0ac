"""Sources: the built-in data sets by name, and the readers of files by their ending."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import describe
from clearprop.data.array_files import read_mat, read_npz
from clearprop.data.circles import make_circles
from clearprop.data.idx import read_idx_folder
from clearprop.data.mnist import read_mnist
from clearprop.data.raw import Raw, raw_arrays
from clearprop.data.table import DELIMITED, PARQUET, read_table
from clearprop.errors import DataError, UnknownNameError

BUILT_IN = {
    "circles": "two overlapping rings in the plane; 2000 points, 2 classes, drawn from the seed",
    "synth": "points inside and outside an ellipse; 60,000 + 10,000 points, 2 classes, always the same",
    "digits": "scikit-learn's handwritten digits; 1,797 images (8, 8), 10 classes",
    "mnist": "handwritten digits; 60,000 + 10,000 images (28, 28), 10 classes; found in the data folder or downloaded",
}
"""The built-in data sets, and a line on each."""

ARRAY_FILES = {".npz": read_npz, ".mat": read_mat}
ENDINGS = (*ARRAY_FILES, *DELIMITED, *PARQUET)


def read_source(
    source: Any,
    rng: np.random.Generator,
    data_dir: str | Path | None = None,
    target: str | int | None = None,
    header: bool | None = None,
) -> Raw:
    """Read a built-in data set, a file, a folder of IDX files, or a pair (X, y) of arrays.

    Raises
    ------
    UnknownNameError
        If it looks like a name, but is neither a built-in one nor a file.
    DataError
        If it looks like a path and leads nowhere, or the file is of no known kind or damaged.
    """
    if isinstance(source, tuple) and len(source) == 2:
        return raw_arrays("(X, y)", {"train": (source[0], source[1])})
    if not isinstance(source, (str, Path)):
        raise DataError(f"A source is a built-in name, a path, or a pair (X, y) of arrays, not {describe(source)}.")
    if source in BUILT_IN:
        return _read_built_in(str(source), rng, data_dir)
    path = find_path(source)
    if path.is_dir():
        return read_idx_folder(path)
    if path.suffix.lower() in ARRAY_FILES:
        return ARRAY_FILES[path.suffix.lower()](path)
    return read_table(path, target, header)


def find_path(source: str | Path) -> Path:
    """`source` as the path of a folder, or of a file of a known kind that is not empty."""
    path = Path(source).expanduser()
    try:
        exists = bool(str(source)) and path.exists()
    except OSError:  # longer than any name may be
        exists = False
    if not exists:
        raise _nowhere(str(source), path)
    if path.is_dir():
        return path
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"{path} ends in {path.suffix or 'nothing'!r}; it must be one of {', '.join(ENDINGS)}.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a file with at least one example.")
    return path


def _nowhere(source: str, path: Path) -> DataError | UnknownNameError:
    named = path.suffix == "" and path.name == source
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() and not named else []
    near = difflib.get_close_matches(path.name if beside else source.lower(), [*beside, *BUILT_IN], n=1, cutoff=0.6)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    message = f"{source!r} is neither a file nor a built-in data set{guess} Built in: {', '.join(BUILT_IN)}."
    return UnknownNameError(message) if named else DataError(message)


def _read_built_in(name: str, rng: np.random.Generator, data_dir: str | Path | None) -> Raw:
    if name == "circles":
        X, y = make_circles(seed=rng)
        return Raw(name, {"train": (X, y)}, ["x1", "x2"], task="classification", scale="none")
    if name == "synth":
        return _read_synth()
    if name == "digits":
        return _read_digits()
    return read_mnist(data_dir)


def _read_synth() -> Raw:
    """Points of a standard normal distribution; class 1 lies outside x1^2 + 0.95 x1 x2 + 0.4 x2^2 = 0.6.

    The practical drew them with `numpy.random.seed(0)`; the legacy stream is the same without touching global state.
    """
    X = np.random.RandomState(0).randn(70000, 2)
    y = (X[:, 0] ** 2 + 0.95 * X[:, 0] * X[:, 1] + 0.4 * X[:, 1] ** 2 > 0.6).astype(np.int64)
    parts = {"train": (X[:60000], y[:60000]), "val": (X[60000:], y[60000:])}
    return Raw("synth", dict(parts), ["x1", "x2"], task="classification", scale="standard", test=0)


def _read_digits() -> Raw:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    X, y = load_digits(return_X_y=True)
    features = [f"x{i + 1}" for i in range(X.shape[1])]
    return Raw(
        "digits", {"train": (X, y.astype(np.int64))}, features, task="classification", scale="unit",
        image_shape=(8, 8), full_scale=16.0,
    )  # fmt: skip
