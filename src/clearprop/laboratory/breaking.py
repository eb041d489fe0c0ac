"""Breaking it on purpose: a fault of the dictionary in place of the right gradient, and the check that finds it by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.gradcheck.faults.dictionary import name_faults
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.recording import record
from clearprop.gradcheck.step import Step
from clearprop.laboratory.trainer import Trainer, gradient_of
from clearprop.nn import Activation, Linear, Loss, Net

MOST = 200  # examples that a check looks at


def recordable(trainer: Trainer) -> str:
    """Why no fault can be planted in this net, in one sentence; empty if one can."""
    for layer in trainer.net.layers:
        if not isinstance(layer, (Linear, Activation)) or (isinstance(layer, Linear) and not layer.bias):
            return f"Faults are planted in linear layers and activations; this net has {type(layer).__name__}."
    return ""


def step_of(net: Net, loss: Loss, X: Array, y: Array) -> Step:
    """The batch as a step of the dictionary, in float64."""
    return Step(net.astype("float64"), loss, X.astype(np.float64), y if y.ndim == 1 else y.astype(np.float64))


def plantable(trainer: Trainer) -> list[dict[str, Any]]:
    """The faults that change this net's gradient, each kind once at every layer where it can be made."""
    if recordable(trainer):
        return []
    X, y = trainer.batch()
    step = step_of(trainer.net, trainer.loss, X[:MOST], y[:MOST])
    right = record(step)
    found = []
    for kind in catalogue():
        if kind.fitted:
            continue  # depends on a number that only its author knows
        for site in kind.sites(right):
            try:
                wrong = record(step, (kind(site),), right=right)
            except (ValueError, IndexError):
                continue  # shapes that do not fit: its author would have seen an error
            if differs(right.gradients, wrong.gradients, step):
                found.append({"slug": kind.slug, "site": list(site), "title": kind.title, "hint": kind.hint})
    return found


def differs(right: dict[str, Array], wrong: dict[str, Array], step: Step) -> bool:
    """Whether a gradient keeps its shapes and changes a number."""
    names = step.parameters()
    same_shapes = all(np.shape(wrong[name]) == array.shape for name, array in names.items())
    return same_shapes and any(not np.allclose(right[name], wrong[name], rtol=1e-6, atol=1e-12) for name in names)


def fault_of(trainer: Trainer, slug: str, site: list[str]) -> Fault:
    """The fault that was chosen.

    Raises
    ------
    OptionError
        If it is not one of those that can be planted here.
    """
    for kind in catalogue():
        if kind.slug == slug and any(one["slug"] == slug and one["site"] == site for one in plantable(trainer)):
            return kind(tuple(site))
    raise OptionError(f"The fault {slug!r} cannot be planted at {site} in this net; choose one from the list.")


class FaultyGradient:
    """The gradient (P,) of a batch with a fault in it; called in place of the right one.

    Parameters
    ----------
    fault : Fault
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def __call__(self, net: Net, loss: Loss, X: Array, y: Array) -> Array:
        step = step_of(net, loss, X, y)
        gradients = record(step, (self.fault,), inputs=False).gradients
        flat = [np.ravel(np.broadcast_to(gradients[name], array.shape)) for name, array in step.parameters().items()]
        return np.concatenate(flat)


def verdict(trainer: Trainer) -> dict[str, Any]:
    """Verdict of the check on the gradient that training uses: right, or the mistakes that give it exactly."""
    reason = recordable(trainer)
    if reason:
        return {"right": None, "text": reason, "suspects": []}
    X, y = (part[:MOST] for part in trainer.batch())
    net = trainer.net.astype("float64")
    _, right = gradient_of(net, trainer.loss, X.astype(np.float64), y if y.ndim == 1 else y.astype(np.float64))
    claimed = right if trainer.gradient is None else trainer.gradient(trainer.net, trainer.loss, X, y)
    step, analytic, begin = step_of(trainer.net, trainer.loss, X, y), {}, 0
    for name, array in step.parameters().items():
        analytic[name] = claimed[begin : begin + array.size].reshape(array.shape)
        begin += array.size
    suspects = name_faults(step, analytic)
    if np.allclose(claimed, right, rtol=1e-6, atol=1e-12):
        return {"right": True, "text": "right: every derivative agrees with the numbers", "suspects": []}
    found = [{"title": one.title, "sentence": one.sentence, "remedy": one.remedy, "fault": one.fault} for one in suspects[:3]]
    text = found[0]["sentence"] if found else "wrong, and no mistake of the dictionary gives this gradient"
    return {"right": False, "text": text, "suspects": found}
