"""A line that is missing: a gradient stays 0, because nothing is ever added to it.

Where the gradients of other parameters are filled, what this one ought to be made of is at hand. Each value that has a name
there is tried, summed over the examples, or multiplied by another; the right one is that whose sum over all rounds of the
loop is the true derivative, at all points.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Final, TypeGuard

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.arithmetic import CannotCompute
from clearprop.gradcheck.tracing.common_factors import CLOSE
from clearprop.gradcheck.tracing.moved_lines import Changes, line_beside
from clearprop.gradcheck.tracing.names_at_hand import NamesAtHand
from clearprop.gradcheck.tracing.replay import Replay
from clearprop.gradcheck.tracing.scope import Scope
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.sites import LineRun, Site, find_sites, source_tree
from clearprop.gradcheck.tracing.source_edits import written
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.wording import NO_SEARCH, Words, wrapped

MOST_SITES: Final = 5
MOST_NAMES: Final = 40
BLOCKS: Final = (ast.FunctionDef, ast.Module)
INSIDE: Final = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>")


@dataclass(frozen=True)
class MissingLine:
    """A statement that is missing.

    Attributes
    ----------
    gradient : str
        The array that stays 0.
    text, right : str
        The statement, and where it belongs, in words.
    file, after : str, int
        The line after which it belongs.
    changes : Changes
        That line, with the statement below it.
    """

    gradient: str
    text: str
    right: str
    file: str
    after: int
    changes: Changes


def missing_line(sheet: Sheet, words: Words, parameter: Vertex, term: Vertex) -> MissingLine | None:
    """The statement that would fill the gradient of a parameter, which is moved by a term of zeros; None if none is found."""
    if words.spent >= NO_SEARCH:
        return None
    graph, parameter = sheet.graph, sheet.graph.rep(parameter)
    made = [g for move in sheet.moves for g in move.gradients if g.stack]
    codes = {_function(each) for g in made for each in graph.all_of(graph.rep(g)) if each.stack}
    zeros = [v for v in _went_into(term) if _is_empty(v, parameter) and v.stack]
    empty = next((v for v in zeros if _function(v) in codes), None)
    true, replay = _slopes(sheet, parameter), Replay(sheet)
    if empty is None or not true:
        return None
    sites = [s for s in find_sites(sheet, words, [graph.rep(g) for g in made]) if s.stack]
    sites = [site for site in sites if site.stack[0][0] is _function(empty)]
    for wanted in ([1.0], [f for f in sheet.factors() if f is not None and f > 0]):  # of the loss itself; else as the others
        for site in sorted(sites, key=lambda s: (-_is_sum(s), -s.node.lineno))[:MOST_SITES]:
            text = next(_fillings(replay, site, true, wanted), None)
            found = _added(site, empty.names[0], text) if text is not None else None
            if found is not None:
                return found
    return None


def missing_term(sheet: Sheet, words: Words, parameter: Vertex, made: Vertex) -> str:
    """The line of a value that is only a part of the gradient of a parameter, with the rest; "" if it is not found."""
    graph, parameter = sheet.graph, sheet.graph.rep(parameter)
    file = made.stack[0][0].co_filename if made.stack else ""
    if words.spent >= NO_SEARCH or file not in words.lines:
        return ""
    tree = source_tree("\n".join(words.lines[file]))
    node = tree.at(made.stack[0])
    statement = tree.statement(node) if node is not None else None
    if not isinstance(statement, ast.Assign) or statement.lineno != statement.end_lineno:
        return ""
    true = _slopes(sheet, parameter)
    rest = [slope - np.asarray(graph.rep(made).value, dtype=np.float64) for slope in true]
    scope = Scope(graph.trace.bindings, made.stack, made.number)
    site, replay = Site(file, tree, statement.value, [LineRun(graph.rep(made), scope, made)]), Replay(sheet)
    scales = NamesAtHand(site, replay, []).scalars
    text = next(_fillings(replay, site, rest, [1.0], scales), "") if true else ""
    return f"{tree.text(statement.targets[0])} = {text} + {tree.text(statement.value)}" if text else ""


def _slopes(sheet: Sheet, parameter: Vertex) -> list[Array]:
    """The true derivative by a parameter that is not among those that are moved, at all points; [] if there is none."""
    given = [{**point.values, parameter: parameter.value} for point in sheet.points]
    found = [sheet.graph.adjoints(sheet.loss.vertex, [parameter], values).get(parameter) for values in given]
    return [np.asarray(slope) for slope in found if slope is not None]


def _added(site: Site, gradient: str, text: str) -> MissingLine | None:
    """The statement that adds to a gradient, below that of a site."""
    statement = site.tree.statement(_part(site))
    if statement is None or not statement.end_lineno:
        return None
    new = f"{gradient} += {text}"
    said, changes = line_beside(site.tree.lines, statement.end_lineno, new, after=True, like=statement.lineno)
    return MissingLine(gradient, new, said, site.file, statement.end_lineno, changes)


def _function(vertex: Vertex) -> CodeType:
    """The function in which a value was made, or the file; a comprehension is part of what is around it."""
    return next((code for code, _ in vertex.stack if code.co_name not in INSIDE), vertex.stack[-1][0])


def _went_into(term: Vertex) -> list[Vertex]:
    """All that a value was made of, each by itself: zeros of several names are equal."""
    found: list[Vertex] = []
    left = [term]
    while left and len(found) < MOST_NAMES:
        each = left.pop(0)
        if each not in found:
            found.append(each)
            left.extend(each.inputs)
    return found


def _is_empty(vertex: Vertex, parameter: Vertex) -> bool:
    """Whether a value is an array of zeros with a name, as large as a parameter."""
    return vertex.fn is None and vertex.shape == parameter.shape and bool(vertex.names) and not np.any(vertex.value)


def _is_sum(site: Site) -> bool:
    """Whether a statement adds to a gradient, as the missing one would."""
    return isinstance(site.tree.statement(_part(site)), ast.AugAssign)


def _part(site: Site) -> ast.expr:
    """The expression of a site as it stands in the source: of a += x, and of a write into an array, a part of it."""
    node = site.node
    if node in site.tree.parents:
        return node
    if isinstance(node, ast.Call):
        return node.args[0]
    return node.right if isinstance(node, ast.BinOp) else node


def _fillings(replay: Replay, site: Site, true: list[Array], wanted: list[float], scales: Sequence[str] = ()) -> Iterator[str]:
    """Texts of what the gradient may be made of, at the place of a site: one of some factors times the true derivative."""
    values = _values(replay, site)
    statement = site.tree.statement(_part(site))
    over = statement.value.right if isinstance(statement, ast.AugAssign) and _is_quotient(statement.value) else None
    texts = list(_texts(values, true[0], "dot" in site.tree.spoken(site.node)))
    divisors = [*([ast.unparse(over)] if over is not None else []), *scales]
    scaled = [f"{wrapped(text)} / {wrapped(scale)}" for scale in divisors for text in texts]
    for text in [*texts, *scaled]:
        node = written(text)
        made: list[Array] = []
        try:
            for k in range(len(true)):
                made.append(np.sum([replay.at(site, run, node, k) for run in site.runs], axis=0))
                factor = same_direction(made, true[: k + 1]) if made[-1].shape == true[k].shape else None
                if factor is None or all(abs(factor / each - 1.0) > CLOSE for each in wanted):
                    break
            else:
                yield text
        except CannotCompute:
            continue


def _is_quotient(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _values(replay: Replay, site: Site) -> dict[str, Array]:
    """Names, attributes and entries of the function around a site, and its own parts, with their values at its first time."""
    root: ast.AST = _part(site)
    own = [ast.unparse(node) for node in ast.walk(site.node) if isinstance(node, (ast.BinOp, ast.Call))]
    while root in site.tree.parents and not isinstance(root, BLOCKS):
        root = site.tree.parents[root]
    names = [ast.unparse(n) for n in ast.walk(root) if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript))]
    texts = dict.fromkeys([*names, *own])
    found: dict[str, Array] = {}
    for text in texts:
        try:
            value = replay.at(site, site.runs[0], written(text), 0)
        except (CannotCompute, SyntaxError):
            continue
        if value.ndim and len(found) < MOST_NAMES:
            found[text] = value
    return found


def _texts(values: dict[str, Array], wanted: Array, dot: bool) -> Iterator[str]:
    """Expressions of the shape of a gradient: values, their sums over the examples, and products of two."""
    for text, value in values.items():
        if value.shape == wanted.shape:
            yield text
        if value.ndim == 2:
            for axis in (0, 1):
                for keep in ("", ", keepdims=True"):
                    if np.sum(value, axis=axis, keepdims=bool(keep)).shape == wanted.shape:
                        yield f"np.sum({text}, axis={axis}{keep})"
    for a, one in values.items() if wanted.ndim == 2 else ():
        for b, other in values.items():
            if one.ndim == other.ndim == 1 and (*one.shape, *other.shape) == wanted.shape:
                yield f"np.outer({a}, {b})"
            if (
                one.ndim == other.ndim == 2
                and (one.shape[0], other.shape[0]) == wanted.shape
                and one.shape[1] == other.shape[1]
            ):
                yield f"np.dot({a}, {b}.T)" if dot else f"{a} @ {b}.T"
            if (
                one.ndim == other.ndim == 2
                and (one.shape[1], other.shape[1]) == wanted.shape
                and one.shape[0] == other.shape[0]
            ):
                yield f"np.dot({a}.T, {b})" if dot else f"{a}.T @ {b}"
