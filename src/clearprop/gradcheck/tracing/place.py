"""The place: the value of the backward pass at which a wrong gradient went wrong.

One goes back from a wrong gradient. It ought to be the derivative of a parameter. If replacing one of the values that it
was made of by some true derivative makes it right, then that value is what is wrong, and it is known what it ought to be;
so one goes on from there. Where no such replacement helps, the operation itself is wrong, or what it was given beside the
derivative: this is the place.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.loss_search import same_part, whole
from clearprop.gradcheck.tracing.sheet import Arrays, Sheet, Target, forms
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, filled, get, put
from clearprop.gradcheck.tracing.trial_points import same_direction

DEEPEST: Final = 40
ASSEMBLING: Final = {put, np.array, np.stack, np.concatenate, np.vstack, np.hstack, np.asarray}


@dataclass(eq=False)
class Need:
    """The value that is wanted, up to a factor.

    Attributes
    ----------
    arrays : Arrays
    by : Vertex or None
        The value of the forward pass whose derivative it is.
    """

    arrays: Arrays
    by: Vertex | None = None


@dataclass(eq=False)
class Blame:
    """A value that is wrong although what it was made of may be right.

    Attributes
    ----------
    vertex : Vertex
    needs : list of Need
        Values that it may have to have.
    depth : int
        Number of values between it and the gradient.
    """

    vertex: Vertex
    needs: list[Need]
    depth: int


def find_places(sheet: Sheet, move: Move) -> list[Blame]:
    """Values at which the gradient of one move may have gone wrong, the likeliest first."""
    for piece in move.pieces[:3]:
        source = whole(piece.moved)
        slopes = sheet.slope(source)
        if slopes is None:
            continue
        if piece.moved is not source:
            slopes = [np.asarray(same_part(piece.moved, s)) for s in slopes]
        blames = _walk(sheet, sheet.graph.rep(piece.gradient), [Need(slopes, source)], 0, set())
        if blames:
            return blames
    return []


def _walk(sheet: Sheet, vertex: Vertex, needs: list[Need], depth: int, seen: set[Vertex]) -> list[Blame]:
    """Places at or before a value that ought to be one of the needs."""
    if vertex in seen or depth > DEEPEST or time.process_time() > sheet.until:
        return []
    if vertex.fn is None:
        return [Blame(vertex, needs, depth)] if depth == 0 and vertex.floating else []
    seen.add(vertex)
    here = sheet.arrays(vertex)
    if any(same_direction(here, form) is not None for need in needs for form in forms(need.arrays, here[0].shape)):
        return []
    found: list[Blame] = []
    if vertex.fn in (np.add, np.subtract) or vertex.fn in ASSEMBLING:
        found += _walk_parts(sheet, vertex, needs, depth, seen)
    options: dict[Vertex, list[Need]] = {}
    for inner, target in _replacements(sheet, vertex, needs):
        options.setdefault(inner, []).append(Need(target.arrays, target.by))
    for inner, wanted in options.items():
        if sheet.matches(inner) or inner in sheet.forward:
            continue
        found += _walk(sheet, inner, wanted, depth + 1, seen)
        if len(found) > 6:
            break
    found.sort(key=lambda blame: -blame.depth)
    return [*found, Blame(vertex, needs, depth)]


def _replacements(sheet: Sheet, vertex: Vertex, needs: list[Need]) -> list[tuple[Vertex, Target]]:
    """Inputs of a value, each with a true derivative that would make the value right in its place."""
    found: list[tuple[Vertex, Target]] = []
    for inner in sheet.graph.inputs(vertex):
        if inner not in sheet.live or not inner.floating:
            continue
        turned = [wanted for need in needs if (wanted := _inverse(sheet, vertex, inner, need)) is not None]
        if turned and vertex.fn in INVERTED:
            for wanted in turned:
                found += [(inner, Target(t.by, t.use, _shaped(t.arrays, inner.shape))) for t, _ in sheet.matches_of(wanted)[:3]]
            continue
        fits: dict[int, Arrays | None] = {}
        for target, alike in zip(sheet.targets(inner.size), sheet.alike(inner.size), strict=True):
            if alike not in fits:
                options = forms(target.arrays, inner.shape)
                fits[alike] = next((form for form in options if _gives(sheet, vertex, inner, form, needs)), None)
            form = fits[alike]
            if form is not None:
                found.append((inner, Target(target.by, target.use, form)))
            if len(found) > 16 or time.process_time() > sheet.until:
                return found
    return found


INVERTED: Final = {np.multiply, np.divide, np.negative, np.transpose}


def _shaped(arrays: Arrays, shape: tuple[int, ...]) -> Arrays:
    return (forms(arrays, shape) or [arrays])[0]


def _inverse(sheet: Sheet, vertex: Vertex, inner: Vertex, need: Need) -> Arrays | None:
    """The value that one input would have to have for the whole to be the need, where the operation can be undone."""
    if inner.shape != vertex.shape or need.arrays[0].size != vertex.size or vertex.fn not in INVERTED:  # noqa: SIM102
        if not (vertex.fn is np.transpose and len(vertex.args) == 1 and need.arrays[0].shape == vertex.shape):
            return None
    wanted = _shaped(need.arrays, vertex.shape)
    if vertex.fn is np.negative:
        return wanted
    if vertex.fn is np.transpose:
        return [a.T for a in wanted] if len(vertex.args) == 1 else None
    first = isinstance(vertex.args[0], Vertex) and sheet.graph.rep(vertex.args[0]) is inner
    other = vertex.args[1 if first else 0]
    if (isinstance(other, Vertex) and sheet.graph.rep(other) is inner) or (vertex.fn is np.divide and not first):
        return None
    known = sheet.arrays(other) if isinstance(other, Vertex) else [np.asarray(other, dtype=np.float64)] * len(wanted)
    if vertex.fn is np.divide:
        return [a * b for a, b in zip(wanted, known, strict=True)]
    if any(np.any(b == 0) for b in known):
        return None
    return [a / b for a, b in zip(wanted, known, strict=True)]


def _gives(sheet: Sheet, vertex: Vertex, inner: Vertex, form: Arrays, needs: list[Need]) -> bool:
    """Whether the value would be one of the needs, if one of its inputs were another."""
    made: Arrays = []
    with np.errstate(all="ignore"):
        for k, (point, array) in enumerate(zip(sheet.points, form, strict=True)):
            try:
                made.append(
                    np.asarray(sheet.graph.run(vertex, {**_near(sheet, vertex, point.values), inner: array}), dtype=np.float64)
                )
            except (ValueError, IndexError, TypeError):
                return False
            if not any(_fits(made, need, k + 1) for need in needs):
                return False
    return True


def _near(sheet: Sheet, vertex: Vertex, values: dict[Vertex, object]) -> dict[Vertex, object]:
    """The values of the inputs of a vertex at a point."""
    return {v: values[v] for v in sheet.graph.inputs(vertex) if v in values}


def _fits(made: Arrays, need: Need, count: int) -> bool:
    if made[0].size != need.arrays[0].size:
        return False
    return any(same_direction(made, form[:count]) is not None for form in forms(need.arrays, made[0].shape))


# ---------------------------------------------------------------- sums, and arrays that are put together


def _walk_parts(sheet: Sheet, vertex: Vertex, needs: list[Need], depth: int, seen: set[Vertex]) -> list[Blame]:
    """Places before the terms of a sum, or the parts of an array that was put together."""
    found: list[Blame] = []
    terms = _terms(sheet, vertex) if vertex.fn not in ASSEMBLING else _parts(sheet, vertex)
    wanted = [*needs, *_contributions(sheet, needs)]
    wrong: list[Vertex] = []
    for term in terms:
        if time.process_time() > sheet.until:
            break
        if term in sheet.live and not _is_one_of(sheet, term, wanted) and not sheet.right(term):
            wrong.append(term)
    for term in [*wrong[:3], *wrong[3:][-3:]]:
        others = [_part_needs(sheet, vertex, term, need) for need in needs]
        local = [*(need for each in others for need in each), *_of_size(wanted, term.size)]
        if local:
            found += _walk(sheet, term, local, depth + 1, seen)
        if len(found) > 4:
            break
    return found


def _terms(sheet: Sheet, vertex: Vertex) -> list[Vertex]:
    """The terms of a sum, of a running one as well."""
    found: list[Vertex] = []
    left = [vertex]
    while left and len(found) < 400:
        each = left.pop()
        if each.fn in (np.add, np.subtract) and each.step_of is None and (each is vertex or not sheet.right(each)):
            left.extend(v for v in sheet.graph.inputs(each) if v in sheet.live)
        elif each is not vertex:
            found.append(each)
    return found


def _parts(sheet: Sheet, vertex: Vertex) -> list[Vertex]:
    """The values that an array was put together from; through earlier states of it."""
    found: list[Vertex] = []
    left, seen = [vertex], set()
    while left and len(found) < 400:
        each = left.pop()
        if each in seen:
            continue
        seen.add(each)
        if each.fn is put:
            base = sheet.graph.rep(each.args[0])
            left.append(base)
            for _, value in each.args[1:]:
                if isinstance(value, Vertex):
                    written = sheet.graph.rep(value)
                    inner = [
                        v
                        for v in sheet.graph.inputs(written)
                        if not (v.fn is get and sheet.graph.rep(v.args[0]) in seen | {base})
                    ]
                    grows = written.fn is np.add and len(inner) < len(sheet.graph.inputs(written))
                    found += inner if grows else [written]
        elif each is vertex:
            found += sheet.graph.inputs(each)
    return [v for v in dict.fromkeys(found) if v in sheet.live]


def _contributions(sheet: Sheet, needs: list[Need]) -> list[Need]:
    """The contribution of each use of a value to its derivative."""
    return [
        Need(target.arrays, target.by)
        for need in needs
        if need.by is not None
        for target in sheet.targets(need.by.size)
        if target.by is sheet.graph.rep(need.by) and target.use is not None
    ]


def _is_one_of(sheet: Sheet, vertex: Vertex, needs: list[Need]) -> bool:
    here = sheet.arrays(vertex)
    return any(same_direction(here, form) is not None for need in needs for form in forms(need.arrays, here[0].shape))


def _of_size(needs: list[Need], size: int) -> list[Need]:
    return [need for need in needs if need.arrays[0].size == size]


def _part_needs(sheet: Sheet, vertex: Vertex, term: Vertex, need: Need) -> list[Need]:
    """The value that one term or part ought to have, if all others are right."""
    if vertex.fn in (np.add, np.subtract):
        here, now = sheet.arrays(vertex), sheet.arrays(term)
        if here[0].shape != need.arrays[0].shape or now[0].shape != here[0].shape:
            return []
        sign = -1.0 if vertex.fn is np.subtract and sheet.graph.rep(vertex.args[1]) is term else 1.0
        return [
            Need([n * f - (h - sign * t) for n, h, t in zip(need.arrays, here, now, strict=True)])
            for f in _usual_factors(sheet)
        ]
    if vertex.fn is put:
        for index, value in vertex.args[1:]:
            if isinstance(value, Vertex) and sheet.graph.rep(value) is term and need.arrays[0].shape == vertex.shape:
                where = filled(index, lambda v: v.value)
                return [Need([np.asarray(a[where]) for a in need.arrays])]
    if vertex.fn in (np.array, np.stack) and isinstance(vertex.args[0], (list, tuple)) and need.arrays[0].shape == vertex.shape:
        for k, item in enumerate(vertex.args[0]):
            if isinstance(item, Vertex) and sheet.graph.rep(item) is term:
                return [Need([np.asarray(a[k]) for a in need.arrays])]
    return []


def _usual_factors(sheet: Sheet) -> list[float]:
    """Factors between claimed and true gradients that occur: those of the right moves, else 1."""
    known = [f for f in sheet.factors() if f is not None]
    return [max(set(known), key=known.count)] if known else [1.0, -1.0]
