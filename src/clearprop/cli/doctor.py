"""`clearprop doctor`: what is wrong with a training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import print_json, screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.data import Dataset
    from clearprop.doctor import Diagnosis
    from clearprop.doctor.monitor import Level
    from clearprop.training.settings import Settings


def doctor(
    path: Annotated[
        Path | None,
        o.argument("Folder written by clearprop train --out, or a table of curves: .csv, .tsv, .json or .jsonl.", "RUN"),
    ] = None,
    full: Annotated[bool, typer.Option("--full/--cheap", help="Examine each of the first steps too.")] = True,
    explain: Annotated[
        str | None,
        typer.Option(help="Print the page on a finding, such as dead-relus.", metavar="FINDING", show_default=False),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of the table that holds a curve, as in train=NAME or val=NAME; may be given several times.",
            metavar="CURVE=NAME",
            show_default=False,
        ),
    ] = None,
    data_dir: o.DataDir = None,
    json: o.Json = False,
) -> None:
    """Diagnose a training run: name the root cause of what is wrong, and try its remedy.

    Exit status: 0 if the run is healthy, 1 if something is wrong, 2 if it cannot be decided.

    Example: clearprop doctor runs/circles
    """
    if explain is not None:
        print_page(explain, json)
        return
    if path is None:
        raise OptionError("Give the folder of a run or a table of its curves, or --explain FINDING for the page on a finding.")
    verdict = of_run(path, "full" if full else "cheap", data_dir) if path.is_dir() else of_curves(path, column or [])
    if json:
        print_json(verdict.to_json())
    else:
        show(verdict)
    if verdict.status:
        raise typer.Exit(verdict.status)


def print_page(slug: str, json: bool) -> None:
    """Print the page on a finding, as Markdown or in a JSON object."""
    from clearprop.doctor import explanation

    page = explanation(slug)
    if json:
        print_json({"slug": slug, "explanation": page})
    else:
        screen().print(page, markup=False, end="")


def of_run(folder: Path, level: Level, data_dir: Path | None) -> Diagnosis:
    """The diagnosis of a folder: its config.json says how to train the run again."""
    from clearprop.cli.configuration import Configuration, from_file
    from clearprop.cli.folder import CONFIG
    from clearprop.training import History

    extra: dict[str, Any] = {} if data_dir is None else {"data_dir": str(data_dir.resolve())}
    configuration = from_file(folder / CONFIG, Configuration(extra, {}))
    data = configuration.load()
    rows = folder / "history.jsonl"
    history = History.from_jsonl(rows) if rows.exists() else None
    return of_settings(configuration.settle(data), data, level, history)


def of_settings(settings: Settings, data: Dataset, level: Level = "cheap", history: Any = None) -> Diagnosis:
    """The diagnosis of the run that settings and data describe, which is trained again from its seed."""
    from clearprop.doctor import examine
    from clearprop.doctor.case import case_of_setup
    from clearprop.training.setup import set_up

    return examine(case_of_setup(set_up(settings, data)), level, history=history)


def of_curves(path: Path, columns: list[str]) -> Diagnosis:
    """The diagnosis of a table, some of whose columns are named: "train=NAME"."""
    from clearprop.doctor.curves import diagnose_curves, read_curves

    bad = next((text for text in columns if "=" not in text), None)
    if bad is not None:
        raise OptionError(f"--column takes CURVE=NAME, such as train=my_loss; got {bad!r}.")
    named = dict(text.split("=", 1) for text in columns)
    return diagnose_curves(read_curves(path, named))


def show(verdict: Diagnosis) -> None:
    """Print a diagnosis, and for each root cause the command that explains it."""
    console = screen()
    console.print(str(verdict), markup=False)
    for finding in verdict.findings:
        if not finding.follows:
            console.print(f"More: {finding.more}", markup=False)
