"""A parameter that the forward pass does not use: the gradients are exact once another array, or zero, stands in its place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.net_objective import INPUT, NetObjective
from clearprop.gradcheck.report import Suspect

HINT = "Which of the parameters does the forward pass read?"


def find_unused(objective: NetObjective, analytic: dict[str, Array], shown: dict[str, str]) -> Suspect | None:
    """The bias in whose place the forward pass must have read something else, for the gradients to be what they are.

    Parameters
    ----------
    objective : NetObjective
        The network as it was understood.
    analytic : dict
        The gradients under test, some of which are wrong.
    shown : dict of str to str
        What each array is called by the person.

    Returns
    -------
    Suspect or None
        None if no exchange of one bias makes all gradients right.
    """
    backward, objective.backward = objective.backward, True
    try:
        for name, array in objective.arrays.items():
            if name == INPUT or array.ndim != 1:
                continue
            own = array.copy()
            for words, value in _in_its_place(objective, name, shown):
                array[...] = value
                found = _agree(objective.gradient() or {}, analytic)
                array[...] = own
                if found:
                    return _suspect(shown.get(name, name), words)
    finally:
        objective.backward = backward
    return None


def _in_its_place(objective: NetObjective, name: str, shown: dict[str, str]) -> Iterator[tuple[str, Array]]:
    """Values that a forward pass may have in the place of a bias: zero, and the first elements of each other bias."""
    size = objective.arrays[name].size
    yield "nothing", np.zeros(size)
    for other, array in objective.arrays.items():
        if other not in (name, INPUT) and array.ndim == 1 and array.size >= size:
            cut = f"[:{size}]" if array.size > size else ""
            yield f"{shown.get(other, other)}{cut}", array[:size].copy()


def _agree(right: dict[str, Array], analytic: dict[str, Array]) -> bool:
    return all(
        name in right
        and a.size == right[name].size
        and np.allclose(a.reshape(right[name].shape), right[name], rtol=1e-5, atol=1e-9)
        for name, a in analytic.items()
    )


def _suspect(name: str, words: str) -> Suspect:
    sentence = f"all gradients are those of a forward pass that does not use {name}, and adds {words} in its place"
    return Suspect("unused", "not used in the forward pass", sentence, f"use {name} in the forward pass", HINT)
