"""A stand-in for OpenCV: what programs do with pictures before they learn from them, on arrays; all else does nothing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.traced import plain
from clearprop.gradcheck.tracing.wrappers import leaf

MODES: Final = {
    "THRESH_BINARY": 0,
    "THRESH_BINARY_INV": 1,
    "THRESH_OTSU": 8,
    "COLOR_BGR2GRAY": 6,
    "COLOR_RGB2GRAY": 7,
    "INTER_AREA": 3,
    "INTER_LINEAR": 1,
    "INTER_CUBIC": 2,
    "INTER_NEAREST": 0,
}


def opencv() -> Any:
    """The module cv2."""
    module = Nothing(name="cv2")
    for name, number in MODES.items():
        setattr(module, name, number)
    for function in (threshold, resize, cvtColor):
        setattr(module, function.__name__, _of_arrays(function))
    return module


def threshold(picture: Any, limit: float, most: float, mode: int = 0) -> tuple[float, Any]:
    """The limit, and a picture of two values: above it and below it."""
    above = picture > limit
    return limit, np.where(above != bool(mode & 1), most, 0).astype(picture.dtype)


def resize(picture: Any, size: tuple[int, int], *args: Any, **kwargs: Any) -> Any:
    """The picture with another number of columns and rows, from the nearest points."""
    columns, rows = size
    at = np.arange(rows) * picture.shape[0] // rows, np.arange(columns) * picture.shape[1] // columns
    return picture[np.ix_(*at)]


def cvtColor(picture: Any, mode: int = 0) -> Any:
    """The mean of the colours of a picture."""
    return picture.mean(axis=-1).astype(picture.dtype) if picture.ndim == 3 and mode in (6, 7) else picture


def _of_arrays(function: Any) -> Any:
    """A function that does nothing with what is no picture."""

    def call(picture: Any, *args: Any, **kwargs: Any) -> Any:
        found = picture.data() if isinstance(picture, Nothing) else picture
        given = np.asarray(plain(found)) if found is not None else np.zeros(0)
        if given.ndim < 2:
            return picture
        made = function(given, *plain(args), **plain(kwargs))
        return (made[0], leaf(made[1], "data")) if isinstance(made, tuple) else leaf(made, "data")

    return call
