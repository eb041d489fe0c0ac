"""Hosts that run in processes of their own: one for each library, and one for the matrix product that sets the limit."""

from __future__ import annotations

import importlib
import time

import numpy as np

from benchmarks.memory import status
from benchmarks.peers import PEERS
from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload


class PeerHost:
    """One library, with a net for each workload."""

    def __init__(self, peer: str) -> None:
        self.trainer = importlib.import_module(f"benchmarks.peers.{PEERS[peer]}").Trainer
        self.tasks: dict[str, tuple[Workload, Peer, int]] = {}

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
        peer.train(1)
        began = time.perf_counter()
        peer.train(1)
        once = time.perf_counter() - began
        self.tasks[workload.name] = workload, peer, max(1, round(seconds / once))
        return checked

    def microseconds(self, name: str) -> float:
        """Microseconds per training step, over the number of epochs that `begin` has chosen."""
        workload, peer, epochs = self.tasks[name]
        began = time.perf_counter()
        peer.train(epochs)
        return 1e6 * (time.perf_counter() - began) / (epochs * workload.steps)

    def peak_memory(self) -> float:
        """MiB."""
        return status("VmHWM")


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
