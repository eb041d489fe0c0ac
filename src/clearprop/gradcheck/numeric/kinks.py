"""Kinks: a disagreement at a point without a derivative is no error, so it is looked at again beside that point."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.differences import climb, one_sided_gap
from clearprop.gradcheck.numeric.objective import Objective, scale

RECHECKED = 16  # disagreeing elements of an array that are looked at again before the array is called wrong
MOVES = 3
FAR = 1e-3  # of the size of an array: far enough from the kink to differentiate, near enough to meet the same error

DISAGREES, BESIDE, OPEN, ROUNDED = 1, 2, 3, 4  # states of an element that was looked at again


def look_again(
    objective: Objective,
    name: str,
    index: Array,
    step: Array,
    noise: float,
    tolerance: float,
    resolution: float,
    rng: np.random.Generator,
) -> Array:
    """Look again at elements whose gradient and slope disagree, at points beside this one.

    Parameters
    ----------
    step : array (K,)
        The steps with which the slopes were taken.

    Returns
    -------
    array (K,) of int
        DISAGREES: so they do beside this point, or there is no kink. BESIDE: right beside this point. OPEN: on a kink,
        and could not be moved off it. ROUNDED: the difference is the gradient's own rounding.
    """
    if objective.gradient() is None:
        return np.where(kinked(objective, name, index, step, noise), OPEN, DISAGREES)
    point = {key: array.copy() for key, array in objective.arrays.items()}
    states = np.full(len(index), OPEN)
    try:
        for _ in range(MOVES):
            todo = np.flatnonzero(states == OPEN)
            if not len(todo):
                break
            objective.place({key: array + FAR * scale(array) * rng.uniform(-1, 1, array.shape) for key, array in point.items()})
            gradient = objective.gradient()
            assert gradient is not None
            wanted = gradient[name].reshape(-1)[index[todo]]
            slopes = climb(objective, name, index[todo], noise, resolution, wanted)
            large = np.fmax(np.abs(wanted), np.abs(slopes.value))
            sharp = slopes.error <= resolution * large
            off = np.abs(wanted - slopes.value) - tolerance * large - np.where(sharp, 2, 10) * slopes.error
            far = ~(off <= 8 * _jitter(objective, name, index[todo], wanted, rng))
            clear = far & ~kinked(objective, name, index[todo], slopes.step, noise)
            sure = ~far & (sharp | (off > 0) | ((wanted == 0) & (slopes.value == 0)))
            states[todo[sure]] = np.where(off[sure] <= 0, BESIDE, ROUNDED)
            states[todo[clear & np.isfinite(slopes.value)]] = DISAGREES
    finally:
        objective.place(point)
    return states


def kinked(objective: Objective, name: str, index: Array, step: Array, noise: float) -> Array:
    """Whether a ReLU is seen to flip, or the slopes on the two sides differ, within a small step of each element."""
    with np.errstate(all="ignore"):
        gap = one_sided_gap(objective, name, index, step, noise)
    return objective.flips(name, index, step / 2.0**8) | (gap > 0)


def _jitter(objective: Objective, name: str, index: Array, wanted: Array, rng: np.random.Generator) -> Array:
    """Change (K,) of the gradient under test when the point changes in its last digits.

    Where large terms cancel (a bias before a BatchNorm, which subtracts it again), the gradient is nothing but rounding.
    """
    point = {key: array.copy() for key, array in objective.arrays.items()}
    most = np.zeros(len(index))
    for _ in range(3):
        objective.place({key: a * (1 + 2.0**-51 * rng.integers(-2, 3, a.shape)) for key, a in point.items()})
        gradient = objective.gradient()
        if gradient is not None:
            most = np.fmax(most, np.abs(gradient[name].reshape(-1)[index] - wanted))
    objective.place(point)
    return most
