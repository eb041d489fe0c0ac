"""Examining one program: its training step if it takes one; else, and for what it never called, what it defines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clearprop.gradcheck.tracing.adapter_suggestion import EMPTY, suggested_adapter
from clearprop.gradcheck.tracing.conventions.convention import DrivenUnit, NotCalledError, UndecidedError
from clearprop.gradcheck.tracing.driver import Driver
from clearprop.gradcheck.tracing.failed_steps import failed_step
from clearprop.gradcheck.tracing.file_outcome import UNCLEAR, FileOutcome, status_of
from clearprop.gradcheck.tracing.forgotten_return import forgotten_return
from clearprop.gradcheck.tracing.judge import Bench, Judge, JudgedUnit
from clearprop.gradcheck.tracing.person_program import STEP, ProgramRun, lines_run, source_of, sources_of
from clearprop.gradcheck.tracing.trace import line_of
from clearprop.gradcheck.tracing.traced import MISMATCHES, TRACE
from clearprop.gradcheck.tracing.watch import WATCHED, Enough, describe

NOTHING = (
    "No step of a parameter, and no function or class that follows a known convention was found. Write an adapter of five lines:"  # noqa: E501
    "\n"
)
NONE_RAN = "None of these could be called with guessed arguments. An adapter says what to call; adjust this one if need be:"


@dataclass
class Examined:
    """The parts that a program was found to be made of.

    Attributes
    ----------
    units : list of JudgedUnit
    problem : str
        The reason why something could not be looked at.
    notes : list of str
    mismatches : list of (int, str)
        Lines of the program in which shapes did not fit, with these.
    ran : set of int
        Lines that the program ran itself, with shapes that fit.
    """

    units: list[JudgedUnit] = field(default_factory=list)
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    mismatches: list[tuple[int, str]] = field(default_factory=list)
    ran: set[int] = field(default_factory=set)

    @property
    def status(self) -> str:
        """The verdict, as far as it is known on this side."""
        return status_of([unit.verdict for unit in self.units], self.problem)


def examine(path: Path, names: list[str], seed: int, stage: Callable[[str], None] = lambda said: None) -> FileOutcome:
    """The outcome of running, checking and judging a program, all in this process."""
    try:
        text = source_of(path)
    except SyntaxError as error:
        return FileOutcome(str(path), problem=f"It cannot be read: {error}")
    bench = Judge(lambda: sources_of(path, text), seed)
    found = examined(path, text, names, seed, bench, stage)
    functions, marks = bench.outcomes(found.units)
    return FileOutcome(str(path), functions, found.problem, "", found.notes, marks, found.mismatches)


def examined(
    path: Path, text: str, names: list[str], seed: int, bench: Bench, stage: Callable[[str], None] = lambda said: None
) -> Examined:
    """The parts of a program, after it was run; once more with the true torch, if it cannot be understood without."""
    found = examined_once(path, ProgramRun(path, text), names, seed, bench, stage)
    if not TRACE.invented:
        found.mismatches = [
            (line, shapes) for (file, line), shapes in MISMATCHES.items() if file == str(path) and line not in found.ran
        ]
    if found.status == "inconclusive" and re.search(r"^\s*(import|from) torch\b", text, re.MULTILINE):
        again = examined_once(path, ProgramRun(path, text, true_torch=True), names, seed, bench, stage)
        return found if again.status == "inconclusive" else again
    return found


def examined_once(
    path: Path, run: ProgramRun, names: list[str], seed: int, bench: Bench, stage: Callable[[str], None]
) -> Examined:
    """The parts of a program that was run."""
    if run.problem:
        return Examined(problem=run.problem, notes=run.notes())
    ran_well = lines_without_mismatch()
    stage("its steps were judged")
    step = steps_judged(bench)
    notes = run.notes()
    silent = forgotten_return(run.text, WATCHED.skips) or failed_step(run.text, WATCHED.skips, TRACE) if not step else ""
    if silent:
        return Examined(problem=silent, notes=notes)
    units: list[JudgedUnit] = [step] if step else []
    ran = {code.co_name for code in lines_run()} if step else set()
    driver = Driver(vars(run.module), sources_of(path, run.text), seed, bench, names)
    candidates = driver.units(simple=bool(step) and not names)
    wanted = [each for each in candidates if (each.name in names if names else not each.uses & ran)]
    for each in wanted:
        stage(f"{each.name} was checked")
        found = checked(each)
        if not (step and found.verdict == UNCLEAR):
            units.append(found)
    for name in names:
        if name not in {unit.name for unit in units}:
            why = (
                f"There is no {name} in the script."
                if name not in vars(run.module)
                else f"{name} follows no convention that is known here."
            )
            units.append(JudgedUnit(name, "unknown convention", [], f"{why} Write an adapter of five lines:\n{EMPTY}"))
    problem = "" if units else NOTHING + suggested_adapter(driver.program.functions)
    skipped = [] if names else driver.left_over(candidates, ran)
    if skipped and units:
        problem = f"{len(units)} of {len(units) + len(skipped)} candidates checked; not looked at: {', '.join(skipped)}."
    elif step and not names and (unseen := run.steps_not_reached()):
        problem = unseen
    elif units and not names and not step:
        problem = run.steps_not_run() or run.steps_failed({name for each in candidates for name in each.uses})
    if units and not names and all(unit.verdict == UNCLEAR for unit in units):
        adapter = suggested_adapter(driver.program.functions)
        problem = "\n".join(filter(None, [problem, f"{NONE_RAN}\n{adapter}" if adapter != EMPTY else ""]))
    return Examined(units, problem, notes, ran=ran_well)


def lines_without_mismatch() -> set[int]:
    """The lines that the program ran itself with shapes that fit: where guessed arguments do not fit, nothing is proved."""
    failed = {line for _, line in MISMATCHES}
    return {line_of(vertex.stack[0]) for vertex in TRACE.vertices if vertex.stack} - failed


def steps_judged(bench: Bench) -> JudgedUnit | None:
    """The verdict on the steps that a program took; what goes wrong in judging them is said, and is no verdict."""
    try:
        return bench.steps(TRACE)
    except (Exception, RecursionError) as error:
        return JudgedUnit(STEP, STEP, [], f"Its steps could not be judged: {type(error).__name__}: {str(error)[:200]}")


def checked(unit: DrivenUnit) -> JudgedUnit:
    """The verdict on something that the program defines."""
    try:
        with np.errstate(all="ignore"):
            return JudgedUnit(unit.name, unit.kind, [unit.work()])
    except UndecidedError as error:
        said = str(error)
    except NotCalledError as error:
        said = f"It could not be called: {error}"
    except SystemExit as stop:
        said = f"It calls sys.exit({stop.code!r}) when it is called."
    except MemoryError:
        said = "It ran out of memory; raise --memory, or make its arrays smaller."
    except (Exception, Enough) as error:
        said = f"It fails when it is called: {describe(error, TRACE.files)}"
    return JudgedUnit(unit.name, unit.kind, [], said)
