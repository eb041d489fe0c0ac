"""`clearprop check`: check the derivatives in a script, and name the mistake in a wrong one; or grade a folder of scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli.console import INTERRUPTED, print_json, screen, show_notes
from clearprop.cli.declaring import OUTPUT, Json, Quiet, argument, option

if TYPE_CHECKING:
    from clearprop.gradcheck.tracing import FileOutcome, Grading, Limits, Rubric

GRADING = "Grading"


def check(
    path: Annotated[Path, argument("Python file or notebook, or a folder of them.", "FILE")],
    names: Annotated[
        list[str] | None, argument("Functions and classes to check; by default all that are recognised.", "NAME")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time limit in seconds for each script and its checks.", min=0.1)] = 60.0,
    memory: Annotated[
        int, typer.Option(help="Memory limit in megabytes, for a script and all that it starts.", min=256)
    ] = 4096,
    seed: Annotated[int, typer.Option(help="Seed of the random inputs used by the checks.")] = 0,
    show: Annotated[
        bool, option(OUTPUT, "Print the program's step with the verdict on each value beside its line.", "--show")
    ] = False,
    html: Annotated[Path | None, option(OUTPUT, "Write the report, with the step, to this HTML file.", "--html")] = None,
    grade: Annotated[
        bool, option(GRADING, "Print verdicts, hints and points as JSON, without the corrections.", "--grade")
    ] = False,
    gradescope: Annotated[bool, option(GRADING, "Print the same as the results.json of Gradescope.", "--gradescope")] = False,
    rubric: Annotated[
        Path | None, option(GRADING, "TOML or JSON file that says which tensors count how much.", "--rubric")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check the gradients in a program by watching it run, and name the mistake in a wrong one, at its line.

    The program runs as it is, in a separate process. For a folder, every program in it is checked, and a line printed for each.

    Where the system has namespaces, a program cannot touch other programs, your files or the network.

    It is judged by a process in which it does not run. It can still show that process another computation than its own.

    Exit status: 0 if all gradients are right, 1 if any is wrong, 2 if any could not be checked.

    Example: clearprop check student.py
    """
    from clearprop.gradcheck.tracing import Limits, read_rubric

    limits, weights = Limits(seconds, memory), read_rubric(rubric) if rubric is not None else None
    wanted = names or (weights.functions if weights else ())
    if path.is_dir():
        _check_folder(path, wanted, limits, seed, Output(weights, grade, gradescope, json, quiet, show, html))
    else:
        _check_one(path, wanted, limits, seed, Output(weights, grade, gradescope, json, quiet, show, html))


class Output:
    """The forms of output that were asked for."""

    def __init__(
        self, rubric: Rubric | None, grade: bool, gradescope: bool, json: bool, quiet: bool, show: bool, html: Path | None
    ) -> None:
        self.rubric, self.grade, self.gradescope, self.json = rubric, grade, gradescope, json
        self.quiet, self.show, self.html = quiet, show, html

    def as_json(self, outcome: FileOutcome) -> dict[str, Any] | None:
        """The outcome in the form of JSON that was asked for; None if none was."""
        from clearprop.gradcheck.tracing import grade_json, gradescope_json

        if self.gradescope:
            return gradescope_json(outcome, self.rubric)
        if self.grade:
            return grade_json(outcome, self.rubric)
        return outcome.to_json() if self.json else None

    def write(self, outcomes: Sequence[FileOutcome]) -> None:
        """Write the pages."""
        if self.html is not None:
            self.html.write_text("\n".join(outcome.html() for outcome in outcomes), encoding="utf-8")


def _check_one(path: Path, names: Sequence[str], limits: Limits, seed: int, output: Output) -> None:
    from clearprop.gradcheck.tracing import Checker

    graded = output.grade or output.gradescope
    with Checker(alone=graded) as checker:
        outcome = checker.check_file(path, names, limits, seed)
    found = output.as_json(outcome)
    if checker.lacking and graded:
        show_notes([checker.lacking])
    if found is not None:
        print_json(found)
    else:
        screen().print(str(outcome), markup=False)
        if output.rubric is not None:
            screen().print(f"\n{output.rubric.score(outcome):g} of {output.rubric.points:g} points", markup=False)
        if output.show:
            screen().print(outcome.shown(), markup=False, soft_wrap=True)
    output.write([outcome])
    raise typer.Exit(outcome.exit_status)


def _check_folder(path: Path, names: Sequence[str], limits: Limits, seed: int, output: Output) -> None:
    from clearprop.gradcheck.tracing import Grading, grade_table

    grading = Grading.of(path)
    whole = _run(grading, names, limits, seed, output)
    outcomes = grading.rows
    found = [output.as_json(outcome) for outcome in outcomes]
    if output.json or output.grade or output.gradescope:
        files = [{"file": o.path, **f} if "file" not in f else f for o, f in zip(outcomes, found, strict=True) if f is not None]
        print_json({"files": files, **({} if whole else {"interrupted": True})})
    elif outcomes:
        screen().print(grade_table(outcomes, grading.root, output.rubric), markup=False)
    output.write(outcomes)
    notes = [grading.lacking] if grading.lacking else []
    if not whole:
        notes.append(f"Interrupted: {len(outcomes)} of {len(grading.files)} programs were checked, and stand here.")
    show_notes(notes)
    if not whole:
        raise typer.Exit(INTERRUPTED)
    statuses = {outcome.exit_status for outcome in outcomes}
    raise typer.Exit(1 if 1 in statuses else max(statuses))


def _run(grading: Grading, names: Sequence[str], limits: Limits, seed: int, output: Output) -> bool:
    """Check all programs, with a bar on a terminal; whether it came to the end."""
    from rich.progress import track

    console = screen(error=True)
    silent = output.quiet or not console.is_terminal
    running = grading.run(names, limits, seed)
    try:
        for _ in track(running, "Checking", len(grading.files), console=console, disable=silent, transient=True):
            pass
    except KeyboardInterrupt:
        running.close()
        return False
    return True
