"""clearprop as it is used: `fit`, with its history, its accuracy and its watch for NaN."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from benchmarks.peers.clearprop_kernel import make_net, read_net
from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y, self.workload = X, y, workload
        self.net, self.rng = make_net(workload, start), np.random.default_rng(0)

    def train(self, epochs: int, order: Array | None = None) -> None:
        data, how = ((self.X, self.y), "shuffle") if order is None else ((self.X[order], self.y[order]), "sequential")
        cp.fit(
            self.net, data, loss=cp.CrossEntropy(), optimizer=cp.SGD(lr=self.workload.lr), batch_size=self.workload.batch,
            epochs=epochs, seed=self.rng, order=how, engine="compiled",
        )  # fmt: skip

    def parameters(self) -> Parameters:
        return read_net(self.net)
