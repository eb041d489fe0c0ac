"""The attendant of one program: makes its folder, starts its process, lets the judge hear it, and sums up how it ended.

It runs in a process of its own, in which nothing of the program ever runs, and writes the outcome as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from clearprop.errors import ClearpropError, DataError, printable
from clearprop.gradcheck.tracing import landlock
from clearprop.gradcheck.tracing.bubblewrap import bubblewrap_command
from clearprop.gradcheck.tracing.cell import Cell
from clearprop.gradcheck.tracing.channel import Channel
from clearprop.gradcheck.tracing.confinement import ENDED, Confined, confine, end
from clearprop.gradcheck.tracing.descendants import descendants, end_descendants, memory_of
from clearprop.gradcheck.tracing.evidence import Codes
from clearprop.gradcheck.tracing.file_outcome import FileOutcome
from clearprop.gradcheck.tracing.hearing import Hearing
from clearprop.gradcheck.tracing.judge import Judge
from clearprop.gradcheck.tracing.limits import PROCESSES, limit_judge
from clearprop.gradcheck.tracing.moved_lines import with_changes
from clearprop.gradcheck.tracing.older_python import as_python_3
from clearprop.gradcheck.tracing.person_program import source_of
from clearprop.gradcheck.tracing.request import Kind, Request, forks
from clearprop.gradcheck.tracing.worker import WorkerTask, work

KEPT: Final = 2000  # characters of what a program prints that are kept
GRACE: Final = 2.0  # seconds after the end of the time in which a judgement may still end
LARGEST_FOLDER: Final = 100 * 2**20  # bytes of a submission


Answer = Callable[[dict[str, Any]], None]
"""Takes the outcome as JSON-able values; only the first counts."""


def attend(request: Request, answer: Answer) -> None:
    """Check one program, and answer with the outcome."""
    try:
        text = with_changes(source_of(Path(request.path)), request.changes)
        answer(Attendant(request, text, answer).run())
        return
    except SyntaxError as error:
        problem = f"It cannot be read: {error}"
    except MemoryError:
        problem = "There is not enough memory to check it; raise --memory."
    except ClearpropError as error:
        problem = str(error)
    except OSError as error:
        problem = f"It cannot be read: {error.strerror or error}."
    answer({"kind": "", "outcome": cleaned(asdict(FileOutcome(request.path, problem=problem)), {})})


class Attendant:
    """Attends one program.

    Parameters
    ----------
    request : Request
    text : str
        Its source, as it was read before anything ran.
    answer : callable
        For an outcome while the judge is still at work.
    """

    def __init__(self, request: Request, text: str, answer: Answer) -> None:
        self.request, self.text, self.answer = request, text, answer
        self.folder = Path(request.path).absolute().parent  # the folder in which the program believes to be
        self.original = self.folder
        self.cell = self._cell()
        self.seen = str(self.folder / Path(request.path).name)  # the path that the program sees
        self.codes = Codes(self._source)
        self.output, self.reason = bytearray(), ""
        self.over, self.ending = threading.Event(), threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.ended = False
        self.kind: Kind = "none"

    def _cell(self) -> Cell:
        """The cell of the program: with its folder, or with a copy."""
        root = os.path.join(self.request.place, "root")
        os.mkdir(root)
        os.chmod(self.request.place, 0o711)
        if not self.request.alone:
            return Cell(root, str(self.folder), str(self.folder), str(self.folder))
        source, copy = Path(self.request.alone).absolute(), Path(self.request.place, "copy")
        whole = source if source.is_dir() else source.parent
        copy_of_submission(source, copy)
        self.folder = copy / self.folder.relative_to(whole)
        return Cell(root, str(copy), str(copy), str(self.folder))

    def run(self) -> dict[str, Any]:
        """Run the program, hear it, and sum up."""
        task = WorkerTask(self.seen, self.request.names, self.request.seed, secrets.token_hex(16), self.request.changes)
        started = time.monotonic()
        child = self._start(task)
        limit_judge(self.request.limits)
        judge = Judge(self._sources, self.request.seed, searching=not self.request.changes)
        channel = Channel(child.reads, child.writes, bytes.fromhex(task.mark), int(self.request.limits.memory) * 2**20)
        hearing = Hearing(channel, judge, self.codes, task.names)
        drain = self._in_background(self._drain, child.output)
        self._in_background(self._watch, child, started, hearing)
        hearing.run()
        code = self._ended(child, hearing, started)
        self.over.set()
        self._end(child)
        drain.join(1.0)
        return self._outcome(hearing, code)

    def _end(self, child: Confined) -> None:
        """End the program's process, once."""
        with self.ending:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
                end_descendants()
            elif not self.ended:
                self.ended = True
                end(child.keeper)

    def _in_background(self, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _start(self, task: WorkerTask) -> Confined:
        """Start the program's process, confined as strongly as the system allows."""
        first, limits = self.request.kind, self.request.limits

        def run(reads: int, writes: int) -> None:
            work(task, self.text, reads, writes)

        if not forks():
            return self._spawn(task, [])
        if first == "namespaces":
            with contextlib.suppress(OSError, KeyError):
                self.kind, made = first, confine(first, self.cell, limits, run)
                return made
        if first in ("namespaces", "bubblewrap"):
            command = bubblewrap_command(self.cell)
            if command is not None:
                self.kind = "bubblewrap"
                return self._spawn(task, command)
        if first != "none" and landlock.version():
            with contextlib.suppress(OSError):
                self.kind, made = "landlock", confine("landlock", self.cell, limits, run)
                return made
        self.kind = "none"
        return confine("none", self.cell, limits, run)

    def _spawn(self, task: WorkerTask, prefix: list[str]) -> Confined:
        """Start Python anew for the program."""
        given = json.dumps({"task": asdict(task), "limits": asdict(self.request.limits)})
        command = [*prefix, sys.executable, "-P", "-m", "clearprop.gradcheck.tracing.worker", given]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=self.folder, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        return Confined(process.pid, process.stdout.fileno(), process.stdin.fileno(), process.stderr.fileno(), -1)

    def _drain(self, output: int) -> None:
        """Read everything that is printed, and keep the beginning: megabytes are neither held up nor stored."""
        with contextlib.suppress(OSError):
            while chunk := os.read(output, 65536):
                self.output += chunk[: max(0, KEPT - len(self.output))]

    def _watch(self, child: Confined, started: float, hearing: Hearing) -> None:
        """End the program when its time is up, or when it takes too much."""
        limits = self.request.limits
        while not self.over.wait(0.05):
            found = descendants(child.keeper)
            if len(found) > PROCESSES:
                self.reason = f"It started more than {PROCESSES} processes"
            elif len(found) > 2 and memory_of(found) > limits.memory * 2**20:
                self.reason = f"It took more than {limits.memory} MB of memory"
            elif time.monotonic() - started > limits.seconds:
                self.reason = self._too_long(hearing.stage)
            if self.reason:
                self._end(child)
                if not self.over.wait(GRACE):  # the judge is still at it
                    self.answer(self._cleaned(FileOutcome(self.request.path, [], self.reason)))
                return

    def _too_long(self, stage: str) -> str:
        seconds = self.request.limits.seconds
        return f"It did not end within {seconds:g} s, while {stage}; raise --seconds, or look for an endless loop."

    def _ended(self, child: Confined, hearing: Hearing, started: float) -> int | None:
        """Exit code of the program's process; None if it was ended from here."""
        if hearing.done or hearing.failed or self.reason:
            return None
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(max(0.1, self.request.limits.seconds - (time.monotonic() - started)))
            return None
        found = os.read(child.ended, ENDED.size)  # ends with the keeper at the latest, and the watch ends that
        return ENDED.unpack(found)[0] if len(found) == ENDED.size else None

    def _outcome(self, hearing: Hearing, code: int | None) -> dict[str, Any]:
        output = bytes(self.output).decode("utf-8", "replace")
        said = output.strip().splitlines()
        problem = self.reason if not hearing.done else ""
        if not problem and not hearing.done and not hearing.failed:
            problem = f"It {how_ended(code)} while {hearing.stage}"
            problem += f"; the last it printed was: {said[-1][:200]}" if said else "."
        return self._cleaned(hearing.outcome(self.request.path, problem, output))

    def _cleaned(self, found: FileOutcome) -> dict[str, Any]:
        """The outcome as JSON-able values, with the paths as the caller knows them, and without control characters."""
        paths = {str(self.folder): str(self.original)} if self.folder != self.original else {}
        return {"kind": self.kind, "outcome": cleaned(asdict(found), paths)}

    def _source(self, path: str) -> str | None:
        """The source of a file of the program, as it is in its own folder."""
        if path == self.seen:
            return self.text
        place = Path(path)
        if not place.is_relative_to(self.folder) or ".." in place.parts:
            return None
        try:
            return as_python_3((self.original / place.relative_to(self.folder)).read_text(errors="replace"))
        except (OSError, ValueError):
            return None

    def _sources(self) -> dict[str, str]:
        found = {self.seen: self.text}
        return found | {path: text for path in self.codes.files if (text := self._source(path)) is not None}


def how_ended(code: int | None) -> str:
    """The end of a process in words."""
    if code is None:
        return "was ended"
    if code >= 0:
        return f"ended the process with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def cleaned(tree: Any, paths: dict[str, str]) -> Any:
    r"""JSON-able values without control characters, and with some paths replaced.

    Examples
    --------
    >>> cleaned({"problem": "\x1b[31mall right"}, {})
    {'problem': '\\x1b[31mall right'}
    """
    if isinstance(tree, str):
        for seen, own in paths.items():
            tree = tree.replace(seen, own)
        return printable(tree)
    if isinstance(tree, dict):
        return {str(key): cleaned(item, paths) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [cleaned(item, paths) for item in tree]
    return tree


def copy_of_submission(source: Path, copy: Path) -> None:
    """Copy a file, or a folder with all that is in it but links, to a folder of its own that everybody may read.

    Raises
    ------
    DataError
        If it is too large.
    """
    copy.mkdir(mode=0o755)
    left = LARGEST_FOLDER
    for path in [source] if not source.is_dir() else sorted(source.rglob("*")):
        target = copy / (path.name if not source.is_dir() else path.relative_to(source))
        if source.is_dir() and (path.is_symlink() or any(p.startswith(".") for p in path.relative_to(source).parts)):
            continue
        if path.is_dir():
            target.mkdir(mode=0o755, parents=True, exist_ok=True)
        elif path.is_file():
            left -= path.stat().st_size
            if left < 0:
                raise DataError(
                    f"The submission {source.name!r} has more than {LARGEST_FOLDER >> 20} MB; remove its data files."
                )
            with contextlib.suppress(PermissionError):
                shutil.copyfile(path, target)
                target.chmod(0o644)


def main(arguments: list[str]) -> None:
    """Check the program of the request `arguments[0]`, and print the outcome; for systems without fork."""
    attend(Request.from_json(json.loads(arguments[0])), answer_on(os.dup(1)))


def answer_on(descriptor: int) -> Answer:
    """A function that writes an outcome to a file descriptor, and ends this process."""
    lock = threading.Lock()

    def answer(found: dict[str, Any]) -> None:
        with lock:
            data = memoryview(json.dumps(found).encode())
            while data:
                data = data[os.write(descriptor, data) :]
            os._exit(0)

    return answer


if __name__ == "__main__":
    main(sys.argv[1:])
