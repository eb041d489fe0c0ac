"""The worker: the process in which a program runs; it sends what it recorded to the process that judges, and no verdict."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clearprop.gradcheck.tracing.channel import Channel
from clearprop.gradcheck.tracing.examine import examined
from clearprop.gradcheck.tracing.limits import Limits, apply_limits
from clearprop.gradcheck.tracing.moved_lines import with_changes
from clearprop.gradcheck.tracing.person_program import source_of
from clearprop.gradcheck.tracing.remote_judge import RemoteJudge


@dataclass(frozen=True)
class WorkerTask:
    """A program to run.

    Attributes
    ----------
    path : str
        Where the program's process sees it.
    names : list of str
        Functions and classes to check; all that are recognised if there are none.
    seed : int
    mark : str
        The mark of each message, in hexadecimal digits.
    changes : list of (int, str)
        Lines of the program that are to be read otherwise, with their text.
    """

    path: str
    names: list[str] = field(default_factory=list)
    seed: int = 0
    mark: str = ""
    changes: list[tuple[int, str]] = field(default_factory=list)


def work(task: WorkerTask, text: str, reads: int, writes: int) -> None:
    """Run a program, whose source text is given, and send what it recorded."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a sudden end keeps what was printed
    bench = RemoteJudge(Channel(reads, writes, bytes.fromhex(task.mark)))
    path = Path(task.path)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    bench.stage("it was loaded")
    found = examined(path, text, task.names, task.seed, bench, bench.stage)
    bench.done(found.units, found.problem, found.notes, found.mismatches)


def main(arguments: list[str]) -> None:
    """Run the program of the task `arguments[0]`, with the channel on standard input and output; for systems without fork."""
    given: dict[str, Any] = json.loads(arguments[0])
    task, limits = WorkerTask(**given["task"]), Limits(**given["limits"])
    reads, writes = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for used in (reads, writes):
            msvcrt.setmode(used, os.O_BINARY)
    text = with_changes(source_of(Path(task.path)), task.changes)
    apply_limits(limits, processes=False)
    work(task, text, reads, writes)


if __name__ == "__main__":
    main(sys.argv[1:])
