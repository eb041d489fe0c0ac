"""What a data set holds, as plain JSON-able values: sizes, classes, the range of the features, their scaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.data.dataset import Dataset, Split
from clearprop.data.scaling import Scaling, moments


def profile(dataset: Dataset) -> dict[str, Any]:
    """Sizes, task, classes, features and scaling of a data set.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    dict
        "name", "task", "classes", "targets", "image_shape"; "splits": for each its "examples" and, for classification,
        how many of each class, or else the range of y; "features": their "count", and min, max, mean and std of X over
        the training split, as scaled; "scaling": what was done to the raw values, in words; "columns": a table's.

    Examples
    --------
    >>> from clearprop.data import load
    >>> profile(load("circles", val=0, test=0))["splits"]
    {'train': {'examples': 2000, 'classes': {'0': 1000, '1': 1000}}}
    """
    encoder = dataset.encoder
    return {
        "name": dataset.name,
        "task": dataset.task,
        "classes": list(dataset.classes),
        "targets": list(dataset.targets),
        "image_shape": list(dataset.image_shape) if dataset.image_shape else None,
        "splits": {name: _split_row(dataset, split) for name, split in dataset.splits.items()},
        "features": {"count": dataset.n_in, **_figures(dataset.train.X)},
        "scaling": _scaling_in_words(dataset),
        "columns": [column.to_json() for column in encoder.columns] if encoder else [],
    }


def _split_row(dataset: Dataset, split: Split) -> dict[str, Any]:
    if dataset.task == "regression":
        return {"examples": len(split), "y": _figures(split.y)}
    classes = split.y.ravel().astype(np.int64)  # a column of zeros and ones holds classes too
    counts = np.bincount(classes, minlength=len(dataset.classes)).tolist()
    return {"examples": len(split), "classes": dict(zip(map(str, dataset.classes), counts, strict=True))}


def _figures(X: Any) -> dict[str, float]:
    mean, std, low, high = moments(X)
    total = float(mean.mean())
    # Columns are of equal length: the variance over everything is the mean variance plus the variance of the means.
    spread = float(np.sqrt((std**2 + (mean - total) ** 2).mean()))
    return {"min": float(low.min()), "max": float(high.max()), "mean": total, "std": spread}


def _scaling_in_words(dataset: Dataset) -> str:
    encoder = dataset.encoder
    if encoder is None:
        return "none"
    if not isinstance(encoder.inputs, Scaling):
        numeric = [column for column in encoder.inputs if column.scaling]
        scaled = "scaled" if any(column.scaling != Scaling() for column in numeric) else "unscaled"
        return f"{len(numeric)} numeric columns {scaled}, {len(encoder.inputs) - len(numeric)} categorical one-hot"
    if encoder.inputs == Scaling():
        return "none"
    if len(encoder.inputs.shift) == 1:
        return f"(x - {encoder.inputs.shift[0]:g}) / {encoder.inputs.spread[0]:g}"
    return "each column shifted and divided by figures of the training split"
