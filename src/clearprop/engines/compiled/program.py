"""The program of a net: its stages, each with the unit of its activation."""

from __future__ import annotations

import threading
from operator import is_
from typing import Any, NamedTuple

from clearprop.engines.compiled import units
from clearprop.engines.compiled.compiler.values import NotCompilableError
from clearprop.engines.compiled.plan import PRODUCT, KernelStage, stages
from clearprop.engines.compiled.units import Unit
from clearprop.engines.compiled.verified import CODES
from clearprop.nn import Activation, Net

KEPT = 16  # kinds of nets whose sessions are kept, in each thread


class Kept(threading.local):
    """Kept by each thread of Python: the last net and its program, and the sessions of each kind of net."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
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
    parts, kept = parts_of(net), KEPT_HERE
    if kept.program is not None and len(kept.parts) == len(parts) and all(map(is_, kept.parts, parts)):
        return kept.program
    found = stages(net)
    if isinstance(found, str):
        raise NotCompilableError(found)
    activations = tuple(None if stage.activation is None else units.activation_unit(stage.activation) for stage in found)
    key = net.dtype, *((s.kind, s.n_in, s.n_out, *s.parameters, unit) for s, unit in zip(found, activations, strict=True))
    plain = all(stage.kind == PRODUCT for stage in found)
    kept.parts, kept.program = parts, Program(found, activations, plain, kept.sessions_of(key))
    return kept.program


def parts_of(net: Net) -> list[Any]:
    """The layers, and the functions of a person's own activations, of which each can be exchanged."""
    parts: list[Any] = list(net.layers)
    for layer in net.layers:
        if type(layer) not in CODES and isinstance(layer, Activation):
            parts += layer.f, layer.df
    return parts
