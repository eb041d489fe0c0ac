"""JAX: the epoch of `peers/jax_scan.py`, a `lax.scan`, under `vmap` over the nets, and compiled as a whole."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.many.many_peer import ManyPeer
from benchmarks.peers.jax_scan import take_steps
from benchmarks.workloads import ManyNets, Parameters
from clearprop.arrays import Array


@partial(jax.jit, static_argnames=("lr", "activation", "shared"), donate_argnums=0)
def epoch_of_all(params, X, targets, batches, lr, activation, shared):
    """Parameters have the nets as their first axis; `batches` is (n_steps, B) if shared, else (nets, n_steps, B)."""
    one = partial(take_steps, lr=lr, activation=activation)
    return jax.vmap(one, in_axes=(0, None, None, None if shared else 0))(params, X, targets, batches)


class Trainer(ManyPeer):
    """As above.

    Parameters
    ----------
    shared : bool
        All nets take the same batches. That is less than the others do: JAX then fetches each batch once for all nets.
    """

    def __init__(self, given: ManyNets, X: Array, y: Array, shared: bool) -> None:
        self.given, self.shared, self.rng = given, shared, np.random.default_rng(0)
        self.X, self.targets = jnp.asarray(X), jax.nn.one_hot(y, given.workload.sizes[-1])
        layers = zip(*given.starts(), strict=True)
        self.params = [(jnp.stack([W for W, _ in layer]), jnp.stack([b for _, b in layer])) for layer in layers]
        self.rows = np.tile(np.arange(len(X), dtype=np.int32), (1 if shared else given.count, 1))

    def train(self, epochs: int, order: Array | None = None) -> None:
        workload = self.given.workload
        for _ in range(epochs):
            if order is None:
                rows = self.rng.permuted(self.rows, axis=1)
            else:
                rows = np.tile(order.astype(np.int32), (len(self.rows), 1))
            batches = rows.reshape(len(rows), -1, workload.batch)
            self.params = epoch_of_all(
                self.params, self.X, self.targets, batches[0] if self.shared else batches,
                lr=workload.lr, activation=workload.activation, shared=self.shared,
            )  # fmt: skip
        jax.block_until_ready(self.params)

    def parameters(self) -> list[Parameters]:
        layers = [(np.array(W), np.array(b)) for W, b in self.params]
        return [[(W[k], b[k]) for W, b in layers] for k in range(self.given.count)]
