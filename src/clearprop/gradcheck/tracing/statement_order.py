"""Statements in the wrong order: a value that is used before the line below has finished it, and two updates exchanged.

`dW = x.T @ d` above `d[z <= 0] = 0` uses an unfinished d; `d /= n` above `d[y] -= 1` divides before it subtracts. Each pair
of neighbouring statements that change one name is run again the other way round, on the recorded values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.consistency import Consistency
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.moved_lines import moved_above
from clearprop.gradcheck.tracing.remade import run_again
from clearprop.gradcheck.tracing.replay import Replay, Values
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Vertex, position, put
from clearprop.gradcheck.tracing.wording import Words

MOST: Final = 400
MOST_PAIRS: Final = 60  # of statements
LAST_COLUMN: Final = 1000  # of several statements in a line, the last
IN_PLACE: Final = (put, np.add, np.subtract, np.multiply, np.divide)


@dataclass(eq=False)
class Swap:
    """A statement that changes a value, to be run before one that stands above it.

    Attributes
    ----------
    before, after : Vertex
        The value before the lower statement, and after it.
    upper : Vertex
        The result of the upper statement: made of `before`, or `before` itself.
    """

    before: Vertex
    after: Vertex
    upper: Vertex


def misplaced(sheet: Sheet, words: Words, consistency: Consistency) -> Mistake | None:
    """The mistake that a statement stands too low, where moving it up makes all gradients right."""
    _, right = consistency.best(sheet.factors())
    wrong = [k for k in consistency.matter if k not in right]
    replay = Replay(sheet)
    groups: dict[Any, list[Swap]] = {}  # in a loop, the same two statements are exchanged each time
    for swap in _swaps(sheet, wrong) if wrong else ():
        groups.setdefault((swap.upper.stack[0], swap.after.stack[0]), []).append(swap)
    for group in list(groups.values())[:MOST_PAIRS]:
        factors = _factors(sheet, replay, group)
        if factors is not None and len(consistency.best(factors)[1]) == len(consistency.matter):
            found = _mistake(sheet, words, group[0], wrong)
            if found is not None and (consistency.best(factors)[0] or not consistency.known):
                return found
    return None


def _swaps(sheet: Sheet, wrong: list[int]) -> Iterator[Swap]:
    """Pairs of statements of one function, the lower of which changes what the upper one uses or makes."""
    graph = sheet.graph
    gradients = [g for k in wrong for g in sheet.moves[k].gradients]
    inner = graph.ancestors(gradients, sheet.cuts) - sheet.forward
    count = 0
    for vertex in sorted((v for v in graph.vertices if graph.rep(v) is v), key=lambda v: v.number):
        before = _changed_in_place(graph, vertex)
        if before is None or count > MOST:
            continue
        known = vertex not in inner or before in inner or before.fn is None
        for upper in _users_above(graph, before, vertex) if known else ():
            if upper in inner:
                count += 1
                yield Swap(before, vertex, upper)
        made_above = before in inner and before.fn in IN_PLACE and _above(before, vertex)
        if made_above and _changed_in_place(graph, before) is not None and vertex in inner:
            count += 1
            yield Swap(before, vertex, before)


def _changed_in_place(graph: Graph, vertex: Vertex) -> Vertex | None:
    """The value that a statement such as a[i] = x or a *= x changes, which keeps its name; None for others."""
    if vertex.fn not in IN_PLACE or vertex.step_of is not None or not vertex.stack or not vertex.floating:
        return None
    first = vertex.args[0]
    same = (
        isinstance(first, Vertex) and first.shape == vertex.shape and (vertex.fn is put or set(first.names) & set(vertex.names))
    )
    return graph.rep(first) if same else None


def _users_above(graph: Graph, before: Vertex, after: Vertex) -> list[Vertex]:
    users = [user for user in graph.users.get(before, ()) if user is not after and user.number < after.number]
    return [user for user in users if _above(user, after)]


def _above(upper: Vertex, lower: Vertex) -> bool:
    """Whether two values were made in one function, in neighbouring lines."""
    return bool(upper.stack) and upper.stack[0][0] is lower.stack[0][0] and 0 < _line(lower) - _line(upper) <= 2


def _line(vertex: Vertex) -> int:
    return position(*vertex.stack[0])[0]


def _factors(sheet: Sheet, replay: Replay, swaps: list[Swap]) -> list[float | None] | None:
    """The factors of all gradients with the lower statement first, each time; None if it cannot be run so."""
    after = []
    try:
        with np.errstate(all="ignore"):
            for k, point in enumerate(sheet.points):
                after.append({**point.values, **_values(sheet, replay, swaps, k)})
        return sheet.factors(after)
    except (ValueError, IndexError, TypeError, ArithmeticError):
        return None


def _values(sheet: Sheet, replay: Replay, swaps: list[Swap], k: int) -> Values:
    """The values that differ at a point."""
    graph = sheet.graph
    new: Values = {}
    uppers = {swap.upper: swap for swap in reversed(swaps) if swap.upper is not swap.before}  # the next statement below it
    pairs = {swap.after: swap for swap in swaps if swap.upper is swap.before}  # a /= n; a[y] -= 1

    def value_of(vertex: Vertex) -> Any:
        vertex = graph.rep(vertex)
        return new[vertex] if vertex in new else replay.base(k, vertex)

    firsts = {*uppers, *pairs}
    for vertex in sorted(graph.descendants(firsts, sheet.backward) | firsts, key=lambda v: v.number):
        if vertex in uppers:
            swap = uppers[vertex]
            lower = run_again(graph, swap.after, value_of)
            new[vertex] = _rerun(graph, vertex, {swap.before: lower}, value_of)
        elif vertex in pairs:  # the second on what the first began with, then the first on that
            swap = pairs[vertex]
            start = graph.rep(swap.before.args[0])
            lower = _rerun(graph, swap.after, {swap.before: value_of(start)}, value_of)
            new[vertex] = _rerun(graph, swap.before, {start: lower}, value_of)
        else:
            new[vertex] = run_again(graph, vertex, value_of)
    return new


def _rerun(graph: Graph, vertex: Vertex, given: Values, value_of: Callable[[Vertex], Any]) -> Any:
    """A value with others in the place of some that it was made of, also through what its statement reads: a[y] - 1."""
    near = [v for v in graph.inputs(vertex) if v.fn is not None and v.stack[:1] and _line(v) == _line(vertex)]
    deeper = [v for each in near for v in graph.inputs(each) if v.fn is not None and v.stack[:1] and _line(v) == _line(vertex)]
    found = dict(given)

    def look(other: Vertex) -> Any:
        other = graph.rep(other)
        return found[other] if other in found else value_of(other)

    for each in sorted({*near, *deeper} - found.keys(), key=lambda v: v.number):
        found[each] = run_again(graph, each, look)
    return run_again(graph, vertex, look)


def _mistake(sheet: Sheet, words: Words, swap: Swap, wrong: list[int]) -> Mistake | None:
    file, line = words.place(swap.upper.stack)
    low = words.place(swap.after.stack)[1]
    moved = moved_above("\n".join(words.lines.get(file, [])), low, LAST_COLUMN, line)
    if moved is None:
        return None
    name = words.name(swap.after, swap.after.stack) or words.name(swap.before, swap.upper.stack)
    reason = f"line {low} must come before it: {name} is not finished yet"
    names = [sheet.moves[k].name for k in wrong]
    hint, right = "Look at the order of the lines.", f"move {moved[0]} above line {moved[1]}"
    return Mistake(file, line, words.line(file, line), reason, right, hint, "order", names, [], True, 1.0, moved[2])
