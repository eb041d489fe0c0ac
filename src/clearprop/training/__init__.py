"""Training: one run, from its settings to what came of it."""

from clearprop.training.checkpoint import Checkpoint
from clearprop.training.early_stopping import EarlyStopping
from clearprop.training.evaluation import evaluate
from clearprop.training.fit_settings import FitSettings
from clearprop.training.history import History
from clearprop.training.loop import fit
from clearprop.training.many import fit_many
from clearprop.training.run import Callback, Run
from clearprop.training.weight_average import WeightAverage

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "FitSettings",
    "History",
    "Run",
    "WeightAverage",
    "evaluate",
    "fit",
    "fit_many",
]
