"""clearprop's compiled engine alone, all epochs in one call: no history, no evaluation."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array
from clearprop.engines import ENGINES
from clearprop.engines.engine import Task as EngineTask


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y, self.batch = X, y, workload.batch
        self.net = make_net(workload, start)
        self.loss, self.optimizer = cp.CrossEntropy(), cp.SGD(lr=workload.lr)
        self.engine, self.rng = ENGINES.make("compiled"), np.random.default_rng(0)

    def train(self, epochs: int, order: Array | None = None) -> None:
        if order is None:
            task = EngineTask(
                self.net, self.loss, self.optimizer, self.X, self.y, None, None, self.batch, len(self.X), self.rng,
                stop_nonfinite=False, watch=None, epochs_before=0,
            )  # fmt: skip
            figures = self.engine.train_epochs(task, epochs)
            assert figures is not None
            assert len(figures.train_loss) == epochs
            return
        for _ in range(epochs):
            self.engine.train_epoch(self.net, self.loss, self.optimizer, self.X, self.y, order, self.batch)

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
