"""Mutants of the right programs: every single edit of every backward line, and those of them that change what is computed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from support.program_edits import Scope, edits
from support.program_runs import sent
from support.program_table import Program, backward_lines

SUPPORT = Path(__file__).parents[1]
SIMPLE = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
LEFT_OUT = "line left out"
SAME = 1e-6
"""Relative difference below which two runs are the same: float64 sums in another order, and an epsilon of Adam's."""


@dataclass(frozen=True)
class Mutant:
    """A right program with one mistake.

    Attributes
    ----------
    program : str
        Name of the program.
    line : int
        Line of the mistake, from 1; all other lines are where they were.
    kind : str
        The mistake, in words.
    source : str
        The whole program with the mistake.
    right, wrong : str
        The line as it was, and as it is now, without indentation; wrong is "" if it was left out.
    also : tuple of int
        Further lines that may be blamed with equal right (the second of two exchanged lines, those around one left out).
    scale : float or None
        The factor by which *all* gradients are wrong, where it is one positive factor common to all.
    """

    program: str
    line: int
    kind: str
    source: str
    right: str
    wrong: str
    also: tuple[int, ...] = ()
    scale: float | None = None


def mutants(program: Program) -> list[Mutant]:
    """Every single edit of a program's backward lines, whether or not it runs and changes anything."""
    source, lines = program.source, set(backward_lines(program))
    found = []
    for body, scope in blocks(ast.parse(source), program.batch):
        for k, statement in enumerate(body):
            if not (isinstance(statement, SIMPLE) and statement.lineno == statement.end_lineno and statement.lineno in lines):
                continue
            for kind, wrong in edits(statement, scope):
                found.append(mutant(program.name, source, statement, kind, wrong))
            if len(body) > 1:
                beside = tuple(each.lineno for each in (*body[max(k - 1, 0) : k], *body[k + 1 : k + 2]))
                found.append(replace(mutant(program.name, source, statement, LEFT_OUT, ""), also=beside))
            found += moved_up(program.name, source, body, k, lines)
            if k + 1 < len(body) and isinstance(body[k + 1], SIMPLE) and body[k + 1].lineno == statement.lineno + 1:
                found.append(exchanged(program.name, source, statement, body[k + 1]))
    return sorted((made for made in found if made.wrong not in program.as_good), key=lambda made: made.line)


def blocks(tree: ast.Module, batch: str) -> Iterator[tuple[list[ast.stmt], Scope]]:
    """Every block of statements, with the names that are in reach there."""
    everywhere = list(ast.walk(tree))
    keys = frozenset(
        n.value for n in everywhere if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.isidentifier()
    )
    attributes = frozenset(n.attr for n in everywhere if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    stack: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset(names_in(tree)))]
    while stack:
        node, names = stack.pop()
        for block in ("body", "orelse"):
            body = getattr(node, block, None)
            if isinstance(body, list):
                yield body, Scope(names, keys, attributes, batch)
                for child in body:
                    inner = frozenset(names_in(child)) if isinstance(child, ast.FunctionDef) else names
                    stack.append((child, inner))


def names_in(node: ast.AST) -> set[str]:
    """Names that a module or function binds: its arguments and its assignments, those of functions within it aside."""
    found: set[str] = set()
    stack = list(ast.iter_child_nodes(node))
    while stack:
        child = stack.pop()
        if isinstance(child, ast.arg):
            found.add(child.arg)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            found.add(child.id)
        if not isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            stack += ast.iter_child_nodes(child)
    return found


def mutant(name: str, source: str, statement: ast.stmt, kind: str, wrong: str) -> Mutant:
    """The program with one statement written otherwise."""
    lines = source.splitlines()
    right = lines[statement.lineno - 1]
    lines[statement.lineno - 1] = " " * statement.col_offset + wrong if wrong else ""
    return Mutant(name, statement.lineno, kind, "\n".join(lines) + "\n", right.strip(), wrong)


def exchanged(name: str, source: str, first: ast.stmt, second: ast.stmt) -> Mutant:
    """The program with two neighbouring lines in the other order: an update before its last use, a stale value."""
    lines = source.splitlines()
    k = first.lineno - 1
    right = lines[k].strip()
    lines[k], lines[k + 1] = lines[k + 1], lines[k]
    made = "\n".join(lines) + "\n"
    return Mutant(name, first.lineno, "lines exchanged", made, right, lines[k].strip(), (second.lineno,))


def moved_up(name: str, source: str, body: list[ast.stmt], k: int, backward: set[int]) -> Iterator[Mutant]:
    """Programs that make the step of a parameter right behind its gradient, in one line, while it is still needed."""
    statement = body[k]
    gradient = statement.targets[0] if isinstance(statement, ast.Assign) else None
    for update in body[k + 1 :]:
        if not isinstance(gradient, ast.Name) or not isinstance(update, ast.AugAssign) or update.lineno in backward:
            continue
        read = {node.id for node in ast.walk(update.value) if isinstance(node, ast.Name)}
        target = ast.unparse(update.target)
        later = [s.lineno for s in body[k + 1 :] if s.lineno in backward and reads(s, target)]
        if gradient.id in read and later:
            lines = source.splitlines()
            here, there = statement.lineno - 1, update.lineno - 1
            right, lines[here] = lines[here].strip(), f"{lines[here]}; {lines[there].strip()}"
            lines[there] = ""
            made = "\n".join(lines) + "\n"
            yield Mutant(name, here + 1, "stepped too early", made, right, lines[here].strip(), (*later, there + 1))


def reads(statement: ast.stmt, target: str) -> bool:
    """Whether a statement reads a variable or attribute."""
    return any(isinstance(node, ast.expr) and ast.unparse(node) == target for node in ast.walk(statement))


# ---------------------------------------------------------------- what they do


Seen = dict[str, Any]


def watched(program: Program, sources: list[str], steps: int = 3, seconds: float = 5, patience: float = 120) -> list[Seen]:
    """Run sources of a program one after the other in a process of its own; what does not run is {"error": ...}.

    A process that dies or hangs costs the source at which it did: the others go on in a new one.
    """
    answers: list[Seen] = []
    while len(answers) < len(sources):
        rest = sources[len(answers) :]
        asked = [json.dumps({"program": sent(program), "source": s, "steps": steps, "seconds": seconds}) for s in rest]
        command, lines = [sys.executable, "-m", "support.program_runs"], "\n".join(asked) + "\n"
        environment = {**os.environ, "PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command,
                input=lines,
                capture_output=True,
                text=True,
                timeout=patience,
                cwd=SUPPORT,
                env=environment,
            )
            out, why = done.stdout, f"process ended with status {done.returncode}: {done.stderr[-300:]}"
        except subprocess.TimeoutExpired as late:
            out, why = (late.stdout or b"").decode(), f"more than {patience} s"
        whole = [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
        answers += [json.loads(line) for line in whole]
        if len(answers) < len(sources):
            answers.append({"error": why})
    return answers


@np.errstate(invalid="ignore", over="ignore")
def apart(got: list[Seen], wanted: list[Seen], most: float = SAME) -> bool:
    """Whether arrays of two runs, step by step, are of other shape or further apart than rounding explains."""
    if len(got) != len(wanted):
        return True
    for mine, theirs in zip(got, wanted, strict=True):
        if mine.keys() != theirs.keys():
            return True
        for name, (shape, values) in theirs.items():
            a, b = np.array(mine[name][1]), np.array(values)
            if mine[name][0] != shape or not np.all(np.abs(a - b) <= most * np.abs(b).max(initial=0) + 1e-12):
                return True
    return False


@np.errstate(invalid="ignore", over="ignore")
def steps_of(seen: Seen) -> list[Seen]:
    """How far each parameter goes in each step; the parameter itself, where its shape changes."""
    found = []
    for before, after in pairwise(seen["parameters"]):
        moved = {}
        for name, (shape, values) in after.items():
            same = before[name][0] == shape
            moved[name] = [shape, np.subtract(values, before[name][1]) if same else values]
        found.append(moved)
    return found


def outcome(seen: Seen, right: Seen) -> str:
    """What a mutant does: "fails", "same" or "changes"."""
    if "error" in seen:
        return "fails"
    moved = apart(steps_of(seen), steps_of(right))
    return "changes" if moved or apart(seen["gradients"], right["gradients"]) else "same"


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def common_scale(seen: Seen, right: Seen) -> float | None:
    """The positive factor by which all gradients of the first step are wrong, where there is one."""
    differ = apart(seen["gradients"][:1], right["gradients"][:1])
    mine, theirs = (run["gradients"][0] if differ else steps_of(run)[0] for run in (seen, right))
    if not apart([mine], [theirs]) or any(mine.get(name, [None])[0] != shape for name, (shape, _) in theirs.items()):
        return None
    a, b = (np.concatenate([np.array(run[name][1]) for name in theirs]) for run in (mine, theirs))
    factor = float(a @ b / (b @ b))
    return factor if factor > 0 and np.abs(a - factor * b).max() <= SAME * np.abs(a).max() else None


def sorted_out(program: Program, made: list[Mutant], steps: int = 3) -> dict[str, list[Mutant]]:
    """Mutants by what they do on the program's own data: "changes", "same", "fails".

    Parameters and gradients of the first steps are compared with those of the right program, with equal seeds. Those that
    change every gradient by one common positive factor bear it as `scale`: with another convention of the loss they are right.
    """
    right, *seen = watched(program, [program.source, *(one.source for one in made)], steps)
    if "error" in right:
        raise RuntimeError(f"{program.name} does not run: {right['error']}")
    found: dict[str, list[Mutant]] = {"changes": [], "same": [], "fails": []}
    for one, run in zip(made, seen, strict=True):
        what = outcome(run, right)
        found[what].append(replace(one, scale=common_scale(run, right)) if what == "changes" else one)
    return found


def corrects(program: Program, made: Mutant, line: int, correction: str, changes: Sequence[tuple[int, str]] = ()) -> bool:
    """Whether a suggested line, in the place of the blamed one, gives the right program, or at least its numbers.

    Where the suggestion moves lines, `changes` has each line that changes with the text in its place.
    """
    if changes:
        wanted, mended = watched(program, [program.source, changed(made.source, changes)])
        return outcome(mended, wanted) == "same"
    if line == made.line and same_code(correction, made.right):
        return True
    lines, right = made.source.splitlines(), program.source.splitlines()
    if not 1 <= line <= len(lines):
        return False
    model = lines[line - 1] or right[line - 1]
    lines[line - 1] = model[: len(model) - len(model.lstrip())] + correction.strip()
    wanted, mended = watched(program, [program.source, "\n".join(lines) + "\n"])
    return outcome(mended, wanted) == "same"


def changed(source: str, changes: Sequence[tuple[int, str]]) -> str:
    """A source with other text in the place of some lines.

    All lines stay where they were: a line that comes in goes into an empty one that follows, or shares the line before it.
    """
    lines = source.splitlines()
    for line, text in changes:
        first, *rest = text.splitlines() or [""]
        if rest and line < len(lines) and not lines[line].strip():
            lines[line] = rest[0][: len(rest[0]) - len(rest[0].lstrip())] + "; ".join(each.strip() for each in rest)
            rest = []
        lines[line - 1] = "; ".join([first, *(each.strip() for each in rest)])
    return "\n".join(lines) + "\n"


def same_code(a: str, b: str) -> bool:
    """Whether two lines are the same but for spaces, brackets and remarks."""
    try:
        return ast.dump(parsed(a)) == ast.dump(parsed(b))
    except SyntaxError:
        return False


def parsed(line: str) -> ast.Module:
    """A line's syntax tree; a return may stand alone."""
    return ast.parse("def f():\n    " + line.strip())
