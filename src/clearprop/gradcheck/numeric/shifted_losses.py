"""Many shifted losses of a net at once: a shift of one weight changes one column of one pre-activation.

With z = x W + b, adding h to W_ij adds h x_i to column j of z, and changes nothing else; nor does the activation behind it;
and the next linear layer receives (f(z_j + h x_i) - f(z_j)) V_j. From there on the layers and the loss themselves run, on
the batches of a few hundred shifts stacked upon each other. Every value is the loss of the net at the shifted point, to
rounding, computed without repeating what did not change: 784-300-10 has 238,510 parameters, and as many pairs of losses
take seconds.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import Activation, CrossEntropy, ElementwiseLoss, Focal, Linear, Loss, NegativeLogLikelihood, Net, Softmax

ROWS = 16_384  # stacked rows that are run at once; a few hundred kilobytes stay in the cache
BY_ROWS = (Linear.forward, Activation.forward, Softmax.forward)  # forward passes that treat each row alone
# losses that add up over the rows
SUMS = (ElementwiseLoss.forward, CrossEntropy.forward, Focal.forward, NegativeLogLikelihood.forward)


class ShiftedLosses:
    """Shifted losses of one net.

    Parameters
    ----------
    net : Net
        With layers that treat every row of a batch alone; see `of`.
    loss : Loss
    weight_decay : float
    """

    def __init__(self, net: Net, loss: Loss, weight_decay: float) -> None:
        self.net, self.loss, self.weight_decay = net, loss, weight_decay
        self.linears = {k: layer for k, layer in enumerate(net.layers) if isinstance(layer, Linear)}  # by their place
        self.z: list[Array] = []  # the value of every layer at the present point

    @classmethod
    def of(cls, net: Net, loss: Loss, weight_decay: float) -> ShiftedLosses | None:
        """None unless each layer's `forward` is known to treat rows alone (`backward` may be any), and the loss is a sum."""
        known = all(type(layer).forward in BY_ROWS for layer in net.layers)
        once = len(net.unique_layers()) == len(net.layers)
        summed = isinstance(net.layers[0], Linear) and type(loss).forward in SUMS
        return cls(net, loss, weight_decay) if known and once and summed else None

    def stand(self, X: Array, y: Array) -> None:
        """Run the net at its present point, and keep the value of every layer."""
        self.X = X
        self.z = []
        a = X
        for layer in self.net.layers:
            a = layer.forward(a, True)[0]
            self.z.append(a)
        self.y = np.asarray(y)
        self.scale = row_scale(self.loss, a)
        self.penalty = 0.5 * self.weight_decay * sum(float((layer.W * layer.W).sum()) for layer in self.linears.values())

    def losses(self, name: str, index: Array, h: Array) -> Array:
        """The loss with h[k] added to element index[k] of an array, for each k: (K,)."""
        out = np.empty(len(index))
        rows = 1 if name == "X" else len(self.X)
        step = max(1, ROWS // rows)
        work = self._inputs if name == "X" else self._columns
        for start in range(0, len(index), step):
            part = slice(start, start + step)
            out[part] = work(name, index[part], h[part])
        return out + self.penalty

    def _columns(self, name: str, index: Array, h: Array) -> Array:
        """Shifts of a weight or a bias."""
        place = list(self.linears)[int(name[1:]) - 1]
        layer = self.linears[place]
        x = self.X if place == 0 else self.z[place - 1]
        if name[0] == "W":
            i, j = np.divmod(index, layer.n_out)
            step, extra = h[:, None] * x.T[i], 0.5 * self.weight_decay * h * (2 * layer.W[i, j] + h)
        else:
            j = index
            step, extra = np.broadcast_to(h[:, None], (len(h), len(x))), 0.0
        column = self.z[place].T[j] + step  # (K, B): the one column of z that changes
        end = place + 1
        while end < len(self.net.layers) and isinstance(self.net.layers[end], Activation):
            column = self.net.layers[end].forward(column, True)[0]
            end += 1
        before = self.z[end - 1]
        if end in self.linears:
            V = self.linears[end].W
            stacked = self.z[end] + (column - before.T[j])[:, :, None] * V[j][:, None, :]
            end += 1
        else:
            stacked = np.repeat(before[None], len(j), axis=0)
            stacked[np.arange(len(j)), :, j] = column
        sums = self._rows(stacked.reshape(-1, stacked.shape[-1]), end, np.tile(self.y, (len(j), *[1] * (self.y.ndim - 1))))
        return self.scale * sums.reshape(len(j), -1).sum(axis=1) + extra

    def _inputs(self, name: str, index: Array, h: Array) -> Array:
        """Shifts of the input: one row changes, so the loss of that row is computed again."""
        b, i = np.divmod(index, self.X.shape[1])
        first = self.linears[0]
        alone = row_losses(self.loss, self.z[-1], self.y)
        changed = self._rows(self.z[0][b] + h[:, None] * first.W[i], 1, self.y[b])
        return self.scale * (float(alone.sum()) - alone[b] + changed)

    def _rows(self, a: Array, start: int, y: Array) -> Array:
        """The loss of every stacked row, through the layers from number `start` on."""
        for layer in self.net.layers[start:]:
            a = layer.forward(a, True)[0]
        return row_losses(self.loss, a, y)


def row_losses(loss: Loss, y_hat: Array, y: Array) -> Array:
    """The term (B,) of each row in the sum over the batch, from the very numbers that the loss itself computes.

    Examples
    --------
    >>> row_losses(CrossEntropy(), np.zeros((2, 2)), np.array([0, 1])).round(4)
    array([0.6931, 0.6931])
    """
    if isinstance(loss, ElementwiseLoss):
        return loss.f(loss.admissible(y_hat), y, *loss.constants()).sum(axis=1)
    _, (p, rows) = loss.forward(y_hat, y)  # log p, for CrossEntropy and Focal
    if isinstance(loss, Focal):
        return (rows * np.where(rows == 0, 0, loss.f(p, *loss.constants()))).sum(axis=1)
    if isinstance(loss, CrossEntropy):
        return -np.where(rows == 0, 0, rows * p).sum(axis=1)
    return -(rows * np.log(p)).sum(axis=1)


def row_scale(loss: Loss, y_hat: Array) -> float:
    """The factor between the sum of `row_losses` and the loss."""
    if loss.reduction == "sum":
        return 1.0
    return 1.0 / max(y_hat.size if isinstance(loss, ElementwiseLoss) else len(y_hat), 1)
