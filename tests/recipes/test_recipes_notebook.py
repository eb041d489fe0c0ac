"""The notebook of a recipe: written whole, the same bytes each time, and executed."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.notebook import write_notebook

DATA = Path(os.environ.get("CLEARPROP_DATA", "/nowhere"))


def kinds(notebook):
    """The kinds of what each code cell shows."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {"text": 0})}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("name", ["radboud-descent", "radboud-components", "vu-scalar"])
def test_it_runs_and_shows_everything(name, tmp_path):
    path = write_notebook(RECIPES.make(name), tmp_path / "run.ipynb", Conditions(quick=True))
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    comparison, explanations, pictures, tables, source = kinds(notebook)
    assert "text/html" in comparison
    assert "text/markdown" in explanations
    assert ("image/png" in pictures) == (name != "vu-scalar")  # which has no picture
    assert "text/html" in tables
    assert source == {"text"}
    assert "NOT identical" not in notebook.cells[1].outputs[0]["data"]["text/html"]


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_has_a_valid_one_and_always_the_same(name, tmp_path):
    first, second = (write_notebook(RECIPES.make(name), tmp_path / f"{k}.ipynb").read_bytes() for k in range(2))
    assert first == second
    nbformat.validate(nbformat.reads(first.decode(), 4))


def test_the_command_line_writes_it_and_refuses_what_it_cannot(tmp_path):
    path = tmp_path / "n.ipynb"
    words = ["run", "vu-scalar", "--notebook", str(path), "--quick", "--seeds", "3"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert "jupyter lab" in done.stdout
    assert "Conditions(seeds=3, quick=True)" in path.read_text()
    for wrong in (words, ["run", "all", "--notebook", str(path)], ["run", "vu-scalar", "--notebook", str(tmp_path / "n.txt")]):
        refused = CliRunner().invoke(app, wrong)
        assert refused.exit_code == 2
        assert refused.stderr.startswith("Error: ")
        assert refused.stderr.count("\n") == 1
