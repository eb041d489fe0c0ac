"""PyTorch's tensors without autograd: the derivatives and Adam by hand, in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.mnist_files import read_mnist
from benchmarks.to_98 import BATCH, LR, SIZES

Tensor = torch.Tensor


@torch.inference_mode()
def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    torch.manual_seed(seed)
    X, y, X_test, y_test = map(torch.from_numpy, read_mnist(folder))
    n_x, n_h, n_y = SIZES
    theta = torch.cat([t.flatten() for n_in, n in ((n_x, n_h), (n_h, n_y)) for t in glorot(n_in, n)])
    grad, m, v = torch.zeros_like(theta), torch.zeros_like(theta), torch.zeros_like(theta)
    W1, b1, W2, b2 = views(theta)
    t = 0
    for _ in range(cap):
        for batch in torch.randperm(len(X)).split(BATCH):
            t += 1
            gradient(theta, grad, X[batch], y[batch])
            adam(theta, grad, m, v, t)
        a = torch.addmm(b1, X_test, W1).relu_()
        yield (torch.addmm(b2, a, W2).argmax(1) == y_test).float().mean().item()


def glorot(n_in: int, n_out: int) -> tuple[Tensor, Tensor]:
    return (2 * torch.rand(n_in, n_out) - 1) * (6 / (n_in + n_out)) ** 0.5, torch.zeros(n_out)


def views(flat: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W1, b1, W2, b2 within a flat vector."""
    n_x, n_h, n_y = SIZES
    W1, b1, W2, b2 = flat.split([n_x * n_h, n_h, n_h * n_y, n_y])
    return W1.view(n_x, n_h), b1, W2.view(n_h, n_y), b2


def gradient(theta: Tensor, grad: Tensor, x: Tensor, y: Tensor) -> None:
    W1, b1, W2, b2 = views(theta)
    dW1, db1, dW2, db2 = views(grad)
    a = torch.addmm(b1, x, W1).relu_()
    dz2 = torch.softmax(torch.addmm(b2, a, W2), 1)
    dz2[torch.arange(len(y)), y] -= 1
    dz2 /= len(y)
    torch.mm(a.t(), dz2, out=dW2)
    torch.sum(dz2, 0, out=db2)
    dz1 = torch.mm(dz2, W2.t()).mul_(a > 0)
    torch.mm(x.t(), dz1, out=dW1)
    torch.sum(dz1, 0, out=db1)


def adam(theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, t: int) -> None:
    m.lerp_(grad, 0.1)
    v.mul_(0.999).addcmul_(grad, grad, value=0.001)
    theta.addcdiv_(m, (v / (1 - 0.999**t)).sqrt_().add_(1e-8), value=-LR / (1 - 0.9**t))
