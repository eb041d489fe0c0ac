"""Ownership of what is being written: a lock that names its process, and the remains of processes that were killed.

A lock is a file that is made in one go, with the process that made it inside, so that it works on every system and can be
taken from a process that is gone. Temporary files bear the name of their process too, and the next writer removes those of
the dead.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from clearprop.errors import OptionError


def host() -> str:
    """Name of the machine, in letters that a file name can have."""
    return re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:24] or "here"


def own_prefix(name: str) -> str:
    """First part of the name of a temporary file or folder of this process, beside the one called `name`."""
    return f".{name}.{host()}-{os.getpid()}."


def alive(pid: int) -> bool:
    """Whether there is a process of this number on this machine."""
    if sys.platform == "win32":
        return alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def alive_on_windows(pid: int) -> bool:
    """The same where signal 0 would end the process."""
    import ctypes

    library = getattr(ctypes, "windll", None)
    if library is None:
        return True
    handle = library.kernel32.OpenProcess(0x1000, False, pid)  # the right to ask about it, and no other
    if not handle:
        return False
    library.kernel32.CloseHandle(handle)
    return True


def remove_leftovers(path: Path) -> None:
    """Remove what processes of this machine that are gone left beside `path` when they were killed.

    A folder that such a process had moved aside, to put a new one in its place, is moved back if the new one never came.
    """
    remains = re.compile(rf"\.{re.escape(path.name)}\.{host()}-(\d+)\.[a-z0-9_]{{8}}(\.old)?")
    with suppress(OSError):
        for entry in list(path.parent.iterdir()):
            found = remains.fullmatch(entry.name)
            if found is None or alive(int(found[1])):
                continue
            if found[2] and not path.exists():
                entry.rename(path)
            elif entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


class Lock:
    """The right to write to one file or folder, held by one process at a time.

    Parameters
    ----------
    path : Path
        File or folder that is going to be written; the lock is a hidden file beside it.

    Raises
    ------
    OptionError
        When it is taken, if another process that is still there holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.file = self.path.with_name(f".{self.path.name}.lock")
        self.mine = {"pid": os.getpid(), "host": host(), "since": time.time()}

    def take(self) -> None:
        """Take the lock, if need be from a process that is gone."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(10):
            try:
                handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                self.take_from_the_dead()
                continue
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(self.mine, stream)
            return
        raise OptionError(f"{str(self.path)!r} is being written by several processes at once; choose another place.")

    def take_from_the_dead(self) -> None:
        """Remove the lock of a process that is gone; raise an error that names one that is not."""
        owner = self.owner()
        if owner is None:
            return  # it was released meanwhile
        pid, where = owner.get("pid"), owner.get("host")
        if isinstance(pid, int) and not (where == host() and not alive(pid)):
            elsewhere = "" if where == host() else f" on {where} (if it is gone, remove {str(self.file)!r})"
            raise OptionError(
                f"{str(self.path)!r} is being written by the process {pid}{elsewhere}; wait for it, or choose another place."
            )
        aside = self.file.with_name(own_prefix(self.file.name) + "stale___")
        with suppress(OSError):
            os.replace(self.file, aside)  # of several who see the dead lock, one succeeds
            aside.unlink()

    def owner(self) -> dict[str, Any] | None:
        """The process that holds the lock; None if there is no lock; empty if the file does not say."""
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            # Perhaps another process has made it and not yet written its name.
            return {} if time.time() - _changed(self.file) > 5 else {"pid": 0, "host": "another machine"}
        return found if isinstance(found, dict) else {}

    @property
    def held(self) -> bool:
        """Whether this object still holds it."""
        return self.owner() == self.mine

    def release(self) -> None:
        """Give it back, if it is still this object's."""
        if self.held:
            with suppress(OSError):
                self.file.unlink()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def writing(path: Path | None) -> Iterator[Lock | None]:
    """Hold the lock of `path` meanwhile; of None, nothing."""
    if path is None:
        yield None
        return
    lock = Lock(path)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()
