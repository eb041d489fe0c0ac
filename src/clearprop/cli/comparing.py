"""How a recipe is printed: published beside obtained, the tables, the explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clearprop.cli.summary import duration
from clearprop.report.document import cell, numeric

if TYPE_CHECKING:
    from pathlib import Path

    from clearprop.recipes import Comparison, Recipe, Result
    from clearprop.recipes import Table as Exhibit

WIDTH = 128  # columns, where there is no terminal that says otherwise
PROSE = 100  # columns of an explanation


def recipe_list(recipes: list[type[Recipe]]) -> Table:
    """A row for each recipe."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("name", "experiment", "takes", "needs"):
        table.add_column(name, no_wrap=name == "name", overflow="fold")
    for recipe in recipes:
        table.add_row(recipe.name, recipe.title, recipe.duration, ", ".join(recipe.needs))
    return table


def print_result(console: Console, result: Result, folder: Path | None = None) -> None:
    """Everything but the long tables and the pictures, which are in the report."""
    recipe = result.recipe
    wide = Console(file=console.file, highlight=False, width=None if console.is_terminal else WIDTH)
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
    """Published | obtained | verdict."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("", "published", "obtained", "verdict"):
        table.add_column(name, overflow="fold")
    styles = {True: "green", False: "bold red", None: "dim"}
    for one in comparisons:
        table.add_row(Text(one.what), Text(one.published), Text(one.obtained), Text(one.verdict, style=styles[one.holds]))
    return table


def exhibit_table(exhibit: Exhibit) -> Table:
    """A table of a study, numbers to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(exhibit.columns):
        values: list[Any] = [row[place] for row in exhibit.rows]
        table.add_column(Text(column), justify="right" if all(map(numeric, values)) else "left", overflow="fold")
    for row in exhibit.rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table
