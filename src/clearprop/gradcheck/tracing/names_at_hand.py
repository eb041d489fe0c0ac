"""The names at hand at a site: arrays, numbers, lists and their entries, derivatives of activations, in the program's words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.arithmetic import Arithmetic, CannotCompute
from clearprop.gradcheck.tracing.nonlinear import Bend
from clearprop.gradcheck.tracing.replay import Replay
from clearprop.gradcheck.tracing.sites import Site
from clearprop.gradcheck.tracing.source_edits import written
from clearprop.gradcheck.tracing.trace import Vertex

NUMBERS: Final = (int, float, np.number)
MOST_ATOMS: Final = 64
MOST_SCALARS: Final = 12
MOST_DERIVATIVES: Final = 14


class NamesAtHand:
    """All that may be written at one site.

    Parameters
    ----------
    site : Site
    replay : Replay
    bends : list of Bend
        The activation functions of the forward pass.
    """

    def __init__(self, site: Site, replay: Replay, bends: list[Bend]) -> None:
        sheet = self.sheet = replay.sheet
        self.replay, self.site, self.graph, self.text = replay, site, sheet.graph, site.tree.spoken
        self.run = site.runs[0]
        self.atoms = self._atoms()
        self.containers = self._containers()
        self.counters = self._counters()
        self.entries = self._entries()
        names = {self.graph.rep(vertex): name for name, vertex in [*reversed(self.atoms), *self._of_entries()]}
        size = self.run.vertex.size
        self.formulas = self._formulas([bend for bend in bends if bend.z.size == size], names)
        self.formulas_elsewhere = {
            shape: self._formulas([bend for bend in bends if bend.z.shape == shape], names)
            for shape in {bend.z.shape for bend in bends if bend.z.size != size}
        }
        self.partners = {b.a: names[b.z] for b in bends if b.z in names} | {b.z: names[b.a] for b in bends if b.a in names}
        self.right_before = [text for text, vertex in self.atoms if self._is_derivative(vertex)][:MOST_DERIVATIVES]
        self.scalars = self._scalars()

    def _atoms(self) -> list[tuple[str, Vertex]]:
        """Arrays and traced numbers within reach, one name for each."""
        found: dict[Vertex, str] = {}
        for text, vertex in self.run.scope.atoms():  # those of the function come before those of the file
            usable = vertex.floating or np.asarray(vertex.value).dtype.kind == "b"
            if usable and (vertex not in found or (text.isidentifier() and not found[vertex].isidentifier())):
                found[vertex] = text
        plain_first = sorted(found.items(), key=lambda each: not each[1].isidentifier())
        return [(text, vertex) for vertex, text in plain_first[:MOST_ATOMS]]

    def _is_derivative(self, vertex: Vertex) -> bool:
        """Whether a value of the backward pass is right, even if the program then forgot it."""
        rep = self.graph.rep(vertex)
        if rep not in self.replay.moving or rep in self.sheet.forward or rep.fn is None or not rep.floating:
            return False
        try:
            arrays = [np.asarray(self.replay.base(k, rep), dtype=np.float64) for k in range(len(self.sheet.points))]
        except (ValueError, IndexError, TypeError, ArithmeticError):
            return False
        return bool(self.sheet.matches_of(arrays))

    def _formulas(self, bends: list[Bend], names: dict[Vertex, str]) -> list[tuple[str, str]]:
        """Each derivative of an activation whose value or argument has a name here: its text, and what it is."""
        found = {}
        for bend in bends:
            z, a = names.get(bend.z, ""), names.get(bend.a, "")
            if bend.name and (z or a):
                text = bend.formula(z, a)
                if (("{" not in text) and (z or "()" not in text) and " > 0" not in text) or z or a:
                    text = text if z or " > 0" not in text else f"({a} > 0)"
                    found[text] = f"the derivative of {bend.name}"
        return [(text, said) for text, said in found.items() if parses(text)]

    def _scalars(self) -> list[str]:
        """Plain numbers that the program itself multiplies or divides by, and that are known here: B, np.sqrt(d), lam / m."""
        found: dict[float, str] = {}
        look = Arithmetic(self.run.scope, self._fixed, self.site.tree.functions)
        for node in ast.walk(self.site.tree.tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
                for side in (node.right, node.left):
                    try:
                        value = look.of(side)
                    except CannotCompute:
                        continue
                    if isinstance(value, NUMBERS) and not isinstance(value, bool) and float(value) not in (0.0, 1.0):
                        text = ast.unparse(side)
                        if len(text) < len(found.get(float(value), "x" * 40)):
                            found[float(value)] = text
        return list(found.values())[:MOST_SCALARS]

    def _containers(self) -> list[str]:
        """Lists and dicts within reach."""
        found = [name for name, value in self.run.scope.names() if isinstance(value, (list, dict))]
        for name, value in self.run.scope.names():
            if name == "self":
                found += [f"self.{key}" for key, each in vars(value).items() if isinstance(each, (list, dict))]
        return found[:12]

    def _entries(self) -> list[str]:
        """Entries of lists and dicts at the counters: h[j], where the statement writes into output[k][j]."""
        return [f"{text}[{counter}]" for counter in self.counters for text in self.containers]

    def _counters(self) -> list[str]:
        """The counters that the statement uses, and those of the loops around it."""
        statement = self.site.tree.statement(self.site.node)
        parts = [node for node in ast.walk(statement) if isinstance(node, ast.Subscript)] if statement is not None else []
        found = [part.slice.id for part in parts if isinstance(part.slice, ast.Name)]
        around: ast.AST | None = statement
        while around is not None and not isinstance(around, ast.FunctionDef):
            if isinstance(around, ast.For) and isinstance(around.target, ast.Name):
                found.append(around.target.id)
            around = self.site.tree.parents.get(around)
        return list(dict.fromkeys(found))

    def _of_entries(self) -> Iterator[tuple[str, Vertex]]:
        """The entries with the values that they have at the first time."""
        for text in self.entries:
            try:
                node = written(text)
                assert isinstance(node, ast.Subscript)
                value = self.run.scope.part(self.run.scope.resolved(node.value), self.run.scope.resolved(node.slice))
            except (LookupError, TypeError):
                continue
            if isinstance(value, Vertex):
                yield text, value

    def _fixed(self, vertex: Vertex) -> Any:
        """The value of what does not depend on parameters."""
        if self.graph.rep(vertex) in self.sheet.live:
            raise CannotCompute("depends on parameters")
        return vertex.value

    def _stands_for(self, node: ast.expr) -> Vertex | None:
        """The value of a name; None if it is not known."""
        try:
            own = self.run.scope.resolved(node)
        except LookupError:
            return None
        return own if isinstance(own, Vertex) else None


def parses(text: str) -> bool:
    """Whether a text is an expression."""
    try:
        written(text)
    except SyntaxError:
        return False
    return True
