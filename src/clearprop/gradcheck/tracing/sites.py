"""Sites: the expressions of the program that made the values of the backward pass.

A site is the largest expression of a statement that stands in one frame, such as all that is right of an `=`, with the
values that it made, one for each time that it ran.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Final

from clearprop.gradcheck.tracing.scope import Scope
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Stack, Vertex, position
from clearprop.gradcheck.tracing.wording import Words

Span = tuple[int, int, int, int]
"""First line, last line, first column and column after the last, in bytes."""
MOST_RUNS: Final = 400


def span_of(node: ast.expr) -> Span:
    """Where an expression stands in its file."""
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0


class SourceTree:
    """The syntax tree of one file.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    spans : dict of Span to ast.expr
    parents : dict of ast.AST to ast.AST
    functions : dict of str to ast.FunctionDef
    """

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.spans: dict[Span, ast.expr] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        try:
            self.tree = ast.parse(text)
        except SyntaxError:
            self.tree = ast.Module([], [])
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.expr):
                self.spans[span_of(node)] = node
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node

    def at(self, site: tuple[object, int]) -> ast.expr | None:
        """The expression that an instruction belongs to."""
        code, instruction = site
        return self.spans.get(position(code, instruction))  # type: ignore[arg-type]

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement that an expression is part of."""
        while not isinstance(node, ast.stmt):
            if node not in self.parents:
                return None
            node = self.parents[node]
        return node

    def spoken(self, node: ast.expr) -> str:
        """The text of an expression, with the parts of it that stand in the source as they are written there."""
        if node in self.parents:
            return self.text(node)
        parts: dict[str, ast.expr] = {}
        marked = _marked(node, self, parts)
        text = ast.unparse(marked)
        for wrap in (False, True):
            found = text
            for name, part in parts.items():
                loose = wrap and isinstance(part, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.BoolOp))
                found = found.replace(name, f"({self.text(part)})" if loose else self.text(part))
            try:
                if ast.dump(ast.parse(found, mode="eval").body) == ast.dump(ast.parse(ast.unparse(node), mode="eval").body):
                    return found
            except SyntaxError:
                continue
        return ast.unparse(node)

    def text(self, node: ast.expr) -> str:
        """The source of an expression, as one line."""
        found = [line.encode() for line in self.lines[node.lineno - 1 : node.end_lineno]]
        found[-1] = found[-1][: node.end_col_offset]
        found[0] = found[0][node.col_offset :]
        return " ".join(each.decode(errors="replace").strip() for each in found)


def _marked(node: Any, tree: SourceTree, parts: dict[str, ast.expr]) -> Any:
    """A copy of an expression with a name in the place of each part that stands in the source."""
    if isinstance(node, ast.expr) and node in tree.parents:
        name = f"part_{len(parts)}_"
        parts[name] = node
        return ast.Name(name, ast.Load())
    if isinstance(node, list):
        return [_marked(each, tree, parts) for each in node]
    if isinstance(node, ast.AST):
        return type(node)(**{key: _marked(value, tree, parts) for key, value in ast.iter_fields(node)})
    return node


@dataclass(eq=False)
class Run:
    """One time that a site ran.

    Attributes
    ----------
    vertex : Vertex
        The value that it made, as the graph has it.
    scope : Scope
        The names at that time.
    """

    vertex: Vertex
    scope: Scope


@dataclass(eq=False)
class Site:
    """An expression, and what it made.

    Attributes
    ----------
    file : str
    tree : SourceTree
    node : ast.expr
    runs : list of Run
        In order.
    """

    file: str
    tree: SourceTree
    node: ast.expr
    runs: list[Run] = field(default_factory=list)

    @property
    def vertices(self) -> set[Vertex]:
        return {run.vertex for run in self.runs}

    @property
    def stack(self) -> Stack:
        return self.runs[0].vertex.stack


def find_sites(sheet: Sheet, words: Words, wrong: list[Vertex]) -> list[Site]:
    """The sites of all that goes into wrong gradients, in the order in which they first ran."""
    graph = sheet.graph
    trees = {path: SourceTree("\n".join(lines)) for path, lines in words.lines.items()}
    inner = (graph.ancestors(wrong, sheet.cuts) & sheet.backward & sheet.live) - sheet.forward
    last = max(vertex.number for vertex in wrong)
    made: dict[ast.expr, list[Vertex]] = {}
    files: dict[ast.expr, str] = {}
    for rep in inner:
        for vertex in graph.all_of(rep):
            if vertex.number <= last and vertex.stack and vertex.floating:
                file = vertex.stack[0][0].co_filename
                node = trees[file].at(vertex.stack[0]) if file in trees else None
                if node is not None:
                    made.setdefault(node, []).append(vertex)
                    files[node] = file
    found = []
    for node, vertices in made.items():
        tree = trees[files[node]]
        if not _inside_another(node, tree, made):
            vertices.sort(key=lambda v: v.number)
            runs = [Run(graph.rep(v), Scope(graph.trace.bindings, v.stack, v.number)) for v in vertices[:MOST_RUNS]]
            found.append(Site(files[node], tree, node, runs))
    return sorted(found, key=lambda site: site.runs[0].scope.before)


def _inside_another(node: ast.expr, tree: SourceTree, made: dict[ast.expr, list[Vertex]]) -> bool:
    """Whether an expression around it made a value too; not where that is a call of a function or a comprehension."""
    each = tree.parents.get(node)
    while isinstance(each, (ast.expr, ast.keyword, ast.comprehension)):
        if each in made:
            return True
        if isinstance(each, (ast.ListComp, ast.GeneratorExp, ast.Lambda)):
            return False
        each = tree.parents.get(each)
    return False
