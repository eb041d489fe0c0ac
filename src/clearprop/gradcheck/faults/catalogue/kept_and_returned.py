"""Faults of gradients that are kept, overwritten or returned."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.gradcheck.faults.recording import record
from clearprop.gradcheck.faults.tape import Parameter, Tape


class ParameterFault(Fault):
    """Happens to the gradient of a parameter as it is returned, in one tensor or in all of a layer."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        names = list(right.parameters)
        pairs: list[Site] = [node.names for node in right.nodes if node.names]
        return [*dict.fromkeys(pairs), *((name,) for name in names)]


class GradientZero(ParameterFault):
    """A detached parameter, or a gradient array that is made and never filled: zeros.

    Every parameter that the output depends on has a gradient.
    """

    slug = "gradient-zero"
    title = "gradient never filled in"
    clause = "nothing is ever written to {extra} (detached, or never filled in)"
    remedy = "dW = x^T dy, db = sum over the batch of dy"
    hint = "Look at which tensors are kept, overwritten or returned."

    def gradient(self, here: Parameter, right: Array) -> Array:
        return np.zeros_like(here.value)


class ParameterReturned(ParameterFault):
    """The parameter is returned instead of its gradient. The gradient is a derivative, with the parameter's shape."""

    slug = "parameter-returned"
    title = "the parameter returned instead of its gradient"
    clause = "the parameter itself is returned as {extra}"
    remedy = "return dW and db, the derivatives, under those names"
    hint = "Look at which tensors are kept, overwritten or returned."

    def gradient(self, here: Parameter, right: Array) -> Array:
        return here.value


class OtherGradientReturned(Fault):
    """One gradient is returned under two names, db2 for db1. Each parameter has its own."""

    slug = "other-gradient-returned"
    title = "the gradient of another layer returned"
    clause = "{extra}"
    remedy = "return each gradient under its own parameter's name"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        names = list(right.parameters)
        return [("tape", a, b) for a in names for b in names if a != b and a[0] == b[0]]

    def returned(self, here: Tape, right: dict[str, Array]) -> dict[str, Array]:
        a, b = self.site[1:]
        return {**right, a: right[b]}

    def sentence(self, right: Tape) -> str:
        return f"d{self.site[2]} is returned for d{self.site[1]}"


class GradientsExchanged(Fault):
    """Two gradients change places in the return statement. Each gradient has the place of its parameter."""

    slug = "gradients-exchanged"
    title = "two gradients exchanged"
    clause = "{extra} change places"
    remedy = "return the gradients in the order of their parameters"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        names = list(right.parameters)
        return [("tape", a, b) for i, a in enumerate(names) for b in names[i + 1 :] if a[0] == b[0]]

    def returned(self, here: Tape, right: dict[str, Array]) -> dict[str, Array]:
        a, b = self.site[1:]
        return {**right, a: right[b], b: right[a]}


class GradientsAccumulated(Fault):
    """The gradients of the last step are still in the arrays: += without setting them to zero.

    Without a record of that step, the same step taken twice is assumed.
    """

    slug = "gradients-accumulated"
    title = "gradients accumulated from the last step"
    clause = "the gradients of the last step are still in the arrays (not zeroed)"
    remedy = "grad = 0 at the start of every step; then +="
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return [("tape",)]

    def returned(self, here: Tape, right: dict[str, Array]) -> dict[str, Array]:
        previous = here.previous
        before = record(previous).gradients if previous is not None else right
        return {name: g if name == "dX" or before[name].shape != g.shape else g + before[name] for name, g in right.items()}


class SharedLayerOverwritten(Fault):
    """A layer is used twice, and the second gradient overwrites the first: = instead of +=.

    The gradient of a shared parameter is the sum over its uses.
    """

    slug = "shared-layer-overwritten"
    title = "= instead of += for a layer used twice"
    clause = "the second use of a layer overwrites {extra} instead of adding to it"
    remedy = "grad += share, for each use of the layer"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        layers = [node.layer for node in right.nodes if node.names]
        return list(dict.fromkeys(node.names for node in right.nodes if node.names and layers.count(node.layer) > 1))

    def accumulated(self, here: Parameter, right: Array) -> Array:
        return here.share
