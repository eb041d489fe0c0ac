"""`clearprop doctor`: what is wrong with a training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import print_json, screen

if TYPE_CHECKING:
    from clearprop.data import Dataset
    from clearprop.doctor import Diagnosis
    from clearprop.training.settings import Settings


def doctor(
    path: Annotated[
        Path,
        typer.Argument(
            help="The folder of a run (clearprop train --out), or a table of its curves: .csv, .tsv or .jsonl.",
            metavar="RUN",
            show_default=False,
        ),
    ],
    full: Annotated[bool, typer.Option("--full/--cheap", help="Look at each of the first steps too.")] = True,
    data_dir: o.DataDir = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Say what is wrong with a training run, cause first, and what its remedy does when it is tried.

    Exit status: 0 healthy, 1 something was found, 2 it could not be told.
    """
    verdict = of_run(path, full, data_dir) if path.is_dir() else of_curves(path)
    if json:
        print_json(verdict.to_json())
    else:
        show(verdict)
    if verdict.status:
        raise typer.Exit(verdict.status)


def of_run(folder: Path, full: bool, data_dir: Path | None) -> Diagnosis:
    """The diagnosis of a folder: its config.json says how to train the run again."""
    from clearprop.cli.configuration import Configuration, from_file
    from clearprop.cli.output import FILE
    from clearprop.training import History

    extra: dict[str, Any] = {} if data_dir is None else {"data_dir": str(data_dir.resolve())}
    configuration = from_file(folder / FILE, Configuration(extra, {}))
    data = configuration.load()
    rows = folder / "history.jsonl"
    history = History.from_jsonl(rows) if rows.exists() else None
    return of_settings(configuration.settle(data), data, "full" if full else "cheap", history)


def of_settings(settings: Settings, data: Dataset, level: str = "cheap", history: Any = None) -> Diagnosis:
    """The diagnosis of the run that settings and data describe, which is trained again from its seed."""
    from clearprop.doctor import examine
    from clearprop.doctor.saved import problem_of
    from clearprop.training.setup import set_up

    return examine(problem_of(set_up(settings, data)), level, history=history)


def of_curves(path: Path) -> Diagnosis:
    """The diagnosis of a table."""
    from clearprop.doctor.curves import diagnose_curves, read_curves

    return diagnose_curves(read_curves(path))


def show(verdict: Diagnosis) -> None:
    """Print a diagnosis."""
    console = screen()
    console.print(str(verdict), markup=False)
    pages = [finding.page for finding in verdict.findings if not finding.follows]
    if pages:
        console.print(f"More: {', '.join(pages)}", markup=False)
