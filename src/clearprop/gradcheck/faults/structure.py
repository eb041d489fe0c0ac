"""The structure of a wrong gradient against the right one, where the network is unknown.

Any f, any gradient: nothing is known but two arrays. Their ratio, order and zeros still say a lot.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.suspect import Suspect

TOLERANCE = 1e-5
"""How closely the structure must hold, relative to the largest number; numeric differences give seven digits or more."""

Finding = tuple[str, str, str, str]
"""Slug, title, clause and remedy."""


def name_structure(
    analytic: dict[str, Array] | Array, numeric: dict[str, Array] | Array, batch: int | None = None
) -> list[Suspect]:
    """What the shape of the error says.

    Parameters
    ----------
    analytic, numeric : array, or dict of str to array
        The gradients that somebody computed, and those found by differences.
    batch : int, optional
        B, to recognise a factor of B or 1/B.

    Returns
    -------
    list of Suspect
        What holds for all wrong tensors first; then what holds for one.

    Examples
    --------
    >>> name_structure(np.array([2.0, 4.0]), np.array([1.0, 2.0]))[0].sentence
    'The gradient is 2 times the right one.'
    """
    if not isinstance(analytic, dict) or not isinstance(numeric, dict):
        analytic, numeric = {"": np.asarray(analytic)}, {"": np.asarray(numeric)}
    pairs = {name: _floats(analytic[name], numeric[name]) for name in analytic if name in numeric}
    wrong = {name: pair for name, pair in pairs.items() if not _same(*pair)}
    findings = {name: _findings(*pair, batch) for name, pair in wrong.items()}
    found = _shared(findings, pairs)
    found += _exchanged(wrong)
    shared = {suspect.fault for suspect in found}
    for name, items in findings.items():
        found += [_suspect(finding, name, pairs[name]) for finding in items if finding[0] not in shared]
    if len(wrong) == 1 < len(pairs):
        found.append(_only(next(iter(wrong)), wrong))
    return found


def _floats(a: Array, b: Array) -> tuple[Array, Array]:
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)


def _same(a: Array, b: Array) -> bool:
    """Equal to the exactness of numeric differences."""
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0.0) <= TOLERANCE * max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)))


def _findings(a: Array, b: Array, batch: int | None) -> list[Finding]:
    """All that can be said of one wrong array."""
    with np.errstate(all="ignore"):
        for rule in (_zero, _shape, _ratio, _transposed, _axis, _permuted, _zeros):
            found = rule(a, b, batch)
            if found is not None:
                return [found]
    return []


def _zero(a: Array, b: Array, batch: int | None) -> Finding | None:
    if a.any() or not b.any():
        return None
    return (
        "zero",
        "gradient zero",
        "zero everywhere (never filled in, or cut off)",
        "whatever f depends on has a gradient",
    )


def _shape(a: Array, b: Array, batch: int | None) -> Finding | None:
    """Another shape: transposed, not summed, summed too much."""
    if a.shape == b.shape:
        return None
    remedy = "a gradient has the shape of what it belongs to"
    if a.ndim == b.ndim == 2 and _same(a.T, b):
        return "transposed", "transposed", "the transpose of the right one", remedy
    for axis in range(a.ndim):
        if _same(np.sum(a, axis=axis).reshape(b.shape) if a.size // max(a.shape[axis], 1) == b.size else a, b):
            return "not-summed", "not summed", f"not summed over its axis {axis}", "what serves every example gets a sum"
    if a.size == 1 and _same(a.reshape(()), b.sum()):
        return "summed-to-scalar", "summed to one number", "summed to one number", remedy
    if a.size == b.size and _same(a.reshape(b.shape), b):
        return "shape", "shape", f"right, but of shape {a.shape} instead of {b.shape}", remedy
    return "shape", "wrong shape", f"of shape {a.shape}, and the right one of shape {b.shape}", remedy


def _ratio(a: Array, b: Array, batch: int | None) -> Finding | None:
    """A constant times the right one."""
    ratio = _constant(a, b)
    if ratio is None:
        return None
    remedy = "look for a constant factor: means against sums, squares, signs"
    if _near(ratio, -1.0):
        return "sign-reversed", "sign reversed", "minus the right one", "+dL/dtheta; the minus belongs into the update"
    if batch is not None and batch > 1:
        for value, words in ((batch, f"B = {batch} times"), (1 / batch, f"1/B = 1/{batch} times")):
            if _near(abs(ratio), value):
                slug = "mean-missing" if value > 1 else "mean-twice"
                sign = "minus " if ratio < 0 else ""
                return (
                    slug,
                    "a factor of B",
                    f"{sign}{words} the right one",
                    "a mean has 1/B in its gradient, once",
                )
    slug = "doubled" if _near(ratio, 2.0) else "halved" if _near(ratio, 0.5) else "scaled"
    return slug, "a constant factor", f"{_number(ratio)} times the right one", remedy


def _transposed(a: Array, b: Array, batch: int | None) -> Finding | None:
    """The transpose, or the transpose of a constant multiple."""
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        return None
    ratio = _constant(a.T, b)
    if ratio is None:
        return None
    times = "" if _near(ratio, 1.0) else f"{_number(ratio)} times "
    return "transposed", "transposed", f"{times}the transpose of the right one", "dW = x^T dy, not dy^T x"


def _axis(a: Array, b: Array, batch: int | None) -> Finding | None:
    """Each row, or each column, has a factor of its own."""
    if a.ndim != 2 or min(a.shape) < 2:
        return None
    for axis, word in ((0, "column"), (1, "row")):
        factors = (a * b).sum(axis=axis, keepdims=True) / (b * b).sum(axis=axis, keepdims=True)
        if not np.isfinite(factors).all() or not _same(a, factors * b):
            continue
        off = [k for k, factor in enumerate(factors.ravel()) if not _near(factor, 1.0)]
        if len(off) == 1:
            clause = f"right but for {word} {off[0]}, which has the factor {_number(factors.ravel()[off[0]])}"
        else:
            clause = f"the right one with a factor of its own for each {word}"
        return f"{word}s-scaled", "one axis scaled", clause, "look for a product or a sum along the wrong axis"
    return None


def _permuted(a: Array, b: Array, batch: int | None) -> Finding | None:
    """The rows, the columns, or the numbers are the right ones in another order."""
    remedy = "take inputs, targets and parameters in one and the same order"
    if a.ndim == 2 and np.isfinite(a).all():
        for word, x, y in (("rows", a, b), ("columns", a.T, b.T)):
            probe = np.random.default_rng(0).standard_normal(x.shape[1])
            order = np.empty(len(x), dtype=int)
            order[np.argsort(x @ probe)] = np.argsort(y @ probe)  # equal rows have equal projections
            if _same(x, y[order]):
                return f"{word}-permuted", f"{word} permuted", f"the right one with its {word} in another order", remedy
    if a.size > 2 and _same(np.sort(a, axis=None), np.sort(b, axis=None)):
        return "permuted", "numbers in another order", "made of the right numbers in another order (reshape?)", remedy
    return None


def _zeros(a: Array, b: Array, batch: int | None) -> Finding | None:
    """Right where it is not zero."""
    kept = a != 0
    if kept.all() or not kept.any() or not _same(a[kept], b[kept]):
        return None
    rows = [k for k in range(len(a)) if not kept[k].any()] if a.ndim else []
    what = f"{np.count_nonzero(~kept & (b != 0))} elements" if not rows else f"index {', '.join(map(str, rows[:5]))} of axis 0"
    return "elements-missing", "elements never computed", f"right, but zero at {what}", "look at the bounds of the loops"


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


def _shared(findings: dict[str, list[Finding]], pairs: dict[str, tuple[Array, Array]]) -> list[Suspect]:
    """What holds for all wrong arrays, if these are several."""
    if len(findings) < 2:
        return []
    first, *rest = findings.values()
    common = [finding for finding in first if all(finding in other for other in rest)]
    subject = "Every gradient" if len(findings) == len(pairs) else " and ".join(f"d{name}" for name in findings)
    verb = "is" if len(findings) == len(pairs) else "are each"
    return [
        Suspect(slug, title, f"{subject} {verb} {clause}.", remedy, _hint(slug), 0.0) for slug, title, clause, remedy in common
    ]


def _exchanged(wrong: dict[str, tuple[Array, Array]]) -> list[Suspect]:
    """Two arrays that stand in each other's place, or one in another's."""
    found = []
    for name, (a, b) in wrong.items():
        for other, (_, right) in wrong.items():
            if name != other and a.size > 1 and b.any() and _same(a, right):
                sentence = f"d{name} is the right d{other}."
                remedy = "return each gradient under its own name"
                found.append(Suspect("exchanged", "the gradient of another array", sentence, remedy, _hint("exchanged"), 0.0))
    return found


def _only(name: str, wrong: dict[str, tuple[Array, Array]]) -> Suspect:
    """A single wrong array among several right ones: the mistake is in its own line."""
    sentence = f"d{name} alone is wrong; what is handed from layer to layer is right, so look at the line that computes it."
    return Suspect("one-array-only", "one array only", sentence, f"the line that computes d{name}", f"Look at d{name}.", 0.0)


def _suspect(finding: Finding, name: str, pair: tuple[Array, Array]) -> Suspect:
    slug, title, clause, remedy = finding
    return Suspect(slug, title, f"{f'd{name}' if name else 'The gradient'} is {clause}.", remedy, _hint(slug), 0.0)


def _hint(slug: str) -> str:
    """Where to look, by what was found."""
    if slug in ("sign-reversed", "doubled", "halved", "scaled", "mean-missing", "mean-twice"):
        return "Look for a constant factor."
    if slug in ("zero", "elements-missing"):
        return "Look at what is never computed."
    return "Look at shapes, axes and order."
