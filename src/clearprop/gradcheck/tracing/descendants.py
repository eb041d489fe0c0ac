"""The processes that a process started, and those that these started: how many, how much memory, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

PAGE = 4096


def descendants(of: int) -> list[int]:
    """Process ids of all that a process started; none where the system does not tell."""
    found: list[int] = []
    left = [of]
    while left:
        pid = left.pop()
        children: list[int] = []
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    children += [int(word) for word in (task / "children").read_text().split()]
        found += children
        left += children
    return found


def memory_of(pids: list[int]) -> int:
    """Bytes that processes have for themselves, all together."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = Path(f"/proc/{pid}/statm").read_text().split()
            total += (int(words[1]) - int(words[2])) * PAGE
    return total


def end_descendants() -> None:
    """End all that this process started, until nothing is left."""
    if sys.platform != "linux":
        return
    for _ in range(1000):
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
