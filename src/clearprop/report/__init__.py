"""Reports: a run, a sweep or a recipe as one self-contained HTML file, readable on a phone, on paper, and offline.

>>> from clearprop.report import Document
>>> "<h1>Rings</h1>" in Document("Rings").html()
True
"""

from clearprop.report.card import model_card
from clearprop.report.document import Document, Section, environment
from clearprop.report.of_recipe import recipe_report
from clearprop.report.of_sweep import sweep_picture, sweep_report
from clearprop.report.of_training import training_report

__all__ = [
    "Document",
    "Section",
    "environment",
    "model_card",
    "recipe_report",
    "sweep_picture",
    "sweep_report",
    "training_report",
]
