"""The six workloads: a net, its data, and a batch size. Every library gets the same arrays and the same first parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.mnist_files import read_mnist
from clearprop.arrays import Array
from clearprop.data.built_in import make_circles

Parameters = list[tuple[Array, Array]]
"""W (n_in, n_out) and b (n_out,) of each layer."""


@dataclass(frozen=True)
class Workload:
    """Plain stochastic gradient descent on the mean cross-entropy of softmax outputs, in float32."""

    source: str
    sizes: tuple[int, ...]
    activation: str
    batch: int
    examples: int  # a multiple of every batch size, so that no library has to compile for a short last batch
    lr: float = 0.1

    @property
    def name(self) -> str:
        return f"{self.source}, batch {self.batch}"

    @property
    def key(self) -> str:
        """For the command line: circles200."""
        return f"{self.source}{self.batch}".lower()

    @property
    def net(self) -> str:
        return "-".join(map(str, self.sizes)) + " " + self.activation

    @property
    def steps(self) -> int:
        """Training steps in an epoch."""
        return self.examples // self.batch

    @property
    def n_parameters(self) -> int:
        return sum((n_in + 1) * n_out for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def squared_lr(self) -> float:
        """Learning rate of a library that trains on the squared error, which diverges at `lr` on 300 hidden units."""
        return self.lr / 10

    @property
    def flops(self) -> int:
        """Floating-point operations of the matrix products of a step: forward, dW, and dx but for the first layer."""
        products = [2 * self.batch * n_in * n_out for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True)]
        return 3 * sum(products) - products[0]

    def data(self) -> tuple[Array, Array]:
        """X (N, n_x) of float32, y (N,) of int64."""
        if self.source == "circles":
            X, y = make_circles(self.examples, seed=0)
        elif self.source == "digits":
            from sklearn.datasets import load_digits

            X, y = load_digits(return_X_y=True)
            X, y = X / 16, y % 2
        else:
            X, y, *_ = read_mnist()
        return np.ascontiguousarray(X[: self.examples], np.float32), y[: self.examples].astype(np.int64)

    def start(self, seed: int = 0) -> Parameters:
        """The parameters that every library starts from: Glorot's uniform W, b = 0."""
        rng = np.random.default_rng(seed)
        shapes = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return [
            (rng.uniform(-1, 1, s).astype(np.float32) * np.float32((6 / sum(s)) ** 0.5), np.zeros(s[1], "f")) for s in shapes
        ]

    def order(self, steps: int) -> Array:
        """The rows of the first `steps` batches, for the check that all libraries do the same."""
        return np.random.default_rng(1).permutation(self.examples)[: steps * self.batch]


@dataclass(frozen=True)
class ManyNets:
    """Nets of one shape that differ in their first parameters, each on its own permutations of the same data."""

    count: int
    workload: Workload

    @property
    def name(self) -> str:
        return f"{self.count} nets {'-'.join(map(str, self.workload.sizes))}, batch {self.workload.batch}"

    def starts(self) -> list[Parameters]:
        return [self.workload.start(seed) for seed in range(self.count)]


WORKLOADS = (
    Workload("circles", (2, 10, 2), "tanh", 1, 2000),
    Workload("circles", (2, 10, 2), "tanh", 10, 2000),
    Workload("circles", (2, 10, 2), "tanh", 200, 2000),
    Workload("digits", (64, 32, 2), "relu", 15, 1500),
    Workload("MNIST", (784, 300, 10), "sigmoid", 64, 59904),
    Workload("MNIST", (784, 300, 10), "sigmoid", 256, 59904),
)
MANY = ManyNets(64, WORKLOADS[1])


def workloads(quick: bool) -> tuple[Workload, ...]:
    """The six workloads, with fewer examples for a quick trial."""
    return (
        tuple(replace(w, examples=min(w.examples, 2560 if w.source == "MNIST" else 600)) for w in WORKLOADS)
        if quick
        else WORKLOADS
    )


def many_nets(quick: bool) -> ManyNets:
    """The workload of many nets, with fewer examples for a quick trial."""
    return ManyNets(MANY.count, workloads(quick)[1])
