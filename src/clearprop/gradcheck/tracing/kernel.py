"""The calls of the Linux kernel that isolation needs and that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache
from typing import Any, Final

USER, PROCESSES, MOUNTS, NETWORK, MESSAGES, NAMES = 0x10000000, 0x20000000, 0x00020000, 0x40000000, 0x08000000, 0x04000000
NEW_NAMESPACES: Final = USER | PROCESSES | MOUNTS | NETWORK | MESSAGES | NAMES
PRIVATE, RECURSIVE, BIND = 1 << 18, 1 << 14, 1 << 12
NO_SUID, NO_DEV, NO_EXEC = 2, 4, 8
DETACH: Final = 2
DEATH_SIGNAL, DUMPABLE, NO_NEW_PRIVILEGES, CAPABILITY_DROP, SUBREAPER = 1, 4, 38, 24, 36
KILL: Final = 9
MOUNT_SETATTR, PIVOT_ROOT, CAPSET = 442, {"x86_64": 155, "aarch64": 41}, {"x86_64": 126, "aarch64": 91}
HERE, ALL = -100, 0x8000  # AT_FDCWD, AT_RECURSIVE


@cache
def library() -> Any:
    """The C library."""
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def system_call(what: str, number: int, *arguments: Any) -> int:
    """A system call by its number.

    Raises
    ------
    OSError
    """
    return _checked(library().syscall(ctypes.c_long(number), *arguments), what)


def unshare(flags: int) -> None:
    """Leave namespaces, for new ones."""
    _checked(library().unshare(flags), "unshare")


def prctl(option: int, value: int, *more: int) -> None:
    """Set a property of this process."""
    rest = [ctypes.c_ulong(each) for each in (value, *more, 0, 0, 0)[:4]]
    _checked(library().prctl(option, *rest), f"prctl {option}")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount a file system, or bind a folder to another place."""
    given = [os.fsencode(text) if text is not None else None for text in (source, target, kind, options)]
    result = library().mount(given[0], given[1], given[2], ctypes.c_ulong(flags), given[3])
    _checked(result, f"mount on {target}")


def unmount(target: str) -> None:
    """Take a mount away as soon as nobody uses it."""
    _checked(library().umount2(os.fsencode(target), DETACH), f"umount of {target}")


def protect(target: str, attributes: int, below: bool = True) -> None:
    """Make a mount, and all that is mounted below it, read-only and the like."""
    given = struct.pack("<QQQQ", attributes, 0, 0, 0)
    place, flags = os.fsencode(target), ALL if below else 0
    system_call(f"mount_setattr on {target}", MOUNT_SETATTR, HERE, place, flags, given, size(len(given)))


def pivot_root(new: str, old: str) -> None:
    """Put a folder in the place of the root."""
    system_call("pivot_root", PIVOT_ROOT[os.uname().machine], os.fsencode(new), os.fsencode(old))


def drop_capabilities() -> None:
    """Give up all privileges, for this process and all that it starts."""
    for number in range(64):
        try:
            prctl(CAPABILITY_DROP, number)
        except OSError:
            break
    head, none = struct.pack("<Ii", 0x20080522, 0), struct.pack("<6I", *[0] * 6)
    system_call("capset", CAPSET[os.uname().machine], head, none)
    prctl(NO_NEW_PRIVILEGES, 1)


def size(number: int) -> Any:
    """A size, as the C library takes it."""
    return ctypes.c_size_t(number)
