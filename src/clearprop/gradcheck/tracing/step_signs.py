"""Signs by which a step of a parameter is told from other sums: what it starts from, and what goes into the change."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.vertex import Vertex

SCALING: Final = {np.multiply, np.divide, np.true_divide, np.negative, np.add, np.subtract, np.positive}
MOST_SEEN: Final = 400  # values of a step that are looked at
MOST_NUMBERS: Final = 12  # that may stand in a formula; more of them are data


def moved_value(vertex: Vertex) -> tuple[Vertex | None, int]:
    """The parameter that a sum or difference may be a step of, and the bits of all the rest of it."""
    rest, term = 0, vertex
    while True:
        if term.fn in (np.add, np.subtract) and len(term.args) == 2 and term.step_of is None:
            first, second = term.args
            rest |= second.bits if isinstance(second, Vertex) else 0
        elif term is not vertex and np.any(term.value) and (scaled := scaled_value(term)) is not None:  # p * (1 - lr * decay)
            first = scaled
            if first.origin is None:  # m * (p - p_before): a change, and no parameter
                return None, 0
        else:
            break
        if not isinstance(first, Vertex):
            return None, 0
        term = first
        if term.origin is not None and not _scales_a_parameter(term):
            break
    if term is vertex or term.origin is None or not np.size(term.value):
        return None, 0
    return term, rest


def meets_others(step: Vertex, moved: Vertex) -> bool:
    """Whether other arrays or parameters go into a further step, all of which went into the steps before it, too."""
    left, seen = [other for other in step.inputs if other is not moved], {moved}
    while moved.version and left and len(seen) < MOST_SEEN:
        vertex = left.pop()
        if vertex in seen:
            continue
        seen.add(vertex)
        if vertex.step_of is not None or (vertex.fn is None and (vertex.size > 1 or vertex.kind == "random")):
            return True
        left.extend(vertex.inputs)
    return False


def meets_numbers(step: Vertex, moved: Vertex) -> bool:
    """Whether many plain numbers went into a step, as those of a table that another library read."""
    left, seen = [other for other in step.inputs if other is not moved], {moved}
    numbers: list[float] = []
    while left and len(seen) < MOST_SEEN:
        vertex = left.pop()
        if vertex in seen:
            continue
        seen.add(vertex)
        for each in vertex.args if vertex.fn in SCALING else ():
            if isinstance(each, (int, float, np.number)):
                numbers.append(float(each))
        if len(numbers) > MOST_NUMBERS and len(set(numbers)) > 1:
            return True
        left.extend(vertex.inputs)
    return False


def _scales_a_parameter(vertex: Vertex) -> bool:
    """Whether a value is a named parameter times a number, in passing: W * momentum + step."""
    inner = scaled_value(vertex)
    return inner is not None and not vertex.names and bool(inner.names)


def scaled_value(vertex: Vertex) -> Vertex | None:
    """The value that is multiplied by plain numbers; None for anything else."""
    inner = [other for other in vertex.inputs if other.kind != "literal" or other.size > 1 or len(vertex.inputs) == 1]
    return inner[0] if vertex.fn is np.multiply and len(inner) == 1 else None


def is_first_sum(total: Vertex, term: Vertex) -> bool:
    """Whether it is a sum that begins, `total += w` with a total of 0: no start of w, since both have names."""
    empty = total.kind == "made" and not np.any(total.value)
    return empty and bool(total.names) and bool(term.names) and bool(np.any(term.value))


def bears(vertex: Vertex, name: str) -> bool:
    """Whether a value has a name, or is the number of a list that was written down, w[0], and the name is w[i]."""
    if name in vertex.names:
        return True
    holder = name[: name.rfind("[")] if name.endswith("]") else ""
    return bool(holder) and any(re.fullmatch(rf"{re.escape(holder)}\[\d+\]", each) for each in vertex.names)


def is_drawn(vertex: Vertex) -> bool:
    """Whether a value is made of one draw alone: rows of length one, an orthogonal matrix."""
    parts = vertex.kind in ("qr", "svd", "eigh", "random")
    return (parts or vertex.fn in (np.divide, np.matmul, np.dot)) and any(
        other.origin is not None
        and other.origin.kind == "random"
        and not other.version
        and all(not each.bits & ~other.bits for each in vertex.inputs if each.kind != "literal")
        for other in vertex.inputs
    )
