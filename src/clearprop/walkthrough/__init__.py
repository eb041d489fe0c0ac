"""The walkthrough: one training step in full, every value with its symbol, its formula, its shape and its numbers."""

from clearprop.walkthrough.example import PUBLISHED, published_example, worked_example
from clearprop.walkthrough.lines import Line, Stage
from clearprop.walkthrough.one_step import DERIVATIONS, Derivation, explain
from clearprop.walkthrough.walkthrough import Walkthrough

__all__ = [
    "DERIVATIONS",
    "PUBLISHED",
    "Derivation",
    "Line",
    "Stage",
    "Walkthrough",
    "explain",
    "published_example",
    "worked_example",
]
