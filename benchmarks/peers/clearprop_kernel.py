"""clearprop's compiled engine alone: no history, no evaluation."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array
from clearprop.engines import ENGINES


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y, self.batch = X, y, workload.batch
        self.net = make_net(workload, start)
        self.loss, self.optimizer = cp.CrossEntropy(), cp.SGD(lr=workload.lr)
        self.engine, self.rng = ENGINES.make("compiled"), np.random.default_rng(0)

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = self.engine.permutation(self.rng, len(self.X)) if order is None else order
            self.engine.train_epoch(self.net, self.loss, self.optimizer, self.X, self.y, rows, self.batch)

    def parameters(self) -> Parameters:
        return read_net(self.net)


def make_net(workload: Workload, start: Parameters) -> cp.Net:
    net = cp.mlp(list(workload.sizes), hidden=workload.activation)
    for layer, (W, b) in zip(linear_layers(net), start, strict=True):
        layer.W[:], layer.b[:] = W, b
    return net


def read_net(net: cp.Net) -> Parameters:
    return [(layer.W.copy(), layer.b.copy()) for layer in linear_layers(net)]


def linear_layers(net: cp.Net) -> list[cp.Linear]:
    return [layer for layer in net.layers if isinstance(layer, cp.Linear)]
