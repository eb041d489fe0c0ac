"""Limits of an engine: the sentences that say why it cannot run a net, a loss or an optimizer."""

from __future__ import annotations

from collections.abc import Iterable

from clearprop.engines.engine import Engine
from clearprop.errors import UnsupportedError
from clearprop.nn import Activation, BatchNorm, Dropout, Layer, LayerNorm, Loss, Net
from clearprop.optim import Optimizer


def unknown_part(
    net: Net, loss: Loss, optimizer: Optimizer, layers: Iterable[type], losses: Iterable[type], optimizers: Iterable[type]
) -> str | None:
    """The first part whose formulas an engine does not have, as a sentence; None if it has them all.

    A subclass may compute anything, so only the class itself counts as known.

    Examples
    --------
    >>> import clearprop as cp
    >>> unknown_part(cp.mlp([2, 1]), cp.CrossEntropy(), cp.SGD(), [cp.Linear], [cp.MeanSquaredError], [cp.SGD])
    'it knows only the loss MeanSquaredError, not CrossEntropy().'
    """
    for layer in net.layers:
        if type(layer) not in layers:
            return _only("layer", "layers", layers, layer)
    if type(loss) not in losses:
        return _only("loss", "losses", losses, loss)
    if type(optimizer) not in optimizers:
        return _only("optimizer", "optimizers", optimizers, optimizer)
    return None


def spared(optimizer: Optimizer) -> str | None:
    """The reason why an engine that has one weight decay for all parameters cannot use an optimizer, as a sentence; or None."""
    if optimizer.spare_biases and optimizer.weight_decay:
        return f"its weight decay is the same for all parameters, but {optimizer!r} spares biases."
    return None


def require_support(engine: Engine, net: Net, loss: Loss, optimizer: Optimizer) -> None:
    """Raise an `UnsupportedError` that names the able engines, unless this one can train the combination."""
    from clearprop.engines import ENGINES  # the registry knows all engines, and they know this function

    reason = engine.supports(net, loss, optimizer)
    if reason is not None:
        able = ", ".join(ENGINES.able(net, loss, optimizer))
        raise UnsupportedError(f"The engine {engine!r} cannot train this: {reason} Engines that can: {able}.")


def constants(layer: Layer) -> tuple[float, ...]:
    """The numbers, besides its parameters, on which the formulas of a layer depend.

    Examples
    --------
    >>> import clearprop as cp
    >>> constants(cp.LeakyReLU(0.1)), constants(cp.Tanh())
    ((0.1,), ())
    """
    if isinstance(layer, LayerNorm):
        return (layer.eps,)
    return layer.constants() if isinstance(layer, Activation) else ()


def not_one_by_one(net: Net) -> str | None:
    """The reason why a net cannot be trained one example at a time, as a sentence; None if it can.

    Examples
    --------
    >>> import clearprop as cp
    >>> not_one_by_one(cp.Net(cp.Linear(2, 3), cp.BatchNorm(3)))
    'it takes one example at a time, and BatchNorm(3) needs the mean of the whole batch.'
    """
    for layer in net.layers:
        if isinstance(layer, BatchNorm):
            return f"it takes one example at a time, and {layer!r} needs the mean of the whole batch."
        if isinstance(layer, Dropout):
            return f"it takes one example at a time, and {layer!r} draws its mask for the whole batch."
    return None


def _only(one: str, many: str, known: Iterable[type], part: object) -> str:
    names = [kind.__name__ for kind in known]
    return f"it knows only the {one if len(names) == 1 else many} {', '.join(names)}, not {part!r}."
