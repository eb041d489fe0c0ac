"""A library that trains one net at a time: the loop of `benchmarks/peers`, one net after another."""

from __future__ import annotations

import importlib

from benchmarks.many.many_peer import ManyPeer
from benchmarks.workloads import ManyNets, Parameters
from clearprop.arrays import Array


class Trainer(ManyPeer):
    def __init__(self, given: ManyNets, X: Array, y: Array, module: str) -> None:
        trainer = importlib.import_module(f"benchmarks.peers.{module}").Trainer
        self.peers = [trainer(given.workload, X, y, start) for start in given.starts()]

    def train(self, epochs: int, order: Array | None = None) -> None:
        for peer in self.peers:
            peer.train(epochs, order)

    def parameters(self) -> list[Parameters]:
        return [peer.parameters() for peer in self.peers]
