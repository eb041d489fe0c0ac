"""Modules that are not installed, with the few of their functions that data go through."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.traced import plain
from clearprop.gradcheck.tracing.wrappers import leaf


def to_categorical(y: Any, num_classes: int | None = None, *args: Any, **kwargs: Any) -> Any:
    """One-hot rows, as in Keras."""
    classes = np.asarray(plain(y)).astype(int)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    return leaf(np.eye(int(num_classes or classes.max() + 1))[classes], "data")


def resized(picture: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
    """A picture of another size, as in OpenCV: (width, height)."""
    pixels = np.asarray(plain(picture.data("picture") if isinstance(picture, Nothing) else picture))
    rows, columns = (np.arange(n) * old // n for n, old in zip((size[1], size[0]), pixels.shape, strict=False))
    return leaf(pixels[rows][:, columns], "data")


def missing_module(name: str) -> Nothing:
    """The stand-in of a module that is not installed."""
    made = Nothing(name=name)
    if name == "cv2":
        made.resize, made.cvtColor = resized, lambda picture, *args: picture
    made.one_hot = to_categorical
    for holder in (made, made.utils, made.np_utils, made.utils.np_utils, made.keras.utils):
        holder.to_categorical = to_categorical
    return made
