"""Examining one program: its training step if it takes one; else, and for what it never called, what it defines."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.conventions.convention import DrivenUnit, NotCalledError
from clearprop.gradcheck.tracing.driver import Driver
from clearprop.gradcheck.tracing.file_outcome import UNCLEAR, FileOutcome, FunctionOutcome
from clearprop.gradcheck.tracing.marks import marks_of
from clearprop.gradcheck.tracing.person_program import STEP, ProgramRun, lines_run, outcome_of, source_of, training_step
from clearprop.gradcheck.tracing.watch import Enough, describe
from clearprop.gradcheck.tracing.wrappers import TRACE

ADAPTER = """\
def clearprop_check():
    x = {"W": ..., "b": ...}                # the parameters: arrays, or a dict or list of them
    def f(x): return ...                    # the loss, one number
    def grad(x): return {"W": ..., "b": ...}  # the gradient that your code computes
    return f, grad, x"""
NOTHING = (
    "No step of a parameter, and no function or class that follows a known convention was found. Write an adapter of five lines:"  # noqa: E501
    "\n"
)


def examine(path: Path, names: list[str], seed: int, stage: Callable[[str], None] = lambda said: None) -> FileOutcome:
    """The outcome of running and checking a program, in this process."""
    try:
        text = source_of(path)
    except SyntaxError as error:
        return FileOutcome(str(path), problem=f"It cannot be read: {error}")
    found = examined(path, ProgramRun(path, text), names, seed, stage)
    if found.status == "inconclusive" and re.search(r"^\s*(import|from) torch\b", text, re.MULTILINE):
        again = examined(path, ProgramRun(path, text, true_torch=True), names, seed, stage)
        return found if again.status == "inconclusive" else again
    return found


def examined(path: Path, run: ProgramRun, names: list[str], seed: int, stage: Callable[[str], None]) -> FileOutcome:
    """The outcome of a program that was run."""
    if run.problem:
        return FileOutcome(str(path), problem=run.problem, notes=run.notes())
    stage("its steps were judged")
    step, marks = step_judged(run, seed)
    notes = run.notes()
    functions: list[FunctionOutcome] = [step] if step else []
    ran = {code.co_name for code in lines_run()} if step else set()
    driver = Driver(vars(run.module), run.sources(), seed, names)
    units = driver.units(simple=bool(step) and not names)
    wanted = [unit for unit in units if (unit.name in names if names else not unit.uses & ran)]
    for unit in wanted:
        stage(f"{unit.name} was checked")
        found = checked(unit, marks)
        if not (step and found.verdict == UNCLEAR):
            functions.append(found)
    for name in names:
        if name not in {f.name for f in functions}:
            why = (
                f"There is no {name} in the script."
                if name not in vars(run.module)
                else f"{name} follows no convention that is known here."
            )
            functions.append(
                FunctionOutcome(name, "unknown convention", UNCLEAR, f"{why} Write an adapter of five lines:\n{ADAPTER}")
            )
    problem = "" if functions else NOTHING + ADAPTER
    skipped = [] if names else driver.left_over(units, ran)
    if skipped and functions:
        problem = (
            f"{len(functions)} of {len(functions) + len(skipped)} candidates checked; not looked at: {', '.join(skipped)}."
        )
    elif functions and not names and not step:
        problem = run.steps_not_run()
    return FileOutcome(str(path), functions, problem, "", notes, marks)


def step_judged(run: ProgramRun, seed: int) -> tuple[FunctionOutcome | None, list[dict[str, Any]]]:
    """The outcome of the steps that a program took; what goes wrong in judging them is said, and is no verdict."""
    try:
        return training_step(run, seed)
    except (Exception, RecursionError) as error:
        said = f"Its steps could not be judged: {type(error).__name__}: {str(error)[:200]}"
        return FunctionOutcome(STEP, STEP, UNCLEAR, said), []


def checked(unit: DrivenUnit, marks: list[dict[str, Any]]) -> FunctionOutcome:
    """The outcome for something that the program defines; marks on its lines are added."""
    try:
        with np.errstate(all="ignore"):
            found = unit.work()
            if found.words is not None:
                marks += marks_of(found, found.words)
            return outcome_of(unit.name, unit.kind, [found])
    except NotCalledError as error:
        return FunctionOutcome(unit.name, unit.kind, UNCLEAR, f"It could not be called: {error}")
    except SystemExit as stop:
        return FunctionOutcome(unit.name, unit.kind, UNCLEAR, f"It calls sys.exit({stop.code!r}) when it is called.")
    except MemoryError:
        return FunctionOutcome(
            unit.name, unit.kind, UNCLEAR, "It ran out of memory; raise --memory, or make its arrays smaller."
        )
    except (Exception, Enough) as error:
        return FunctionOutcome(unit.name, unit.kind, UNCLEAR, f"It fails when it is called: {describe(error, TRACE.files)}")
