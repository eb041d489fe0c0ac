"""Plain C: `benchmarks/plain_c.c`, compiled for this processor by gcc, called once an epoch; one thread."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

SOURCE = Path(__file__).parents[1] / "plain_c.c"
OPTIONS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
ACTIVATIONS = {"linear": 0, "tanh": 1, "sigmoid": 2, "relu": 3}
POINTER, LONG = ctypes.c_void_p, ctypes.c_int64


@functools.cache
def library() -> ctypes.CDLL:
    """The compiled file, loaded; the folder that it was compiled in is removed again."""
    with tempfile.TemporaryDirectory(prefix="clearprop-bench-") as folder:
        compiled, shared = Path(folder, "plain_c.o"), Path(folder, "plain_c.so")
        gcc("-c", str(SOURCE), *OPTIONS, "-o", str(compiled))
        # Linked without -ffast-math, which would make this whole process take denormal numbers for zero.
        gcc("-shared", str(compiled), "-lm", "-o", str(shared))
        loaded = ctypes.CDLL(str(shared))
    loaded.train_epoch.argtypes = [
        ctypes.c_int, POINTER, ctypes.c_int, POINTER, POINTER, POINTER, POINTER, POINTER, LONG, LONG, ctypes.c_float, POINTER,
    ]  # fmt: skip
    return loaded


def gcc(*arguments: str) -> None:
    program = shutil.which("gcc")
    if program is None:
        raise FileNotFoundError("gcc is not installed; it is in Debian's package gcc")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"gcc cannot compile {SOURCE.name}: {done.stderr.strip()}")


class PlainNet:
    """A stack of Linear layers whose hidden ones share an activation.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of units, from the inputs to the outputs.
    activation : {"linear", "tanh", "sigmoid", "relu"}
    start : list of (W, b)
        First parameters; they are copied.
    """

    def __init__(self, sizes: Sequence[int], activation: str, start: Parameters) -> None:
        self.sizes, self.activation = np.array(sizes, np.int64), ACTIVATIONS[activation]
        self.theta = np.concatenate([np.ravel(q) for pair in start for q in pair]).astype(np.float32)

    def train_epoch(self, X: Array, y: Array, order: Array, batch: int, lr: float) -> Array:
        """The loss of each step: cross-entropy where y holds whole labels (N,), squared error for real targets (N, n_y)."""
        X, order = np.ascontiguousarray(X, np.float32), np.ascontiguousarray(order, np.int64)
        labels = np.ascontiguousarray(y, np.int64) if y.ndim == 1 else None
        targets = np.ascontiguousarray(y, np.float32) if y.ndim == 2 else None
        losses = np.empty(-(-len(order) // batch))
        failed = library().train_epoch(
            len(self.sizes) - 1, self.sizes.ctypes.data, self.activation, self.theta.ctypes.data, X.ctypes.data,
            None if labels is None else labels.ctypes.data, None if targets is None else targets.ctypes.data,
            order.ctypes.data, len(order), batch, lr, losses.ctypes.data,
        )  # fmt: skip
        if failed:
            raise MemoryError("plain C: too many layers, or no memory")
        return losses

    def parameters(self) -> Parameters:
        """Copies of W and b of each layer."""
        found, at = [], 0
        for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            end = at + n_in * n_out
            found.append((self.theta[at:end].reshape(n_in, n_out).copy(), self.theta[end : end + n_out].copy()))
            at = end + n_out
        return found


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        library()
        self.X, self.y, self.batch, self.lr = X, y, workload.batch, workload.lr
        self.net, self.rng = PlainNet(workload.sizes, workload.activation, start), np.random.default_rng(0)

    def train(self, epochs: int, order: Array | None = None) -> None:
        for _ in range(epochs):
            rows = self.rng.permutation(len(self.X)) if order is None else order
            self.net.train_epoch(self.X, self.y, rows, self.batch, self.lr)

    def parameters(self) -> Parameters:
        return self.net.parameters()
