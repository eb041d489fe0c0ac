"""Extras of the hidden layers: batch normalisation before an activation, dropout behind it; each layer has its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.nn import Activation, BatchNorm, Dropout, Layer, Linear, Net
from clearprop.nn.registries import ACTIVATIONS
from clearprop.rules import is_number


@dataclass(frozen=True)
class Extras:
    """Layers beside the hidden ones.

    Attributes
    ----------
    batch_norm : tuple of bool
        For each hidden layer, whether a BatchNorm stands before its activation.
    dropout : tuple of float
        For each hidden layer, the rate of the Dropout behind its activation; 0 for none.
    """

    batch_norm: tuple[bool, ...] = ()
    dropout: tuple[float, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any], n_hidden: int) -> Extras:
        """The extras that the settings of a lab name: one value for all hidden layers, or a list with one for each.

        Raises
        ------
        OptionError
            If a value is out of range, or a list is no list of such values.

        Examples
        --------
        >>> Extras.of({"dropout": 0.2, "batch_norm": [True]}, 2)
        Extras(batch_norm=(True, False), dropout=(0.2, 0.2))
        """
        norm, rates = settings.get("batch_norm") or False, settings.get("dropout") or 0.0
        norms = list(norm) if isinstance(norm, (list, tuple)) else [norm] * n_hidden
        drops = list(rates) if isinstance(rates, (list, tuple)) else [rates] * n_hidden
        if not all(isinstance(one, bool) for one in norms):
            raise OptionError(f"batch_norm must be true or false, or a list with one of them for each layer, not {norm!r}.")
        if not all(is_number(one) and 0 <= one < 1 for one in drops):
            raise OptionError(f"dropout must be a rate from 0 up to 1, or a list with one for each layer, not {rates!r}.")
        norms, drops = (norms + [False] * n_hidden)[:n_hidden], (drops + [0.0] * n_hidden)[:n_hidden]
        return cls(tuple(norms), tuple(float(rate) for rate in drops))

    def __bool__(self) -> bool:
        return any(self.batch_norm) or any(self.dropout)


def blocks_of(net: Net) -> list[list[Layer]]:
    """The layers in groups, each of which but the first begins with a linear layer; the first holds what stands before."""
    blocks: list[list[Layer]] = [[]]
    for layer in net.layers:
        if isinstance(layer, Linear):
            blocks.append([])
        blocks[-1].append(layer)
    return blocks


def with_extras(net: Net, extras: Extras, seed: int) -> Net:
    """A net with the same linear layers and activations, and these extras; what stays keeps its parameters.

    Parameters
    ----------
    net : Net
    extras : Extras
        For as many hidden layers as the net has.
    seed : int
        Decides the masks of a Dropout that was not there.
    """
    first, *blocks = blocks_of(net)
    layers = [layer.copy() for layer in first]
    for k, block in enumerate(blocks):
        hidden = k < len(blocks) - 1
        norm = next((layer for layer in block if isinstance(layer, BatchNorm)), None)
        drop = next((layer for layer in block if isinstance(layer, Dropout)), None)
        rest = [layer.copy() for layer in block if not hidden or not isinstance(layer, (BatchNorm, Dropout))]
        if hidden and extras.batch_norm[k]:
            rest.insert(1, BatchNorm(rest[0].W.shape[1]) if norm is None else norm.copy())  # type: ignore[attr-defined]
        if hidden and extras.dropout[k]:
            rest.append(with_rate(drop, extras.dropout[k], np.random.default_rng([seed, k])))
        layers += rest
    return Net(*layers, seed=None, dtype=net.dtype.name)  # type: ignore[arg-type]


def with_rate(layer: Dropout | None, rate: float, rng: np.random.Generator) -> Dropout:
    """A Dropout of this rate that goes on with the generator of another one, if there is one."""
    fresh = Dropout(rate)
    return fresh.initialise(rng) if layer is None else with_generator(fresh, layer)


def with_generator(fresh: Dropout, other: Dropout) -> Dropout:
    """The fresh layer, with a copy of the generator of another."""
    fresh.rng = other.copy().rng
    return fresh


def kept_places(old: Net, new: Net) -> tuple[Array, Array]:
    """Positions in both vectors of parameters of what two nets share: (n,) in the old one, (n,) in the new one."""
    pairs = [
        (position(old, before), position(new, after), before.size)
        for before_block, after_block in zip(blocks_of(old), blocks_of(new), strict=True)
        for before, after in shared(before_block, after_block)
    ]
    ranges = [(np.arange(a, a + n), np.arange(b, b + n)) for a, b, n in pairs]
    return np.concatenate([a for a, _ in ranges]), np.concatenate([b for _, b in ranges])


def shared(block: list[Layer], other: list[Layer]) -> Iterator[tuple[Array, Array]]:
    """Pairs of the parameters that stand in both blocks, by the kind of their layer."""
    for layer in block:
        twin = next((one for one in other if type(one) is type(layer)), None)
        if twin is not None:
            for name, array in layer.parameters().items():
                yield array, twin.parameters()[name]


def position(net: Net, array: Array) -> int:
    """Position in theta of the first number of one of its views."""
    begin = array.__array_interface__["data"][0] - net.theta.__array_interface__["data"][0]
    return int(begin // array.itemsize)


def described(net: Net) -> dict[str, Any]:
    """The settings of a lab that a net was made with: units, activations and extras of its hidden layers.

    Examples
    --------
    >>> import clearprop as cp
    >>> described(cp.mlp([2, 8, 3], "relu", dropout=0.1))
    {'hidden': [8], 'activation': ['relu'], 'batch_norm': [False], 'dropout': [0.1]}
    """
    blocks = blocks_of(net)[1:-1]
    names = {kind: name for name, kind in ACTIVATIONS.entries.items()}
    found: dict[str, Any] = {"hidden": [], "activation": [], "batch_norm": [], "dropout": []}
    for block in blocks:
        kinds = [type(layer) for layer in block if isinstance(layer, Activation)]
        found["hidden"].append(int(block[0].parameters()["W"].shape[1]))
        found["activation"].append(names.get(kinds[0], "identity") if kinds else "identity")
        found["batch_norm"].append(any(isinstance(layer, BatchNorm) for layer in block))
        found["dropout"].append(next((layer.rate for layer in block if isinstance(layer, Dropout)), 0.0))
    return found
