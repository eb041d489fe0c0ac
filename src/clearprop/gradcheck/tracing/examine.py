"""Examining one program: its training step if it takes one; else, and for what it never called, what it defines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clearprop.gradcheck.tracing.file_outcome import FileOutcome, FunctionOutcome
from clearprop.gradcheck.tracing.program import Run, source_of, training_step

ADAPTER = """\
def clearprop_check():
    x = {"W": ..., "b": ...}                # the parameters: arrays, or a dict or list of them
    def f(x): return ...                    # the loss, one number
    def grad(x): return {"W": ..., "b": ...}  # the gradient that your code computes
    return f, grad, x"""
NOTHING = "No step of a parameter, and no function or class that follows a known convention was found. Write an adapter of five lines:\n"


def examine(path: Path, names: list[str], seed: int, stage: Callable[[str], None] = lambda said: None) -> FileOutcome:
    """The outcome of running and checking a program, in this process."""
    try:
        text = source_of(path)
    except SyntaxError as error:
        return FileOutcome(str(path), problem=f"It cannot be read: {error}")
    run = Run(path, text)
    if run.problem:
        return FileOutcome(str(path), problem=run.problem, notes=run.notes())
    stage("its steps were judged")
    step, marks = training_step(run, seed)
    notes = run.notes()
    functions: list[FunctionOutcome] = [step] if step else []
    problem = "" if functions else NOTHING + ADAPTER
    return FileOutcome(str(path), functions, problem, "", notes, marks)
