"""JAX: an epoch is one compiled `lax.scan`, with Adam written as a tree map; parameters and moments are donated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.mnist_files import read_mnist
from benchmarks.to_98 import BATCH, LR, SIZES


def predict(params, x):
    (W1, b1), (W2, b2) = params
    return jax.nn.log_softmax(jax.nn.relu(x @ W1 + b1) @ W2 + b2)


def loss(params, x, targets):
    return -jnp.mean(jnp.sum(predict(params, x) * targets, axis=1))


@partial(jax.jit, donate_argnums=0)
def epoch(state, X, targets, batches):
    def step(state, rows):
        params, m, v, t = state
        t = t + 1
        grads = jax.grad(loss)(params, X[rows], targets[rows])
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        rate, mend = LR / (1 - 0.9**t), 1 / (1 - 0.999**t)
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v * mend) + 1e-8), params, m, v)
        return (params, m, v, t), None

    return jax.lax.scan(step, state, batches)[0]


@jax.jit
def accuracy(params, X, y):
    return jnp.mean(predict(params, X).argmax(axis=1) == y)


def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    X, y, X_test, y_test = read_mnist(folder)
    X, targets, X_test = jnp.asarray(X), jax.nn.one_hot(y, SIZES[-1]), jnp.asarray(X_test)
    pairs = pairwise(SIZES)
    params = [(jnp.asarray(rng.uniform(-1, 1, (n, m)) * (6 / (n + m)) ** 0.5, "float32"), jnp.zeros(m)) for n, m in pairs]
    state = (params, jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params), jnp.zeros(()))
    whole = len(X) // BATCH * BATCH  # a scan takes batches of one size; the few examples left over change every epoch
    for _ in range(cap):
        batches = rng.permutation(len(X))[:whole].reshape(-1, BATCH).astype(np.int32)
        state = epoch(state, X, targets, batches)
        yield float(accuracy(state[0], X_test, y_test))
