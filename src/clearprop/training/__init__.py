"""Training: one run, from its settings to what came of it."""

from clearprop.training.checkpoint import Checkpoint
from clearprop.training.early_stopping import EarlyStopping
from clearprop.training.evaluation import evaluate
from clearprop.training.fit_settings import FitSettings
from clearprop.training.history import History
from clearprop.training.live_plot import LivePlot
from clearprop.training.loggers import CSVLogger, JSONLinesLogger
from clearprop.training.loop import fit
from clearprop.training.many import fit_many
from clearprop.training.mlflow_logger import MLflowLogger
from clearprop.training.rate_search import lr_find
from clearprop.training.run import Callback, Run
from clearprop.training.tensorboard_logger import TensorBoardLogger
from clearprop.training.weight_average import WeightAverage

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "FitSettings",
    "History",
    "JSONLinesLogger",
    "LivePlot",
    "MLflowLogger",
    "Run",
    "TensorBoardLogger",
    "WeightAverage",
    "evaluate",
    "fit",
    "fit_many",
    "lr_find",
]
