"""Points: parameters at which claimed and true gradients are compared, beside those that the program itself was at.

Agreement at one point may be chance: all masks happen to be ones, weights start at zero, a gradient is a single
number. So the recorded graph is run again at random parameters, small enough that nothing saturates, and near enough to the
program's own that it would have taken the same branches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.cancellation import is_rounding
from clearprop.gradcheck.tracing.graph import Graph, Values
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, get

COUNT: Final = 3
TOLERANCE: Final = 2e-6
LEAST: Final = 1e-13  # length of what is not zero,
LEAST_FACTOR: Final = 1e-12  # and a factor that is none
LARGE: Final = 256  # numbers in an array, of which some are compared first
FEW: Final = 4  # along each axis
SCALES: Final = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 3e-4, 1e-5)


@dataclass(eq=False)
class Point:
    """Values of everything at one set of parameters.

    Attributes
    ----------
    graph : Graph
    values : Values
        Values that differ from the recorded ones.
    """

    graph: Graph
    values: Values = field(default_factory=dict)

    def value(self, vertex: Vertex) -> Array:
        return np.asarray(self.graph.value(vertex, self.values))

    def claimed(self, move: Move) -> Array:
        """The claim for all that is moved, in one row; its sign so that a step goes against it."""
        parts = []
        for piece in move.pieces:
            gradient = self.graph.rep(piece.made or piece.gradient)
            value = np.asarray(self.value(piece.made or piece.gradient), dtype=np.float64) * np.sign(piece.factor)
            parts.append(np.ravel(np.zeros_like(value) if is_rounding(value, gradient, self.value) else value))
        return np.concatenate(parts)


def find_points(graph: Graph, sources: list[Vertex], targets: list[Vertex], seed: int = 0) -> list[Point]:
    """Random points at which the program would have taken the same branches; fewer if there are none."""
    rng, found = np.random.default_rng(seed), []
    sources = list(dict.fromkeys(graph.rep(v) for v in sources))
    start = 0
    for _ in range(COUNT):
        for k in range(start, len(SCALES)):
            values = _moved(rng, sources, SCALES[k], near=k > 0)
            if graph.shrink != 1.0:
                values = {v: value if v.kind == "probabilities" else value * graph.shrink for v, value in values.items()}
            point = _at(graph, values, targets)
            if point is not None:
                found.append(point)
                start = max(start, k - 1)
                break
    return found


def _at(graph: Graph, given: Values, targets: list[Vertex]) -> Point | None:
    """The point, or None if something overflows there or another branch would be taken."""
    last = max((v.number for v in targets), default=0)  # what is decided after them does not matter
    guards = [v for v in graph.guards if v in graph.same and v.number < last]
    relevant = graph.ancestors(targets, given)
    try:
        values = graph.values([*targets, *(g for g in guards if g in relevant or _near(graph, g, relevant))], given)
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError):
        return None
    for vertex in guards:
        if vertex in values and bool(values[vertex]) != graph.guards[vertex]:
            return None
    finite = all(
        np.all(np.isfinite(np.asarray(values[graph.rep(v)], dtype=np.float64))) for v in targets if graph.rep(v) in values
    )
    return Point(graph, values) if finite else None


PASSING: Final = {
    get,
    np.reshape,
    np.ravel,
    np.squeeze,
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
}
"""What leads from a value that counts to a branch, in `for h in hinge: if h > 0`, without making another value of it."""


def _near(graph: Graph, guard: Vertex, relevant: set[Vertex]) -> bool:
    """Whether a branch was taken by a value that counts, or by a part of one."""
    left, seen = list(graph.inputs(guard)), set[Vertex]()
    while left:
        vertex = left.pop()
        if vertex in relevant:
            return True
        if vertex.fn in PASSING and vertex not in seen:
            seen.add(vertex)
            left += graph.inputs(vertex)
    return False


def _moved(rng: np.random.Generator, sources: list[Vertex], scale: float, near: bool) -> Values:
    """Other parameters: random ones of a usual size, or the program's own moved a little."""
    given: Values = {}
    for vertex in sources:
        value = np.asarray(vertex.value, dtype=np.float64)
        noise = rng.normal(size=value.shape)
        if vertex.kind == "probabilities":  # stay between 0 and 1
            new = 1.0 / (1.0 + np.exp(-noise))
        elif not near and vertex.kind == "random" and value.size > 2 and value.size == max(value.shape):
            new = noise * 0.8 / np.sqrt(np.sqrt(value.size))  # the weights of one neuron, of either sign
        elif near or value.ndim < 2 or min(value.shape) == 1:
            new = value + noise * scale * 0.4
        else:
            new = noise * 0.8 / np.sqrt(np.mean(value.shape[-2:]))
        given[vertex] = new if value.ndim else np.float64(new)
    return given


def same_direction(claimed: list[Array], true: list[Array], tolerance: float = TOLERANCE) -> float | None:
    """The factor by which claimed gradients are the true ones, the same at all points; None if there is none.

    Both zero counts as a factor of 1.
    """
    if any(c.shape != t.shape for c, t in zip(claimed, true, strict=True)):
        return None
    if claimed[0].size > LARGE and _differ(claimed[0], true[0]):
        return None
    sizes = [float(np.linalg.norm(t)) or 1.0 for t in true]
    c = np.concatenate([np.ravel(x) / s for x, s in zip(claimed, sizes, strict=True)])
    t = np.concatenate([np.ravel(x) / s for x, s in zip(true, sizes, strict=True)])
    if not np.all(np.isfinite(c)):
        return None
    norm_c, norm_t = float(np.linalg.norm(c)), float(np.linalg.norm(t))
    if norm_t < LEAST or norm_c < LEAST:
        return 1.0 if norm_c < LEAST and norm_t < LEAST else None
    factor = float(c @ t) / (norm_t * norm_t)
    if abs(factor) < LEAST_FACTOR:
        return None
    return factor if float(np.linalg.norm(c - factor * t)) <= tolerance * norm_c else None


def _differ(claimed: Array, true: Array) -> bool:
    """Whether some numbers of two large arrays already show that these are not proportional."""
    few = tuple(slice(None, None, max(n // FEW, 1)) for n in claimed.shape)
    c, t = claimed[few].ravel(), true[few].ravel()
    size, whole = float(c @ c), float(np.vdot(claimed, claimed))
    if not np.isfinite(whole) or size * claimed.size < 1e-4 * whole * c.size:
        return False  # they say too little
    scale = float(t @ t)
    rest = c - (float(c @ t) / scale) * t if scale else c
    return float(rest @ rest) > 1e-4 * size
