"""PyTorch with `torch.compile`: the model and its loss compiled together, and the optimizer's step."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.peers.torch_nn import make_model, read_model
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        torch.compiler.reset()  # else the graphs of the earlier workloads count against the limit of recompilations
        self.X, self.y, self.batch = torch.from_numpy(X), torch.from_numpy(y), workload.batch
        self.model, cross_entropy = make_model(workload, start), nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=workload.lr)
        self.loss = torch.compile(lambda x, y: cross_entropy(self.model(x), y))
        self.step = torch.compile(self.optimizer.step)

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = torch.randperm(len(self.X)) if order is None else torch.from_numpy(order)
            for batch in rows.split(self.batch):
                self.optimizer.zero_grad()
                loss = self.loss(self.X[batch], self.y[batch])
                loss.backward()
                self.step()

    def parameters(self) -> Parameters:
        return read_model(self.model)
