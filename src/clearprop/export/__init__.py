"""Trained networks as files."""

from clearprop.export.model import Model

__all__ = ["Model"]
