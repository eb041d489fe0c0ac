"""The suspects: from a wrong gradient to the faults that explain it."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults import name_faults, name_patterns
from clearprop.gradcheck.numeric.net_objective import INPUT, NetObjective
from clearprop.gradcheck.report import WRONG, Suspect, TensorResult
from clearprop.gradcheck.step import Step
from clearprop.nn import LAYERS, Activation, BatchNorm, Dropout, Layer, Linear, Net, Softmax

IN_CATALOGUE = (Linear, Activation, Softmax, BatchNorm, Dropout)
"""The layers whose derivatives the fault dictionary follows line by line."""


def find_suspects(
    objective: NetObjective, tensors: list[TensorResult], analytic: dict[str, Array], numeric: dict[str, Array]
) -> list[Suspect]:
    """The faults that give the wrong gradients: from the catalogue if the network has known layers, else patterns."""
    known = known_net(objective.net)
    if known is not None and any(tensor.verdict == WRONG for tensor in tensors):
        step = Step(known, objective.loss, objective.X, objective.y, objective.weight_decay)
        suspects = name_faults(step, {_in_catalogue(name): g for name, g in analytic.items()})
        if suspects:
            return suspects
    return find_patterns(tensors, analytic, numeric, len(objective.X))


def find_patterns(
    tensors: list[TensorResult], analytic: dict[str, Array], numeric: dict[str, Array], batch: int | None
) -> list[Suspect]:
    """The patterns of wrong gradients (their ratio, order and zeros), where the network is unknown."""
    wrong = {tensor.name for tensor in tensors if tensor.verdict == WRONG}
    known = {name: slopes for name, slopes in numeric.items() if name in analytic and np.isfinite(slopes).all()}
    if not wrong & set(known):
        return []
    return name_patterns({name: analytic[name] for name in known}, known, batch)


def known_net(net: Net) -> Net | None:
    """The net that was meant: clearprop's own layers in the place of subclasses of theirs that keep the forward pass.

    None if there is a layer of another kind, one that the fault dictionary does not know, or one that is used twice.
    """
    layers: list[Layer] = []
    for layer in net.layers:
        kind: type[Layer] | None = next((base for base in type(layer).__mro__ if base in LAYERS.entries.values()), None)
        if kind is None or not issubclass(kind, IN_CATALOGUE) or type(layer).forward is not kind.forward:
            return None
        twin = layer.copy()
        twin.__class__ = kind
        layers.append(twin)
    if len(net.unique_layers()) != len(net.layers):
        return None
    return Net(*layers, seed=None, dtype="float64")


def _in_catalogue(name: str) -> str:
    """The name of an array in the fault dictionary: "dX" for the input's gradient, "gamma1" for "BatchNorm1.gamma"."""
    if name == INPUT:
        return "dX"
    layer, _, own = name.rpartition(".")
    return own + layer.lstrip("".join(c for c in layer if not c.isdigit())) if layer else name
