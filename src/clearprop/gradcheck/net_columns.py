"""Many shifted losses of a net at once: a shift of one weight changes one column of one pre-activation.

With z = x W + b, adding h to W_ij adds h x_i to column j of z, and leaves the rest alone. So does the activation behind it;
and the next linear layer receives (f(z_j + h x_i) - f(z_j)) V_j. From there on the layers and the loss themselves run, on
the batches of a few hundred shifts stacked upon each other. Every value is the loss of the net at the shifted point, to
rounding, computed without repeating what did not change: 784-300-10 has 238,510 parameters, and as many pairs of losses
take seconds.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.row_losses import SUMS, row_losses, row_scale
from clearprop.nn import Activation, Layer, Linear, Loss, Net, Softmax

ROWS = 16_384  # stacked rows that are run at once; a few hundred kilobytes stay in the cache


class Columns:
    """Shifted losses of one net.

    Parameters
    ----------
    net : Net
        Of layers that treat every row of a batch alone; see `of`.
    loss : Loss
    l2 : float
    """

    def __init__(self, net: Net, loss: Loss, l2: float) -> None:
        self.net, self.loss, self.l2 = net, loss, l2
        self.linears = {k: layer for k, layer in enumerate(net.layers) if isinstance(layer, Linear)}  # by their place
        self.z: list[Array] = []  # the value of every layer at the present point

    @classmethod
    def of(cls, net: Net, loss: Loss, l2: float) -> Columns | None:
        """None unless each layer's `forward` is one that is known to treat rows alone, and the loss is a sum over rows."""
        known = all(_by_rows(layer) for layer in net.layers)
        once = len(net.unique_layers()) == len(net.layers)
        summed = isinstance(net.layers[0], Linear) and type(loss).forward in SUMS
        return cls(net, loss, l2) if known and once and summed else None

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
        self.penalty = 0.5 * self.l2 * sum(float((layer.W * layer.W).sum()) for layer in self.linears.values())

    def shifted(self, name: str, index: Array, h: Array) -> Array:
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
            step, extra = h[:, None] * x.T[i], 0.5 * self.l2 * h * (2 * layer.W[i, j] + h)
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
        sums = self._losses(stacked.reshape(-1, stacked.shape[-1]), end, np.tile(self.y, (len(j), *[1] * (self.y.ndim - 1))))
        return self.scale * sums.reshape(len(j), -1).sum(axis=1) + extra

    def _inputs(self, name: str, index: Array, h: Array) -> Array:
        """Shifts of the input: one row changes, so the loss of that row is computed again."""
        b, i = np.divmod(index, self.X.shape[1])
        first = self.linears[0]
        alone = row_losses(self.loss, self.z[-1], self.y)
        assert alone is not None
        changed = self._losses(self.z[0][b] + h[:, None] * first.W[i], 1, self.y[b])
        return self.scale * (float(alone.sum()) - alone[b] + changed)

    def _losses(self, a: Array, start: int, y: Array) -> Array:
        """The loss of every stacked row, through the layers from number `start` on."""
        for layer in self.net.layers[start:]:
            a = layer.forward(a, True)[0]
        rows = row_losses(self.loss, a, y)
        assert rows is not None
        return rows


def _by_rows(layer: Layer) -> bool:
    """Whether the forward pass is one of clearprop's that treat each row alone; its backward may be anybody's."""
    known = (Linear.forward, Activation.forward, Softmax.forward)
    return type(layer).forward in known
