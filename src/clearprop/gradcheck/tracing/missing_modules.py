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


def missing_module(name: str) -> Nothing:
    """The stand-in of a module that is not installed."""
    made = Nothing(name=name)
    made.one_hot = to_categorical
    for holder in (made, made.utils, made.np_utils, made.utils.np_utils, made.keras.utils):
        holder.to_categorical = to_categorical
    return made
