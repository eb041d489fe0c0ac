"""The sheet: all values of one round of steps at all points, and the true derivative of the loss by each of them.

With it the question "is this value the derivative of something?" has an answer: a value of the backward pass that is right
is proportional, with one factor at all points, to the true derivative by some value of the forward pass, or to what one use
of such a value contributes to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import Sought, true_gradient, whole
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import LEAST, LEAST_FACTOR, TOLERANCE, Point, same_direction

Arrays = list[Array]
"""One array for each point."""


@dataclass(eq=False)
class Target:
    """A derivative that a value of the backward pass may have to equal.

    Attributes
    ----------
    by : Vertex
        The derivative of the loss by this value,
    use : Vertex or None
        or the part of it that comes from this use of the value, or from all others.
    arrays : Arrays
    """

    by: Vertex
    use: Vertex | None
    arrays: Arrays


class Sheet:
    """One round of the program.

    Parameters
    ----------
    graph : Graph
    moves : list of Move
    loss : Sought
    points : list of Point

    Attributes
    ----------
    forward : set of Vertex
        All that goes into the loss.
    live : set of Vertex
        All that depends on the parameters.
    backward : set of Vertex
        All that goes into the claimed gradients.
    certain : bool
        Whether the loss is known for certain, because it was given.
    bends : list of Bend or None
        The activation functions of the forward pass, once they were looked for.
    until : float
        The processor time at which the search for the places of mistakes ends.
    """

    def __init__(self, graph: Graph, moves: list[Move], loss: Sought, points: list[Point]) -> None:
        self.graph, self.moves, self.loss, self.points = graph, moves, loss, points
        self.certain, self.until = False, math.inf
        self.cuts = list(dict.fromkeys(graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces))
        self.forward = graph.ancestors([loss.vertex], self.cuts)
        self.backward = graph.ancestors([g for move in moves for g in move.gradients], self.cuts)
        self.live = graph.descendants(self.cuts, self.forward | self.backward | set(self.cuts))
        self.edges: list[dict[tuple[Vertex, Vertex], Array]] = [{} for _ in points]
        self.slopes = [graph.adjoints(loss.vertex, self.cuts, p.values, e) for p, e in zip(points, self.edges, strict=True)]
        self.true = [[true_gradient(graph, move, slopes) for slopes in self.slopes] for move in moves]
        self.bends: list[Any] | None = None
        self._kept: dict[Vertex, Arrays] = {}
        self._targets: dict[int, tuple[list[Target], Array, list[int]]] = {}
        self._numbers: tuple[Array, Array] | None = None
        self._matches: dict[Vertex, list[tuple[Target, float]]] = {}
        self._right: dict[Vertex, bool] = {}

    def factors(self, changed: list[dict[Vertex, Any]] | None = None) -> list[float | None]:
        """For each move, the factor by which its claim is the true gradient; None if it is not proportional to it."""
        found = []
        for move, true in zip(self.moves, self.true, strict=True):
            if changed is None:
                claimed = [point.claimed(move) for point in self.points]
            else:
                claimed = [Point(self.graph, values).claimed(move) for values in changed]
            found.append(same_direction(claimed, true))
        return found

    def matters(self, k: int) -> bool:
        """Whether the loss depends on the parameter of a move."""
        return any(np.any(t) for t in self.true[k])

    def arrays(self, vertex: Vertex) -> Arrays:
        """Its value at each point."""
        vertex = self.graph.rep(vertex)
        if vertex not in self._kept:
            self._kept[vertex] = [np.asarray(point.value(vertex), dtype=np.float64) for point in self.points]
        return self._kept[vertex]

    def slope(self, vertex: Vertex) -> Arrays | None:
        """The true derivative by a value at each point."""
        vertex = self.graph.rep(vertex)
        if any(vertex not in slopes for slopes in self.slopes):
            return None
        return [np.asarray(slopes[vertex]) for slopes in self.slopes]

    def targets(self, size: int) -> list[Target]:
        """All derivatives with so many numbers."""
        return self._of_size(size)[0]

    def alike(self, size: int) -> list[int]:
        """For each derivative with so many numbers, the place of the first one that has the same values."""
        return self._of_size(size)[2]

    def _of_size(self, size: int) -> tuple[list[Target], Array, list[int]]:
        """The derivatives with so many numbers, their fingerprints, and for each the first one that has the same values."""
        if size not in self._targets:
            found: list[Target] = []
            for vertex in sorted(self.slopes[0], key=lambda v: v.number) if self.slopes else ():
                arrays = self.slope(vertex)
                if arrays is not None and arrays[0].size == size and any(np.any(a) for a in arrays):
                    found.append(Target(vertex, None, arrays))
                    found += self._of_uses(vertex, arrays)
            marks = np.array([fingerprint(target.arrays) for target in found])
            known: dict[Any, int] = {}
            alike = [known.setdefault(_contents(target.arrays), k) for k, target in enumerate(found)]
            self._targets[size] = found, marks, alike
        return self._targets[size]

    def _of_uses(self, vertex: Vertex, whole: Arrays) -> list[Target]:
        """The parts of a derivative that each of several uses contributes, and that all but one do: the next time step, say."""
        users = [user for user in self.graph.users.get(vertex, ()) if (vertex, user) in self.edges[0]]
        found = []
        for use in users if len(users) > 1 else ():
            if all((vertex, use) in edges for edges in self.edges):
                own = [np.asarray(edges[vertex, use]) for edges in self.edges]
                found.append(Target(vertex, use, own))
                if len(users) > 2:
                    found.append(Target(vertex, use, [a - b for a, b in zip(whole, own, strict=True)]))
        return found

    def matches(self, vertex: Vertex) -> list[tuple[Target, float]]:
        """The derivatives that a value is proportional to, each with the factor."""
        vertex = self.graph.rep(vertex)
        if vertex not in self._matches:
            self._matches[vertex] = self.matches_of(self.arrays(vertex)) if vertex in self.live and vertex.floating else []
        return self._matches[vertex]

    def matches_of(self, arrays: Arrays, most: float = math.inf) -> list[tuple[Target, float]]:
        """The derivatives that arrays are proportional to, in this shape or transposed; not more than so many."""
        targets, marks, alike = self._of_size(arrays[0].size)
        if not targets or not all(np.all(np.isfinite(a)) for a in arrays):
            return []
        if arrays[0].size == 1:
            return self._matches_of_number(targets, [float(np.ravel(a)[0]) for a in arrays], most)
        mine, found = fingerprint(arrays), []
        factors: dict[int, float | None] = {}  # in a program of single numbers, many derivatives have the same value
        for k in np.flatnonzero(np.abs(marks - mine).max(axis=1) < 1e-5):
            if alike[k] not in factors:
                options = (same_direction(arrays, form) for form in forms(targets[k].arrays, arrays[0].shape))
                factors[alike[k]] = next((factor for factor in options if factor is not None), None)
            factor = factors[alike[k]]
            if factor is not None:
                found.append((targets[k], factor))
            if len(found) >= most:
                break
        return found

    def _matches_of_number(self, targets: list[Target], mine: list[float], most: float) -> list[tuple[Target, float]]:
        """The derivatives that a single number is proportional to, compared at once: some programs have thousands."""
        if self._numbers is None:
            true = np.array([[float(np.ravel(a)[0]) for a in target.arrays] for target in targets])
            sizes = np.where(true == 0, 1.0, np.abs(true))
            with np.errstate(all="ignore"):
                self._numbers = true / sizes, sizes
        true, sizes = self._numbers
        with np.errstate(all="ignore"):  # what is not finite fits nothing
            claimed = np.array(mine) / sizes
            norms = np.linalg.norm(claimed, axis=1)
            factors = (claimed * true).sum(axis=1) / (true * true).sum(axis=1)
            far = np.linalg.norm(claimed - factors[:, None] * true, axis=1)
        fits = (norms >= LEAST) & (abs(factors) >= LEAST_FACTOR) & (far <= TOLERANCE * norms)
        found = np.flatnonzero(fits)[: None if most == math.inf else int(most)]
        return [(targets[k], float(factors[k])) for k in found]

    def right(self, vertex: Vertex) -> bool:
        """Whether it is the derivative of something."""
        vertex = self.graph.rep(vertex)
        if vertex not in self._right:
            known = vertex in self._matches or vertex not in self.live or not vertex.floating
            found = self.matches(vertex) if known else self.matches_of(self.arrays(vertex), most=1)
            self._right[vertex] = bool(found)
        return self._right[vertex]


def _contents(arrays: Arrays) -> Any:
    """A key that arrays of the same shape and values share."""
    return arrays[0].shape, *(a.tobytes() for a in arrays)


def fingerprint(arrays: Arrays) -> Array:
    """Numbers that agree for proportional arrays, whatever their shape."""
    with np.errstate(all="ignore"):
        ones = np.array([np.abs(a).sum() for a in arrays])
        twos = np.array([np.sqrt((a * a).sum()) for a in arrays])
        return np.concatenate([ones, twos]) / (ones.sum() or 1.0)


def forms(arrays: Arrays, shape: tuple[int, ...]) -> list[Arrays]:
    """Arrays in the given shape: as they are, transposed, or reshaped if they are vectors."""
    found = []
    own = arrays[0].shape
    if own == shape:
        found.append(arrays)
    if len(own) == 2 and own[::-1] == shape and min(own) > 1:
        found.append([a.T for a in arrays])
    if not found and arrays[0].size == int(np.prod(shape)):
        found.append([a.reshape(shape) for a in arrays])
    return found
