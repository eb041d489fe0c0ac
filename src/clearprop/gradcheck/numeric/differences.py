"""Central differences, element by element, with the step that each element needs.

(f(x + h) - f(x - h)) / 2h is off by h^2 f''' / 6 for the curvature that it ignores, and by noise / h for the rounding of f.
The step eps^(1/3) max(1, |x|), as in `scipy.optimize`, balances the two for ordinary functions. Where it does not, a ladder
of smaller and larger steps is climbed. On each rung the difference is also taken with half the step: the change shows the
truncation error, and (4 D(h/2) - D(h)) / 3 removes its leading part (Richardson).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.objective import Objective, scale

# Steps, as powers of two times the usual one.
RUNGS = (0, -4, 4, -8, 8, -12, 12, 16, -16, 20, -22, 24, 28, -28, 32, 36, -34, -40)


@dataclass
class Slopes:
    """Numeric derivatives with respect to some elements of one array.

    Attributes
    ----------
    value : array (K,)
    error : array (K,)
        Bound on the error of `value`, truncation and rounding together; infinite where there was no finite value.
    step : array (K,)
        The step that was used.
    """

    value: Array
    error: Array
    step: Array


def usual_steps(x: Array, eps: float) -> Array:
    """The step for each element: eps^(1/3) max(1, |x|).

    Examples
    --------
    >>> usual_steps(np.array([0.5, -100.0]), eps=2.0**-51)
    array([7.62939453e-06, 7.62939453e-04])
    """
    return eps ** (1 / 3) * np.maximum(1.0, np.abs(x))


def central(objective: Objective, name: str, index: Array, noise: float) -> Slopes:
    """One central difference for each element, with the usual step; its truncation error is not known."""
    x = objective.arrays[name].reshape(-1)[index]
    h = usual_steps(x, objective.eps)
    value, wide = _difference(objective, name, index, x, h)
    return Slopes(value, np.where(np.isfinite(value), 2 * noise / wide, np.inf), h)


def climb(objective: Objective, name: str, index: Array, noise: float, resolution: float, wanted: Array) -> Slopes:
    """The best difference on the ladder of steps, for elements that need care.

    Parameters
    ----------
    wanted : array (K,)
        The gradient under test. An element is done once its slope is known to `resolution` times the larger of both.
    """
    x = objective.arrays[name].reshape(-1)[index]
    usual = usual_steps(x, objective.eps)
    own = objective.eps ** (1 / 3) * scale(objective.arrays[name]).reshape(-1)[index]  # for numbers far below 1
    best = Slopes(np.full(len(index), np.nan), np.full(len(index), np.inf), usual.copy())
    for rung, unit in [(0, usual), (0, own), *((rung, usual) for rung in RUNGS[1:])]:
        large = np.fmax(np.abs(wanted), np.abs(best.value))
        known = best.error <= resolution * large
        if rung == 0:  # a disagreement is not believed before the step has been fitted to the numbers of the array
            known &= np.abs(wanted - best.value) <= 4 * resolution * large
        todo = np.flatnonzero(~known)
        if rung > 8:  # wide steps are for what rounding hides; where the curve is the trouble they make it worse
            todo = todo[2 * noise / best.step[todo] >= 0.1 * best.error[todo]]
        if not len(todo):
            continue
        h = unit[todo] * 2.0**rung
        coarse, _ = _difference(objective, name, index[todo], x[todo], h)
        fine, wide = _difference(objective, name, index[todo], x[todo], h / 2)
        value = (4 * fine - coarse) / 3
        with np.errstate(all="ignore"):  # x + h may be x itself, which shows as an infinite error
            error = np.abs(value - fine) + 4 * noise / wide
        # Two differences may agree by accident, wide ones more easily: where two steps contradict each other, the narrower
        # one is believed.
        apart = np.abs(value - best.value[todo]) - best.error[todo]
        contradicts = np.isfinite(apart) & (apart > error)
        error = np.where(contradicts & (h > best.step[todo]), np.fmax(error, apart), error)
        better = np.isfinite(value) & np.isfinite(error)
        better &= (error < best.error[todo]) | (contradicts & (h < best.step[todo]))
        for target, source in ((best.value, value), (best.error, error), (best.step, h)):
            target[todo[better]] = source[better]
    return best


def one_sided_gap(objective: Objective, name: str, index: Array, h: Array, noise: float) -> Array:
    """Difference of the slopes on the two sides, beyond what a smooth curve explains; 0 where there is none.

    For a smooth curve the gap is h f'': it halves when the step does. At a kink it stays.
    """
    middle = objective.value()
    gaps = []
    for step in (h, h / 4):
        above, below = objective.pairs(name, index, step)
        gaps.append((above - 2 * middle + below) / step)
    wide, narrow = np.abs(gaps[0]), np.abs(gaps[1])
    stays = (narrow > 0.6 * wide) & (narrow > 32 * noise / h)
    return np.where(stays, narrow, 0.0)


def _difference(objective: Objective, name: str, index: Array, x: Array, h: Array) -> tuple[Array, Array]:
    """Central differences and their widths, which rounding of x + h makes differ from 2h."""
    with np.errstate(all="ignore"):
        above, below = objective.pairs(name, index, h)
        wide = (x + h) - (x - h)
        return (above - below) / wide, wide
