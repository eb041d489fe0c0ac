"""The units of the kernel: pieces of code that are compiled, kept and loaded one by one, each when it is first needed.

A run needs the driver, one way to take steps, its loss, its optimizer, and its activations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

import clearprop.engines.compiled.lane_math  # noqa: F401  # what the functions of NumPy stand for
from clearprop.engines.compiled.activation_units import SOFTMAX, elementwise_functions
from clearprop.engines.compiled.compiler.source import fingerprint, source_of
from clearprop.engines.compiled.compiler.values import NotCompilable
from clearprop.engines.compiled.epochs import train_epochs, train_many
from clearprop.engines.compiled.generator import shuffle_order
from clearprop.engines.compiled.losses import KernelLoss, loss_functions
from clearprop.engines.compiled.moves import update_function
from clearprop.engines.compiled.narrow import narrow_function
from clearprop.engines.compiled.online import online_function
from clearprop.engines.compiled.other_stages import other_backward, other_forward
from clearprop.engines.compiled.whole_batch import batch_steps
from clearprop.nn import Activation, Layer, Softmax
from clearprop.optim import Optimizer


class Unit(NamedTuple):
    """Functions that are compiled together.

    Attributes
    ----------
    name : str
    functions : tuple of callable
        What can be called from outside; their other annotations are those of `linkage.export`.
    source : str
        Fingerprint of what is compiled in from outside the engine.
    """

    name: str
    functions: tuple[Callable[..., Any], ...]
    source: str = ""


DRIVER = Unit("driver", (train_epochs, train_many))
SHUFFLE = Unit("shuffle", (shuffle_order,))
WHOLE_BATCH = Unit("batch", (batch_steps,))
OTHER = Unit("other", (other_forward, other_backward))


@cache
def loss_units(loss: KernelLoss) -> tuple[Unit, Unit]:
    """The units of a loss: for rows, and for blocks."""
    source = "" if loss.f is None or loss.df is None else fingerprint(loss.f) + fingerprint(loss.df)
    rows, block = loss_functions(loss)
    return Unit(f"loss-{loss.name}", (rows,), source), Unit(f"loss-{loss.name}-block", (block,), source)


def steps_unit(
    name: str, make: Callable[..., Callable[..., Any]], activations: set[Unit], loss: KernelLoss, in_block: bool
) -> Unit:
    """The unit of a pass for small nets: the loss and the activation are compiled into it, if there is only one activation."""
    if len(activations) > 1:
        return Unit(name, (make(None, None),))
    source = "".join(unit.source for unit in (*activations, loss_units(loss)[in_block]))
    functions = next((unit.functions for unit in activations), None)
    return Unit("-".join([name, loss.name, *(unit.name for unit in activations)]), (make(functions, loss),), source)


def narrow_unit(activations: set[Unit], loss: KernelLoss) -> Unit:
    """The unit for narrow nets."""
    return steps_unit("narrow", narrow_function, activations, loss, True)


def online_unit(activations: set[Unit], loss: KernelLoss) -> Unit:
    """The unit for online descent."""
    return steps_unit("online", online_function, activations, loss, False)


@cache
def optimizer_unit(kind: type[Optimizer]) -> Unit:
    """The unit of an optimizer."""
    return Unit(f"optimizer-{kind.__name__}", (update_function(kind),), fingerprint(kind.update))


def activation_unit(layer: Layer) -> Unit:
    """The unit of an activation.

    Raises
    ------
    NotCompilable
        If its `f` or `df` is something that cannot be compiled.
    """
    if isinstance(layer, Softmax):
        return Unit("activation-Softmax", SOFTMAX)
    assert isinstance(layer, Activation)
    f, df = as_function(layer, "f"), as_function(layer, "df")
    return Unit(f"activation-{type(layer).__name__}", elementwise_functions(f, df), fingerprint(f) + fingerprint(df))


def as_function(layer: Activation, name: str) -> Callable[..., Any]:
    """`f` or `df` of an activation, as a plain function of one argument."""
    found = getattr(layer, name)
    if isinstance(found, FunctionType):
        source_of(found)
        return found
    raise NotCompilable(f"{type(layer).__name__}.{name} is not a static method.")
