"""Hosts that run in processes of their own: one for each library, and one for the matrix product that sets the limit."""

from __future__ import annotations

import importlib
import time
from typing import Protocol

import numpy as np

from benchmarks.many import MANY_PEERS
from benchmarks.memory import status
from benchmarks.peers import PEERS
from benchmarks.workloads import ManyNets, Parameters, Workload
from clearprop.arrays import Array

MOST_SECONDS = 2.0
"""A library whose epoch takes longer takes only so many steps of it in a round."""


class Trains(Protocol):
    """What is timed: a `Peer`, or a `ManyPeer`."""

    def train(self, epochs: int, order: Array | None = None) -> None: ...


class Task:
    """The steps of a library that are to be timed; what they need is compiled once this is made.

    Parameters
    ----------
    workload : Workload
    peer : Trains
    check_steps : int
        Steps that it has taken before, with all that had to be compiled for them.
    seconds : float
        Time that a round should take.
    """

    def __init__(self, workload: Workload, peer: Trains, check_steps: int, seconds: float) -> None:
        self.peer, self.order, self.epochs, self.steps = peer, None, 1, workload.steps
        few = timed(peer, 1, workload.order(check_steps)) / check_steps
        if few * workload.steps > MOST_SECONDS:
            self.steps = max(1, min(workload.steps, round(MOST_SECONDS / few)))
            self.order = workload.order(self.steps)
        timed(peer, 1, self.order)  # compiles for this number of steps, if need be
        for _ in range(2 if self.order is None else 0):  # twice: what a call takes besides its epochs shows in a short one
            self.epochs = max(1, round(seconds * self.epochs / timed(peer, self.epochs)))

    def microseconds(self) -> float:
        """Microseconds per training step."""
        return 1e6 * timed(self.peer, self.epochs, self.order) / (self.epochs * self.steps)


def timed(peer: Trains, epochs: int, order: Array | None = None) -> float:
    """Seconds."""
    began = time.perf_counter()
    peer.train(epochs, order)
    return time.perf_counter() - began


class PeerHost:
    """One library, with a net for each workload."""

    def __init__(self, peer: str) -> None:
        self.trainer = importlib.import_module(f"benchmarks.peers.{PEERS[peer]}").Trainer
        self.tasks: dict[str, Task] = {}

    def begin(self, workload: Workload, check_steps: int, seconds: float) -> Parameters:
        """Compile and warm up, choose the number of epochs that takes `seconds`, and train.

        Returns
        -------
        list of (W, b)
            After the first `check_steps` steps from the common start, over the common batches.
        """
        X, y = workload.data()
        peer = self.trainer(workload, X, y, workload.start())
        peer.train(1, workload.order(check_steps))
        checked = peer.parameters()
        self.tasks[workload.name] = Task(workload, peer, check_steps, seconds)
        return checked

    def microseconds(self, name: str) -> float:
        """Microseconds per training step, over the number of epochs that `begin` has chosen."""
        return self.tasks[name].microseconds()

    def peak_memory(self) -> float:
        """MiB."""
        return status("VmHWM")


class ManyHost:
    """One way to train many nets."""

    def __init__(self, peer: str) -> None:
        module, arguments = MANY_PEERS[peer]
        self.trainer, self.arguments = importlib.import_module(f"benchmarks.many.{module}").Trainer, arguments

    def begin(self, given: ManyNets, check_steps: int, seconds: float) -> list[Parameters]:
        """As for a `PeerHost`; every net takes the first steps over the same batches."""
        X, y = given.workload.data()
        peer = self.trainer(given, X, y, *self.arguments)
        peer.train(1, given.workload.order(check_steps))
        checked = peer.parameters()
        self.task, self.count = Task(given.workload, peer, check_steps, seconds), given.count
        return checked

    def microseconds(self) -> float:
        """Microseconds per training step and net."""
        return self.task.microseconds() / self.count


class PeakHost:
    """NumPy's float32 matrix product on all cores."""

    def __init__(self, n: int) -> None:
        self.A, self.B = np.random.default_rng(0).random((2, n, n), np.float32)
        self.C = np.empty((n, n), np.float32)

    def gflops(self) -> float:
        """The faster of three."""
        times = []
        for _ in range(3):
            began = time.perf_counter()
            np.matmul(self.A, self.B, out=self.C)
            times.append(time.perf_counter() - began)
        return 2e-9 * len(self.A) ** 3 / min(times)
