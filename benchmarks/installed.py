"""The machine, the versions of the libraries, and the libraries that are not there, which are left out of the benchmarks."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "llvmlite", "torch", "jax", "scikit-learn")
LIBFANN = "libfloatfann.so.2"
SETS = ("amx_tile", "avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "asimd")
"""Vector instructions, as /proc/cpuinfo writes them, the widest of each family first."""


def why_absent(peer: str) -> str | None:
    """Reason why a library cannot be measured here, with the way to install it; None if it can."""
    if peer.startswith("plain C"):
        return None if shutil.which("gcc") else "gcc is not installed; it is in Debian's package gcc"
    if peer == "FANN":
        return None if fann_version() else "libfann is not installed; it is in Debian's package libfann2"
    needs = {"torch": "torch", "JAX": "jax", "scikit-learn": "sklearn"}
    module = next((module for name, module in needs.items() if peer.startswith(name)), None)
    if module is None or find_spec(module):
        return None
    return f"{module} is not installed; pip install 'clearprop[bench]' adds it"


def present(peers: Iterable[str]) -> list[str]:
    """The libraries that can be measured."""
    return [peer for peer in peers if not why_absent(peer)]


def absent_rows(peers: Iterable[str]) -> list[dict[str, str]]:
    """Rows (peer, reason) of the libraries that cannot be measured."""
    rows = [{"peer": peer, "reason": reason} for peer in peers if (reason := why_absent(peer))]
    for row in rows:
        print(f"{row['peer']} is left out: {row['reason']}", flush=True)
    return rows


def environment() -> dict[str, Any]:
    """The processor, and the versions of the libraries and of the compiler."""
    versions = {name: python_version(name) for name in LIBRARIES}
    compiled = {"gcc": gcc_version() or "not installed", "FANN": fann_version() or "not installed"}
    machine = {"cpu": processor(), "cores": os.cpu_count(), "instructions": instructions()}
    return {**machine, "python": platform.python_version(), **versions, **compiled}


def processor(listing: Path = Path("/proc/cpuinfo")) -> str:
    """The model's name."""
    return cpu_lines(listing).get("model name") or platform.processor() or platform.machine()


def instructions(listing: Path = Path("/proc/cpuinfo")) -> str:
    """The architecture, and the widest vector instructions that the processor has: "x86_64 with avx2"."""
    lines = cpu_lines(listing)
    flags = (lines.get("flags") or lines.get("Features") or "").split()
    widest = next((name for name in SETS if name in flags), None)
    return platform.machine() + (f" with {widest}" if widest else "")


def cpu_lines(listing: Path) -> dict[str, str]:
    """What Linux says of the first processor."""
    if not listing.exists():
        return {}
    pairs = (line.split(":", 1) for line in listing.read_text().split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def python_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def gcc_version() -> str | None:
    """None if there is no gcc."""
    program = shutil.which("gcc")
    if program is None:
        return None
    return subprocess.run([program, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


def fann_version() -> str | None:
    """The version in the name of the library's file, such as 2.2.0; "2" where that is not known; None if it is not there."""
    try:
        ctypes.CDLL(LIBFANN)
    except OSError:
        return None
    maps = Path("/proc/self/maps")
    names = maps.read_text().split() if maps.exists() else []
    return next((name.rsplit(".so.", 1)[1] for name in names if "libfloatfann.so." in name), "2")
