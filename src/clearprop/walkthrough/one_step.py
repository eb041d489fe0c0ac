"""One training step, written down as it happens: start, forward, backward, update."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal, get_args

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe, numbers
from clearprop.errors import ShapeError
from clearprop.nn import LOSSES, ElementwiseLoss, Loss, Net
from clearprop.optim import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, Lion, Nadam, Optimizer, RMSProp
from clearprop.registry import choose
from clearprop.rules import is_number, number
from clearprop.walkthrough.layer_formulas import fill, formulas_of
from clearprop.walkthrough.lines import Stage
from clearprop.walkthrough.loss_lines import LossLines
from clearprop.walkthrough.walkthrough import Walkthrough

Derivation = Literal["fused", "separate"]
DERIVATIONS: tuple[Derivation, ...] = get_args(Derivation)

AVERAGES = {"m": "beta1 {m} + (1 - beta1) {g}", "s": "beta2 {s} + (1 - beta2) {g}^2"}
RULES: dict[type, tuple[dict[str, str], str]] = {
    SGD: ({"v": "momentum {v} + {g}"}, "{w} - lr {v}"),
    AdaGrad: ({"s": "{s} + {g}^2"}, "{w} - lr {g} / (sqrt({s}) + eps)"),
    RMSProp: ({"s": "rho {s} + (1 - rho) {g}^2"}, "{w} - lr {g} / (sqrt({s}) + eps)"),
    Adam: (AVERAGES, "{w} - lr ({m} / (1 - beta1^t)) / (sqrt({s} / (1 - beta2^t)) + eps)"),
    AdamW: (AVERAGES, "(1 - lr weight_decay) {w} - lr ({m} / (1 - beta1^t)) / (sqrt({s} / (1 - beta2^t)) + eps)"),
    Nadam: (
        AVERAGES,
        "{w} - lr (mu' {m} / (1 - M mu') + (1 - mu) {g} / (1 - M)) / (sqrt({s} / (1 - beta2^t)) + eps),"
        " mu' the mu of the next step, M = mu_1 ... mu_t",
    ),
    Lion: (
        {"m": "beta2 {m} + (1 - beta2) {g}"},
        "(1 - lr weight_decay) {w} - lr sign(beta1 m + (1 - beta1) {g}), with the m from before",
    ),
}
"""For each optimizer, what becomes of its state, and of a parameter {w} with the gradient {g}."""


@checked
def explain(
    net: Net,
    x: Array,
    y: Array | int | float,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    softmax: Derivation = "fused",
) -> Walkthrough:
    """Explain one training step in full. The step is taken by copies; the net and the optimizer do not change.

    Parameters
    ----------
    net : Net
        Its values are shown in its own dtype.
    x : array (B, n_x) or (n_x,)
        A batch, or one example.
    y : array or number
        The targets, as the loss takes them; for one example, its class or its row.
    loss : Loss or str
    optimizer : Optimizer or str
        Its state counts, so that a step in the midst of a training run can be explained.
    softmax : {"fused", "separate"}
        Derivative of cross-entropy in one go, p - y, or as the product of the derivatives of logarithm and softmax.

    Returns
    -------
    Walkthrough
        Print it, or let a notebook show it.

    Raises
    ------
    ShapeError
        If x does not fit the net, or y the loss.

    Examples
    --------
    >>> import clearprop as cp
    >>> from clearprop.walkthrough import published_example
    >>> step = explain(*published_example(), optimizer=cp.SGD(lr=0.1))
    >>> step["L"], step["dW2"][0].tolist()
    (0.6931471805599453, [-0.44039853898894116, 0.44039853898894116])
    """
    choose("softmax", softmax, DERIVATIONS)
    loss, optimizer = LOSSES.make(loss), deepcopy(OPTIMIZERS.make(optimizer))
    net, again = net.copy(), net.copy()
    names = Names(net)
    X, Y = _as_batch(net, x, y, loss)
    forward, y_hat, saved = _forward(net, names, X)
    ending = LossLines(loss, names.outputs[-1], y_hat, Y, softmax == "separate")
    ending.forward(forward)
    backward = Stage("Backward: from the loss to every parameter")
    ending.backward(backward)
    _backward(net, names, saved, ending.dy_hat, backward)
    start, update = _start(net, names, X, ending.y), _update(net, names, optimizer)
    again.theta[:] = net.theta  # a copy made before the step, so that a Dropout draws the same mask
    after = loss.forward(again.forward(X, training=True)[0], Y)[0]
    update.add("L", "the loss of the same batch, after the step", after, f"it was {ending.value:.6g}")
    title = f"One training step of {net!r} with {loss!r} and {optimizer!r}"
    return Walkthrough(title, [start, forward, backward, update])


class Names:
    """Symbols of the values of a net.

    Attributes
    ----------
    outputs : list of str
        Symbol of each layer's value: "z1", "a1", "z2".
    parameters : dict of int to dict of str to str
        Symbols of each layer's parameters, by the id of the layer: {"W": "W1", "b": "b1"}.
    """

    def __init__(self, net: Net) -> None:
        self.outputs: list[str] = []
        self.parameters: dict[int, dict[str, str]] = {}
        counts: dict[str, int] = {}
        for layer in net.layers:
            letter = formulas_of(layer).letter
            counts[letter] = counts.get(letter, 0) + 1
            self.outputs.append(f"{letter}{counts[letter]}")
            self.parameters.setdefault(id(layer), {name: f"{name}{counts[letter]}" for name in layer.names})

    def at(self, net: Net, place: int) -> dict[str, str]:
        """The symbols around the layer in the given place: x, y, dy and its parameters."""
        x, y = self.outputs[place - 1] if place else "x", self.outputs[place]
        return {"x": x, "y": y, "dy": f"d{y}", **self.parameters[id(net.layers[place])]}


def _as_batch(net: Net, x: Array, y: Any, loss: Loss) -> tuple[Array, Array]:
    X = np.asarray(x, dtype=net.dtype)
    if is_number(y):
        number("y", y)  # refuses what is not finite
    Y = np.asarray(y) if is_number(y) else numbers("y", y)
    if X.ndim == 1:
        X = X[np.newaxis]
        labels = isinstance(loss, ElementwiseLoss) is False and Y.shape == (1,)
        Y = Y if labels else Y[np.newaxis]
        Y = Y[:, np.newaxis] if isinstance(loss, ElementwiseLoss) and Y.ndim == 1 else Y
    if Y.ndim == 0 or len(Y) != len(X):
        raise ShapeError(f"y must hold a target for each of the {len(X)} examples in x, not {describe(Y)}.")
    return X, Y if Y.ndim == 1 else Y.astype(net.dtype)


def _start(net: Net, names: Names, X: Array, y: Array) -> Stage:
    stage = Stage(
        "Given: the example, its target, the parameters" if len(X) == 1 else "Given: a batch, its targets, the parameters"
    )
    stage.add("x", "", X)
    stage.add("y", "", y)
    for layer in net.unique_layers():
        for name, value in layer.parameters().items():
            stage.add(names.parameters[id(layer)][name], "", value)
    return stage


def _forward(net: Net, names: Names, X: Array) -> tuple[Stage, Array, list[Any]]:
    stage, saved = Stage("Forward: from the input to the loss"), []
    a = X
    for place, layer in enumerate(net.layers):
        a, kept = layer.forward(a, training=True)
        saved.append(kept)
        stage.add(names.outputs[place], fill(formulas_of(layer).forward, names.at(net, place)), a)
    return stage, a, saved


def _backward(net: Net, names: Names, saved: list[Any], dy: Array, stage: Stage) -> None:
    net.zero_grad()
    seen: set[int] = set()
    for place in reversed(range(len(net))):
        layer, symbols = net[place], names.at(net, place)
        dy = layer.backward(saved[place], dy)
        formulas = formulas_of(layer).backward
        note = "added to what came from the later place of this layer" if id(layer) in seen and layer.names else ""
        for name, value in layer.gradients().items():
            stage.add(f"d{symbols[name]}", fill(formulas[name], symbols), value, note)
        seen.add(id(layer))
        if place:  # nobody needs the gradient of the data
            stage.add(f"d{symbols['x']}", fill(formulas["x"], symbols), dy)


def _update(net: Net, names: Names, optimizer: Optimizer) -> Stage:
    """Take the step, and write down every gradient as it is used, the state and every parameter after it."""
    stage = Stage(f"Update: step {optimizer.t + 1} of {optimizer!r}", sign="<-")
    stage.add("lr", "", optimizer.rate(optimizer.t))
    optimizer.biases = biases = net.biases()
    g = optimizer.regularised(net.theta, optimizer.clipped(net.grad)).copy()
    l2 = bool(optimizer.weight_decay) and not optimizer.decoupled
    plain = not (l2 or optimizer.clip_norm)
    simple = type(optimizer) is SGD and not optimizer.momentum
    optimizer.step(net.theta, net.grad)
    state, rule = RULES.get(type(optimizer), ({}, f"{type(optimizer).__name__}.update({{w}}, {{g}})"))
    if type(optimizer) is SGD and optimizer.nesterov:
        rule = "{w} - lr ({g} + momentum {v})"
    start = 0
    for layer in net.unique_layers():
        for name, value in layer.parameters().items():
            w = names.parameters[id(layer)][name]
            part = slice(start, start + value.size)
            start += value.size
            symbols = {"w": w, "g": f"d{w}" if plain else f"g_{w}", **{name: f"{name}_{w}" for name in optimizer.state_names}}
            if not plain:
                stage.add(symbols["g"], _prepared(w, optimizer, bool(biases[part].all())), g[part].reshape(value.shape))
            for kept, formula in ({} if simple else state).items():
                stage.add(symbols[kept], fill(formula, symbols), optimizer.state[kept][part].reshape(value.shape))
            stage.add(w, fill("{w} - lr {g}" if simple else rule, symbols), value)
    return stage


def _prepared(w: str, optimizer: Optimizer, bias: bool) -> str:
    """The gradient as the rule gets it: shortened, and with that of the penalty."""
    g = f"d{w}" if optimizer.clip_norm is None else f"d{w} min(1, clip_norm / |grad|)"
    decays = optimizer.weight_decay and not optimizer.decoupled and not (bias and optimizer.spare_biases)
    return f"{g} + weight_decay {w}" if decays else g
