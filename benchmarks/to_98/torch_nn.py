"""PyTorch: `nn.Sequential`, `optim.Adam`; the batches are slices of a permutation, much faster than a `DataLoader`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from benchmarks.mnist_files import read_mnist
from benchmarks.to_98 import BATCH, LR, SIZES


def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    torch.manual_seed(seed)
    X, y, X_test, y_test = map(torch.from_numpy, read_mnist(folder))
    n_x, n_h, n_y = SIZES
    model = nn.Sequential(nn.Linear(n_x, n_h), nn.ReLU(), nn.Linear(n_h, n_y))
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=LR)
    for _ in range(cap):
        for batch in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_fn(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            yield (model(X_test).argmax(1) == y_test).float().mean().item()
