"""NumPy alone, written with care: the derivatives by hand, updates in place."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y, self.batch, self.lr = X, y, workload.batch, np.float32(workload.lr)
        (self.W1, self.b1), (self.W2, self.b2) = ((W.copy(), b.copy()) for W, b in start)
        self.activation, self.rng = workload.activation, np.random.default_rng(0)

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = self.rng.permutation(len(self.X)) if order is None else order
            for first in range(0, len(rows), self.batch):
                batch = rows[first : first + self.batch]
                self.step(self.X[batch], self.y[batch])

    def step(self, x: Array, y: Array) -> None:
        z = x @ self.W1 + self.b1
        if self.activation == "tanh":
            a = np.tanh(z)
        elif self.activation == "sigmoid":
            a = 1 / (1 + np.exp(-z))
        else:
            a = np.maximum(z, 0)
        z = a @ self.W2 + self.b2
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        dz2 = p / np.float32(len(y))
        dz1 = dz2 @ self.W2.T
        if self.activation == "tanh":
            dz1 *= 1 - a * a
        elif self.activation == "sigmoid":
            dz1 *= a * (1 - a)
        else:
            dz1 *= a > 0
        self.W2 -= self.lr * (a.T @ dz2)
        self.b2 -= self.lr * dz2.sum(axis=0)
        self.W1 -= self.lr * (x.T @ dz1)
        self.b1 -= self.lr * dz1.sum(axis=0)

    def parameters(self) -> Parameters:
        return [(W.copy(), b.copy()) for W, b in ((self.W1, self.b1), (self.W2, self.b2))]
