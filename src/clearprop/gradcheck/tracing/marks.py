"""Marks: the lines of a program's step, each with the verdict on the values that it makes."""

from __future__ import annotations

from typing import Any

from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.trace import Vertex, position
from clearprop.gradcheck.tracing.wording import Words


def marks_of(found: Round, words: Words) -> list[dict[str, Any]]:
    """The lines of one round, in the order of the file, with what is known of each.

    A line of the backward pass is right if its last value is the derivative of something, which is then named.
    """
    sheet = found.sheet
    if sheet is None:
        return []
    wrong = {(mistake.file, mistake.line): mistake.reason for mistake in found.mistakes}
    lines: dict[tuple[str, int], list[Vertex]] = {}
    for vertex in sorted((sheet.forward | sheet.backward) & sheet.live, key=lambda v: v.number):
        if vertex.stack:
            code, instruction = vertex.stack[0]
            lines.setdefault((code.co_filename, position(code, instruction)[0]), []).append(vertex)
    for file, line in wrong:
        lines.setdefault((file, line), [])
    for move in found.judged:
        lines.setdefault((words.place(sheet.moves[0].pieces[0].gradient.stack)[0], move.line), [])
    marks = []
    for (file, line), vertices in sorted(lines.items()):
        verdict, note = "", ""
        if (file, line) in wrong:
            verdict, note = "wrong", wrong[file, line]
        else:
            verdict, note = _line_verdict(sheet, vertices, words)
            steps = [j for j in found.judged if j.line == line]
            if steps and not vertices:
                note = f"moves {', '.join(j.name for j in steps)}"
        text = words.lines.get(file, [])[line - 1] if 0 < line <= len(words.lines.get(file, [])) else ""
        marks.append({"line": line, "text": text, "verdict": verdict, "note": note})
    return marks


def _line_verdict(sheet: Any, vertices: list[Vertex], words: Words) -> tuple[str, str]:
    """Whether the last value of a line is the derivative of something."""
    for vertex in reversed(vertices):
        if vertex in sheet.forward:
            continue
        matches = sheet.matches(vertex)
        if matches:
            target = matches[0][0]
            name = words.name(target.by, vertex.stack)
            return "right", f"the derivative by {name}" if name else "the derivative of the loss by a value of the forward pass"
        return "", ""
    return "", "forward" if vertices else ""
