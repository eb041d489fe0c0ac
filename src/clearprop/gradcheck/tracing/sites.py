"""Sites: the expressions of the program that made the values of the backward pass.

A site is the largest expression of a statement that stands in one frame, such as all that is right of an `=`, with the
values that it made, one for each time that it ran.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.bindings import Alias
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.scope import Scope
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Stack, Vertex, position, put
from clearprop.gradcheck.tracing.wording import Words

Span = tuple[int, int, int, int]
"""First line, last line, first column and column after the last, in bytes."""
MODULES: Final = {"np", "numpy", "torch", "math"}
MOST_RUNS: Final = 400
ALIASES: Final = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
"""Expressions that may give a name to a value that was made elsewhere."""


def span_of(node: ast.expr | ast.stmt) -> Span:
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
    steps : dict of Span to ast.AugAssign
    aliases : dict of int to ast.expr
        By line, what is only given another name there, or returned.
    """

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.spans: dict[Span, ast.expr] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.steps: dict[Span, ast.AugAssign] = {}
        self.aliases: dict[int, ast.expr] = {}
        try:
            self.tree = ast.parse(text)
        except SyntaxError:
            self.tree = ast.Module([], [])
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.expr):
                self.spans[span_of(node)] = node
            if isinstance(node, ast.AugAssign):
                self.steps[span_of(node)] = node
            if isinstance(node, (ast.Assign, ast.Return)) and isinstance(node.value, ALIASES):
                self.aliases[node.lineno] = node.value
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node

    def at(self, site: tuple[object, int]) -> ast.expr | None:
        """The expression that an instruction belongs to."""
        code, instruction = site
        return self.spans.get(position(code, instruction))  # type: ignore[arg-type]

    def operation(self, site: tuple[object, int]) -> ast.AST | None:
        """The expression, or the statement such as `a += b`, that an instruction belongs to."""
        code, instruction = site
        span = position(code, instruction)  # type: ignore[arg-type]
        return self.spans.get(span) or self.steps.get(span)

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
        return " ".join(each.decode(errors="replace").strip().removesuffix("\\").rstrip() for each in found)


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


def is_module(node: ast.AST) -> bool:
    """Whether a name is that of NumPy, or the like."""
    return isinstance(node, ast.Name) and node.id in MODULES


@functools.lru_cache(maxsize=16)
def source_tree(text: str) -> SourceTree:
    """The tree of a text, made once: a program is searched many times over."""
    return SourceTree(text)


@dataclass(eq=False)
class LineRun:
    """One time that a site ran.

    Attributes
    ----------
    vertex : Vertex
        The value that it made, as the graph has it.
    scope : Scope
        The names at that time.
    own : Vertex or None
        The value itself, which an equal one of another line may stand for in the graph.
    users : dict of Vertex to set of int
        For a value that only got another name: the operations that used it under that name, and as which argument.
    """

    vertex: Vertex
    scope: Scope
    own: Vertex | None = None
    users: dict[Vertex, set[int]] = field(default_factory=dict)


@dataclass(eq=False)
class Site:
    """An expression, and what it made.

    Attributes
    ----------
    file : str
    tree : SourceTree
    node : ast.expr
        For a statement that writes into an array, a call of `PUT` with the array, the index and the value.
    runs : list of LineRun
        In order.
    alias : bool
        Whether it makes no value, but gives one another name.
    """

    file: str
    tree: SourceTree
    node: ast.expr
    runs: list[LineRun] = field(default_factory=list)
    alias: bool = False

    @property
    def vertices(self) -> set[Vertex]:
        """The first values that another expression would change."""
        return {user for run in self.runs for user in run.users} if self.alias else {run.vertex for run in self.runs}

    @property
    def target(self) -> str:
        """The name that the value gets, or the attribute or entry that it becomes; "" if it is neither."""
        statement = self.tree.parents.get(self.node)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        return ast.unparse(target) if isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)) else ""

    @property
    def stack(self) -> Stack:
        return self.runs[0].vertex.stack


def _writes_a_step(graph: Graph, vertex: Vertex) -> bool:
    """Whether a step of a part of a parameter is written into it."""
    return any(graph.rep(other) in graph.ends for other in vertex.inputs[1:])


def find_sites(sheet: Sheet, words: Words, wrong: list[Vertex]) -> list[Site]:
    """The sites of all that goes into wrong gradients, in the order in which they first ran."""
    graph = sheet.graph
    trees = {path: source_tree("\n".join(lines)) for path, lines in words.lines.items()}
    inner = (graph.ancestors(wrong, {*sheet.cuts, *graph.ends}) & sheet.backward) - sheet.forward - graph.ends
    ends = [piece.made for move in sheet.moves for piece in move.pieces if piece.made and graph.rep(piece.made) in wrong]
    last = max(vertex.number for vertex in (*wrong, *ends)) + 1
    first = min((vertex.number for vertex in (sheet.backward & sheet.live) - sheet.forward), default=last)
    inner = {vertex for vertex in inner if vertex in sheet.live or vertex.number > first}
    again = made_again(sheet, inner, wrong, first)
    made: dict[ast.expr, list[Vertex]] = {}
    files: dict[ast.expr, str] = {}
    places: dict[tuple[Any, int], ast.expr] = {}
    for rep in inner | {graph.rep(vertex) for vertex in again}:
        for vertex in graph.all_of(rep):
            if (
                (rep in inner or vertex in again)
                and vertex.number <= last
                and vertex.stack
                and (vertex.floating or np.asarray(vertex.value).dtype.kind == "b")
            ):
                file = vertex.stack[0][0].co_filename
                node = trees[file].at(vertex.stack[0]) if file in trees else None
                if node is not None:
                    made.setdefault(node, []).append(vertex)
                    files[node], places[vertex.stack[0]] = file, node
    for vertex in graph.vertices:  # made at these places too, and forgotten: dW = ... in a loop
        node = places.get(vertex.stack[0]) if vertex.stack and first < vertex.number <= last else None
        if node is not None and graph.rep(vertex) not in inner | sheet.forward:
            made[node].append(vertex)
    found = find_sums(graph, trees, inner, made, last)
    for node, vertices in made.items():
        tree = trees[files[node]]
        if not _inside_another(node, tree, made):
            vertices.sort(key=lambda v: v.number)
            whole = written_into(node, tree)
            kept = [v for v in vertices if whole is None or (v.fn is put and not _writes_a_step(graph, v))]
            runs = [LineRun(graph.rep(v), Scope(graph.trace.bindings, v.stack, v.number), v) for v in kept[:MOST_RUNS]]
            if runs:
                found.append(Site(files[node], tree, whole or node, runs))
    found += find_aliases(sheet, trees, inner, last)
    return sorted(found, key=lambda site: site.runs[0].scope.before)


def made_again(sheet: Sheet, inner: set[Vertex], wrong: list[Vertex], first: float) -> set[Vertex]:
    """Values of the forward pass that the backward pass computes once more, and makes wrong gradients of: a mask z > 0."""
    graph = sheet.graph
    given = {other for rep in inner for vertex in graph.all_of(rep) for other in vertex.inputs}
    used = given | {each for rep in wrong for each in graph.all_of(rep)}
    twice = {v for v in used if v.fn is not None and (v.number > first or graph.rep(v) is not v)}
    return {vertex for vertex in twice if graph.rep(vertex) in sheet.forward & sheet.live}


def find_sums(
    graph: Graph, trees: dict[str, SourceTree], inner: set[Vertex], made: dict[ast.expr, list[Vertex]], last: float
) -> list[Site]:
    """The statements `a += x` and the like, as sites of the expression a + x, where the array is not a new one each time."""
    found: dict[ast.AugAssign, Site] = {}
    for vertex in sorted((v for rep in inner for v in graph.all_of(rep)), key=lambda v: v.number):
        file = vertex.stack[0][0].co_filename if vertex.stack and vertex.number <= last and vertex.floating else ""
        statement = trees[file].operation(vertex.stack[0]) if file in trees else None
        if not isinstance(statement, ast.AugAssign) or vertex.step_of is not None:
            continue
        if statement not in found:
            old = ast.copy_location(ast.parse(ast.unparse(statement.target), mode="eval").body, statement.target)
            node = ast.copy_location(ast.BinOp(old, statement.op, statement.value), statement.value)
            found[statement] = Site(file, trees[file], node)
        if len(found[statement].runs) < MOST_RUNS:
            scope = Scope(graph.trace.bindings, vertex.stack, vertex.number)
            found[statement].runs.append(LineRun(graph.rep(vertex), scope, vertex))
    for statement, site in list(found.items()):
        if len(site.runs) > len(made.get(statement.target, ())):
            made.pop(statement.target, None)  # several numbers that were written one after the other are one value
        else:
            del found[statement]
    return list(found.values())


PUT: Final = "put_"


def written_into(node: ast.expr, tree: SourceTree) -> ast.expr | None:
    """For `a[i] = x` and `a[i] += x`, the whole array after it as an expression, from the parts in the source."""
    statement = tree.parents.get(node)
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Store):
        return None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        value = statement.value
    elif isinstance(statement, ast.AugAssign):
        value = ast.BinOp(ast.Subscript(node.value, node.slice, ast.Load()), statement.op, statement.value)
    else:
        return None
    return ast.copy_location(ast.Call(ast.Name(PUT, ast.Load()), [node.value, node.slice, value], []), node)


def find_aliases(sheet: Sheet, trees: dict[str, SourceTree], inner: set[Vertex], last: float) -> list[Site]:
    """The sites at which a value of the backward pass only got another name, or was returned."""
    graph = sheet.graph
    found: dict[ast.expr, Site] = {}
    claimed = {graph.rep(gradient) for move in sheet.moves for gradient in move.gradients} & (inner | sheet.forward)
    used: set[ast.expr] = set()
    for alias in graph.trace.bindings.aliases:
        rep, tree = graph.rep(alias.vertex), trees.get(alias.file)
        node = tree.aliases.get(alias.line) if tree is not None else None
        late = alias.when > last and rep not in claimed  # a gradient gets its place in a dict after others were made
        if rep not in sheet.backward or late or tree is None or node is None:
            continue
        users = {
            user: places
            for user in graph.users.get(rep, ())
            if user in sheet.backward and user.number > alias.when and (places := _used_under(graph, trees, alias, user))
        }
        site = found.setdefault(node, Site(alias.file, tree, node, [], True))
        site.runs.append(LineRun(rep, Scope(graph.trace.bindings, alias.stack, alias.when), None, users))
        if users.keys() & inner or rep in claimed:
            used.add(node)
    return [site for node, site in found.items() if node in used]


def _used_under(graph: Graph, trees: dict[str, SourceTree], alias: Alias, user: Vertex) -> set[int]:
    """The arguments of an operation that are a value under the name that it got at a certain time."""
    found: set[int] = set()
    for each in graph.all_of(user):
        file = each.stack[0][0].co_filename if each.stack else ""
        node = trees[file].operation(each.stack[0]) if file in trees else None
        if node is None or each.number < alias.when or not _passed_on(trees, alias, each):
            continue
        scope = Scope(graph.trace.bindings, each.stack, each.number)
        for k, part in enumerate(parts_of(node)):
            if k < len(each.args) and isinstance(each.args[k], Vertex) and graph.rep(each.args[k]) is graph.rep(alias.vertex):
                called = isinstance(part, ast.Call)
                named = isinstance(part, ast.Name) and scope.when(part.id) >= alias.when
                held = isinstance(part, (ast.Attribute, ast.Subscript)) and graph.trace.bindings.held(alias.vertex, alias.when)
                if called or named or held:
                    found.add(k)
    return found


def _passed_on(trees: dict[str, SourceTree], alias: Alias, user: Vertex) -> bool:
    """Whether the call in which an operation was made, seen from where the name was given, speaks of the name."""
    tree, code = trees[alias.file], alias.stack[0][0]
    given = tree.aliases.get(alias.line)
    statement = tree.parents.get(given) if given is not None else None
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return True
    name = statement.targets[0].id
    for each in user.stack[1:]:
        if each[0] is code:
            call = tree.operation(each)
            return call is None or any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(call))
    return True


def parts_of(node: ast.AST) -> list[ast.expr]:
    """The operands of an operation, in the order of its arguments."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return [node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return [*([] if is_module(node.func.value) else [node.func.value]), *node.args]
    return []


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
