"""The plan of a check: projections first, then elements, all of them or a sample of every array."""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.comparison import TOLERANCE, Comparison
from clearprop.gradcheck.differences import central
from clearprop.gradcheck.objective import Objective, noise
from clearprop.gradcheck.projection import Line
from clearprop.gradcheck.report import INCONCLUSIVE, RIGHT, WRONG, TensorResult
from clearprop.registry import choose, require

METHODS = ("auto", "projection", "full")
SAMPLES = 48  # elements of every array, where not all of them can be compared


def run_plan(
    objective: Objective,
    analytic: dict[str, Array],
    method: str = "auto",
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> tuple[list[TensorResult], dict[str, Array], list[str]]:
    """Compare gradients with slopes.

    Parameters
    ----------
    objective : Objective
    analytic : dict of str to array
        Gradients by the names of the objective's arrays; what is missing or has the wrong shape is called wrong.
    method : {"auto", "projection", "full"}
        "projection" takes two evaluations of the function, whatever the size. "full" compares every element. "auto" does
        so too where there are few; otherwise it projects, and then compares a sample of every array, and all of those
        that fail.
    tolerance : float
        Relative error up to which a gradient is right.
    seed : int
        For directions, samples and steps aside.

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
        names = [TensorResult(name, array.shape, INCONCLUSIVE) for name, array in objective.arrays.items()]
        return names, {}, [f"The function is {value} at the given point, so there is nothing to differentiate."]
    fitted, faults = fit_shapes(objective, analytic)
    slack = {name: _rounding(analytic[name]) for name in fitted}
    if method == "projection":
        return [*faults, project(objective, fitted, tolerance, rng, value)], {}, []
    comparison = Comparison(objective, fitted, noise(objective, rng), rng, tolerance, slack)
    everything = method == "full" or objective.size() <= objective.cheap
    whole = everything or project(objective, fitted, tolerance, rng, value).verdict == RIGHT
    found = {result.name: result for result in faults}
    for name in found:  # not comparable, but its slopes may tell that it is transposed
        array = objective.arrays[name]
        if name in analytic and array.size <= objective.cheap:
            slopes = central(objective, name, np.arange(array.size), comparison.noise)
            comparison.numeric[name] = slopes.value.reshape(array.shape)
    for name in fitted:
        found[name] = _compare(comparison, name, everything, whole, rng, value)
    return [found[name] for name in objective.arrays], comparison.numeric, []


def project(
    objective: Objective, analytic: dict[str, Array], tolerance: float, rng: np.random.Generator, value: float
) -> TensorResult:
    """One slope along a random line through all arrays of `analytic`."""
    line = Line(objective, list(analytic), rng)
    projected = line.project(analytic)
    slack = {"t": float(np.sqrt(sum((_rounding(a) ** 2) * a.size for a in analytic.values())))}
    # Rounding adds up over the line, and is not measured, to keep to two evaluations.
    result = Comparison(line, projected, 16 * objective.eps * abs(value), rng, max(tolerance, 1e-4), slack).array("t")
    name = next(iter(analytic)) if len(analytic) == 1 else "all, projected"
    shape = (sum(a.size for a in analytic.values()),)
    return TensorResult(
        name,
        shape,
        result.verdict,
        result.error,
        None,
        result.analytic,
        result.numeric,
        0,
        result.kinks,
        "one random projection",
    )


def _compare(
    comparison: Comparison, name: str, everything: bool, whole: bool, rng: np.random.Generator, value: float
) -> TensorResult:
    """All elements of one array, or a sample first, and all that can be afforded if something is wrong."""
    size = comparison.analytic[name].size
    if everything or size <= SAMPLES:
        return comparison.array(name)
    if not whole:
        only = {name: comparison.analytic[name]}
        whole = project(comparison.objective, only, comparison.tolerance, rng, value).verdict != WRONG
    result = comparison.array(name, sample(comparison.analytic[name], rng, SAMPLES))
    if whole and result.verdict != WRONG:
        return result
    cheap = comparison.objective.cheap
    return comparison.array(name, None if size <= cheap else sample(comparison.analytic[name], rng, cheap // 10))


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
    """The gradients that have the shape of their array, as float64, and a verdict on those that have not."""
    fitted, faults = {}, []
    for name, array in objective.arrays.items():
        given = analytic.get(name)
        if given is None:
            faults.append(TensorResult(name, array.shape, WRONG, note="no gradient was given for it"))
        elif given.shape == array.shape or (given.size == array.size and _squeezed(given) == _squeezed(array)):
            fitted[name] = np.ascontiguousarray(given, dtype=np.float64).reshape(array.shape)
        else:
            note = f"its gradient has shape {given.shape}; it must have the shape of the array itself, {array.shape}"
            faults.append(TensorResult(name, array.shape, WRONG, note=note))
    return fitted, faults


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(n for n in array.shape if n != 1)


def _rounding(gradient: Array) -> float:
    """How far off a gradient may be for the rounding of its own sums, in the precision that its values show."""
    largest = float(np.abs(gradient).max(initial=0.0))
    if not math.isfinite(largest):
        return 0.0
    with np.errstate(over="ignore"):
        single = np.array_equal(gradient.astype(np.float32), gradient)
    whole = np.array_equal(gradient, np.round(gradient))  # 0, 1, -2 are exact in any precision
    if not single or whole:
        return float(8 * np.finfo(np.float64).eps * largest)
    return float(16 * np.finfo(np.float16 if gradient.dtype == np.float16 else np.float32).eps * largest)
