"""The first rung: lists and floats, one example at a time, every sum a loop. NumPy is used for input and output only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Engine, Steps, batches
from clearprop.engines.preparation import checked, limits, prepared
from clearprop.engines.scalar_formulas import BACKWARD, FORWARD, LOSSES, UPDATES, Row, Rows
from clearprop.engines.support import constants, not_one_by_one, spared, unknown_part
from clearprop.nn import ElementwiseLoss, Linear, Loss, Net
from clearprop.optim import Optimizer


class Scalar(Engine):
    """Plain Python. Its floats are float64: for a float32 net, the parameters are rounded at the end of each epoch."""

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Layers that take one example at a time, and the losses and optimizers in the tables of `scalar_formulas`."""
        return not_one_by_one(net) or unknown_part(net, loss, optimizer, FORWARD, LOSSES, UPDATES) or spared(optimizer)

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y), one example after the other."""
        params = views(net, rows_of(net, net.theta))
        return np.array([forward(net, params, x)[0] for x in checked(self, net, X).tolist()], dtype=net.dtype)

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss and gradient of one batch."""
        X, y = prepared(self, net, loss, X, y)
        value, grad, _ = gradient(net, loss, rows_of(net, net.theta), X.tolist(), y.tolist())
        return value, np.array(flat(grad), dtype=net.dtype)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The loop: gradient, step."""
        X, rows_y = prepared(self, net, loss, X, y, optimizer)
        inputs, targets, theta, t = X.tolist(), rows_y.tolist(), rows_of(net, net.theta), optimizer.t
        state = {name: rows_of(net, value) for name, value in optimizer.state.items()}
        state = state or {name: [[0.0] * len(row) for row in theta] for name in optimizer.state_names}
        losses, n_correct = [], []
        for rows in batches(order, batch_size):
            value, grad, y_hat = gradient(net, loss, theta, [inputs[b] for b in rows], [targets[b] for b in rows])
            step(optimizer, theta, grad, list(state.values()), t)
            t += 1
            losses.append(value)
            n_correct.append(loss.n_correct(np.array(y_hat), y[rows]))
        net.theta[:] = flat(theta)
        optimizer.t = t
        optimizer.state = {name: np.array(flat(value), dtype=net.dtype) for name, value in state.items()}
        return Steps(np.array(losses), np.array(n_correct))


def rows_of(net: Net, vector: Array) -> Rows:
    """A flat vector (P,), such as theta, as the rows of every W, each followed by its b, if it has one."""
    rows, start = [], 0
    for layer in linear_layers(net):
        for _ in range(layer.n_in + layer.bias):
            rows.append(vector[start : start + layer.n_out].tolist())
            start += layer.n_out
    return rows


def flat(rows: Rows) -> Row:
    """The rows, one after the other, as they lie in a flat vector (P,)."""
    return [value for row in rows for value in row]


def views(net: Net, rows: Rows) -> dict[int, tuple[Rows, Row]]:
    """W and b of each linear layer, as the very lists of `rows`: changing one changes the other. No bias is one of zeros."""
    left, found = iter(rows), {}
    for layer in linear_layers(net):
        W = [next(left) for _ in range(layer.n_in)]
        found[id(layer)] = W, next(left) if layer.bias else [0.0] * layer.n_out
    return found


def linear_layers(net: Net) -> list[Linear]:
    """The linear layers of a net, each once."""
    return [layer for layer in net.unique_layers() if type(layer) is Linear]


def gradient(net: Net, loss: Loss, theta: Rows, X: Rows, y: Rows) -> tuple[float, Rows, Rows]:
    """Loss, gradient and predictions of a batch: the gradients of its examples are added up, then averaged."""
    grad = [[0.0] * len(row) for row in theta]
    params, grads = views(net, theta), views(net, grad)
    low, high = limits(net, loss)
    total, predictions = 0.0, []
    for x_b, y_b in zip(X, y, strict=True):
        y_hat, saved = forward(net, params, x_b)
        value, dy_hat = LOSSES[type(loss)]([min(max(p, low), high) for p in y_hat], y_b, *loss.constants())
        backward(net, params, grads, saved, dy_hat)
        total += value
        predictions.append(y_hat)
    scale = 1.0 if loss.reduction == "sum" else 1.0 / len(X)
    if loss.reduction == "mean" and isinstance(loss, ElementwiseLoss):
        scale /= len(y[0])
    return scale * total, [[scale * g for g in row] for row in grad], predictions


def forward(net: Net, params: dict[int, tuple[Rows, Row]], x: Row) -> tuple[Row, list[Row]]:
    """The output for one example, and what each layer saved."""
    saved = []
    for layer in net.layers:
        x, kept = FORWARD[type(layer)](x, *constants(layer), *params.get(id(layer), ()))
        saved.append(kept)
    return x, saved


def backward(net: Net, params: dict[int, Any], grads: dict[int, Any], saved: list[Row], dy: Row) -> None:
    """Add the gradients of one example to `grads`, from the last layer to the first."""
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        dy = BACKWARD[type(layer)](kept, dy, *constants(layer), *params.get(id(layer), ()), *grads.get(id(layer), ()))


def step(optimizer: Optimizer, theta: Rows, grad: Rows, state: list[Rows], t: int) -> None:
    """Step number t (from 0): clip the gradient, add that of the penalty, update every parameter in place."""
    update, lr, fixed = UPDATES[type(optimizer)], optimizer.rate(t), optimizer.constants(t + 1)
    norm = math.sqrt(sum(g * g for row in grad for g in row))
    factor = 1.0 if optimizer.clip_norm is None or not norm > optimizer.clip_norm else optimizer.clip_norm / norm
    l2, decay = (0.0, optimizer.weight_decay) if optimizer.decoupled else (optimizer.weight_decay, 0.0)
    for row, g_row, *s_rows in zip(theta, grad, *state, strict=True):
        for j in range(len(row)):
            g = factor * g_row[j] + l2 * row[j]
            row[j] -= lr * decay * row[j]
            row[j], *new = update(row[j], g, *[s[j] for s in s_rows], lr, *fixed)
            for s, value in zip(s_rows, new, strict=True):
                s[j] = value
