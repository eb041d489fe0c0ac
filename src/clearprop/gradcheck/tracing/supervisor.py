"""The supervisor: has programs checked, each in processes of its own, and takes what comes back; no outcome is ever missing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from clearprop.errors import ClearpropError, DataError
from clearprop.gradcheck.tracing.file_outcome import FileOutcome
from clearprop.gradcheck.tracing.limits import Limits, missing_limits
from clearprop.gradcheck.tracing.moved_lines import Changes
from clearprop.gradcheck.tracing.person_program import source_of
from clearprop.gradcheck.tracing.request import KINDS, Kind, Request, forks, lacking
from clearprop.gradcheck.tracing.shape_repair import repaired
from clearprop.gradcheck.tracing.suppositions import confirmed

PATIENCE: Final = 10.0  # seconds that an answer may be late
KEPT: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR")
"""Variables of the environment that a program gets to see; not the home, nor any secret."""
THREADS: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def check_file(path: str | Path, names: Sequence[str] = (), limits: Limits | None = None, seed: int = 0) -> FileOutcome:
    """Run a script in a process of its own, and check the derivatives that it defines.

    Parameters
    ----------
    path : path
        A Python file; code under `if __name__ == "__main__":` is not run.
    names : sequence of str
        Functions and classes to check; by default all that follow a known convention.
    limits : Limits, optional
    seed : int

    Returns
    -------
    FileOutcome

    Raises
    ------
    DataError
        If there is no such file.
    """
    with Checker(alone=False) as checker:
        return checker.check_file(Path(path), names, limits or Limits(), seed)


class Checker:
    """Has programs checked, several at a time if several threads ask; to be used in a `with` statement.

    Parameters
    ----------
    alone : bool
        Whether each program is copied, so that it sees nothing beside it; else it sees its own folder.
    kind : {"namespaces", "bubblewrap", "landlock", "none"}
        The strongest confinement that is tried.

    Attributes
    ----------
    lacking : str
        Shortcomings of this system in confining the programs so far, in a sentence; "" if there are none.
    """

    def __init__(self, alone: bool, kind: Kind = "namespaces") -> None:
        self.alone, self.wanted = alone, kind
        self.weakest: Kind = "namespaces"
        self.lock = threading.Lock()
        self.line: socket.socket | None = None
        self.nursery: subprocess.Popen[bytes] | None = None
        self.closed = False

    def __enter__(self) -> Checker:
        if forks():
            self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closed = True
        self._stop()

    @property
    def lacking(self) -> str:
        return lacking(self.weakest, missing_limits())

    def _start(self) -> None:
        """Start the nursery."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "clearprop.gradcheck.tracing.nursery", str(theirs.fileno())]
        with theirs:
            self.nursery = subprocess.Popen(
                command, env=environment(self.alone), stdin=subprocess.DEVNULL, stdout=2, pass_fds=[theirs.fileno()],
                start_new_session=True,
            )  # fmt: skip

    def _stop(self) -> None:
        if self.line is not None:
            self.line.close()
        if self.nursery is not None:
            self.nursery.kill()  # and with it, through the kernel, all that it started
            self.nursery.wait()

    def check_file(self, path: Path, names: Sequence[str], limits: Limits, seed: int) -> FileOutcome:
        """The outcome for one program that must be there.

        Raises
        ------
        DataError
            If there is no such file.
        """
        if not path.is_file():
            raise DataError(f"There is no file {str(path)!r} to check; give the path of a Python script.")
        return self.check(path, names, limits, seed)

    def check(self, path: Path, names: Sequence[str], limits: Limits, seed: int, alone: Path | None = None) -> FileOutcome:
        """The outcome for one program.

        Parameters
        ----------
        path : Path
        names : sequence of str
        limits : Limits
        seed : int
        alone : Path, optional
            Its own file, or the folder of its author: that is copied.
        """
        found = self._once(path, names, limits, seed, alone)
        with contextlib.suppress(OSError, SyntaxError):
            again = partial(self._once, path, names, limits, seed, alone)
            if found.status != "right":
                mended = repaired if found.mismatches else confirmed
                return mended(found, source_of(path), again)
        return found

    def _once(
        self, path: Path, names: Sequence[str], limits: Limits, seed: int, alone: Path | None, changes: Changes = ()
    ) -> FileOutcome:
        """The outcome for one program, or for it with other text in some lines."""
        with tempfile.TemporaryDirectory(prefix="clearprop-", ignore_cleanup_errors=True) as place:
            copied = str((alone or path).absolute()) if self.alone else ""
            request = Request(str(path.absolute()), place, list(names), seed, limits, copied, self.wanted, list(changes))
            found = self._answer(request)
        try:
            if found["kind"]:
                self.weakest = max(self.weakest, found["kind"], key=KINDS.index)
            return replace(FileOutcome.from_json(found["outcome"]), path=str(path))
        except (TypeError, KeyError, AttributeError, ValueError):
            return FileOutcome(str(path), problem="Its check was ended from outside, before there was an outcome.")

    def _answer(self, request: Request) -> Any:
        """The answer of the attendant; None if there is none."""
        if not forks():
            return self._answer_of_process(request)
        reads, writes = os.pipe()
        try:
            self._send(json.dumps(request.to_json()).encode(), writes)
            return parsed(_read(reads, time.monotonic() + request.limits.seconds + PATIENCE))
        finally:
            os.close(reads)

    def _send(self, message: bytes, writes: int) -> None:
        """Send a request to the nursery; one that was killed is started anew."""
        with self.lock:
            try:
                for again in (False, True):
                    try:
                        assert self.line is not None
                        socket.send_fds(self.line, [message], [writes])
                        return
                    except OSError:
                        if again or self.closed:
                            raise ClearpropError("The process that checks programs ended twice.") from None
                        self._stop()
                        self._start()
            finally:
                os.close(writes)

    def _answer_of_process(self, request: Request) -> Any:
        """The answer of an attendant that starts Python anew."""
        command = [sys.executable, "-P", "-m", "clearprop.gradcheck.tracing.attendant", json.dumps(request.to_json())]
        with contextlib.suppress(subprocess.TimeoutExpired):
            nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
            ran = subprocess.run(
                command,
                env=environment(self.alone),
                stdin=nothing,
                stdout=pipe,
                stderr=nothing,
                timeout=request.limits.seconds + PATIENCE,
                check=False,
            )
            return parsed(ran.stdout)
        return None


def parsed(data: bytes) -> Any:
    """JSON, or None if it is none."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def _read(descriptor: int, end: float) -> bytes:
    """All that comes until the other side closes, or the time is up."""
    found = bytearray()
    while select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
        chunk = os.read(descriptor, 2**16)
        if not chunk:
            break
        found += chunk
    return bytes(found)


def environment(alone: bool) -> dict[str, str]:
    """The environment of a check: clearprop importable, one thread, no windows, and nothing that a program should not see."""
    package = [str(Path(__file__).parents[3])]
    own = [] if alone else [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    kept = {name: value for name, value in os.environ.items() if name.upper() in KEPT}
    path = os.pathsep.join(package + own)
    return {**kept, **THREADS, "MPLBACKEND": "Agg", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
