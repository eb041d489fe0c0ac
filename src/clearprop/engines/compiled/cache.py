"""The compiled kernel on disk, so that it is compiled once for each machine and version, not once for each process."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.verified import SHARED, recorded

AROUND = ("__init__.py", "cache.py", "compiled_engine.py", "verified.py")
"""Files of this package that no part of the kernel stands in."""


@lru_cache(maxsize=1)
def directory() -> Path:
    """Folder for the kernel of exactly these sources and this Numba.

    Numba looks only at the file that a function stands in; the kernel is made of functions from many: those of this package,
    and the verified ones of `nn` and `optim` that are compiled into it, by their digests.
    """
    from platformdirs import user_cache_dir

    compiled_in = sorted(found for found in recorded().items() if found[0].rpartition(".")[2] in SHARED)
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {compiled_in}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in AROUND:
            digest.update(path.read_bytes())
    return Path(user_cache_dir("clearprop")) / "kernels" / digest.hexdigest()[:16]


def keep_on_disk(kernel: Any) -> Any:
    """Let Numba store a function's machine code in `directory()`; where that cannot be written, it is compiled each time."""
    if INTERPRETED:
        return kernel
    given = numba.config.CACHE_DIR
    try:
        directory().mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(directory())
        kernel.enable_caching()
    except (OSError, RuntimeError):
        pass
    finally:
        numba.config.CACHE_DIR = given
    return kernel


def announce_compilation(dtype: np.dtype[Any]) -> AbstractContextManager[None]:
    """Say on stderr that the first use of a dtype takes a while, unless the kernel is on disk already."""
    return _NOTHING if dtype in _READY else _announced(dtype)


@contextmanager
def _announced(dtype: np.dtype[Any]) -> Iterator[None]:
    mark = directory() / f"{dtype}.compiled"
    new = not (INTERPRETED or mark.exists())
    if new:
        print(f"Compiling the {dtype} kernel, once for this machine ...", end=" ", file=sys.stderr, flush=True)
    yield
    _READY.add(dtype)
    if new:
        print("done.", file=sys.stderr, flush=True)
        if directory().is_dir():
            mark.touch()


_READY: set[np.dtype[Any]] = set()
_NOTHING = nullcontext()
