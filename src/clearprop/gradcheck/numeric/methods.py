"""The methods of a check: one projection, every element, or a projection and a sample of every array."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.comparator import TOLERANCE, Comparator
from clearprop.gradcheck.numeric.differences import central
from clearprop.gradcheck.numeric.objective import Objective, noise
from clearprop.gradcheck.numeric.projection import own_rounding, project
from clearprop.gradcheck.report import INCONCLUSIVE, RIGHT, WRONG, TensorResult
from clearprop.registry import choose, require

Method = Literal["auto", "projection", "full"]
METHODS: tuple[Method, ...] = ("auto", "projection", "full")
SAMPLES = 48  # elements of every array, where not all of them can be compared


def compare_gradients(
    objective: Objective,
    analytic: dict[str, Array],
    method: Method = "auto",
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> tuple[list[TensorResult], dict[str, Array], list[str]]:
    """Compare gradients with finite differences.

    Parameters
    ----------
    objective : Objective
    analytic : dict of str to array
        Gradients by the names of the objective's arrays; a gradient that is missing or has the wrong shape is wrong.
    method : {"auto", "projection", "full"}
        "projection" takes two evaluations of the function, whatever the size. "full" compares every element. "auto" does
        so too where there are few; otherwise it projects, then compares a sample of every array, and all elements of
        those that fail.
    tolerance : float
        Relative error up to which a gradient is right.
    seed : int
        Seed for directions, samples, and moves off a kink.

    Returns
    -------
    results : list of TensorResult
    numeric : dict of str to array
        The slopes, NaN where none was taken.
    notes : list of str
    """
    choose("method", method, METHODS)
    require(0 < tolerance < 1, "tolerance", tolerance, "between 0 and 1, such as 1e-5")
    rng = np.random.default_rng(seed)
    value = objective.value()
    if not math.isfinite(value):
        return inconclusive(objective), {}, [f"The function is {value} at the given point, so it has no derivative there."]
    fitted, misfits = fit_shapes(objective, analytic)
    slack = {name: own_rounding(analytic[name]) for name in fitted}
    if method == "projection":
        return [*misfits, project(objective, fitted, tolerance, rng, value)], {}, []
    comparator = Comparator(objective, fitted, noise(objective, rng), rng, tolerance, slack)
    everything = method == "full" or objective.size() <= objective.cheap
    whole = everything or project(objective, fitted, tolerance, rng, value).verdict == RIGHT
    found = {result.name: result for result in misfits}
    for name in found:  # not comparable, but its slopes may tell that it is transposed
        array = objective.arrays[name]
        if name in analytic and array.size <= objective.cheap:
            slopes = central(objective, name, np.arange(array.size), comparator.noise)
            comparator.numeric[name] = slopes.value.reshape(array.shape)
    for name in fitted:
        found[name] = _compare(comparator, name, everything, whole, rng, value)
    return [found[name] for name in objective.arrays], comparator.numeric, []


def inconclusive(objective: Objective) -> list[TensorResult]:
    """The results for a function that cannot be differentiated."""
    return [TensorResult(name, array.shape, INCONCLUSIVE) for name, array in objective.arrays.items()]


def _compare(
    comparator: Comparator, name: str, everything: bool, whole: bool, rng: np.random.Generator, value: float
) -> TensorResult:
    """Compare all elements of one array; or a sample first, and as many as is affordable if something is wrong."""
    size = comparator.analytic[name].size
    if everything or size <= SAMPLES:
        return comparator.compare(name)
    if not whole:
        only = {name: comparator.analytic[name]}
        whole = project(comparator.objective, only, comparator.tolerance, rng, value).verdict != WRONG
    result = comparator.compare(name, sample(comparator.analytic[name], rng, SAMPLES))
    if whole and result.verdict != WRONG:
        return result
    cheap = comparator.objective.cheap
    return comparator.compare(name, None if size <= cheap else sample(comparator.analytic[name], rng, cheap // 10))


def sample(gradient: Array, rng: np.random.Generator, count: int) -> Array:
    """Elements to compare: half of them at random among those that are not 0, a few of the largest, the rest anywhere."""
    flat = np.abs(gradient).reshape(-1)
    alive = np.flatnonzero(flat)
    largest = np.argsort(-flat, kind="stable")[: count // 8]
    parts = [largest, rng.choice(flat.size, count // 4, replace=False)]
    if len(alive):
        parts.append(rng.choice(alive, min(len(alive), count // 2), replace=False))
    return np.unique(np.concatenate(parts))


def fit_shapes(objective: Objective, analytic: dict[str, Array]) -> tuple[dict[str, Array], list[TensorResult]]:
    """The gradients that have the shape of their array, as float64, and the results for those that do not."""
    fitted, misfits = {}, []
    for name, array in objective.arrays.items():
        given = analytic.get(name)
        if given is None:
            misfits.append(TensorResult(name, array.shape, WRONG, note="no gradient was given for it"))
        elif given.shape == array.shape or (given.size == array.size and _squeezed(given) == _squeezed(array)):
            fitted[name] = np.ascontiguousarray(given, dtype=np.float64).reshape(array.shape)
        else:
            note = f"its gradient has shape {given.shape}; it must have the shape of the array itself, {array.shape}"
            misfits.append(TensorResult(name, array.shape, WRONG, note=note))
    return fitted, misfits


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(n for n in array.shape if n != 1)
