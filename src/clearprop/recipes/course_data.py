"""The data that the courses hand out, read from the user's data folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.data import load
from clearprop.data.dataset import Dataset, Split
from clearprop.data.scaling import Scale
from clearprop.errors import DataError

CIRCLES = "circles/circles.npz"


def course_circles(data_dir: Path | None) -> tuple[Split, Split]:
    """The Sorbonne practical's own points: 200 for training and 200 for testing, sorted by class.

    Raises
    ------
    DataError
        If the file is missing; the message says where to put it.
    """
    given = data_dir if data_dir is not None else os.environ.get("CLEARPROP_DATA")
    places = [Path(given) / CIRCLES, Path(given) / "circles.npz"] if given else []
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = f" (looked for {' and '.join(map(str, places))})" if places else ""
        raise DataError(
            f"This recipe needs the course's circles.npz, which is not on this machine{looked}; put it at {CIRCLES} within a "
            "folder, and name that folder with --data-dir or $CLEARPROP_DATA."
        )
    data = load(path, val=0, dtype="float64")
    if "test" not in data.splits or data.n_in != 2:
        raise DataError(f"{path} is not the course's file: it must hold Xtrain, Ytrain, Xtest, Ytest of points in the plane.")
    return Split(data.train.X, as_classes(data.train.y)), Split(data.test.X, as_classes(data.test.y))


def as_classes(y: Array) -> Array:
    """Integer classes (N,) from one-hot rows or from labels."""
    return y.argmax(axis=1) if y.ndim == 2 else y.astype(np.int64)


def course_mnist(data_dir: Path | None, val: int = 5000, scale: Scale = "unit") -> Dataset:
    """MNIST in float32, with the last of the 60 000 training images for validation or, with `val=0`, the canonical test set.

    Parameters
    ----------
    data_dir : path or None
    val : int
        Number of images at the end of the training set that are held out; 0 for the canonical 10 000.
    scale : {"unit", "none"}
        Pixels from 0 to 1, or from 0 to 255 as they are in the files.
    """
    whole = load("mnist", val=0, data_dir=data_dir, scale=scale)
    X, y = whole.train
    train, held_out = (Split(X[:-val], y[:-val]), Split(X[-val:], y[-val:])) if val else (whole.train, whole.test)
    return replace(whole, splits={"train": train, "val": held_out})
