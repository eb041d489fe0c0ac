"""Confinement: a program's process and all that it starts, kept apart from everybody else and ended together.

Two processes are made. The *keeper* waits for the other one, tells how it ended, and takes all that is left with it; with
namespaces it is the first process of its own, and with it the kernel ends every other. The *worker* runs the program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clearprop.gradcheck.tracing import kernel, landlock
from clearprop.gradcheck.tracing.cell import NOBODY, SCRATCH, Cell, become_nobody, needed, readable_by_all, user_map
from clearprop.gradcheck.tracing.descendants import end_descendants
from clearprop.gradcheck.tracing.limits import Limits, apply_limits
from clearprop.gradcheck.tracing.request import Kind

READS, WRITES = 3, 4  # file descriptors of the worker
SETUP_FAILED: Final = 99
ENDED: Final = struct.Struct("<i")


@dataclass(frozen=True)
class Confined:
    """A program's processes, as their parent sees them.

    Attributes
    ----------
    keeper : int
        Process id.
    reads, writes : int
        The channel to the worker.
    output, ended : int
        File descriptors: the text that the program prints, and the end of its process.
    """

    keeper: int
    reads: int
    writes: int
    output: int
    ended: int


def confine(kind: Kind, cell: Cell, limits: Limits, work: Callable[[int, int], None]) -> Confined:
    """Start `work(reads, writes)` in a process of its own.

    Raises
    ------
    OSError
        If the system does not allow it.
    """
    asks, answers, prints, ends, ready, go = (os.pipe() for _ in range(6))
    keeper = os.fork()
    if keeper == 0:
        with contextlib.suppress(BaseException):
            for used in (asks[1], answers[0], prints[0], ends[0], ready[0], go[1]):
                os.close(used)
            _keep(kind, cell, limits, work, (asks[0], answers[1], prints[1], ends[1]), (ready[1], go[0]))
        os._exit(SETUP_FAILED)
    for used in (asks[0], answers[1], prints[1], ends[1], ready[1], go[0]):
        os.close(used)
    try:
        if kind == "namespaces" and os.read(ready[0], 1) == b"u":
            _give_users(keeper)
        os.write(go[1], b"g")
        failure = os.read(ready[0], 1000)
        if failure != b"r":
            end(keeper)
            raise OSError(failure.decode("utf-8", "replace") or "its process could not be started")
    except BrokenPipeError:
        raise OSError("its process could not be started") from None
    finally:
        os.close(ready[0])
        os.close(go[1])
    return Confined(keeper, answers[0], asks[1], prints[0], ends[0])


def _give_users(keeper: int) -> None:
    for name, lines in user_map(os.getuid(), readable_by_all()):
        Path(f"/proc/{keeper}/{name}").write_text(lines)


def _keep(
    kind: Kind,
    cell: Cell,
    limits: Limits,
    work: Callable[[int, int], None],
    pipes: tuple[int, int, int, int],
    sync: tuple[int, int],
) -> None:
    """The keeper: goes into its namespaces, starts the worker, and tells how that ended."""
    ready, go = sync
    try:
        if sys.platform == "linux":
            kernel.prctl(kernel.DEATH_SIGNAL, kernel.KILL)
        os.setsid()
        if kind == "namespaces":
            kernel.unshare(kernel.NEW_NAMESPACES)
            os.write(ready, b"u")
        os.read(go, 1)
        if kind == "namespaces":
            first = os.fork()  # the first process of the namespace of processes
            if first:
                for used in (*pipes, *sync):
                    os.close(used)
                os.waitpid(first, 0)
                os._exit(0)
            kernel.prctl(kernel.DEATH_SIGNAL, kernel.KILL)
            kernel.prctl(kernel.DUMPABLE, 0)
            cell.enter()
        elif sys.platform == "linux":
            kernel.prctl(kernel.SUBREAPER, 1)
    except OSError as error:
        os.write(ready, str(error).encode()[:900])
        os._exit(SETUP_FAILED)
    worker = os.fork()
    if worker == 0:
        _work(kind, cell, limits, work, pipes, ready)
    os.close(ready)
    for used in pipes[:3]:
        os.close(used)
    if kind == "namespaces":
        kernel.drop_capabilities()
    _wait(worker, pipes[3])
    if kind != "namespaces":
        end_descendants()
    os._exit(0)


def _wait(worker: int, ends: int) -> None:
    """Wait for the worker, and for whatever falls to the keeper, and tell how the worker ended."""
    while True:
        pid, status = os.wait()
        if pid == worker:
            os.write(ends, ENDED.pack(os.waitstatus_to_exitcode(status)))
            return


def _work(
    kind: Kind, cell: Cell, limits: Limits, work: Callable[[int, int], None], pipes: tuple[int, int, int, int], ready: int
) -> None:
    """The worker: gives up what it does not need, and runs the program."""
    status = 1
    try:
        try:
            _arrange(pipes, ready)
            _give_up(kind, cell, limits)
        except OSError as error:
            os.write(5, str(error).encode()[:900])
            os._exit(SETUP_FAILED)
        os.write(5, b"r")
        os.close(5)
        work(READS, WRITES)
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(status)


def _arrange(pipes: tuple[int, int, int, int], ready: int) -> None:
    """Nothing is open but the channel, the output, and what tells that all is ready, as number 5."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for k, used in enumerate((nothing, pipes[2], pipes[2], pipes[0], pipes[1], ready)):
        os.dup2(used, 200 + k)
    for k in range(6):
        os.dup2(200 + k, k)
    os.closerange(6, 65536)


def _give_up(kind: Kind, cell: Cell, limits: Limits) -> None:
    user = os.getuid()
    scratch = SCRATCH
    if kind == "namespaces":
        become_nobody(user, readable_by_all())
    else:
        scratch = cell.root
        os.chdir(cell.start)
        if user == 0 and all(reachable_by_all(path) for path in (__file__, os.__file__, cell.folder)):
            os.chmod(scratch, 0o777)
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            user = NOBODY
    if kind == "landlock":
        places = [*needed(), "/proc/cpuinfo", "/proc/meminfo", "/dev/urandom"]
        landlock.restrict(places, [scratch, cell.folder, "/dev/null"])
    if sys.platform == "linux":
        kernel.prctl(kernel.DEATH_SIGNAL, kernel.KILL)
    os.environ.update({"HOME": scratch, "TMPDIR": scratch, "USERPROFILE": scratch, "MPLCONFIGDIR": scratch})
    os.umask(0o022)
    apply_limits(limits, processes=kind == "namespaces" or user == NOBODY)


def reachable_by_all(path: str) -> bool:
    """Whether a user without rights can read a file or enter a folder, and come to it."""
    place = Path(path).absolute()
    return bool(os.stat(place).st_mode & 0o004) and all(os.stat(parent).st_mode & 0o001 for parent in place.parents)


def end(keeper: int) -> None:
    """End the keeper, and with it all that it keeps; on return nothing of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(keeper, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(keeper, 0)
    end_descendants()  # with namespaces, the kernel is at it already
