"""NumPy alone: the derivatives and Adam by hand, on one flat vector of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.mnist_files import read_mnist
from benchmarks.to_98 import BATCH, LR, SIZES
from clearprop.arrays import Array


def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    X, y, X_test, y_test = read_mnist(folder)
    n_x, n_h, n_y = SIZES
    theta = np.zeros(n_x * n_h + n_h + n_h * n_y + n_y, np.float32)
    W1, b1, W2, b2 = views(theta)
    for W in (W1, W2):
        W[:] = rng.uniform(-1, 1, W.shape) * (6 / sum(W.shape)) ** 0.5
    grad, m, v = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    t = 0
    for _ in range(cap):
        order = rng.permutation(len(X))
        for first in range(0, len(X), BATCH):
            batch = order[first : first + BATCH]
            t += 1
            gradient(theta, grad, X[batch], y[batch])
            adam(theta, grad, m, v, t)
        yield float(np.mean((np.maximum(X_test @ W1 + b1, 0) @ W2 + b2).argmax(axis=1) == y_test))


def views(flat: Array) -> tuple[Array, Array, Array, Array]:
    """W1, b1, W2, b2 within a flat vector."""
    n_x, n_h, n_y = SIZES
    W1, b1, W2, b2 = np.split(flat, np.cumsum([n_x * n_h, n_h, n_h * n_y]))
    return W1.reshape(n_x, n_h), b1, W2.reshape(n_h, n_y), b2


def gradient(theta: Array, grad: Array, x: Array, y: Array) -> None:
    W1, b1, W2, b2 = views(theta)
    dW1, db1, dW2, db2 = views(grad)
    a = np.maximum(x @ W1 + b1, 0)
    z = a @ W2 + b2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    dz2 = p / np.float32(len(y))
    np.matmul(a.T, dz2, out=dW2)
    np.sum(dz2, axis=0, out=db2)
    dz1 = dz2 @ W2.T * (a > 0)
    np.matmul(x.T, dz1, out=dW1)
    np.sum(dz1, axis=0, out=db1)


def adam(theta: Array, grad: Array, m: Array, v: Array, t: int) -> None:
    m += np.float32(0.1) * (grad - m)
    v += np.float32(0.001) * (grad * grad - v)
    theta -= np.float32(LR / (1 - 0.9**t)) * m / (np.sqrt(v / np.float32(1 - 0.999**t)) + np.float32(1e-8))
