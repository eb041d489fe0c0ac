"""Memory that is free, and the refusal of work that needs more of it, before anything is allocated.

Systems promise more memory than they have, and end the process that takes them at their word. So what a file or an argument
claims is compared with what is there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from clearprop.errors import ShortOfMemoryError

UNKNOWN = 2**62
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def free_memory() -> int:
    """Bytes that this process can still have, as far as the system says; a very large number if it does not."""
    return min((found for found in limits() if found > 0), default=UNKNOWN)


def limits() -> Iterator[int]:
    """Bytes that the machine has left, and that this process or its container may have beyond what it has."""
    if sys.platform == "win32":
        yield windows_memory()
        return
    with suppress(OSError, ValueError, StopIteration, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        yield 1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable")))
    with suppress(OSError, ValueError):  # the control group of a container
        most, used = (Path(f"/sys/fs/cgroup/memory.{name}").read_text().strip() for name in ("max", "current"))
        if most != "max":
            yield int(most) - int(used)
    if sys.platform == "darwin":
        with suppress(OSError, ValueError):
            yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError, OSError, ValueError, IndexError):  # ulimit -v
        import resource

        most_here = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most_here != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            yield max(most_here - pages * os.sysconf("SC_PAGE_SIZE"), 1)


def windows_memory() -> int:
    """Physical memory that Windows has left."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "free", "pages", "free_pages", "virtual", "free_virtual", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    library = getattr(ctypes, "windll", None)
    if library is None or not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return UNKNOWN
    return int(status.free)


def require_memory(what: str, size: float, remedy: str = "ask for less") -> None:
    """Raise a `ShortOfMemoryError` unless so many bytes are free.

    Examples
    --------
    >>> require_memory("a table", 100)
    >>> require_memory("a net of 1,000,000,000,000 units", 8e15)
    Traceback (most recent call last):
    clearprop.errors.ShortOfMemoryError: There is no memory for a net of 1,000,000,000,000 units: that takes 8,000 TB, and ...
    """
    if size > SMALL and size > free_memory():
        there = in_words(free_memory())
        raise ShortOfMemoryError(f"There is no memory for {what}: that takes {in_words(size)}, and {there} are free; {remedy}.")


SMALL = 2**26  # bytes that are always there; to ask the system takes longer than to allocate them


def in_words(size: float) -> str:
    """A number of bytes in the unit that suits it.

    Examples
    --------
    >>> in_words(300), in_words(2.5e9)
    ('300 bytes', '2.5 GB')
    """
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:,.3g} {UNITS[unit]}" if size < 1000 else f"{size:,.0f} {UNITS[unit]}"
