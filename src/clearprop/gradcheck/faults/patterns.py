"""Patterns of a wrong gradient against the right one, where the network is unknown.

Nothing is known but two arrays: their ratio, order and zeros still tell a lot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.report import Suspect

TOLERANCE = 1e-5
"""Accuracy to which a pattern must hold, relative to the largest number; numeric differences give seven digits or more."""

CONSTANT = "Look for a constant factor."
NEVER = "Look at what is never computed."
ORDER = "Look at shapes, axes and order."


@dataclass(frozen=True)
class Pattern:
    """The relation of one wrong array to the right one, with the fields of a `Suspect`; `clause` follows "The gradient is"."""

    slug: str
    title: str
    clause: str
    remedy: str
    hint: str = ORDER

    def suspect(self, subject: str) -> Suspect:
        """The pattern of a gradient, as a suspect."""
        return Suspect(self.slug, self.title, f"{subject} {self.clause}.", self.remedy, self.hint)


def name_patterns(
    analytic: dict[str, Array] | Array, numeric: dict[str, Array] | Array, batch: int | None = None
) -> list[Suspect]:
    """Name the patterns of wrong gradients.

    Parameters
    ----------
    analytic, numeric : array, or dict of str to array
        The gradients under test, and those found by differences.
    batch : int, optional
        B, to recognise a factor of B or 1/B.

    Returns
    -------
    list of Suspect
        Patterns of all wrong tensors first; then those of one.

    Examples
    --------
    >>> name_patterns(np.array([2.0, 4.0]), np.array([1.0, 2.0]))[0].sentence
    'The gradient is 2 times the right one.'
    """
    if not isinstance(analytic, dict) or not isinstance(numeric, dict):
        analytic, numeric = {"": np.asarray(analytic)}, {"": np.asarray(numeric)}
    pairs = {name: _floats(analytic[name], numeric[name]) for name in analytic if name in numeric}
    wrong = {name: pair for name, pair in pairs.items() if not _same(*pair)}
    patterns = {name: _pattern(*pair, batch) for name, pair in wrong.items()}
    found = _shared(patterns, len(pairs)) + _exchanged(wrong, pairs)
    shared = {suspect.fault for suspect in found}
    for name, pattern in patterns.items():
        if pattern is not None and pattern.slug not in shared:
            found.append(pattern.suspect(f"{f'd{name}' if name else 'The gradient'} is"))
    if len(wrong) == 1 < len(pairs):
        found.append(_only(next(iter(wrong))))
    return found


def _floats(a: Array, b: Array) -> tuple[Array, Array]:
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)


def _same(a: Array, b: Array) -> bool:
    """Equal to the exactness of numeric differences."""
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0.0) <= TOLERANCE * max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)))


def _pattern(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """The first pattern that relates one wrong array to the right one."""
    with np.errstate(all="ignore"):
        for rule in (_zero, _unused, _shape, _ratio, _clipped, _transposed, _axis, _permuted, _zeros):
            found = rule(a, b, batch)
            if found is not None:
                return found
    return None


def _zero(a: Array, b: Array, batch: int | None) -> Pattern | None:
    if a.any() or not b.any():
        return None
    clause = "zero everywhere (never filled in, or cut off)"
    return Pattern("zero", "gradient zero", clause, "whatever f depends on has a gradient", NEVER)


def _unused(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """A gradient of something that the function does not depend on."""
    if b.any() or not a.any():
        return None
    clause = "not zero, although f does not depend on it at all: the forward pass does not use it, or uses another in its place"
    return Pattern(
        "unused", "not used in the forward pass", clause, "use it in the forward pass, or give it no gradient", NEVER
    )


def _clipped(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """The right one, cut off at a bound."""
    if a.shape != b.shape or a.size < 3:
        return None
    top = float(np.abs(a).max())
    low = -top
    if not (np.abs(b) > top).any() or not _same(a, np.clip(b, low, top)):
        return None
    clause = f"the right one clipped to [{_number(low)}, {_number(top)}]"
    return Pattern("clipped", "clipped", clause, "compare before clipping; clipping belongs to the update", CONSTANT)


def _shape(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """Another shape: transposed, not summed, summed too much."""
    if a.shape == b.shape:
        return None
    remedy = "a gradient has the shape of its parameter"
    if a.ndim == b.ndim == 2 and _same(a.T, b):
        return Pattern("transposed", "transposed", "the transpose of the right one", remedy)
    for axis in range(a.ndim):
        if _same(np.sum(a, axis=axis).reshape(b.shape) if a.size // max(a.shape[axis], 1) == b.size else a, b):
            remedy = "a parameter that serves every example gets a sum"
            return Pattern("not-summed", "not summed", f"not summed over its axis {axis}", remedy)
    if a.size == 1 and _same(a.reshape(()), b.sum()):
        return Pattern("summed-to-scalar", "summed to one number", "summed to one number", remedy)
    if a.size == b.size and _same(a.reshape(b.shape), b):
        return Pattern("shape", "shape", f"right, but of shape {a.shape} instead of {b.shape}", remedy)
    return Pattern("shape", "wrong shape", f"of shape {a.shape}, and the right one of shape {b.shape}", remedy)


def _ratio(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """A constant times the right one."""
    ratio = _constant(a, b)
    if ratio is None:
        return None
    if _near(ratio, -1.0):
        remedy = "+dL/dtheta; the minus belongs in the update"
        return Pattern("sign-reversed", "sign reversed", "minus the right one", remedy, CONSTANT)
    if batch is not None and batch > 1:
        for value, words in ((batch, f"B = {batch} times"), (1 / batch, f"1/B = 1/{batch} times")):
            if _near(abs(ratio), value):
                slug = "mean-missing" if value > 1 else "mean-twice"
                clause = f"{'minus ' if ratio < 0 else ''}{words} the right one"
                return Pattern(slug, "a factor of B", clause, "a mean has 1/B in its gradient, once", CONSTANT)
    slug = "doubled" if _near(ratio, 2.0) else "halved" if _near(ratio, 0.5) else "scaled"
    remedy = "look for a constant factor: means against sums, squares, signs"
    return Pattern(slug, "a constant factor", f"{_number(ratio)} times the right one", remedy, CONSTANT)


def _transposed(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """The transpose, or the transpose of a constant multiple."""
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        return None
    ratio = _constant(a.T, b)
    if ratio is None:
        return None
    times = "" if _near(ratio, 1.0) else f"{_number(ratio)} times "
    return Pattern("transposed", "transposed", f"{times}the transpose of the right one", "dW = x^T dy, not dy^T x")


def _axis(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """Each row, or each column, has a factor of its own."""
    if a.ndim != 2 or min(a.shape) < 2:
        return None
    for axis, word in ((0, "column"), (1, "row")):
        factors = (a * b).sum(axis=axis, keepdims=True) / (b * b).sum(axis=axis, keepdims=True)
        if not np.isfinite(factors).all() or not _same(a, factors * b):
            continue
        off = [k for k, factor in enumerate(factors.ravel()) if not _near(factor, 1.0)]
        if len(off) == 1:
            clause = f"right except for {word} {off[0]}, which has the factor {_number(factors.ravel()[off[0]])}"
        else:
            clause = f"the right one with a factor of its own for each {word}"
        return Pattern(f"{word}s-scaled", "one axis scaled", clause, "look for a product or a sum along the wrong axis")
    return None


def _permuted(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """The rows, the columns, or the numbers are the right ones in another order."""
    remedy = "take inputs, targets and parameters in one and the same order"
    if a.ndim == 2 and np.isfinite(a).all():
        for word, x, y in (("rows", a, b), ("columns", a.T, b.T)):
            probe = np.random.default_rng(0).standard_normal(x.shape[1])
            order = np.empty(len(x), dtype=int)
            order[np.argsort(x @ probe)] = np.argsort(y @ probe)  # equal rows have equal projections
            if _same(x, y[order]):
                clause = f"the right one with its {word} in another order"
                return Pattern(f"{word}-permuted", f"{word} permuted", clause, remedy)
    if a.size > 2 and _same(np.sort(a, axis=None), np.sort(b, axis=None)):
        clause = "made of the right numbers in another order (reshape?)"
        return Pattern("permuted", "numbers in another order", clause, remedy)
    return None


def _zeros(a: Array, b: Array, batch: int | None) -> Pattern | None:
    """Right where it is not zero."""
    kept = a != 0
    if kept.all() or not kept.any() or not _same(a[kept], b[kept]):
        return None
    rows = [k for k in range(len(a)) if not kept[k].any()] if a.ndim else []
    what = f"{np.count_nonzero(~kept & (b != 0))} elements" if not rows else f"index {', '.join(map(str, rows[:5]))} of axis 0"
    remedy = "look at the bounds of the loops"
    return Pattern("elements-missing", "elements never computed", f"right, but zero at {what}", remedy, NEVER)


def _constant(a: Array, b: Array) -> float | None:
    """The number c for which a = c b, if there is one."""
    if a.shape != b.shape or not b.any() or a.size < 2 or not np.isfinite(a).all():
        return None
    ratio = float((a * b).sum() / (b * b).sum())
    return ratio if ratio != 0 and _same(a, ratio * b) else None


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= 10 * TOLERANCE * abs(b)


def _number(x: float) -> str:
    """A short name for a factor: 2, 1/3, 0.2087."""
    for top, bottom in ((round(x), 1), (1, round(1 / x) if abs(x) > 1e-9 else 0)):
        if bottom and top and _near(x, top / bottom):
            return str(top) if bottom == 1 else f"{'-' * (bottom < 0)}1/{abs(bottom)}"
    return f"{x:.6g}"


def _shared(patterns: dict[str, Pattern | None], total: int) -> list[Suspect]:
    """The pattern of all wrong arrays, if these are several with the same one."""
    first = next(iter(patterns.values()), None)
    if len(patterns) < 2 or first is None or any(pattern != first for pattern in patterns.values()):
        return []
    everything = len(patterns) == total
    return [first.suspect("Every gradient is" if everything else f"{' and '.join(f'd{name}' for name in patterns)} are each")]


def _exchanged(wrong: dict[str, tuple[Array, Array]], pairs: dict[str, tuple[Array, Array]]) -> list[Suspect]:
    """Two arrays that stand in each other's place, or one in another's."""
    remedy = "return each gradient under its own name"
    return [
        Pattern("exchanged", "the gradient of another array", f"the right d{other}", remedy).suspect(f"d{name} is")
        for name, (a, b) in wrong.items()
        for other, (_, right) in pairs.items()
        if name != other and a.size > 1 and b.any() and right.any() and _same(a, right)
    ]


def _only(name: str) -> Suspect:
    """A single wrong array among several right ones: the error is in its own line."""
    sentence = f"d{name} alone is wrong; the gradients passed between layers are right, so look at the line that computes it."
    return Suspect("one-array-only", "one array only", sentence, f"the line that computes d{name}", f"Look at d{name}.")
