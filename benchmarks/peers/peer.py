"""The interface of a library that is measured."""

from __future__ import annotations

from abc import ABC, abstractmethod

from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array


class Peer(ABC):
    """A net with its data, ready to train.

    Parameters
    ----------
    workload : Workload
    X, y : array (N, n_x) of float32, array (N,) of int64
    start : list of (W, b)
        First parameters, which are to be copied.

    Raises
    ------
    NotImplementedError
        If the library cannot train such a net; the page then gives the reason.
    """

    @abstractmethod
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None: ...

    @abstractmethod
    def train(self, epochs: int, order: Array | None = None) -> None:
        """Take all steps of `epochs` epochs, each over a fresh permutation of the examples, or over `order`."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """Copies of W (n_in, n_out) and b (n_out,) of each layer."""
