"""Recipes: published experiments, each with its configuration, its published figures, and a run to compare with them.

>>> from clearprop.recipes import RECIPES
>>> RECIPES.make("radboud-components").run().holds
True
"""

from clearprop.recipes.exhibits import Exhibits, Explanation, Picture, Table
from clearprop.recipes.published import Comparison
from clearprop.recipes.radboud_components import RadboudComponents
from clearprop.recipes.radboud_descent import RadboudDescent
from clearprop.recipes.radboud_digits import RadboudDigits
from clearprop.recipes.rdfia_circles import RdfiaCircles
from clearprop.recipes.rdfia_ladder import RdfiaLadder
from clearprop.recipes.rdfia_svm import RdfiaSvm
from clearprop.recipes.recipe import Conditions, Recipe, Result
from clearprop.recipes.vu_mnist import VuMnist
from clearprop.recipes.vu_scalar import VuScalar
from clearprop.recipes.vu_studies import VuStudies
from clearprop.recipes.vu_synth import VuSynth
from clearprop.registry import Registry

RECIPES: Registry[Recipe] = Registry(
    "recipe",
    Recipe,
    {
        recipe.name: recipe
        for recipe in (
            RadboudDescent,
            RadboudComponents,
            RadboudDigits,
            RdfiaCircles,
            RdfiaLadder,
            RdfiaSvm,
            VuScalar,
            VuSynth,
            VuMnist,
            VuStudies,
        )
    },
)

__all__ = ["RECIPES", "Comparison", "Conditions", "Exhibits", "Explanation", "Picture", "Recipe", "Result", "Table"]
