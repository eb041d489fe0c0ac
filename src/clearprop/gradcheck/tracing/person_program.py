"""One program, from its text to the outcome: run and watched, its steps judged, what it only defines called."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.directions import ZERO
from clearprop.gradcheck.tracing.fewer_examples import FEW, with_fewer_examples
from clearprop.gradcheck.tracing.file_outcome import FunctionOutcome, LineFinding
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.invented_data import COLLECTION, FORMS, DataForm, counted
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.older_python import as_python_3
from clearprop.gradcheck.tracing.rewriting import goes_down, moved_names, moving_statements, target_of
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.second_opinion import judge_fairly, together, trainings
from clearprop.gradcheck.tracing.steps import ROUNDS, Move
from clearprop.gradcheck.tracing.trace import line_of, position
from clearprop.gradcheck.tracing.traced import MISMATCHES, TRACE, restart
from clearprop.gradcheck.tracing.uncalled_methods import uncalled_methods
from clearprop.gradcheck.tracing.verdict import SUPPOSITION
from clearprop.gradcheck.tracing.watch import WATCHED, Enough, describe
from clearprop.gradcheck.tracing.wording import Words
from clearprop.gradcheck.tracing.world import World

STEP = "training step"
FEWER = f"It was run with {FEW} in the place of larger numbers of examples: with these its steps were not reached."
TRIES = 4  # runs with invented data of another form


def source_of(path: Path) -> str:
    """The source text of a program; the code cells of a notebook.

    Raises
    ------
    SyntaxError
        If a notebook is no JSON, or in another language.
    """
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    if path.suffix != ".ipynb":
        return as_python_3(re.sub(r"^(?=[%!]\w)", "#", text, flags=re.MULTILINE))
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        language = str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python"))
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise SyntaxError(f"{path.name} is no notebook") from error
    if language.lower() != "python":
        raise SyntaxError(f"{path.name} is a notebook in {language}; only Python is checked")
    cells = [as_python_3("\n".join(_without_magic(line) for line in cell.splitlines())) for cell in code]
    return "\n".join(cell if _parses(cell) else re.sub("^", "#", cell, flags=re.MULTILINE) for cell in cells) + "\n"


OLDER = "It is written in Python 2, and was run as Python 3, where 1 / 2 is 0.5."


def written_in_python_2(path: Path) -> bool:
    """Whether a file is Python 2 alone."""
    text = path.read_bytes().decode("utf-8", "replace") if path.suffix != ".ipynb" else ""
    return as_python_3(text) != text


def _without_magic(line: str) -> str:
    """A line of a notebook; what is meant for IPython, or must stand at the top of a file, becomes a remark."""
    return f"#{line}" if line.lstrip().startswith(("%", "!", "?", "from __future__")) else line


def _parses(cell: str) -> bool:
    """Whether a cell is Python; one in Python 2 counts, so that it is said."""
    try:
        ast.parse(cell)
    except SyntaxError as error:
        return "print" in str(error.msg)
    return True


class ProgramRun:
    """A program that was run once.

    Parameters
    ----------
    path : Path
    text : str
    true_torch : bool
        Whether it gets the true torch, and no stand-in.

    Attributes
    ----------
    module : ModuleType
        The names that it defined.
    problem : str
        Why it could not be run at all; "" if it could.
    """

    def __init__(self, path: Path, text: str, true_torch: bool = False) -> None:
        self.path, self.text, self.problem = path, text, ""
        self.true_torch = true_torch
        for example in FORMS:
            self._run_in_forms(DataForm(example=example))
            if TRACE.steps or not self.world.data.used or not WATCHED.skips:
                return
        self._run_in_forms(DataForm())

    def _run_in_forms(self, form: DataForm) -> None:
        """Run the program, again where invented data turn out to have too few columns, or another form."""
        self._run(form)
        for _ in range(TRIES):
            reasons = [reason for _, reason in WATCHED.skips]
            wanted = form.wanted(reasons, self.text) if TRACE.invented else form
            if wanted == form and self.world.files.missed and not TRACE.steps:
                wanted = replace(form, found=True)
            if wanted == form and TRACE.invented and not TRACE.steps:
                wanted = form.for_a_batch(self.text)
            if wanted == form:
                break
            form = wanted
            self._run(form)
        if not TRACE.steps and self._took_too_much() and with_fewer_examples(self.text) != self.text:
            form = replace(form, fewer=True)
            self._run(form)
            TRACE.notes.setdefault(FEWER, 0)
        if TRACE.invented and TRACE.steps and COLLECTION.search(self.text):
            self._run(replace(form, counted=True))
            if not TRACE.steps:
                self._run(form)

    def _took_too_much(self) -> bool:
        """Whether memory or time ended before there was a step."""
        return bool(WATCHED.cut) or any(isinstance(failure, MemoryError) for failure in WATCHED.failures)

    def _run(self, form: DataForm) -> None:
        """Run the program once, with invented data of a form."""
        self.problem = ""
        restart()
        MISMATCHES.clear()
        WATCHED.__init__(TRACE)  # type: ignore[misc]
        self.world = World(self.path.parent, "torch.compile" if self.true_torch else self.text, form)
        self.module = ModuleType("__main__")
        text = counted(self.text, self.world.data.rows) if form.counted else self.text
        try:
            with np.errstate(all="ignore"):
                self.world.run(self.module, self.path, with_fewer_examples(text) if form.fewer else text)
        except SyntaxError as error:
            self.problem = syntax_problem(self.text, error)
        except Enough:
            pass
        except SystemExit as stop:
            TRACE.note(f"It calls sys.exit({stop.code!r}) when it is run; only what stands before that was checked.")
        except BaseException as error:
            self.problem = f"It fails when it is run: {describe(error, TRACE.files)}"

    def steps_not_run(self) -> str:
        """The statements that take steps and could not be run, in a sentence; "" if there are none."""
        lines = dict(WATCHED.skips)
        lines |= {int(place.rsplit(":", 1)[1]): reason for place, reason in WATCHED.cut.items()}
        for node in ast.parse(self.text).body:
            inside = next((line for line in lines if node.lineno <= line <= (node.end_lineno or 0)), None)
            if inside is not None and not isinstance(node, (ast.FunctionDef, ast.ClassDef)) and moved_names(node):
                return f"The steps from line {node.lineno} on were not looked at: {lines[inside]}"
        return ""

    def steps_not_reached(self) -> str:
        """The statements that move a parameter and did not run, because the program was ended before, in a sentence; or ""."""
        if not WATCHED.exhausted:
            return ""
        seen = {line_of(step.stack[0]) for step in (*TRACE.steps, *TRACE.set_by_hand) if step.stack}
        known = {name for vertex in TRACE.vertices for name in vertex.names}
        left = [each for each in moving_statements(ast.parse(self.text)) if each.lineno not in seen and goes_down(each)]
        left = [each for each in left if ast.unparse(target_of(each)) in known]
        said = ", ".join(f"line {each.lineno} ({ast.unparse(each)[:60]})" for each in left[:3])
        return f"Not looked at, as it would have taken too long to get there: {said}." if said else ""

    def steps_failed(self, known: set[str]) -> str:
        """The function or class that fails on the way to its steps, in a sentence; "" if there is none.

        Parameters
        ----------
        known : set of str
            Functions and classes that were checked by themselves.
        """
        sources = sources_of(self.path, self.text)
        for failure in WATCHED.failures:
            trace = failure.__traceback__
            while trace is not None:
                text, line = sources.get(trace.tb_frame.f_code.co_filename, ""), trace.tb_lineno
                for node in ast.parse(text).body:
                    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name in known:
                        continue
                    if node.lineno <= line <= (node.end_lineno or 0) and moved_names(node):
                        return f"The steps of {node.name} were not looked at: {describe(failure, TRACE.files)}"
                trace = trace.tb_next
        return ""

    def notes(self) -> list[str]:
        """All that was skipped, replaced or assumed."""
        found = [OLDER] if written_in_python_2(self.path) else []
        found += [f"Line {line} was skipped: {reason}" for line, reason in WATCHED.skips[:5]]
        if len(WATCHED.skips) > 5:
            found.append(f"{len(WATCHED.skips) - 5} more statements failed and were skipped.")
        missing = list(self.world.missing)
        if missing:
            found.append(f"Not installed here, and replaced by something that does nothing: {', '.join(missing)}.")
        found += WATCHED.untaken()
        if TRACE.steps:
            found += uncalled_methods(sources_of(self.path, self.text), lines_run())
        found += [*WATCHED.cut.values(), *(f"Line {line}: {text}" if line else text for text, line in TRACE.notes.items())]
        return found


def sources_of(path: Path, text: str) -> dict[str, str]:
    """The text of each file of a program that was run in this process."""
    found = {str(path): text}
    for name in TRACE.files:
        if name not in found:
            with contextlib.suppress(OSError):
                found[name] = as_python_3(Path(name).read_text(errors="replace"))
    return found


def syntax_problem(text: str, error: SyntaxError) -> str:
    """The sentence about source that is not Python 3."""
    line = (error.text or "").strip()
    said = str(error.msg)
    if (
        "Missing parentheses in call to 'print'" in said
        or line.startswith(("print ", "exec "))
        or ("except" in line and "," in line)
    ):
        where = f"line {error.lineno}: {line[:80]}"
        return f"It is written in Python 2 ({where}); convert it with 2to3, or add the parentheses, and check again."
    return f"It fails when it is run: SyntaxError: {said} (line {error.lineno})"


def judged_rounds(graph: Graph, moves: list[Move], words: Words, seed: int) -> Iterator[Round]:
    """The rounds of steps, the first ones, until one shows a mistake and leaves no gradient at 0."""
    for number in range(ROUNDS):
        mine = [move for move in moves if move.round == number]
        if mine:
            distinct_names(mine)
            others = tuple(tuple(m for m in moves if m.round == n) for n in range(ROUNDS) if n != number)
            groups = trainings(graph, mine)
            found = together([judge_fairly(graph, group, words, number, seed=seed, others=others) for group in groups])
            supposed = any(note.startswith(SUPPOSITION) for note in found.notes)
            if number and supposed and all(mistake.slug == "factor" for mistake in found.mistakes):
                return  # a momentum of a kind of its own looks like that
            yield found
            if found.verdict == "wrong" and not zeros(found):
                return


def distinct_names(moves: list[Move]) -> None:
    """Tell parameters of one name apart, by their shape or their line."""
    names = [move.name for move in moves]
    for move in moves:
        if names.count(move.name) > 1:
            move.name = f"{move.name} {move.shape}"
    names = [move.name for move in moves]
    for k, move in enumerate(moves):
        if names.count(move.name) > 1:
            move.name = f"{move.name}, no. {names[: k + 1].count(move.name)}"


def where_from(moves: list[Move]) -> str:
    """The function in which the gradients are computed."""
    codes = [g.stack[0][0].co_name for move in moves for g in move.gradients if g.stack]
    common = max(set(codes), key=codes.count) if codes else STEP
    return STEP if common.startswith("<") else common


def deciding(rounds: list[Round]) -> Round:
    """The round that counts: the first of the wrong ones that show most; else the first, or a later one that is all right.

    A second step that is wrong by another loss than that by which the first was right tells nothing.
    """
    comparable = [each for each in rounds if rounds[0].verdict != "right" or each.loss == rounds[0].loss]
    wrong = min((each for each in comparable if each.verdict == "wrong"), key=zeros, default=None)
    later = next((each for each in rounds if each.verdict == "right" and len(each.judged) >= len(rounds[0].judged)), rounds[0])
    return wrong or later


def zeros(found: Round) -> int:
    """The number of gradients that were 0, as they should be, and so tell nothing: of weights behind an input of 0."""
    return sum(judged.note == ZERO for judged in found.judged)


def outcome_of(name: str, kind: str, rounds: list[Round]) -> FunctionOutcome:
    """The outcome that rounds of steps make."""
    chosen = deciding(rounds)
    if chosen.number and chosen.verdict == "wrong" and rounds[0].verdict == "right" and not zeros(rounds[0]):
        chosen.notes.insert(0, "At the first step all is right; at the second step it is not: a value is left from before.")
    findings = [finding_of(in_own_words(mistake, chosen.words)) for mistake in chosen.mistakes]
    tensors = [
        {"name": j.name, "shape": list(j.shape), "verdict": j.verdict, "line": j.line, "note": j.note} for j in chosen.judged
    ]
    report = {"tensors": tensors, "notes": [*filter(None, [chosen.loss]), *chosen.notes]}
    return FunctionOutcome(name, kind, chosen.verdict, text_of(chosen, findings), report, findings)


def in_own_words(mistake: Mistake, words: Words | None) -> Mistake:
    """A mistake in which NumPy is called as the program calls it."""
    if words is None or mistake.file not in words.lines:
        return mistake

    def said(text: str) -> str:
        return words.with_numpy(mistake.file, text)

    changes = tuple((line, said(text)) for line, text in mistake.changes)
    also = [said(text) for text in mistake.also]
    return replace(mistake, right=said(mistake.right), reason=said(mistake.reason), also=also, changes=changes)


def finding_of(mistake: Mistake) -> LineFinding:
    """A mistake as plain values."""
    return LineFinding(
        mistake.line,
        str(mistake),
        mistake.right or None,
        mistake.hint,
        mistake.file,
        mistake.source,
        mistake.reason,
        tuple(mistake.names),
        tuple(mistake.also),
        mistake.slug,
        mistake.sure,
        mistake.changes,
    )


def text_of(found: Round, findings: list[LineFinding]) -> str:
    """The report in words."""
    right = [f"{j.name} ({j.note})" if j.note == ZERO else j.name for j in found.judged if j.verdict == "right"]
    lines: list[str] = [found.verdict]
    for each in findings:
        lines.append(each.message)
        if each.correction:
            lines.append(f"    right: {each.correction}")
        if each.also:
            lines.append(f"    also possible: {'; '.join(each.also)}")
    if right:
        lines.append(f"right: {', '.join(right)}")
    for verdict in ("wrong", "inconclusive"):
        named = [f"{j.name}{f' ({j.note})' if j.note else ''}" for j in found.judged if j.verdict == verdict]
        if named:
            lines.append(f"{verdict}: {', '.join(named)}")
    return "\n".join([*lines, *filter(None, [found.loss and f"{found.loss[0].upper()}{found.loss[1:]}."]), *found.notes])


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing is printed within."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def lines_run() -> set[Any]:
    """Code objects of the program in which something was recorded."""
    return {code for vertex in TRACE.vertices for code, _ in vertex.stack}


assert position is not None
