"""Descent in two variables: surfaces with their gradients, paths of the optimizers on them, and basins of attraction.

>>> from clearprop.descent import descend
>>> round(descend("published", start=(3, 2), optimizer=0.1, steps=10).final, 5)
1.29676
"""

from clearprop.descent.answers import answer_questions
from clearprop.descent.basins import DIVERGED, WANDERING, BasinMap, endings, map_basins, settle, sweep_steps
from clearprop.descent.path import Path, descend
from clearprop.descent.surfaces import SURFACES, Beale, Himmelblau, Published, QuadraticBowl, Rosenbrock, Saddle, Surface

__all__ = [
    "DIVERGED",
    "SURFACES",
    "WANDERING",
    "BasinMap",
    "Beale",
    "Himmelblau",
    "Path",
    "Published",
    "QuadraticBowl",
    "Rosenbrock",
    "Saddle",
    "Surface",
    "answer_questions",
    "descend",
    "endings",
    "map_basins",
    "settle",
    "sweep_steps",
]
