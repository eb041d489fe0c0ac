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
from clearprop.engines.compiled.compiler.values import NotCompilableError
from clearprop.engines.compiled.epochs import train_epochs, train_many
from clearprop.engines.compiled.generator import shuffle_order
from clearprop.engines.compiled.losses import KernelLoss, loss_functions
from clearprop.engines.compiled.moves import update_function
from clearprop.engines.compiled.narrow import narrow_steps
from clearprop.engines.compiled.online import online_function
from clearprop.engines.compiled.other_stages import other_backward, other_forward
from clearprop.engines.compiled.plan import reads_z
from clearprop.engines.compiled.whole_batch import batch_steps
from clearprop.nn import Activation, Layer, Softmax
from clearprop.optim import Optimizer

EXPANDED_ACTIVATIONS = {"activation-Sigmoid", "activation-Tanh", "activation-ReLU"}
EXPANDED_LOSSES = {"cross_entropy", "squared", "binary_logits"}


class Unit(NamedTuple):
    """Functions that are compiled together.

    Attributes
    ----------
    name : str
    functions : tuple of callable
        Callable from outside, as `linkage.export` says.
    source : str
        Fingerprint of what is compiled in from outside the engine.
    """

    name: str
    functions: tuple[Callable[..., Any], ...]
    source: str = ""


DRIVER = Unit("driver", (train_epochs, train_many))
SHUFFLE = Unit("shuffle", (shuffle_order,))
NARROW = Unit("narrow", (narrow_steps,))
ONLINE = Unit("online", (online_function(None, None),))
WHOLE_BATCH = Unit("batch", (batch_steps,))
OTHER = Unit("other", (other_forward, other_backward))


@cache
def loss_units(loss: KernelLoss) -> tuple[Unit, Unit]:
    """The units of a loss: for rows, and for blocks."""
    source = "" if loss.f is None or loss.df is None else f"{fingerprint(loss.f)}{fingerprint(loss.df)}{loss.constants or ''}"
    rows, block = loss_functions(loss)
    return Unit(f"loss-{loss.name}", (rows,), source), Unit(f"loss-{loss.name}-block", (block,), source)


def online_unit(activations: set[Unit], loss: KernelLoss) -> Unit:
    """The unit for online descent, where a call of the activation and one of the loss would take a fifth of the step.

    The usual ones are compiled into it, if there is only one activation; all others are called.
    """
    names = {unit.name for unit in activations}
    if len(names) > 1 or not names <= EXPANDED_ACTIVATIONS or loss.name not in EXPANDED_LOSSES:
        return ONLINE
    source = "".join(unit.source for unit in (*activations, loss_units(loss)[0]))
    functions = next((unit.functions for unit in activations), None)
    return Unit("-".join(["online", loss.name, *names]), (online_function(functions, loss),), source)


@cache
def optimizer_unit(kind: type[Optimizer]) -> Unit:
    """The unit of an optimizer."""
    return Unit(f"optimizer-{kind.__name__}", (update_function(kind),), fingerprint(kind.update))


def activation_unit(layer: Layer) -> Unit:
    """The unit of an activation.

    Raises
    ------
    NotCompilableError
        If its `f` or `df` is something that cannot be compiled.
    """
    if isinstance(layer, Softmax):
        return Unit("activation-Softmax", SOFTMAX)
    assert isinstance(layer, Activation)
    f, df, constants = as_function(layer, "f"), as_function(layer, "df"), layer.constants()
    source = f"{fingerprint(f)}{fingerprint(df)}{constants or ''}{'' if layer.reads == 'a' else 'reads z'}"
    return Unit(f"activation-{type(layer).__name__}", elementwise_functions(f, df, constants, reads_z(layer)), source)


def as_function(layer: Activation, name: str) -> Callable[..., Any]:
    """`f` or `df` of an activation, as a plain function of one argument."""
    found = getattr(layer, name)
    if isinstance(found, FunctionType):
        source_of(found)
        return found
    raise NotCompilableError(f"{type(layer).__name__}.{name} is not a static method.")
