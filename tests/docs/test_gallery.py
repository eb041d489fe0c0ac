"""The section Look: every plot is in the gallery, every experiment has what its page is made from, and can be drawn again."""

import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import clearprop as cp
from clearprop.errors import OptionError
from clearprop.recipes import RECIPES, Picture

LOOK = Path(__file__).parents[2] / "docs" / "look"
GALLERY = "\n".join(path.read_text(encoding="utf-8") for path in sorted(LOOK.glob("plots*.md")))
STORED = sorted((LOOK / "experiments" / "results").glob("*.json"))
PICTURES = [(path, picture) for path in STORED for picture in json.loads(path.read_text(encoding="utf-8"))["pictures"]]


@pytest.mark.parametrize("name", cp.plots.__all__)
def test_every_plot_has_a_heading_and_a_cell_that_draws_it(name):
    assert f"\n### {name}\n" in GALLERY
    cells = re.findall(r"```\{code-cell\}\n(.*?)```", GALLERY, flags=re.DOTALL)
    assert any(f"cp.plots.{name}(" in cell for cell in cells)


def test_the_index_of_the_experiments_names_each():
    index = (LOOK / "experiments" / "index.md").read_text(encoding="utf-8")
    assert all(f"\n{name}\n" in index for name in RECIPES)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_result_is_of_a_whole_run_that_holds_and_small(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["recipe"] == path.stem
    assert not found["quick"]
    assert found["holds"]
    assert found["configuration"] == json.loads(json.dumps(RECIPES.find(path.stem).configuration))
    assert path.stat().st_size < 64_000


@pytest.mark.parametrize("name", [name for name in RECIPES if RECIPES.find(name).needs])
def test_experiments_that_need_the_courses_data_are_stored(name):
    assert name in {path.stem for path in STORED}


@pytest.mark.parametrize(("path", "stored"), PICTURES, ids=lambda each: each.stem if isinstance(each, Path) else each["name"])
def test_a_stored_picture_can_be_drawn_again(path, stored):
    figure = Picture.from_json(stored).figure()
    assert isinstance(figure, Figure)
    assert figure.axes


def test_only_functions_of_recipes_are_looked_up():
    with pytest.raises(OptionError, match=r"must name a function of clearprop\.recipes, not 'os\.system'"):
        Picture.from_json({"name": "p", "title": "t", "size": [1, 1], "drawn_by": "os.system", "rows": 1})
