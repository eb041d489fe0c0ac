"""The task, classification or regression, inferred from the targets; and the targets in the form that the task needs.

The rule: texts, booleans and one-hot rows are classes. Whole numbers (also written 1.0) are classes if there are exactly
two different ones, or at most 20 (in an array of integer dtype: any number) that each occur twice or more on average.
Rows of several zeros and ones are sets of labels, each a class of its own. Everything else is a regression. The argument
`task` overrides the rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.data.notes import some
from clearprop.data.raw import TASKS, Label, Raw, Task
from clearprop.data.tidying import note_of_case
from clearprop.errors import DataError
from clearprop.registry import choose

MOST_CLASSES = 20
MOST_ONCE = 8  # labels that may all be different, in a tiny table
SEVERAL = 5  # whole numbers that may just as well be amounts
FEW = 3  # examples below which a class is said to be rare
BESIDE_EVEN = 0.3  # share, in terms of an even one, below which a class is said to be rare
UNEVEN = 0.05  # share of the rows below which a class is said to be rare


def settle_task(raw: Raw, task: Task | None) -> tuple[Task, dict[str, Array]]:
    """The task, and the y of each part: labels (N,) for classification, reals (N, n_y) for regression.

    Raises
    ------
    DataError
        If a part lacks y, the targets do not suit the task, or there is only one class.
    UnknownNameError
        If `task` is not one of the two words.
    """
    if task is not None:
        choose("task", task, TASKS)
    found = {}
    for part, (X, y) in raw.parts.items():
        if y is None:
            raise DataError(f"{raw.name} holds {len(X)} examples but no targets; add y, one for each example.")
        found[part] = y
    if task != "regression" and all(is_multi_label(y) for y in found.values()):
        found = {part: np.array([",".join(map(str, row)) for row in y.astype(np.int64).tolist()]) for part, y in found.items()}
    everything = np.concatenate(list(found.values()))
    labelled = everything.dtype.kind in "iu" and isinstance(raw.parts["train"][0], np.ndarray)
    most = len(everything) if labelled else MOST_CLASSES
    task = task or raw.task or ("classification" if holds_classes(everything, most) else "regression")
    if task == "regression":
        return task, {part: reals(raw.name, raw.targets[0], y) for part, y in found.items()}
    labels = {part: class_labels(raw.name, y) for part, y in found.items()}
    classes = np.unique(np.concatenate(list(labels.values())))
    if len(classes) < 2:
        raise DataError(
            f"{raw.name} has one class only ({classes[0]!s}) in {len(everything)} examples; add examples of another."
        )
    return task, labels


def target_notes(raw: Raw, y: dict[str, Array], classes: list[Label], asked: Task | None = None) -> list[str]:
    """Notes on the classes of a table: numbers that were not asked for as classes, rare ones, names alike but for capitals.

    Raises
    ------
    DataError
        If nearly every label is different.
    """
    if not classes or isinstance(raw.parts["train"][0], np.ndarray):
        return []
    values, counts = np.unique(np.concatenate(list(y.values())), return_counts=True)
    if len(values) > MOST_ONCE and 2 * len(values) > counts.sum() and values.dtype.kind == "U":
        raise DataError(
            f"{raw.name} has the target {raw.targets[0]!r} with {len(values)} labels in {counts.sum()} rows, nearly all"
            f" different; name the column to predict with target (--target), such as {some(raw.features)}."
        )
    notes = []
    if asked is None and raw.task is None and len(values) >= SEVERAL and values.dtype.kind in "iuf":
        notes.append(
            f"The {len(values)} different whole numbers of the target {raw.targets[0]} are taken as classes; task='regression'"
            " (--task regression) takes them as numbers."
        )
    rare = [(value, int(count)) for value, count in zip(values.tolist(), counts, strict=True) if count < FEW]
    if rare:
        shown = some(f"{value} ({count})" for value, count in rare)
        notes.append(f"Classes with fewer than {FEW} examples, which can hardly be learned or measured: {shown}.")
    elif is_uneven(counts):
        share = 100 * counts.min() / counts.sum()
        notes.append(
            f"Only {share:.2g} % of the rows are of the class {values[counts.argmin()]}; look at the recall of each class"
            " rather than at the accuracy (class_weight='balanced', --class-weight balanced, weighs it up)."
        )
    if values.dtype.kind == "U":
        notes += note_of_case(raw.targets[0], values.tolist())
    return notes


def is_uneven(counts: Array) -> bool:
    """Whether the rarest class, of which there are `counts` (C,), is rare in itself and beside an even share."""
    return bool(counts.min() < UNEVEN * counts.sum() and counts.min() * len(counts) < BESIDE_EVEN * counts.sum())


def holds_classes(y: Array, most: int = MOST_CLASSES) -> bool:
    """Whether targets are classes, by the rule of this module; more than `most` different values are not.

    Examples
    --------
    >>> holds_classes(np.array([0, 1, 1, 0])), holds_classes(np.array([0.5, 1.5, 2.0, 3.0]))
    (True, False)
    """
    if y.dtype.kind not in "fiu":
        return True
    if y.ndim == 2:
        return is_one_hot(y)
    values = np.unique(y)
    if not np.array_equal(values, np.round(values)):
        return False
    return len(values) <= 2 or (len(values) <= most and 2 * len(values) <= len(y))


def is_one_hot(y: Array) -> bool:
    """Whether each row of y (N, n_y) is one 1 among zeros."""
    return y.ndim == 2 and y.shape[1] > 1 and bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def is_multi_label(y: Array) -> bool:
    """Whether the rows of y (N, n_y) are sets of labels: zeros and ones, not one 1 in each. Each set is a class then.

    Examples
    --------
    >>> is_multi_label(np.array([[1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]]))
    True
    """
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "fiub" or is_one_hot(y) or not np.isin(y, (0, 1)).all():
        return False
    return 2 * len(np.unique(y, axis=0)) <= len(y)


def class_labels(name: str, y: Array) -> Array:
    """Labels (N,): one-hot rows become column numbers, whole floats become integers, other values texts.

    Raises
    ------
    DataError
        If y is a matrix whose rows are not one-hot.
    """
    if y.ndim == 2:
        if not is_one_hot(y):
            raise DataError(f"{name} has y as {describe(y)}, not one-hot; give labels (N,), or task='regression'.")
        return np.asarray(y.argmax(axis=1).astype(np.int64))
    if y.dtype.kind == "i" or (y.dtype.kind == "u" and y.max() < 2**63):
        return y.astype(np.int64)
    if y.dtype.kind == "f":
        whole = np.array_equal(y, np.round(y)) and np.abs(y).max() < 2**53
        return y.astype(np.int64 if whole else np.float64)
    return y if y.dtype.kind in "bU" else np.array([str(label) for label in y])


def reals(name: str, target: str, y: Array) -> Array:
    """Regression targets (N, n_y) as float64.

    Raises
    ------
    DataError
        If they are not numbers.
    """
    if y.dtype.kind not in "fiu":
        bad = next((str(value) for value in y if not isinstance(value, (int, float))), str(y[0]))
        raise DataError(
            f"{name} has a target {target!r} with values such as {bad!r}, but regression needs numbers; "
            "use task='classification', or name another target."
        )
    return np.asarray(y.astype(np.float64).reshape(len(y), -1))


def class_numbers(labels: Array, classes: list[Label]) -> Array:
    """The position (N,) of each label among the sorted `classes`, as int64.

    Raises
    ------
    DataError
        If a label is not among them.
    """
    known: Array = np.array(classes)
    try:
        labels = np.asarray(labels)
    except ValueError:  # ragged
        labels = np.zeros(0)
    if labels.ndim != 1 or (known.dtype.kind != "U" and labels.dtype.kind not in "fiubUS"):
        raise DataError(f"Labels are numbers or texts, one for each example (N,), not {describe(labels)}.")
    if known.dtype.kind == "U" and labels.dtype.kind != "U":
        labels = np.array([str(label) for label in labels])
    places = np.minimum(np.searchsorted(known, labels), len(known) - 1)
    strange = known[places] != labels
    if np.any(strange):
        value: Any = labels[np.argmax(strange)]
        listed = ", ".join(map(str, classes[:20]))
        raise DataError(f"The label {value!s} is none of the {len(known)} known classes ({listed}); correct it.")
    return np.asarray(places.astype(np.int64))
