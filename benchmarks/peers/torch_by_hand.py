"""PyTorch's tensors without autograd: the derivatives by hand, everything in place, nothing allocated."""

from __future__ import annotations

import torch

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)
        (self.W1, self.b1), (self.W2, self.b2) = ((torch.from_numpy(W.copy()), torch.from_numpy(b.copy())) for W, b in start)
        self.lr, self.batch, self.activation = workload.lr, workload.batch, workload.activation
        n_x, n_h, n_y = workload.sizes
        self.x, self.a, self.da = torch.empty(self.batch, n_x), torch.empty(self.batch, n_h), torch.empty(self.batch, n_h)
        self.z, self.target = torch.empty(self.batch, n_y), torch.empty(self.batch, dtype=torch.int64)
        self.minus = torch.full((self.batch, 1), -1.0)

    @torch.inference_mode()
    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = torch.randperm(len(self.X)) if order is None else torch.from_numpy(order)
            for batch in rows.split(self.batch):
                self.step(batch)

    def step(self, batch: torch.Tensor) -> None:
        x, a, z, da, target = self.x, self.a, self.z, self.da, self.target
        torch.index_select(self.X, 0, batch, out=x)
        torch.index_select(self.y, 0, batch, out=target)
        torch.addmm(self.b1, x, self.W1, out=a)
        if self.activation == "tanh":
            a.tanh_()
        elif self.activation == "sigmoid":
            a.sigmoid_()
        else:
            a.relu_()
        torch.addmm(self.b2, a, self.W2, out=z)
        torch.softmax(z, 1, out=z)
        dz = z.scatter_add_(1, target.unsqueeze(1), self.minus)  # p - onehot(y); the mean's 1/B goes into the step
        torch.mm(dz, self.W2.t(), out=da)
        if self.activation == "tanh":
            torch.ops.aten.tanh_backward.grad_input(da, a, grad_input=da)
        elif self.activation == "sigmoid":
            torch.ops.aten.sigmoid_backward.grad_input(da, a, grad_input=da)
        else:
            torch.ops.aten.threshold_backward.grad_input(da, a, 0.0, grad_input=da)
        rate = -self.lr / self.batch
        self.W2.addmm_(a.t(), dz, alpha=rate)
        self.b2.add_(dz.sum(0), alpha=rate)
        self.W1.addmm_(x.t(), da, alpha=rate)
        self.b1.add_(da.sum(0), alpha=rate)

    def parameters(self) -> Parameters:
        return [(W.numpy().copy(), b.numpy().copy()) for W, b in ((self.W1, self.b1), (self.W2, self.b2))]
