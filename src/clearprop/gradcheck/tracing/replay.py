"""The replay of a backward pass in which one expression is another: what becomes of the gradients.

The forward pass is as it was. Each time that the expression ran, it is computed anew from the names of that time; all that
was made of it is run again. Values that the program made and then forgot are computed too, where the new expression asks
for them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.arithmetic import Arithmetic, CannotCompute
from clearprop.gradcheck.tracing.remade import run_again
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.sites import LineRun, Site
from clearprop.gradcheck.tracing.trace import Vertex, filled

SOON: Final = 1e-5  # between the value and the name that it gets
Values = dict[Vertex, Any]


class Replay:
    """Computes what follows from other expressions.

    Parameters
    ----------
    sheet : Sheet
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.graph = sheet, sheet.graph
        self.moving = self.graph.descendants(sheet.cuts)
        self.claimed = {self.graph.rep(g) for move in sheet.moves for g in move.gradients}
        self.made = {piece.made or piece.gradient for move in sheet.moves for piece in move.pieces}
        self.forgotten: list[Values] = [{} for _ in sheet.points]
        self._after: dict[Site, tuple[list[Vertex], set[Vertex]]] = {}

    def base(self, k: int, vertex: Vertex) -> Any:
        """A value at a point, nothing changed."""
        vertex = self.graph.rep(vertex)
        values = self.sheet.points[k].values
        if vertex in values or vertex.fn is None or vertex not in self.moving:
            return values.get(vertex, vertex.value)
        with np.errstate(all="ignore"):
            for each in self._to_remake(k, vertex):
                self.forgotten[k][each] = run_again(self.graph, each, lambda v: self.base(k, v))
        return self.forgotten[k][vertex]

    def _to_remake(self, k: int, vertex: Vertex) -> list[Vertex]:
        """The values that have to be computed again for one, in order; a long loop makes a chain of thousands."""
        values, known = self.sheet.points[k].values, self.forgotten[k]
        found: set[Vertex] = set()
        left = [vertex]
        while left:
            each = left.pop()
            if not (each in found or each in known or each in values or each.fn is None or each not in self.moving):
                found.add(each)
                left.extend(self.graph.inputs(each))
        return sorted(found, key=lambda v: v.number)

    def unchanged(self, site: Site, run: LineRun) -> bool:
        """Whether the arithmetic gives what the program got."""
        try:
            made = self.at(site, run, site.node, 0)
        except CannotCompute:
            return False
        wanted = np.asarray(self.base(0, run.vertex))
        return np.shape(made) == wanted.shape and bool(np.allclose(made, wanted, rtol=1e-9, atol=1e-12))

    def at(
        self,
        site: Site,
        run: LineRun,
        node: ast.expr,
        k: int,
        value_of: Callable[[Vertex], Any] | None = None,
        local: dict[str, Any] | None = None,
    ) -> Array:
        """The value of an expression in the place of a site, at one time.

        Raises
        ------
        CannotCompute
        """
        look = value_of or (lambda vertex: self.base(k, vertex))
        with np.errstate(all="ignore"):
            made = Arithmetic(run.scope, look, site.tree.functions, local).of(node)
        try:
            found = np.asarray(made, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise CannotCompute("no array") from error
        if not np.all(np.isfinite(found)):
            raise CannotCompute("not finite")
        return found

    def factors(self, site: Site, node: ast.expr) -> tuple[list[float | None], list[Values]] | None:
        """The factor by which each claimed gradient is the true one, with an expression in the place of a site.

        Returns
        -------
        (list of float or None, list of Values) or None
            The factors, and the values that changed at each point; None if it cannot be computed.
        """
        after = []
        for k, point in enumerate(self.sheet.points):
            try:
                new = self._changed(site, node, k)
            except (CannotCompute, ValueError, IndexError, TypeError, ArithmeticError, RecursionError, np.linalg.LinAlgError):
                return None
            after.append({**point.values, **new})
        try:
            return self.sheet.factors(after), after
        except (ValueError, TypeError):
            return None

    def _changed(self, site: Site, node: ast.expr, k: int) -> Values:
        """The values that differ at a point."""
        order, touched = self._order(site)
        own = {} if site.alias else {run.own or run.vertex: run for run in site.runs}
        equal = {run.vertex for run in own.values()}
        apart = len(equal) < len(own)  # one value stands for those of several times, which may now differ
        uses = {user: (run, at) for run in site.runs for user, at in run.users.items()}
        new: Values = {}
        running: set[Vertex] = set()

        def value_of(vertex: Vertex) -> Any:
            if vertex in running and vertex not in new:  # an expression that speaks of its own last value
                return self.base(k, vertex)
            if vertex in own and vertex not in new:
                running.add(vertex)
                made = self.at(site, own[vertex], node, k, value_of)
                new[vertex] = made if made.ndim else made[()]
            if vertex not in new:
                vertex = self.graph.rep(vertex)
                if vertex in equal:  # another line made it, too
                    return self.base(k, vertex)
            if vertex in new:
                return new[vertex]
            if vertex not in touched or vertex.fn is None:
                return self.base(k, vertex)
            new[vertex] = run_again(self.graph, vertex, value_of)  # made of what changed, and forgotten by the program
            return new[vertex]

        named = NamedAnew(lambda run, local: self.at(site, run, node, k, value_of, local), site)
        with np.errstate(all="ignore"):
            for vertex in order:
                if vertex in equal:
                    for each in self.graph.all_of(vertex):
                        if each in own:
                            value_of(each)
                elif vertex in uses:
                    run, at = uses[vertex]
                    new[vertex] = self._run_with(vertex, at, named.of(run), value_of)
                else:
                    for each in self.graph.all_of(vertex) if apart else (vertex,):
                        new[each] = run_again(self.graph, each, value_of)
            new.update({each: self.base(k, each) for each in self.made if each not in own and self.graph.rep(each) in equal})
            if site.alias:
                new.update({run.vertex: named.of(run) for run in site.runs if run.vertex in self.claimed})
        return new

    def _run_with(self, vertex: Vertex, at: set[int], value: Any, value_of: Callable[[Vertex], Any]) -> Any:
        """The value of an operation with another one in the place of some arguments."""
        assert vertex.fn is not None
        args = tuple(value if k in at else filled(arg, value_of) for k, arg in enumerate(vertex.args))
        return vertex.fn(*args, **filled(vertex.kwargs, value_of))

    def _order(self, site: Site) -> tuple[list[Vertex], set[Vertex]]:
        """The operations to run again, in order; and all that was made of a site, forgotten values included."""
        if site not in self._after:
            touched = self.graph.descendants(site.vertices)
            again = (touched & self.sheet.backward) | site.vertices
            self._after[site] = sorted(again, key=lambda v: v.number), touched
        return self._after[site]


class NamedAnew:
    """The values that a name stands for, one time after the other, if it is given to another expression.

    Parameters
    ----------
    compute : callable
        The value of the expression at one time, with some names bound otherwise.
    site : Site
    """

    def __init__(self, compute: Callable[[LineRun, dict[str, Any]], Array], site: Site) -> None:
        self.compute, self.site = compute, site
        self.known: dict[LineRun, Array] = {}

    def of(self, run: LineRun) -> Array:
        """The value of one time; the name stands for that of the time before, where it was not bound in between."""
        if run not in self.known:
            number, target = self.site.runs.index(run), self.site.target
            local: dict[str, Any] = {}
            for before in self.site.runs[:number]:  # the first ones first, so that no recursion goes deep
                self.of(before)
                local = {target: self.known[before]} if target else {}
            if number and target and self._bound_since(run, self.site.runs[number - 1]):
                local = {}
            self.known[run] = self.compute(run, local)
        return self.known[run]

    def _bound_since(self, run: LineRun, before: LineRun) -> bool:
        """Whether the name was given to something else between two times."""
        target = self.site.target
        if target.isidentifier():
            return run.scope.when(target) > before.scope.before + SOON
        try:
            held = Arithmetic(run.scope, lambda vertex: vertex, self.site.tree.functions).held(target)
        except CannotCompute:
            return True
        return held is not before.vertex and held is not before.own
