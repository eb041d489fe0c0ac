"""The recorded graph as a thing to compute with: equal operations on equal inputs are one, and all can be run again.

A program often computes its forward pass twice, once for the loss and once for the gradient; the two are the same vertices
here. `Graph.values` runs the recorded operations again with other parameters; `Graph.adjoints` differentiates a number by
everything that it depends on.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.constant_indices import shortest
from clearprop.gradcheck.tracing.derivative_rules import pulled
from clearprop.gradcheck.tracing.trace import Trace, Vertex, filled, get, vertices_in

Values = dict[Vertex, Any]
"""Values that differ from the recorded ones."""


class Graph:
    """The vertices of a trace, each standing for all that are equal to it.

    Parameters
    ----------
    trace : Trace
    merge : bool
        Whether equal constants that the program made twice are one; not where they may be parameters.

    Attributes
    ----------
    same : dict of Vertex to Vertex
        The first vertex that is equal.
    members : dict of Vertex to list of Vertex
        All that are equal to it, where there are several.
    users : dict of Vertex to list of Vertex
        The values that were made of each.
    settings : dict of Vertex to bool
        Whether a number depends on plain numbers alone, as far as this was asked.
    shrink : float
        By how much trial points are nearer to the origin than is usual.
    sizes : set of int
        Lengths of the axes of all arrays.
    ends : set of Vertex
        Results of steps: a parameter counts as independent of those from which it was stepped.
    """

    def __init__(self, trace: Trace, merge: bool = True) -> None:
        self.trace, self.merge = trace, merge
        self.vertices = sorted(dict.fromkeys(trace.vertices), key=lambda v: v.number)
        self.same: dict[Vertex, Vertex] = {}
        self.members: dict[Vertex, list[Vertex]] = {}
        self.users: dict[Vertex, list[Vertex]] = {}
        self.settings: dict[Vertex, bool] = {}
        self.ends: set[Vertex] = set()
        self.extra = 0
        self._between: tuple[Any, list[Vertex]] = (None, [])  # kept, as a number is differentiated at several points
        moved = _moved(trace)
        self._inputs: dict[Vertex, list[Vertex]] = {}
        known: dict[Any, Vertex] = {}
        for vertex in self.vertices:
            self._place(vertex, known, vertex in moved)
        self.shrink = 1.0
        self.sizes = {n for vertex in self.vertices if vertex.size > 1 for n in vertex.shape}
        self.guards: dict[Vertex, bool] = {}
        for vertex, truth in trace.guards:
            self.guards[self.rep(vertex)] = truth

    def _place(self, vertex: Vertex, known: dict[Any, Vertex], moved: bool) -> None:
        key: Any = None
        if vertex.fn is None:
            if vertex.kind in ("made", "literal", "data") and not moved and self.merge and vertex.size <= 100000:
                key = (vertex.kind, frozen(vertex.value))
        elif vertex.step_of is None and not moved:
            args = (vertex.args[0], shortest(vertex.args[1])) if vertex.fn is get else vertex.args
            key = (vertex.fn, self._key(args), self._key(vertex.kwargs))
        first = known.setdefault(key, vertex) if key is not None else vertex
        self.same[vertex] = first
        if first is not vertex:
            self.members.setdefault(first, [first]).append(vertex)
            return
        for other in self.inputs(vertex):
            self.users.setdefault(other, []).append(vertex)

    def _key(self, tree: Any) -> Any:
        if isinstance(tree, Vertex):
            return ("v", id(self.rep(tree)))
        if isinstance(tree, (list, tuple)):
            return (type(tree).__name__, *(self._key(item) for item in tree))
        if isinstance(tree, dict):
            return tuple((key, self._key(item)) for key, item in sorted(tree.items()))
        if isinstance(tree, slice):
            return ("slice", self._key(tree.start), self._key(tree.stop), self._key(tree.step))
        return frozen(tree)

    def rep(self, vertex: Vertex) -> Vertex:
        """The vertex that stands for it."""
        return self.same.get(vertex, vertex)

    def all_of(self, vertex: Vertex) -> list[Vertex]:
        """All vertices that are equal to one."""
        return self.members.get(vertex, [vertex])

    def inputs(self, vertex: Vertex) -> list[Vertex]:
        """The vertices that it was made of."""
        found = self._inputs.get(vertex)
        if found is None:
            found = self._inputs[vertex] = list(dict.fromkeys(self.rep(other) for other in vertex.inputs))
        return found

    def add(self, fn: Any, *args: Any, kind: str = "", **kwargs: Any) -> Vertex:
        """A vertex that the program did not make: an inferred loss, or a gathered claim."""
        value = fn(*filled(args, lambda v: v.value), **filled(kwargs, lambda v: v.value))
        vertex = Vertex(fn, args, kwargs, value, kind or fn.__name__)
        vertex.inputs = tuple(dict.fromkeys((*vertices_in(args), *vertices_in(kwargs))))
        for other in vertex.inputs:
            vertex.bits |= other.bits
        self.extra += 1
        vertex.number = self.trace.count + self.extra
        self.same[vertex] = vertex
        for other in self.inputs(vertex):
            self.users.setdefault(other, []).append(vertex)
        return vertex

    def total(self, parts: Sequence[Vertex]) -> Vertex:
        """The sum of values, one after the other."""
        return functools.reduce(lambda one, other: self.add(np.add, one, other), parts)

    def constant(self, value: Any, kind: str) -> Vertex:
        """A value that the program did not make, and that depends on nothing."""
        vertex = Vertex(None, (), {}, value, kind)
        self.extra += 1
        vertex.number = self.trace.count + self.extra
        self.same[vertex] = vertex
        return vertex

    # ---------------------------------------------------------------- who depends on whom

    def ancestors(self, targets: Iterable[Vertex], stop: Iterable[Vertex] = ()) -> set[Vertex]:
        """All that went into the targets, themselves included; what went into those in `stop` is left out."""
        ends, found = set(stop), set()
        left = [self.rep(v) for v in targets]
        while left:
            vertex = left.pop()
            if vertex not in found:
                found.add(vertex)
                if vertex not in ends:
                    left.extend(self.inputs(vertex))
        return found

    def descendants(self, sources: Iterable[Vertex], within: set[Vertex] | None = None) -> set[Vertex]:
        """All that was made of the sources, themselves included."""
        found: set[Vertex] = set()
        left = [self.rep(v) for v in sources]
        while left:
            vertex = left.pop()
            if vertex not in found and (within is None or vertex in within):
                found.add(vertex)
                left.extend(self.users.get(vertex, ()))
        return found

    # ---------------------------------------------------------------- computing

    def values(self, targets: Iterable[Vertex], given: Values) -> Values:
        """All values on the way from the given ones to the targets, computed again.

        Raises
        ------
        ArithmeticError
            If a branch that the program took would not have been taken.
        """
        wanted = self.ancestors(targets, given)
        moving = self.descendants(given, wanted)
        found: Values = {self.rep(v): value for v, value in given.items()}
        self.complete(moving, found)
        return found

    def complete(self, moving: set[Vertex], found: Values) -> None:
        """Compute values anew, in order, from those that were found."""
        with np.errstate(all="ignore"):
            for vertex in sorted(moving - found.keys(), key=lambda v: v.number):
                found[vertex] = self.run(vertex, found)

    def run(self, vertex: Vertex, found: Values) -> Any:
        """The value of one vertex, given those of its inputs that changed."""
        assert vertex.fn is not None
        value = vertex.fn(
            *filled(vertex.args, lambda v: self.value(v, found)), **filled(vertex.kwargs, lambda v: self.value(v, found))
        )
        return value

    def value(self, vertex: Vertex, found: Values) -> Any:
        """A value, changed or as it was recorded."""
        if vertex in found:  # one of several equal values, changed alone
            return found[vertex]
        vertex = self.rep(vertex)
        return found.get(vertex, vertex.value)

    def adjoints(
        self, loss: Vertex, sources: Iterable[Vertex], found: Values, edges: dict[tuple[Vertex, Vertex], Array] | None = None
    ) -> dict[Vertex, Array]:
        """The derivative of a number by each value between it and the sources.

        Parameters
        ----------
        loss : Vertex
        sources : iterable of Vertex
            The parameters; what went into them is not looked at.
        found : Values
            The point.
        edges : dict, optional
            Filled with what each user of a value contributes to its derivative.
        """
        sources = [self.rep(v) for v in sources]
        ends = {*sources, *self.ends}
        loss = self.rep(loss)
        if self._between[0] != (key := (loss, *sources, len(ends))):
            order = sorted(self.descendants(sources, self.ancestors([loss], ends)), key=lambda v: v.number)
            self._between = key, order
        order = self._between[1]
        between = set(order)
        if found:
            self.complete(between, found)
        slopes: dict[Vertex, Array] = {loss: np.ones(np.shape(self.value(loss, found)))}
        with np.errstate(all="ignore"):
            for vertex in reversed(order):
                if vertex not in slopes or vertex in ends or vertex.fn is None:
                    continue
                for other, slope in pulled(vertex, slopes[vertex], lambda v: self.value(v, found), self.value(vertex, found)):
                    other = self.rep(other)
                    if other in between:
                        slopes[other] = slopes[other] + slope if other in slopes else slope
                        if edges is not None:
                            edge = (other, vertex)
                            edges[edge] = edges[edge] + slope if edge in edges else slope
        return slopes


def _moved(trace: Trace) -> set[Vertex | None]:
    """All that is moved by steps, and that is set where others are moved, by something that does not depend on it.

    A parameter is itself, however many others began with the same numbers.
    """
    places = {step.stack[:1] for step in trace.steps}
    set_there = (vertex for vertex in trace.set_by_hand if vertex.stack[:1] in places)
    return {step.origin for step in trace.steps} | {vertex.args[0] for vertex in set_there}


def frozen(thing: Any) -> Any:
    """Something hashable that is equal for equal things."""
    if isinstance(thing, (np.ndarray, np.generic)):
        array = np.asarray(thing)
        return ("array", array.shape, array.dtype.str, array.tobytes() if array.size <= 20000 else id(thing))
    try:
        hash(thing)
    except TypeError:
        return ("id", id(thing))
    return (type(thing).__name__, thing)
