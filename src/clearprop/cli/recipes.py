"""`clearprop recipes`: list the published experiments."""

from __future__ import annotations

from clearprop.cli import options as o
from clearprop.cli.console import empty_table, plain, print_json, screen


def recipes(json: o.Json = False) -> None:
    """List the published experiments that clearprop run reproduces.

    Example: clearprop recipes
    """
    from clearprop.recipes import RECIPES

    found = [RECIPES.find(name) for name in RECIPES]
    if json:
        keys = ("name", "title", "source", "needs", "duration", "configuration")
        print_json(plain({"recipes": [{key: getattr(recipe, key) for key in keys} for recipe in found]}))
        return
    table = empty_table("name", "experiment", "takes", "needs", overflow="fold")
    table.columns[0].no_wrap = True
    for recipe in found:
        table.add_row(recipe.name, recipe.title, recipe.duration, ", ".join(recipe.needs))
    console = screen()
    console.print(table)
    console.print("\nRun one: clearprop run radboud-digits     Run them all: clearprop run all", markup=False)
    console.print("Course data are read from --data-dir or $CLEARPROP_DATA: circles/circles.npz and mnist/.", markup=False)
