"""A notebook of a recipe: the cells that run it, and show its comparison, tables, explanations and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clearprop.arguments import checked
from clearprop.errors import MissingExtraError
from clearprop.files import write_atomically
from clearprop.recipes.recipe import Conditions, Recipe


@checked
def write_notebook(recipe: Recipe, path: str | Path, conditions: Conditions | None = None) -> Path:
    """Write the notebook, whole or not at all. Nothing is run.

    Parameters
    ----------
    recipe : Recipe
    path : path
        Ends in ".ipynb".
    conditions : Conditions, optional
        Conditions that the run in the notebook is given.

    Returns
    -------
    Path

    Raises
    ------
    MissingExtraError
        If nbformat is not installed.
    """
    try:
        import nbformat

        written: Any = nbformat.writes
    except ImportError:
        raise MissingExtraError("Notebooks need nbformat: pip install 'clearprop[notebook]'.") from None
    cells: Any = nbformat.v4
    notebook = cells.new_notebook(
        cells=[
            cells.new_markdown_cell(text) if kind == "text" else cells.new_code_cell(text)
            for kind, text in contents(recipe, conditions or Conditions())
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the same recipe gives the same file
    write_atomically(path, lambda temporary: temporary.write_text(written(notebook), encoding="utf-8"))
    return Path(path)


def contents(recipe: Recipe, conditions: Conditions) -> list[tuple[str, str]]:
    """The cells, as pairs of "text" or "code" and what is in them."""
    configuration = "\n".join(f"- **{name}**: {value}" for name, value in recipe.configuration.items())
    return [
        ("text", f"# {recipe.title}\n\n{recipe.source}. Takes about {recipe.duration}.\n\n{configuration}"),
        ("code", f"from clearprop.recipes import RECIPES, Conditions\n\nrecipe = RECIPES.make({recipe.name!r})\n"
                 f"result = recipe.run(Conditions({given(conditions)}))\nresult"),
        ("text", "## Explained, with numbers from this run"),
        ("code", "from IPython.display import Markdown, display\n\nfor explanation in result.exhibits.explanations:\n"
                 "    display(Markdown(f'**{explanation.question}**\\n\\n{explanation.answer}'))"),
        ("text", "## Figures"),
        ("code", "for picture in result.exhibits.pictures:\n    display(Markdown(f'**{picture.title}**'), picture)"),
        ("text", "## Tables"),
        ("code", "for table in result.exhibits.tables:\n    display(table)"),
        ("text", "## Change something\n\nThe experiment is one function; read it, copy it into a cell, and change a line."),
        ("code", "import inspect\n\nprint(inspect.getsource(type(recipe).perform))"),
    ]  # fmt: skip


def given(conditions: Conditions) -> str:
    """The conditions that differ from the default, as arguments.

    Examples
    --------
    >>> given(Conditions(quick=True, seeds=3))
    'seeds=3, quick=True'
    """
    usual, found = Conditions(), []
    for name in ("data_dir", "engine", "seeds", "jobs", "quick"):
        value: Any = getattr(conditions, name)
        if value != getattr(usual, name):
            found.append(f"{name}={str(value)!r}" if isinstance(value, Path) else f"{name}={value!r}")
    return ", ".join(found)
