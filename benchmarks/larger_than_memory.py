"""Training from files larger than the memory that a process may have: 784-32-10, one epoch at batch 64, through `fit`.

The limit is set on what a process allocates (RLIMIT_DATA). Pages of a mapped file are not part of that: the system drops them
when it needs the room, and reads them again. So resident memory may be as large as the file where there is room; what must not
grow is the anonymous part.
"""

from __future__ import annotations

import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.memory import Watch, status
from benchmarks.processes import apart
from clearprop.arrays import Array

N_X, HIDDEN, N_Y, BATCH, BLOCK = 784, 32, 10, 64, 4096
MIB = 2**20


def measure_files(sizes: tuple[int, ...], limit: int) -> list[dict[str, Any]]:
    """Rows (kind, file, limit, seconds, anonymous, resident), all in MiB; `reason` in place of figures where it failed."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:  # read-only arrays have a kernel of their own: let it be compiled
        for kind, write in (("npy", write_npy), ("idx", write_idx)):
            write(Path(folder), MIB)
            apart(train_from, kind, Path(folder), 8192)
    for kind, write in (("npy", write_npy), ("idx", write_idx)):
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="clearprop-bench-") as folder:
                write(Path(folder), size * MIB)
                try:
                    row = apart(train_from, kind, Path(folder), limit)
                    print(f"  {kind}, {size} MiB: {row['seconds']:.1f} s, anonymous {row['anonymous']:.0f} MiB", flush=True)
                except RuntimeError as error:
                    row = {"reason": str(error)}
                    print(f"  {kind}, {size} MiB: {error}", flush=True)
            rows.append({"kind": kind, "file": size, "limit": limit, **row})
    return rows


def train_from(kind: str, folder: Path, limit: int) -> dict[str, float]:
    """In a fresh process: map the files, and fit."""
    cp.fit(new_net(), (np.zeros((64, N_X), "f"), np.zeros(64, int)), batch_size=BATCH, epochs=1, engine="compiled")
    limit_memory(limit)
    y = np.load(folder / "y.npy", mmap_mode="r")
    X = np.load(folder / "X.npy", mmap_mode="r") if kind == "npy" else map_idx(folder / "X-idx3-ubyte")
    began, before = time.perf_counter(), status("RssAnon")
    with Watch() as watch:
        cp.fit(new_net(), (X, y), optimizer=cp.SGD(lr=1e-3), batch_size=BATCH, epochs=1, seed=0, engine="compiled")
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "anonymous": watch.anonymous,
        "before": before,
        "resident": status("VmHWM"),
        "mapped": watch.file,
    }


def new_net() -> cp.Net:
    return cp.mlp([N_X, HIDDEN, N_Y], hidden="relu", seed=0)


def limit_memory(mib: int) -> None:
    """Limit what this process may allocate, including what it has allocated already."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (mib * MIB, mib * MIB))


def write_npy(folder: Path, size: int) -> None:
    """X (N, 784) of float32 and y (N,), block by block."""
    n = size // (4 * N_X)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (n, N_X))
    block = np.random.default_rng(0).random((BLOCK, N_X), np.float32)
    for first in range(0, n, BLOCK):
        X[first : first + BLOCK] = block[: n - first]
    np.save(folder / "y.npy", np.arange(n) % N_Y)


def write_idx(folder: Path, size: int) -> None:
    """Images (N, 28, 28) of bytes, as MNIST's are once unpacked, and y (N,)."""
    n = size // N_X
    block = np.random.default_rng(0).integers(256, size=(BLOCK, N_X), dtype=np.uint8)
    with (folder / "X-idx3-ubyte").open("wb") as stream:
        stream.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", n, 28, 28))
        for first in range(0, n, BLOCK):
            stream.write(block[: n - first].tobytes())
    np.save(folder / "y.npy", np.arange(n) % N_Y)


def map_idx(path: Path) -> Array:
    """The pixels (N, 784) of an uncompressed IDX file, memory-mapped."""
    with path.open("rb") as stream:
        n, height, width = struct.unpack(">3I", stream.read(16)[4:])
    return np.memmap(path, np.uint8, "r", offset=16, shape=(n, height * width))
