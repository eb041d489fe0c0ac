"""clearprop: many nets, shared among threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import clearprop as cp
from benchmarks.many.many_peer import ManyPeer
from benchmarks.peers.clearprop_kernel import make_net, read_net
from benchmarks.workloads import ManyNets, Parameters
from clearprop.arrays import Array
from clearprop.data.batches import Order


def clearprop_many(
    nets: Sequence[cp.Net], data: tuple[Array, Array], *, lr: float, batch_size: int, epochs: int,
    rngs: Sequence[np.random.Generator], order: Order = "shuffle", threads: int = 1, engine: str = "compiled",
) -> None:  # fmt: skip
    """Train every net, in place, each over permutations of its own."""
    cp.fit_many(
        nets, data, threads=threads, loss=cp.CrossEntropy(), optimizer=cp.SGD(lr=lr), batch_size=batch_size, epochs=epochs,
        seed=list(rngs), order=order, engine=engine,
    )  # fmt: skip


class Trainer(ManyPeer):
    """As above.

    Parameters
    ----------
    threads : int
    engine : str
    """

    def __init__(self, given: ManyNets, X: Array, y: Array, threads: int, engine: str = "compiled") -> None:
        self.X, self.y, self.workload, self.threads, self.engine = X, y, given.workload, threads, engine
        self.nets = [make_net(given.workload, start) for start in given.starts()]
        self.rngs = [np.random.default_rng(seed) for seed in range(given.count)]

    def train(self, epochs: int, order: Array | None = None) -> None:
        data, how = ((self.X, self.y), "shuffle") if order is None else ((self.X[order], self.y[order]), "sequential")
        clearprop_many(
            self.nets, data, lr=self.workload.lr, batch_size=self.workload.batch, epochs=epochs, rngs=self.rngs,
            order=how, threads=self.threads, engine=self.engine,
        )  # fmt: skip

    def parameters(self) -> list[Parameters]:
        return [read_net(net) for net in self.nets]
