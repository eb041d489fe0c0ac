"""Trained networks as files: our own, and those of other programs."""

from clearprop.export.export_format import FORMATS
from clearprop.export.exporting import Exported
from clearprop.export.model import Model

__all__ = ["FORMATS", "Exported", "Model"]
