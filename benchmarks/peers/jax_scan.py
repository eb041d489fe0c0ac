"""JAX: a whole epoch is one compiled `lax.scan`, to which the parameters are donated."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}


def predict(params, x, activation):
    for W, b in params[:-1]:
        x = ACTIVATIONS[activation](x @ W + b)
    W, b = params[-1]
    return jax.nn.log_softmax(x @ W + b)


def loss(params, x, targets, activation):
    return -jnp.mean(jnp.sum(predict(params, x, activation) * targets, axis=1))


def take_steps(params, X, targets, batches, lr, activation):
    """A step for each row of `batches` (n_steps, B)."""

    def step(params, rows):
        grads = jax.grad(loss)(params, X[rows], targets[rows], activation)
        return jax.tree.map(lambda p, g: p - lr * g, params, grads), None

    return jax.lax.scan(step, params, batches)[0]


epoch = partial(jax.jit, static_argnames=("lr", "activation"), donate_argnums=0)(take_steps)


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.targets = jnp.asarray(X), jax.nn.one_hot(y, workload.sizes[-1])
        self.params = [(jnp.array(W), jnp.array(b)) for W, b in start]
        self.workload, self.rng = workload, np.random.default_rng(0)  # NumPy shuffles faster than jax.random does

    def train(self, epochs: int, order: Array | None = None) -> None:
        given = self.workload
        for _ in range(epochs):
            rows = self.rng.permutation(len(self.X)) if order is None else order
            batches = rows.reshape(-1, given.batch).astype(np.int32)
            self.params = epoch(self.params, self.X, self.targets, batches, lr=given.lr, activation=given.activation)
        jax.block_until_ready(self.params)

    def parameters(self) -> Parameters:
        return [(np.array(W), np.array(b)) for W, b in self.params]
