"""`clearprop run`: run a published experiment, and print published and obtained figures side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clearprop.cli import folder as folders
from clearprop.cli import options as o
from clearprop.cli.console import FAILED, USAGE, duration, empty_table, fail, plain, print_json, screen
from clearprop.cli.progress import StageBar
from clearprop.errors import ClearpropError, OptionError

if TYPE_CHECKING:
    from clearprop.recipes import Comparison, Conditions, Recipe, Result
    from clearprop.recipes import Table as Exhibit

ALL = "all"
WIDTH = 128  # columns, unless a terminal has another width
PROSE = 100  # columns of an explanation


def run(
    name: Annotated[str, o.argument("Name from clearprop recipes, or all.", "NAME")],
    data_dir: Annotated[Path | None, o.option(o.DATA, "Folder of the course data (or set CLEARPROP_DATA).")] = None,
    engine: o.EngineName = None,
    seeds: Annotated[int | None, o.option(o.TRAINING, "Number of seeds, instead of the recipe's own.", metavar="N")] = None,
    jobs: Annotated[int | None, o.option(o.TRAINING, "Number of parallel runs; one per core by default.", metavar="N")] = None,
    quick: Annotated[
        bool, o.option(o.TRAINING, "Cut long trainings short; claims that need the full length are not judged.", "--quick")
    ] = False,
    out: Annotated[
        Path | None,
        o.option(o.OUTPUT, "Write report.html, result.json and the pictures to this folder.", metavar="DIRECTORY"),
    ] = None,
    notebook: Annotated[
        Path | None,
        o.option(o.OUTPUT, "Write a notebook that runs the experiment, FILE.ipynb, instead of running it.", metavar="FILE"),
    ] = None,
    force: o.Force = False,
    json: o.Json = False,
    quiet: Annotated[bool, o.option(o.OUTPUT, "Print no progress messages.", "--quiet", "-q")] = False,
) -> None:
    """Run a published experiment, and print the published figures beside those obtained.

    Exit status: 0 if all claims hold, 1 if one does not, 2 if the experiment could not be run.

    Example: clearprop run radboud-digits --out runs/radboud-digits
    """
    from clearprop.recipes import RECIPES, Conditions

    if notebook is not None:
        write(name, notebook, Conditions(data_dir, engine, seeds, jobs, quick), force)
        return
    wanted = list(RECIPES) if name.strip().lower() == ALL else [RECIPES.find(name).name]
    places = {} if out is None else {one: out / one if len(wanted) > 1 else out for one in wanted}
    for folder in places.values():
        folders.check_free(folder, force, folders.is_recipe_run)
    messages = screen(error=True)
    silent = quiet or json

    bar = StageBar(None if silent else messages, len(wanted))
    conditions = Conditions(data_dir, engine, seeds, jobs, quick, bar.say)
    results: dict[str, Result | None] = {}
    for one in wanted:
        results[one] = carry_out(RECIPES.make(one), conditions, places.get(one), bar, json)
    if json:
        found = [plain(result.to_json()) for result in results.values() if result is not None]
        print_json(found[0] if name.strip().lower() != ALL else {"recipes": found})
    if any(result is not None and not result.holds for result in results.values()):
        raise typer.Exit(FAILED)
    if any(result is None for result in results.values()):
        raise typer.Exit(USAGE)


def write(name: str, path: Path, conditions: Conditions, force: bool) -> None:
    """Write the notebook of one recipe, and say how to open it."""
    from clearprop.recipes import RECIPES
    from clearprop.recipes.notebook import write_notebook

    if name.strip().lower() == ALL:
        raise OptionError("--notebook takes one experiment, not all; choose a name from clearprop recipes.")
    if path.suffix != ".ipynb":
        raise OptionError(f"--notebook must name a file that ends in .ipynb, not {str(path)!r}.")
    if path.exists() and not force:
        raise OptionError(f"{path} exists; choose another name, or replace it with --force.")
    write_notebook(RECIPES.make(name), path, conditions)
    screen().print(f"Notebook: {path}     Open it: jupyter lab {path}", markup=False, highlight=False)


def carry_out(recipe: Recipe, conditions: Conditions, folder: Path | None, bar: StageBar, json: bool) -> Result | None:
    """Run, save and print a recipe; None if it cannot be run, and there are others."""
    try:
        with bar.stage(recipe.name):
            result = recipe.run(conditions)
    except ClearpropError as error:
        if bar.total == 1:
            raise
        fail(f"{recipe.name}: {error}")
        return None
    if folder is not None:
        save(result, folder)
    if not json:
        print_result(screen(), result, folder)
    return result


def save(result: Result, folder: Path) -> None:
    """Write the report, the result as JSON, and the pictures; all of them or none."""
    from clearprop.ownership import writing
    from clearprop.plots import save as save_figure
    from clearprop.plots import save_frames
    from clearprop.report import recipe_report

    def fill(fresh: Path) -> None:
        folders.write_json(fresh / "result.json", plain(result.to_json()))
        recipe_report(result).save(fresh / "report.html")
        for picture in result.exhibits.pictures:
            save_figure(picture.figure(), fresh / f"{picture.name}.png")
        for animation in result.exhibits.animations:
            save_frames(animation.draw, animation.frames, fresh / f"{animation.name}.gif", animation.size)

    with writing(folder):
        folders.publish(folder, fill)


def print_result(console: Console, result: Result, folder: Path | None = None) -> None:
    """Print everything but the long tables and the pictures, which are in the report."""
    recipe = result.recipe
    wide = type(console)(file=console.file, highlight=False, width=None if console.is_terminal else WIDTH)
    wide.print(Text(f"\n{recipe.name}: {recipe.title}", style="bold"))
    wide.print(Text(recipe.source, style="dim"))
    wide.print()
    wide.print(comparison_table(result.comparisons))
    for table in result.exhibits.tables:
        if not table.long:
            wide.print(Text(f"\n{table.title}", style="bold"))
            wide.print(exhibit_table(table))
    for explanation in result.exhibits.explanations:
        wide.print(Text(f"\n{explanation.question}", style="bold"))
        wide.print(Text(explanation.answer), width=min(PROSE, wide.width))
    claims = [comparison for comparison in result.comparisons if comparison.holds is not None]
    true = sum(comparison.holds is True for comparison in claims)
    ending = f"\n{true} of {len(claims)} claims hold; engine {result.engine}, {duration(result.seconds)}."
    wide.print(Text(ending, style="green" if result.holds else "bold red"))
    if folder is not None:
        wide.print(Text(f"Report: {folder / 'report.html'}"))


def comparison_table(comparisons: list[Comparison]) -> Table:
    """A row for each comparison: published, obtained, verdict."""
    table = empty_table("", "published", "obtained", "verdict", overflow="fold")
    styles = {True: "green", False: "bold red", None: "dim"}
    for one in comparisons:
        table.add_row(Text(one.what), Text(one.published), Text(one.obtained), Text(one.verdict, style=styles[one.holds]))
    return table


def exhibit_table(exhibit: Exhibit) -> Table:
    """A table of the recipe, with numbers right-aligned."""
    from clearprop.recipes.exhibits import cell
    from clearprop.report.document import numeric

    table = empty_table()
    for place, column in enumerate(exhibit.columns):
        values: list[Any] = [row[place] for row in exhibit.rows]
        table.add_column(Text(column), justify="right" if all(map(numeric, values)) else "left", overflow="fold")
    for row in exhibit.rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table
