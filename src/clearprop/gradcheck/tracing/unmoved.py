"""Parameters that are not stepped: replaced by their gradient, or moved by something that is none."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.gradient_in_step import only_scales
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.missing_lines import missing_line, missing_term
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Judged, Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Vertex, put
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.wording import Words


def judge_unmoved(result: Round, sheet: Sheet, words: Words) -> None:
    """Name parameters that are replaced by their gradient, or moved by something that is none."""
    if result.number:
        return
    _judge_set_by_hand(result, sheet, words)
    _judge_shrunk(result, sheet, words)
    graph = sheet.graph
    kinds = ("random", "made", "literal")
    unfinished = {graph.rep(v.args[0]) for v in sheet.forward if v.fn is put and isinstance(v.args[0], Vertex)}
    named = [v for v in sheet.forward - unfinished if v.names and v not in sheet.cuts and v.step_of is None]
    loose = [v for v in named if v.origin is not None and v.origin.kind in kinds and (v.fn is None or v.size > 1)]
    slopes = graph.adjoints(sheet.loss.vertex, loose, {}) if loose else {}
    for parameter in loose:
        slope = slopes.get(parameter)
        if slope is not None and np.any(slope):
            _judge_replaced(result, sheet, words, parameter, slope)
    _judge_replaced_lists(result, sheet, words, {v: slopes[v] for v in loose if v in slopes and np.any(slopes[v])})


def _judge_set_by_hand(result: Round, sheet: Sheet, words: Words) -> None:
    """Parameters that are moved by something that does not depend on them."""
    graph = sheet.graph
    places = {piece.step.stack[:1] for move in sheet.moves for piece in move.pieces if piece.step is not None}
    touched, forward = graph.descendants(sheet.cuts), _places(sheet)
    for vertex in graph.trace.set_by_hand:
        parameter = vertex.args[0]
        placed = vertex.stack[:1] in places or set(parameter.names) & set(vertex.names)
        dead = not any(graph.rep(other) in touched for other in vertex.inputs)
        in_use = parameter in sheet.forward and parameter not in sheet.cuts and graph.rep(vertex) not in sheet.forward
        if in_use and placed and dead and vertex.stack[:1] not in forward and not _by_itself(vertex):
            slope = graph.adjoints(sheet.loss.vertex, [parameter], {}).get(parameter)
            if slope is not None and np.any(slope):
                _by_hand(result, sheet, words, vertex)


def _judge_shrunk(result: Round, sheet: Sheet, words: Words) -> None:
    """Parameters that are only shrunk, by the gradient of a penalty, although the rest of the loss depends on them."""
    graph = sheet.graph
    origins = {cut.origin for cut in sheet.cuts}
    for step in (*graph.trace.steps, *graph.trace.set_by_hand):
        moved = step.step_of or (step.args[0] if _by_itself(step) else None)
        if moved is None or moved.origin in origins or moved.size < 2 or moved.version or graph.rep(step) in sheet.forward:
            continue
        term = step.args[1] if len(step.args) == 2 else None
        if graph.rep(moved) not in sheet.forward or not isinstance(term, Vertex) or not only_scales(graph, term, moved):
            continue
        slope = graph.adjoints(sheet.loss.vertex, [moved], {}).get(graph.rep(moved))
        if slope is None or same_direction([np.asarray(moved.value, dtype=np.float64)], [slope]) is not None:
            continue
        origins.add(moved.origin)
        name = words.name(moved)
        made = next((v for v in term.inputs if v.names and v.shape == step.shape and v is not moved), term)
        reason = f"{name} is only shrunk: what it is moved by is that of the penalty, the rest of the gradient is missing"
        hint, place = f"Which terms has the gradient of {name}?", words.place(made.stack)
        right = missing_term(sheet, words, moved, made)
        result.mistakes.append(mistake_at(words, place, reason, hint, "shrunk", [name], right, sure=bool(right)))
        result.judged.append(Judged(name, place[1], moved.shape, "wrong", "moved by the penalty alone"))


def _by_itself(vertex: Vertex) -> bool:
    """Whether a parameter is moved by something that is made of it alone."""
    parameter, term = vertex.args
    return isinstance(term, Vertex) and bool(term.bits & parameter.mark)


def clipped_steps(sheet: Sheet) -> list[str]:
    """The remark that steps are clipped, though their gradients are right."""
    names = list(dict.fromkeys(move.name for move in sheet.moves if "clipping" in move.how))
    return [f"The step of {', '.join(names)} is clipped; its gradient was judged before that."] if names else []


def _judge_replaced(result: Round, sheet: Sheet, words: Words, parameter: Vertex, slope: Array) -> None:
    """A parameter that later is its own gradient."""
    graph, names, forward = sheet.graph, set(parameter.names), _places(sheet)
    for vertex in graph.vertices:
        later = vertex.number > parameter.number and not vertex.version and vertex.fn is not None and vertex.size > 1
        if (
            not later
            or vertex.stack[:1] in forward
            or not names & set(vertex.names)
            or vertex.shape != parameter.shape
            or graph.rep(vertex) is parameter
        ):
            continue
        factor = same_direction([np.asarray(vertex.value, dtype=np.float64)], [slope])
        if factor is not None:
            place, name = words.place(vertex.stack), words.name(parameter)
            right = words.line(*place).replace(" = ", " -= " if factor > 0 else " += ", 1)
            reason, hint = f"{name} is replaced by its gradient, not moved by it", "Look at how the parameter is updated."
            result.mistakes.append(mistake_at(words, place, reason, hint, "replaced", [name], right))
            result.judged.append(Judged(name, place[1], parameter.shape, "wrong", "replaced by its gradient"))
            return


def _judge_replaced_lists(result: Round, sheet: Sheet, words: Words, slopes: dict[Vertex, Array]) -> None:
    """Lists of numbers that later are derivatives: each alone is proportional to anything, all of them to nothing by chance."""
    graph, forward = sheet.graph, _places(sheet)
    for found in (*_set_in_place(sheet, slopes), *_made_anew(graph, slopes)):
        new = found[0][1]
        computed = all(after.fn is not None and after.step_of is None and after.size == 1 for _, after in found)
        if not computed or len(found) < 2 or new.stack[:1] in forward:
            continue
        if _follow(graph, found, slopes) or all(sheet.matches_of(sheet.arrays(v)) for _, v in found):
            place, name = words.place(new.stack), re.split(r"\[", words.name(found[0][0]) or words.name(new))[0]
            right = words.line(*place).replace(" = ", " -= ", 1) if "[" in words.line(*place).split("=")[0] else ""
            reason, hint = f"{name} is replaced by its gradient, not moved by it", "Look at how the parameter is updated."
            result.mistakes.append(mistake_at(words, place, reason, hint, "replaced", [name], right))
            result.judged.append(Judged(name, place[1], (len(found),), "wrong", "replaced by its gradient"))


Pairs = list[tuple[Vertex, Vertex]]
"""Numbers of a list before and after."""


def _places(sheet: Sheet) -> set[Any]:
    """The places of the forward pass: what is made there in a later pass is a later activation, and no gradient."""
    return {vertex.stack[:1] for vertex in sheet.forward if vertex.fn is not None and vertex.stack}


def _set_in_place(sheet: Sheet, slopes: dict[Vertex, Array]) -> list[Pairs]:
    """Entries of lists that went into the loss, and what they became, those of one line together."""
    graph = sheet.graph
    lines: dict[Any, Pairs] = {}
    used = {each for v in graph.vertices if graph.rep(v) in sheet.forward for each in v.inputs}
    for entries in graph.trace.bindings.parts.values():
        for (_, before), (_, after) in pairwise(entries[:2]):
            if isinstance(before, Vertex) and isinstance(after, Vertex) and graph.rep(before) in slopes and before in used:
                lines.setdefault(after.stack[:1], []).append((graph.rep(before), after))
    return list(lines.values())


def _made_anew(graph: Graph, slopes: dict[Vertex, Array]) -> list[Pairs]:
    """Numbers of lists and those that have their names later, as a new list of the name holds them."""
    later: dict[str, Vertex] = {}
    for vertex in graph.vertices:
        if vertex.fn is not None and vertex.step_of is None and vertex.size == 1:
            for name in vertex.names:
                later.setdefault(name, vertex)
    lists: dict[str, dict[str, tuple[Vertex, Vertex]]] = {}
    for vertex, number in ((v, each) for v in slopes if v.size == 1 for each in graph.all_of(v)):
        for name in number.names:
            if name.endswith("]") and name in later and later[name].number > number.number:
                lists.setdefault(name.split("[")[0], {})[name] = (vertex, graph.rep(later[name]))
    return [list(found.values()) for found in lists.values()]


def _follow(graph: Graph, found: list[tuple[Vertex, Vertex]], slopes: dict[Vertex, Array]) -> bool:
    """Whether later numbers of a list are proportional to the derivatives by the earlier ones.

    Equal constants are one vertex, whose derivative is a sum; only numbers that stand alone are compared.
    """
    alone = [(before, after) for before, after in found if len(graph.all_of(before)) == 1]
    if len(alone) < 2:
        return False
    values = np.array([float(np.ravel(after.value)[0]) for _, after in alone])
    return same_direction([values], [np.array([float(np.ravel(slopes[before])[0]) for before, _ in alone])]) is not None


def _by_hand(result: Round, sheet: Sheet, words: Words, vertex: Vertex) -> None:
    """A parameter that is moved by something that does not depend on it."""
    parameter = vertex.args[0]
    name = words.name(parameter)
    result.judged.append(Judged(name, words.place(vertex.stack)[1], vertex.shape, "wrong", "moved by a constant"))
    missing = missing_line(sheet, words, parameter, vertex.args[1]) if isinstance(vertex.args[1], Vertex) else None
    if missing is not None:
        reason = f"after it, {missing.text} is missing: {missing.gradient} stays 0, and {name} is not moved"
        hint, place = f"Which line fills {missing.gradient}?", (missing.file, missing.after)
        mistake = mistake_at(words, place, reason, hint, "missing-line", [name], missing.right)
        mistake.changes = missing.changes
        result.mistakes.append(mistake)
        return
    place = _line_of_gradient(words, words.place(vertex.stack), name)
    same = next((m for m in result.mistakes if m.slug == "constant" and (m.file, m.line) == place), None)
    if same is None:
        same = mistake_at(words, place, "", f"Look at the gradient of {name}.", "constant", [], sure=False)
        result.mistakes.append(same)
    same.names.append(name)
    them = "them" if len(same.names) > 1 else "it"
    same.reason = f"what moves {', '.join(same.names)} depends neither on {them} nor on the error"


def _line_of_gradient(words: Words, place: tuple[str, int], name: str) -> tuple[str, int]:
    """The line in which the gradient of a parameter is given its name, by how it is called; else the place itself."""
    plain = re.sub(r"\W", "", name.split(".")[-1].split("[")[-1])
    for number, text in enumerate(words.lines.get(place[0], []), 1):
        if plain and re.match(rf"\s*(self\.)?(\w+\[.)?(d_?|grad_?|g_?|delta_?){re.escape(plain)}\b.*=", text):
            return place[0], number
    return place
