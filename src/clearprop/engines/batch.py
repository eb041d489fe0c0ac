"""The reference engine: the layers themselves, a whole batch at a time."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Engine, Steps, batches
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer


class Batch(Engine):
    """Calls `forward` and `backward` of each layer, in NumPy. It runs every layer, loss and optimizer, yours included."""

    weighs = True

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """None, always: every layer with a forward and a backward runs here."""
        return None

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y) of the net."""
        return net(X)

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """One forward and one backward pass."""
        net.zero_grad()
        y_hat, saved = net.forward(X, training=True)
        value, kept = loss.forward(y_hat, y)
        net.backward(saved, loss.backward(kept))
        return value, net.grad.copy()

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The usual loop: forward, loss, backward, step."""
        losses, n_correct = [], []
        optimizer.biases = net.biases()
        for rows in batches(order, batch_size):
            net.zero_grad()
            y_hat, saved = net.forward(X[rows], training=True)
            value, kept = loss.forward(y_hat, y[rows])
            losses.append(value)
            n_correct.append(loss.n_correct(y_hat, y[rows]))
            net.backward(saved, loss.backward(kept))
            optimizer.step(net.theta, net.grad)
        return Steps(np.array(losses, dtype=np.float64), np.array(n_correct, dtype=np.float64))

    def train_weighted(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, weights: Array, order: Array, batch_size: int
    ) -> Steps:
        """The same loop; the gradient of each example's loss is multiplied by its weight on its way into the net."""
        losses, n_correct = [], []
        optimizer.biases = net.biases()
        for rows in batches(order, batch_size):
            net.zero_grad()
            y_hat, saved = net.forward(X[rows], training=True)
            w, kept = weights[rows], loss.forward(y_hat, y[rows])[1]
            losses.append((w @ loss.of_each(y_hat, y[rows])) / (1 if loss.reduction == "sum" else len(rows)))
            n_correct.append(loss.n_correct(y_hat, y[rows]))
            net.backward(saved, loss.backward(kept) * w[:, np.newaxis])
            optimizer.step(net.theta, net.grad)
        return Steps(np.array(losses, dtype=np.float64), np.array(n_correct, dtype=np.float64))
