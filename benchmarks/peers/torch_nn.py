"""PyTorch, the loop of its tutorials: `nn.Sequential`, `CrossEntropyLoss`, `optim.SGD`."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y, self.batch = torch.from_numpy(X), torch.from_numpy(y), workload.batch
        self.model, self.loss = make_model(workload, start), nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=workload.lr)

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = torch.randperm(len(self.X)) if order is None else torch.from_numpy(order)
            for batch in rows.split(self.batch):
                self.optimizer.zero_grad()
                loss = self.loss(self.model(self.X[batch]), self.y[batch])
                loss.backward()
                self.optimizer.step()

    def parameters(self) -> Parameters:
        return read_model(self.model)


def make_model(workload: Workload, start: Parameters) -> nn.Sequential:
    layers: list[nn.Module] = []
    for W, b in start:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear, ACTIVATIONS[workload.activation]()]
    return nn.Sequential(*layers[:-1])


def read_model(model: nn.Sequential) -> Parameters:
    linears = [layer for layer in model if isinstance(layer, nn.Linear)]
    return [(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linears]
