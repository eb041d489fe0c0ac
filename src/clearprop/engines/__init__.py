"""Engines: one net, many ways to run it, the same numbers."""

from clearprop.engines.batch import Batch
from clearprop.engines.engine import Engine, Steps
from clearprop.registry import Registry

ENGINES: Registry[Engine] = Registry("engine", Engine, {"batch": Batch})

__all__ = ["ENGINES", "Batch", "Engine", "Steps"]
