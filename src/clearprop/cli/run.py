"""`clearprop recipes` and `clearprop run`: published experiments, run again and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import FAILED, fail, plain, print_json, screen
from clearprop.errors import ClearpropError

if TYPE_CHECKING:
    from clearprop.recipes import Recipe, Result

ALL = "all"
USAGE = 2  # exit status where something is missing that the user can supply


def recipes(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """List the published experiments that clearprop can run."""
    from clearprop.recipes import RECIPES

    found = list(RECIPES.entries.values())
    if json:
        keys = ("name", "title", "source", "needs", "duration", "configuration")
        print_json(plain({"recipes": [{key: getattr(recipe, key) for key in keys} for recipe in found]}))
        return
    from clearprop.cli.comparing import recipe_list

    console = screen()
    console.print(recipe_list(found))
    console.print("\nRun one: clearprop run radboud-digits     Run them all: clearprop run all", markup=False)
    console.print("The course data are found in --data-dir or $CLEARPROP_DATA: circles/circles.npz and mnist/.", markup=False)


def run(
    name: Annotated[str, typer.Argument(help="A name from clearprop recipes, or all.", metavar="NAME", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, result.json and the figures.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier run in that folder.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the course data (or set CLEARPROP_DATA).", show_default=False)
    ] = None,
    engine: o.EngineName = None,
    seeds: Annotated[int | None, typer.Option(help="Runs behind each interval.", show_default=False)] = None,
    jobs: Annotated[int | None, typer.Option(help="Runs at the same time; otherwise one a core.", show_default=False)] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Cut long trainings short, and do not judge them.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not say what is being done.")] = False,
) -> None:
    """Run a published experiment, and print published beside obtained. Exit status 1 if a claim does not hold."""
    from clearprop.recipes import RECIPES, Conditions

    wanted = list(RECIPES.entries) if name.strip().lower() == ALL else [RECIPES.find(name).name]
    folders = {} if out is None else {one: out / one if len(wanted) > 1 else out for one in wanted}
    for folder in folders.values():
        check_free(folder, force)
    messages = screen(error=True)
    silent = quiet or json

    def say(message: str) -> None:
        if not silent:
            messages.print(f"... {message}", style="dim", markup=False)

    conditions = Conditions(data_dir, engine, seeds, jobs, quick, say)
    results: dict[str, Result | None] = {}
    for one in wanted:
        results[one] = carry_out(RECIPES.make(one), conditions, folders.get(one), len(wanted) > 1, json)
    if json:
        found = [plain(result.to_json()) for result in results.values() if result is not None]
        print_json(found[0] if name.strip().lower() != ALL else {"recipes": found})
    if any(result is not None and not result.holds for result in results.values()):
        raise typer.Exit(FAILED)
    if any(result is None for result in results.values()):
        raise typer.Exit(USAGE)


def carry_out(recipe: Recipe, conditions: Any, folder: Path | None, one_of_many: bool, json: bool) -> Result | None:
    """Run, print, save; None if it cannot be run, and there are others."""
    try:
        result = recipe.run(conditions)
    except ClearpropError as error:
        if not one_of_many:
            raise
        fail(f"{recipe.name}: {error}")
        return None
    if folder is not None:
        save(result, folder)
    if not json:
        from clearprop.cli.comparing import print_result

        print_result(screen(), result, folder)
    return result


def check_free(folder: Path, force: bool) -> None:
    """Refuse, before any work is done, a folder that holds something else, or an earlier run that is not to be replaced."""
    from clearprop.errors import OptionError

    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{str(folder)!r} is a file; --out names a folder.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "result.json").is_file():
            raise OptionError(f"The folder {str(folder)!r} is not empty, and not an earlier run; choose another for --out.")
        if not force:
            raise OptionError(f"{str(folder)!r} holds an earlier run; choose another folder, or replace it with --force.")


def save(result: Result, folder: Path) -> None:
    """The report, everything in figures as JSON, and the pictures as files; all of them or none."""
    from clearprop.cli import output
    from clearprop.plots import save as save_figure
    from clearprop.report import recipe_report

    def fill(fresh: Path) -> None:
        recipe_report(result).save(fresh / "report.html")
        output.write_json(fresh / "result.json", plain(result.to_json()))
        for picture in result.exhibits.pictures:
            save_figure(picture.figure(), fresh / f"{picture.name}.png")

    output.publish(folder, fill)
