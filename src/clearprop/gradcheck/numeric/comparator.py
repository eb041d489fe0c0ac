"""The comparator: analytic against numeric gradients, element by element, and the verdict about each array.

An agreement counts only where the slope is known sharply enough to tell a wrong gradient apart. An absolute tolerance beside
the relative one would pass anything once the numbers are small, so there is none: slopes below the rounding noise of the
function are measured with wider steps, and what cannot be measured is inconclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.differences import Slopes, central, climb
from clearprop.gradcheck.numeric.kinks import BESIDE, DISAGREES, OPEN, RECHECKED, look_again
from clearprop.gradcheck.numeric.objective import Objective
from clearprop.gradcheck.report import INCONCLUSIVE, RIGHT, WRONG, TensorResult, Verdict

TOLERANCE = 1e-5  # relative error of a right gradient, beyond what rounding and truncation explain
RESOLUTION = 2e-4  # relative accuracy of a slope at which an agreement counts; an error of 0.05 % is then seen
SMALL = 512  # elements below the noise that are measured again with other steps, where there are more
WIDE = 2.0**16  # step, in usual ones, at which an element without effect must still have none


@dataclass
class Comparator:
    """Compares the gradients of one objective with its slopes, array by array.

    Attributes
    ----------
    objective : Objective
    analytic : dict of str to array
        The gradients under test, each of the shape of its array.
    noise : float
        Bound on the rounding noise of the objective's value.
    rng : numpy.random.Generator
        Draws the elements measured again, and the moves off a kink.
    tolerance : float
        Relative error up to which a gradient is right.
    slack : dict of str to float
        Bound on the rounding error of the analytic gradients themselves.
    numeric : dict of str to array
        The slopes found so far; NaN where none was taken.
    """

    objective: Objective
    analytic: dict[str, Array]
    noise: float
    rng: np.random.Generator
    tolerance: float = TOLERANCE
    slack: dict[str, float] = field(default_factory=dict)
    numeric: dict[str, Array] = field(default_factory=dict)

    @property
    def resolution(self) -> float:
        """`RESOLUTION`, or the best that the precision of the objective allows, if that is coarser."""
        return max(RESOLUTION, self.tolerance, float(500 * self.objective.eps ** (2 / 3)))

    def compare(self, name: str, index: Array | None = None) -> TensorResult:
        """Compare some elements of an array (by default all of them), given in flat order."""
        wanted_all = self.analytic[name].reshape(-1)
        index = np.arange(wanted_all.size) if index is None else index
        wanted = wanted_all[index]
        slopes = central(self.objective, name, index, self.noise)
        agree, sharp = self._judge(name, wanted, slopes, 1.0)
        done = (agree & sharp) | self._without_effect(name, index, wanted, slopes)
        dust = 64 * np.finfo(np.float64).eps * self._largest()  # the rest of sums that cancel
        todo = self._care(done, agree, wanted, slopes)
        if len(todo):
            better = climb(self.objective, name, index[todo], self.noise, self.resolution / 4, wanted[todo])
            improved = todo[np.isfinite(better.value)]
            kept = np.isfinite(better.value)
            for old, new in ((slopes.value, better.value), (slopes.error, better.error), (slopes.step, better.step)):
                old[improved] = new[kept]
            agree, sharp = self._judge(name, wanted, slopes, 2.0)
            done |= agree & sharp
        done |= (np.abs(wanted) <= dust) & (np.abs(slopes.value) <= dust)
        self.numeric[name] = np.full(wanted_all.size, np.nan)
        self.numeric[name][index] = slopes.value
        self.numeric[name] = self.numeric[name].reshape(self.analytic[name].shape)
        weak = agree & ~done
        weak &= ~self._negligible(wanted, slopes, weak)
        states = self._confirm(name, index, wanted, slopes, np.flatnonzero(~agree & ~done))
        if weak.any() and self.objective.gradient() is not None:  # a kink too near to be measured may hide them
            beside = self._confirm(name, index, wanted, slopes, np.flatnonzero(weak))
            weak[[k for k, state in beside.items() if state != OPEN]] = False
            states |= {k: state for k, state in beside.items() if state != OPEN}
        return self._result(name, index, wanted, slopes, weak, states)

    def _judge(self, name: str, wanted: Array, slopes: Slopes, times: float) -> tuple[Array, Array]:
        """Masks of the elements whose values agree, and of those whose slope is known sharply enough for that to count."""
        large = np.fmax(np.abs(wanted), np.abs(slopes.value))
        with np.errstate(invalid="ignore"):
            sharp = slopes.error + self.slack.get(name, 0.0) <= self.resolution * large
            room = self.tolerance * large + np.where(sharp, times, 5 * times) * slopes.error + self.slack.get(name, 0.0)
            agree = np.isfinite(slopes.value) & np.isfinite(wanted) & (np.abs(wanted - slopes.value) <= room)
            return agree, sharp

    def _without_effect(self, name: str, index: Array, wanted: Array, slopes: Slopes) -> Array:
        """Mask of the elements that do not change the function at all, not even with a wide step, and whose gradient is 0."""
        done = np.zeros(len(index), dtype=bool)
        still = np.flatnonzero((wanted == 0) & (slopes.value == 0))
        if len(still):
            with np.errstate(all="ignore"):
                above, below = self.objective.pairs(name, index[still], slopes.step[still] * WIDE)
            done[still] = above == below
        return done

    def _care(self, done: Array, agree: Array, wanted: Array, slopes: Slopes) -> Array:
        """The elements to measure again, as many as time allows: those that disagree, worst first; some that are too small."""
        limit = max(SMALL, self.objective.cheap // 4)
        off, small = np.flatnonzero(~done & ~agree), np.flatnonzero(~done & agree)
        if len(off) > limit:
            distance = np.nan_to_num(np.abs(wanted - slopes.value)[off], nan=np.inf)
            worst = off[np.argsort(-distance, kind="stable")[: limit // 2]]
            off = np.union1d(worst, self.rng.choice(off, limit // 2, replace=False))
        if len(small) > SMALL:
            small = self.rng.choice(small, SMALL, replace=False)
        return np.union1d(off, small)

    def _confirm(self, name: str, index: Array, wanted: Array, slopes: Slopes, off: Array) -> dict[int, int]:
        """The states of the elements that disagree, by position; only the worst, and a few others, are looked at again."""
        if not len(off):
            return {}
        with np.errstate(invalid="ignore"):
            ratio = np.abs(wanted - slopes.value)[off] / np.fmax(np.abs(wanted), np.abs(slopes.value))[off]
        broken = ~np.isfinite(wanted[off]) & np.isfinite(slopes.value[off])
        off_first = off[np.argsort(-np.nan_to_num(ratio, nan=-1.0), kind="stable")]
        first = off_first[: RECHECKED // 2]
        spread = self.rng.permutation(off_first[RECHECKED // 2 :])[: RECHECKED // 2]
        chosen = np.concatenate([first, spread])
        states = look_again(
            self.objective, name, index[chosen], slopes.step[chosen], self.noise, self.tolerance, self.resolution / 4, self.rng
        )
        found = dict(zip(chosen.tolist(), states.tolist(), strict=True))
        found |= dict.fromkeys(off[broken].tolist(), DISAGREES)
        rest = set(off.tolist()) - set(found)
        return found | dict.fromkeys(rest, max(found.values()) if DISAGREES not in found.values() else DISAGREES)

    def _result(
        self, name: str, index: Array, wanted: Array, slopes: Slopes, weak: Array, states: dict[int, int]
    ) -> TensorResult:
        """The verdict, and the element that shows it best."""
        shape = self.objective.arrays[name].shape
        state = np.zeros(len(index), dtype=int)
        state[list(states)] = list(states.values())
        unsure = weak | (state == OPEN)
        verdict: Verdict = RIGHT
        if (state == DISAGREES).any():
            verdict = WRONG
        elif unsure.sum() > len(index) / 2:
            verdict = INCONCLUSIVE
        pool = np.flatnonzero(state == DISAGREES) if verdict == WRONG else np.flatnonzero(~unsure & (state == 0))
        worst, error = self._show(wanted, slopes, pool)
        at = None if worst is None else tuple(int(i) for i in np.unravel_index(int(index[worst]), shape))
        return TensorResult(
            name=name,
            shape=shape,
            verdict=verdict,
            error=error,
            index=at,
            analytic=float("nan") if worst is None else float(wanted[worst]),
            numeric=float("nan") if worst is None else float(slopes.value[worst]),
            checked=len(index),
            kinks=int(unsure.sum()),
            note=_note(weak.sum(), (state == BESIDE).sum(), (unsure & ~weak).sum(), len(index), verdict),
        )

    def _negligible(self, wanted: Array, slopes: Slopes, weak: Array) -> Array:
        """Mask of the elements too small to measure that are also too small to matter, beside their array or all arrays."""
        own = float(np.abs(wanted[~weak]).max(initial=0.0))
        small = slopes.error <= self.resolution * own
        zero = np.fmax(np.abs(wanted), np.abs(slopes.value)) <= 2 * slopes.error
        tiny = slopes.error <= 1e-10 * max(self._largest(), self.noise / (4 * self.objective.eps))
        return small | (zero & tiny)

    def _largest(self) -> float:
        """The largest number in all gradients under test."""
        return max((float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in self.analytic.values()), default=0.0)

    def _show(self, wanted: Array, slopes: Slopes, pool: Array) -> tuple[int | None, float]:
        """The worst element of the pool and its relative error, over a floor that scales with the rounding noise."""
        if not len(pool):
            return None, float("nan")
        a, n = wanted[pool], slopes.value[pool]
        floor = np.where(np.isfinite(slopes.error[pool]), slopes.error[pool], 0.0) / self.resolution
        with np.errstate(all="ignore"):
            error = np.abs(a - n) / np.fmax(np.fmax(np.abs(a), np.abs(n)), floor)
        error = np.where((a == n) | ((a == 0) & (n == 0)), 0.0, np.nan_to_num(error, nan=np.inf))
        k = int(np.argmax(error))
        return int(pool[k]), float(error[k])


def _note(weak: int, beside: int, stuck: int, total: int, verdict: Verdict) -> str:
    """A remark on the elements that could not be compared where they are."""
    parts = []
    if beside:
        parts.append(f"{beside} of {total} stand on a kink (a ReLU at 0, say), and were compared right beside it")
    if stuck:
        parts.append(f"{stuck} of {total} are inconclusive here: the slopes on the two sides of a kink differ")
    if weak and verdict != WRONG:
        parts.append(f"{weak} of {total} are too small to be measured above the rounding noise of the function")
    return "; ".join(parts)
