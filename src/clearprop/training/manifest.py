"""The manifest of a run: versions, engine, threads, processor and data, on which the bits of a result depend."""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset
from clearprop.engines import Engine
from clearprop.nn import Net

PACKAGES = ("clearprop", "numpy", "scipy", "llvmlite", "torch")
ROWS = 4096  # of an array that are hashed at a time: it may be a file larger than the memory


def manifest_of(engine: Engine, data: Dataset, net: Net) -> dict[str, Any]:
    """Conditions of a result beside the settings, as JSON-able values.

    Parameters
    ----------
    engine : Engine
    data : Dataset
    net : Net

    Returns
    -------
    dict
        "packages", "python", "platform"; "engine", with its arguments; "threads" that it may use; "processor", with its
        "features" in so far as code is made for them; "dtype"; "data", a SHA-256 of each split as the net sees it.

    Examples
    --------
    >>> import clearprop as cp
    >>> found = manifest_of(cp.ENGINES.make("batch"), cp.data.load("circles", seed=0), cp.mlp([2, 2]))
    >>> found["engine"], len(found["data"]["train"])
    ({'type': 'Batch'}, 64)
    """
    return {
        "packages": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engine": engine.config(),
        "threads": threads_of(engine),
        "processor": processor_of(engine),
        "dtype": net.dtype.name,
        "data": {name: checksum(split.X, split.y) for name, split in data.splits.items()},
    }


def versions() -> dict[str, str]:
    """Versions of the packages that compute, of those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def threads_of(engine: Engine) -> int:
    """Number of threads among which the engine may share a step."""
    given = engine.config().get("threads")
    if given is not None:
        return int(given)
    from clearprop.engines.compiled.team import processors

    return processors()


def processor_of(engine: Engine) -> dict[str, Any]:
    """The processor, and the level of it that the kernel's code is made for."""
    found: dict[str, Any] = {"machine": platform.machine(), "name": platform.processor() or platform.machine()}
    if engine.config()["type"] != "Compiled" or "llvmlite" not in sys.modules:
        return found
    from clearprop.engines.compiled.compiler.processor import processor

    level = processor()
    return found | {
        "code": level.name,
        "features": level.features,
        "register_bytes": level.register_bytes,
        "fma": level.has_fma,
    }


def checksum(*arrays: Array) -> str:
    """SHA-256 of arrays: their shapes, dtypes and numbers.

    Examples
    --------
    >>> checksum(np.zeros(2)) == checksum(np.zeros(2)), checksum(np.zeros(2)) == checksum(np.zeros((1, 2)))
    (True, False)
    """
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype.str}".encode())
        for first in range(0, len(array), ROWS):
            found.update(np.ascontiguousarray(array[first : first + ROWS]).tobytes())
    return found.hexdigest()
