"""The program of a net: its stages, each with the unit of its activation."""

from __future__ import annotations

import threading
from operator import is_
from typing import Any, NamedTuple

from clearprop.engines.compiled import library, units
from clearprop.engines.compiled.compiler.source import fingerprint
from clearprop.engines.compiled.compiler.values import NotCompilableError
from clearprop.engines.compiled.plan import PRODUCT, KernelStage, stages
from clearprop.engines.compiled.units import Unit
from clearprop.engines.compiled.verified import CODES
from clearprop.nn import Activation, Dropout, Net

KEPT = 16  # kinds of nets whose sessions are kept, in each thread


class Kept(threading.local):
    """Kept by each thread of Python: the last net and its program, and the sessions of each kind of net."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.own: list[str] = []
        self.program: Program | None = None
        self.sessions: dict[Any, dict[Any, Any]] = {}

    def sessions_of(self, key: Any) -> dict[Any, Any]:
        """The sessions of nets of one kind."""
        if key not in self.sessions and len(self.sessions) >= KEPT:
            self.sessions.clear()
        return self.sessions.setdefault(key, {})


class Program(NamedTuple):
    """A net as the kernel's stages.

    Attributes
    ----------
    stages : list of KernelStage
    activations : tuple of Unit or None
        The unit of each stage's activation.
    plain : bool
        Whether there are only products with activations.
    sessions : dict
        Sessions of nets that can use the same memory and the same units, in this thread of Python.
    """

    stages: list[KernelStage]
    activations: tuple[Unit | None, ...]
    plain: bool
    sessions: dict[Any, Any]


KEPT_HERE = Kept()


def program_of(net: Net) -> Program:
    """The program of a net, kept for the next time that its layers are the same.

    Raises
    ------
    NotCompilableError
        If it has none.
    """
    parts, own, kept = parts_of(net), own_sources(net), KEPT_HERE
    if kept.program is not None and len(kept.parts) == len(parts) and all(map(is_, kept.parts, parts)) and kept.own == own:
        return kept.program
    found = stages(net)
    if isinstance(found, str):
        raise NotCompilableError(found)
    activations = tuple(None if stage.activation is None else units.activation_unit(stage.activation) for stage in found)
    for stage, unit in zip(found, activations, strict=True):
        if unit is not None and type(stage.activation) not in CODES:
            library.require(unit, str(net.dtype))
    key = net.dtype, *((s.kind, s.n_in, s.n_out, *s.parameters, unit) for s, unit in zip(found, activations, strict=True))
    plain = all(stage.kind == PRODUCT for stage in found)
    kept.parts, kept.own, kept.program = parts, own, Program(found, activations, plain, kept.sessions_of(key))
    return kept.program


def parts_of(net: Net) -> list[Any]:
    """Parts of which any other makes another program: dtype, layers, whether a Dropout drops anything, constants."""
    constants = [c for layer in net.layers if isinstance(layer, Activation) for c in layer.constants()]
    return [net.dtype, *net.layers, *(layer.rate > 0 for layer in net.layers if isinstance(layer, Dropout)), *constants]


def own_sources(net: Net) -> list[str]:
    """The fingerprints of a person's own activations, each of which can be exchanged."""
    own = [layer for layer in net.layers if isinstance(layer, Activation) and type(layer) not in CODES]
    return [fingerprint(function) for layer in own for function in (layer.f, layer.df)]
