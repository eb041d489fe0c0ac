"""Seeded, stratified splits of the rows into training, validation and test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.arrays import brief
from clearprop.errors import DataError, OptionError

Rows = NDArray[np.int64]


def split_rows(groups: NDArray[Any], counts: dict[str, int], rng: np.random.Generator) -> dict[str, Rows]:
    """Row numbers of "train" and of each part in `counts`, in ascending order within each part.

    Every class appears in each part in proportion to its size, to within one example. A class always keeps at least one
    example in training: a class with a single example is not split, and a part may come out smaller than asked for.

    Parameters
    ----------
    groups : array (N,) of int
        The class of each example; all zeros where there are no classes.
    counts : dict of str to int
        Number of examples for each part but training.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to array of int

    Examples
    --------
    >>> parts = split_rows(np.array([0, 0, 0, 0, 1, 1]), {"test": 3}, np.random.default_rng(0))
    >>> len(parts["train"]), len(parts["test"])
    (3, 3)
    """
    owner = np.zeros(len(groups), dtype=np.int64)  # 0 is training
    for number, count in enumerate(counts.values(), start=1):
        free = np.flatnonzero(owner == 0)
        _, group, sizes = np.unique(groups[free], return_inverse=True, return_counts=True)
        shuffled = rng.permutation(len(free))
        # A stable sort by class keeps the random order within each class; the first of each are taken.
        by_class = shuffled[np.argsort(group[shuffled], kind="stable")]
        starts = np.cumsum(sizes) - sizes
        for start, taken in zip(starts, _shares(sizes, count), strict=True):
            owner[free[by_class[start : start + taken]]] = number
    return {part: np.flatnonzero(owner == number) for number, part in enumerate(["train", *counts])}


def split_groups(groups: NDArray[Any], counts: dict[str, int], rng: np.random.Generator) -> dict[str, Rows]:
    """Row numbers of "train" and of each part in `counts`, with all rows of a group in the same part.

    A part holds about as many rows as asked for: groups in random order, until it is full.

    Examples
    --------
    >>> parts = split_groups(np.array(["a", "a", "b", "b", "c", "c"]), {"test": 2}, np.random.default_rng(0))
    >>> len(parts["train"]), len(parts["test"])
    (4, 2)
    """
    _, group, sizes = np.unique(groups.astype(str), return_inverse=True, return_counts=True)
    waiting = rng.permutation(len(sizes)).tolist()
    owner = np.zeros(len(sizes), dtype=np.int64)
    for number, count in enumerate(counts.values(), start=1):
        taken = 0
        while len(waiting) > 1 and taken + sizes[waiting[-1]] / 2 <= count:
            taken += sizes[waiting[-1]]
            owner[waiting.pop()] = number
    return {part: np.flatnonzero(owner[group] == number) for number, part in enumerate(["train", *counts])}


def split_times(times: NDArray[Any], counts: dict[str, int]) -> dict[str, Rows]:
    """Row numbers by time: the first rows for "train", then those of each part in `counts`, in its order.

    Examples
    --------
    >>> {part: rows.tolist() for part, rows in split_times(np.array([3, 1, 2, 4]), {"val": 1, "test": 1}).items()}
    {'train': [1, 2], 'val': [0], 'test': [3]}
    """
    order = np.argsort(times, kind="stable")
    ends = np.cumsum([len(times) - sum(counts.values()), *counts.values()])
    starts = [0, *ends[:-1]]
    return {part: order[a:b] for part, a, b in zip(["train", *counts], starts, ends, strict=True)}


def _shares(sizes: Rows, count: int) -> Rows:
    """Number of examples to take from each class: proportional, summing to `count`, and leaving one of each class."""
    room = sizes - 1
    exact = count * sizes / sizes.sum()
    taken: Rows = np.minimum(np.floor(exact).astype(np.int64), room)
    while taken.sum() < count and (taken < room).any():
        short = np.where(taken < room, exact - taken, -np.inf)
        taken[np.argmax(short)] += 1
    return taken


def part_size(part: str, share: float | int, n: int) -> int:
    """Number of examples that `share` means: a fraction below 1 of n, or a count.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if isinstance(share, bool) or not isinstance(share, (int, float, np.integer, np.floating)) or not share >= 0:
        raise OptionError(f"{part} must be a fraction below 1 or a number of examples, not {brief(share)}.")
    if isinstance(share, (int, np.integer)):
        return int(share)
    if share >= 1:
        raise OptionError(f"{part} must be a fraction below 1 or a whole number of examples, not {brief(share)}.")
    return round(float(share) * n)


def require_rest(name: str, n: int, counts: dict[str, int]) -> None:
    """Raise a `DataError` unless examples are left for training."""
    if sum(counts.values()) >= n:
        asked = " and ".join(f"{part}={count}" for part, count in counts.items())
        raise DataError(f"{name} has {n} examples to split, and {asked} would leave none for training; ask for fewer.")
