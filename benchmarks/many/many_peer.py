"""The interface of a library that trains many nets."""

from __future__ import annotations

from abc import ABC, abstractmethod

from benchmarks.workloads import ManyNets, Parameters
from clearprop.arrays import Array


class ManyPeer(ABC):
    """Nets with their data, ready to train.

    Parameters
    ----------
    given : ManyNets
    X, y : array (N, n_x) of float32, array (N,) of int64
        Data of every net.
    """

    @abstractmethod
    def __init__(self, given: ManyNets, X: Array, y: Array) -> None: ...

    @abstractmethod
    def train(self, epochs: int, order: Array | None = None) -> None:
        """Take all steps of `epochs` epochs with every net, each over fresh permutations of its own, or over `order`."""

    @abstractmethod
    def parameters(self) -> list[Parameters]:
        """Copies of W (n_in, n_out) and b (n_out,) of each layer of each net."""
