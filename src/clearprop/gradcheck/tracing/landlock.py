"""Landlock: what a process may still do with files, networks and signals, where it cannot have namespaces of its own.

The kernel (Linux 5.13 and later) lets any process give up rights for good, itself and all that it starts.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from functools import cache
from typing import Final

from clearprop.gradcheck.tracing import kernel

CREATE, ADD, RESTRICT = 444, 445, 446
VERSION: Final = 1
BENEATH: Final = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER, TRUNCATE = 1, 2, 4, 8, 1 << 14
READING: Final = EXECUTE | READ_FILE | READ_FOLDER
ON_FILES: Final = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE
NETWORK: Final = 3  # bind and connect, of TCP
SCOPES: Final = 3  # abstract sockets, and signals


@cache
def version() -> int:
    """Version of Landlock in this kernel; 0 if it has none."""
    try:
        return kernel.system_call("landlock", CREATE, None, 0, VERSION)
    except OSError:
        return 0


def all_rights() -> int:
    """All rights on files that the kernel can take away."""
    known = {1: 13, 2: 14, 3: 15, 4: 15}
    return (1 << known.get(version(), 16)) - 1


def restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Give up everything but reading some files and folders, and writing in some.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    rights = all_rights()
    given = struct.pack("<QQQ", rights, NETWORK if version() >= 4 else 0, SCOPES if version() >= 6 else 0)
    size = 24 if version() >= 6 else 16 if version() >= 4 else 8
    rules = kernel.system_call("landlock", CREATE, given, kernel.size(size), 0)
    for paths, allowed in ((readable, READING), (writable, rights)):
        for path in paths:
            _allow(rules, path, allowed & rights)
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    kernel.system_call("landlock", RESTRICT, rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, allowed: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there, or not for this user, needs no right
        return
    try:
        allowed = allowed if os.path.isdir(path) else allowed & ON_FILES
        kernel.system_call("landlock", ADD, rules, BENEATH, struct.pack("<Qi", allowed, place), 0)
    finally:
        os.close(place)
