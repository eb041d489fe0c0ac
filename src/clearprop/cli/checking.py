"""`clearprop check`: whether the derivatives in a script are right, and which mistake was made if they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clearprop.cli.console import print_json, screen


def check(
    path: Annotated[Path, typer.Argument(help="A Python file, or a folder of them.", metavar="FILE", show_default=False)],
    names: Annotated[
        list[str] | None, typer.Argument(help="Functions and classes to check; by default all that are recognised.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
    grade: Annotated[bool, typer.Option("--grade", help="Print verdicts and hints as JSON, but not the answers.")] = False,
    seconds: Annotated[float, typer.Option(help="Time for the script and its checks.", min=0.1)] = 60.0,
    memory: Annotated[int, typer.Option(help="Megabytes of address space.", min=256)] = 4096,
    seed: Annotated[int, typer.Option(help="Of the data that the checks use.")] = 0,
) -> None:
    """Check the gradients in a script by finite differences, in a process of its own.

    Exit status: 0 if all are right, 1 if any is wrong, 2 if anything could not be checked.
    """
    from clearprop.gradcheck.scripts import Limits, check_file, grade_rows, grade_table

    limits = Limits(seconds, memory)
    if path.is_dir():
        outcomes = grade_rows(path, names or (), limits, seed)
        if grade or json:
            print_json({"files": [outcome.graded() if grade else outcome.to_json() for outcome in outcomes]})
        else:
            screen().print(grade_table(outcomes), markup=False)
    else:
        outcomes = [check_file(path, names or (), limits, seed)]
        if grade or json:
            print_json(outcomes[0].graded() if grade else outcomes[0].to_json())
        else:
            screen().print(str(outcomes[0]), markup=False)
    statuses = {outcome.status for outcome in outcomes}
    raise typer.Exit(1 if 1 in statuses else max(statuses))
