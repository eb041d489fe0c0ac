"""`clearprop check`: check the derivatives in a script, and name the mistake in a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clearprop.cli import options as o
from clearprop.cli.console import print_json, screen


def check(
    path: Annotated[Path, o.argument("Python file or notebook, or a folder of them.", "FILE")],
    names: Annotated[
        list[str] | None, o.argument("Functions and classes to check; by default all that are recognised.", "NAME")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time limit in seconds for each script and its checks.", min=0.1)] = 60.0,
    memory: Annotated[int, typer.Option(help="Memory limit in megabytes of address space.", min=256)] = 4096,
    seed: Annotated[int, typer.Option(help="Seed of the random inputs used by the checks.")] = 0,
    show: Annotated[
        bool, o.option(o.OUTPUT, "Print the program's step with the verdict on each value beside its line.", "--show")
    ] = False,
    html: Annotated[Path | None, o.option(o.OUTPUT, "Write the report, with the step, to this HTML file.", "--html")] = None,
    grade: Annotated[bool, o.option(o.OUTPUT, "Print verdicts and hints as JSON, without the corrections.", "--grade")] = False,
    json: o.Json = False,
) -> None:
    """Check the gradients in a program by watching it run, and name the mistake in a wrong one, at its line.

    The program runs as it is, in a separate process. For a folder, every program in it is checked, and a line printed for each.

    Exit status: 0 if all gradients are right, 1 if any is wrong, 2 if any could not be checked.

    Example: clearprop check student.py
    """
    from clearprop.gradcheck.tracing import Limits, check_file, grade_rows, grade_table

    limits, folder = Limits(seconds, memory), path.is_dir()
    outcomes = grade_rows(path, names or (), limits, seed) if folder else [check_file(path, names or (), limits, seed)]
    if grade or json:
        found = [outcome.graded() if grade else outcome.to_json() for outcome in outcomes]
        print_json({"files": found} if folder else found[0])
    else:
        screen().print(grade_table(outcomes) if folder else str(outcomes[0]), markup=False)
        if show and not folder:
            screen().print(outcomes[0].shown(), markup=False, soft_wrap=True)
    if html is not None:
        html.write_text("\n".join(outcome.html() for outcome in outcomes))
    statuses = {outcome.exit_status for outcome in outcomes}
    raise typer.Exit(1 if 1 in statuses else max(statuses))
