"""Snapshots: the state of a run at the end of an epoch, from which it can go on to the very same bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.training.run import Run


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Copies of all that training changes.

    Attributes
    ----------
    arrays : dict of str to array
        "theta"; "state.m", ... of the optimizer; "layer3.running_mean", ... of the layers.
    generators : dict of str to dict
        States of the generators: "order", and "layer2" for a Dropout in that place.
    t : int
        Steps taken by the optimizer.
    """

    arrays: dict[str, Array]
    generators: dict[str, dict[str, Any]]
    t: int

    @classmethod
    def of(cls, run: Run) -> Snapshot:
        """The present state of `run`."""
        arrays = {f"state.{name}": value.copy() for name, value in run.optimizer.state.items()}
        generators = {name: dict(rng.bit_generator.state) for name, rng in _generators(run).items()}
        return cls(run.net.arrays() | arrays, generators, run.optimizer.t)

    def restore(self, run: Run) -> None:
        """Put `run` back into this state."""
        run.net.restore(self.arrays)
        run.optimizer.t = self.t
        run.optimizer.state = {k.removeprefix("state."): v.copy() for k, v in self.arrays.items() if k.startswith("state.")}
        for name, rng in _generators(run).items():
            rng.bit_generator.state = self.generators[name]


def _generators(run: Run) -> dict[str, np.random.Generator]:
    layers = {f"layer{i}": layer.rng for i, layer in enumerate(run.net.unique_layers()) if layer.rng is not None}
    return {"order": run.rng, **layers}
