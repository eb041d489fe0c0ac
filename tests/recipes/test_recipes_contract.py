"""Every recipe, by reflection: what it says of itself, and what it makes of missing data."""

import json
from importlib import import_module
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, UnknownNameError
from clearprop.recipes import RECIPES, Conditions, Recipe
from clearprop.recipes.recipe import Recipe as Base

ALL = [RECIPES.find(name) for name in RECIPES]
NAMES = {
    "radboud-descent", "radboud-components", "radboud-digits", "rdfia-circles", "rdfia-ladder", "rdfia-svm", "vu-scalar",
    "vu-synth", "vu-mnist", "vu-studies", "vu-batches",
}  # fmt: skip


def test_all_are_registered_and_no_subclass_is_forgotten():
    assert set(RECIPES) == NAMES
    assert [recipe.name for recipe in ALL] == list(RECIPES)
    for file in Path(cp.recipes.__file__).parent.glob("*.py"):  # a file that is not registered would not be imported
        import_module(f"clearprop.recipes.{file.stem}")
    assert set(Base.__subclasses__()) == set(ALL)


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
def test_says_what_it_is(recipe):
    assert issubclass(recipe, Recipe)
    assert recipe.title
    assert recipe.source
    assert recipe.duration
    assert json.dumps(recipe.configuration, allow_nan=False)
    assert recipe.__doc__
    assert RECIPES.make(recipe.name.replace("-", "_")).name == recipe.name


@pytest.mark.parametrize("recipe", [recipe for recipe in ALL if recipe.needs], ids=lambda recipe: recipe.name)
def test_without_its_data_it_says_which_file_to_put_where(recipe, tmp_path, monkeypatch):
    monkeypatch.delenv("CLEARPROP_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("clearprop.data.built_in.BASE_URL", "http://127.0.0.1:9/")
    with pytest.raises(ClearpropError, match=r"(circles\.npz|train-images-idx3-ubyte\.gz)") as raised:
        recipe().run(Conditions(data_dir=tmp_path))
    assert "--data-dir" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_studies_are_reached_from_the_package():
    assert cp.recipes.RECIPES is RECIPES
    assert cp.sweeps.run_sweep.__name__ == "run_sweep"
    assert cp.descent.descend("bowl", steps=1).minimum is None


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'vu-mnist'"):
        RECIPES.make("vu-minst")


@pytest.mark.parametrize("name", ["seeds", "jobs"])
def test_impossible_conditions_are_refused(name):
    calls = {
        "seeds": lambda: Conditions(seeds=0),
        "jobs": lambda: Conditions(jobs=0).sweep(dict, {"lr": [1]}, 1, None, "batch"),
    }
    with pytest.raises(ClearpropError, match=name):
        calls[name]()
