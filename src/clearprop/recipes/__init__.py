"""Recipes: published experiments, each with its configuration, its published figures, and a run to compare with them.

>>> from clearprop.recipes import RECIPES
>>> RECIPES.make("radboud-components").run().holds
True
"""

from clearprop.lazy_registry import LazyRegistry
from clearprop.recipes.exhibits import Exhibits, Explanation, Picture, Table
from clearprop.recipes.published import Comparison
from clearprop.recipes.recipe import Conditions, Recipe, Result

RECIPES: LazyRegistry[Recipe] = LazyRegistry(
    "recipe",
    Recipe,
    {
        "radboud-descent": "clearprop.recipes.radboud_descent:RadboudDescent",
        "radboud-components": "clearprop.recipes.radboud_components:RadboudComponents",
        "radboud-digits": "clearprop.recipes.radboud_digits:RadboudDigits",
        "rdfia-circles": "clearprop.recipes.rdfia_circles:RdfiaCircles",
        "rdfia-ladder": "clearprop.recipes.rdfia_ladder:RdfiaLadder",
        "rdfia-svm": "clearprop.recipes.rdfia_svm:RdfiaSvm",
        "vu-scalar": "clearprop.recipes.vu_scalar:VuScalar",
        "vu-synth": "clearprop.recipes.vu_synth:VuSynth",
        "vu-mnist": "clearprop.recipes.vu_mnist:VuMnist",
        "vu-studies": "clearprop.recipes.vu_studies:VuStudies",
        "vu-batches": "clearprop.recipes.vu_batches:VuBatches",
    },
)

__all__ = ["RECIPES", "Comparison", "Conditions", "Exhibits", "Explanation", "Picture", "Recipe", "Result", "Table"]
