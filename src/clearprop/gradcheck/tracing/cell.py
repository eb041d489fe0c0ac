"""A cell: namespaces and a root folder of its own for one program, with nothing in it but Python and the program.

The cell sees the folders of the interpreter and of the packages, read-only; the folder of the program, under a layer that
forgets what is written; and an empty temporary folder of limited size. There is no network, no other process, no home.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clearprop.gradcheck.tracing import kernel

SYSTEM: Final = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/localtime", "/nix", "/gnu")
DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
READ_ONLY, NO_SUID, NO_DEV = 1, 2, 4
SCRATCH: Final = "/scratch"
NOBODY: Final = 65534
INSIDE: Final = 1000
SCRATCH_SIZE: Final = "size=256m,mode=1777"


@dataclass(frozen=True)
class Cell:
    """The part of the file system that one program sees.

    Attributes
    ----------
    root : str
        An empty folder, on which the root is mounted.
    source : str
        The folder that the program's own folder is taken from.
    folder : str
        The path at which the program sees it; what it writes there is not kept.
    start : str
        The folder, in that one, in which the program starts.
    """

    root: str
    source: str
    folder: str
    start: str

    def enter(self) -> None:
        """Make the root, and change to it; to be called in namespaces of its own, by their first process.

        Raises
        ------
        OSError
            If the system does not allow it.
        """
        kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
        kernel.mount("tmpfs", self.root, "tmpfs", kernel.NO_SUID | kernel.NO_DEV, "size=64m,mode=755")
        for name in ("tmp", "scratch", "proc", "dev/shm"):
            os.makedirs(f"{self.root}/{name}", exist_ok=True)
        for name in ("tmp", "scratch", "dev/shm"):
            kernel.mount("tmpfs", f"{self.root}/{name}", "tmpfs", kernel.NO_SUID | kernel.NO_DEV, SCRATCH_SIZE)
        own = [(self.folder, self.source)] if self.folder != "/" else []
        for target, source in sorted([*((path, path) for path in needed()), *own], key=lambda pair: len(pair[0])):
            if (target, source) in own or not covered(target, self.folder, self.source):
                self._show(target, source, NO_DEV)
        for path in DEVICES:
            self._show(path, path, 0)
        try:  # not allowed where parts of the outer /proc are hidden; then there is none
            kernel.mount("proc", f"{self.root}/proc", "proc", kernel.NO_SUID | kernel.NO_DEV | kernel.NO_EXEC)
        except OSError:
            os.rmdir(f"{self.root}/proc")
        self._layer()
        try:  # no namespaces within: they would give the program rights over its own
            with open("/proc/sys/user/max_user_namespaces", "w") as most:
                most.write("0")
        except OSError:
            pass
        os.chdir(self.root)
        kernel.pivot_root(".", ".")
        kernel.unmount(".")
        kernel.protect("/", READ_ONLY | NO_SUID | NO_DEV, below=False)
        os.chdir(self.start)

    def _show(self, path: str, source: str, attributes: int) -> None:
        """Bind a file or folder into the root, read-only; a link stays a link."""
        target = f"{self.root}{path}"
        if os.path.lexists(target) and path != self.folder and not os.path.isdir(target):
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            return
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.mount(source, target, None, kernel.BIND | kernel.RECURSIVE)
        kernel.protect(target, READ_ONLY | NO_SUID | attributes)

    def _layer(self) -> None:
        """Lay a folder that forgets over the program's own; where the system has none, it stays read-only."""
        if any(sign in self.source + self.root for sign in ",:\\"):
            return
        target, above, work = f"{self.root}{self.folder}", f"{self.root}/dev/shm/.upper", f"{self.root}/dev/shm/.work"
        for path in (above, work):
            os.mkdir(path)
            os.chmod(path, 0o777)
        options = f"lowerdir={target},upperdir={above},workdir={work},userxattr"
        try:
            kernel.mount("overlay", target, "overlay", kernel.NO_SUID | kernel.NO_DEV, options)
        except OSError:
            return


def needed() -> list[str]:
    """Files and folders that a Python program reads, beside its own: those of the interpreter, the packages and the system."""
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path, str(Path(__file__).parents[3])]
    found = [*SYSTEM, *(str(Path(path).absolute()) for path in python if path), *(os.path.realpath(p) for p in python if p)]
    return [path for path in dict.fromkeys(found) if os.path.lexists(path) and path != "/" and not _within_others(path, found)]


def _within_others(path: str, others: list[str]) -> bool:
    return any(is_within(path, other) and path != other and os.path.isdir(other) and other != "/" for other in others)


def is_within(path: str, folder: str) -> bool:
    """Whether a path lies in a folder, or is it.

    Examples
    --------
    >>> is_within("/usr/lib", "/usr"), is_within("/usrlib", "/usr")
    (True, False)
    """
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def covered(path: str, folder: str, source: str) -> bool:
    """Whether a path is seen already, because it lies in a folder that is shown as it is."""
    return folder == source and is_within(path, folder)


def user_map(user: int, readable: bool) -> Iterator[tuple[str, str]]:
    """The lines of the maps of users: files of /proc/PID, and what is written to them."""
    if user == 0 and readable:  # another user, who may neither write root's files nor start more processes than he is allowed
        for name in ("uid_map", "gid_map"):
            yield name, f"0 0 1\n{INSIDE} {NOBODY} 1\n"
        return
    inside = 0 if user == 0 else INSIDE
    yield "setgroups", "deny"
    yield "uid_map", f"{inside} {user} 1\n"
    yield "gid_map", f"{inside} {os.getgid()} 1\n"


def readable_by_all() -> bool:
    """Whether a user without rights could read the packages and the standard library."""
    return all(os.stat(path).st_mode & 0o004 for path in (__file__, os.__file__))


def become_nobody(user: int, readable: bool) -> None:
    """Go on without any privilege."""
    if user == 0 and readable:
        os.setgroups([])
        os.setresgid(INSIDE, INSIDE, INSIDE)
        os.setresuid(INSIDE, INSIDE, INSIDE)
    kernel.drop_capabilities()
