"""The worker: runs inside the process that the supervisor started; runs and checks one program, and answers in plain JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clearprop.gradcheck.tracing.examine import examine
from clearprop.gradcheck.tracing.file_outcome import FileOutcome


class AnswerFile:
    """The answer of the worker, written anew after every stage, so that a sudden end loses little.

    Parameters
    ----------
    path : path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = {"stage": "it was started", "problem": "", "functions": [], "notes": [], "marks": []}

    def write(self, stage: str, outcome: FileOutcome | None = None) -> None:
        """Record the stage of the work, and what is known so far."""
        self.content["stage"] = stage
        if outcome is not None:
            self.content |= {key: value for key, value in asdict(outcome).items() if key in self.content}
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.content))
        os.replace(temporary, self.path)


def main(arguments: list[str]) -> None:
    """Check the program `arguments[0]`, and write the answer to the file `arguments[1]`."""
    path, answer, options = Path(arguments[0]), AnswerFile(Path(arguments[1])), json.loads(arguments[2])
    limit(options["seconds"], options["memory"])
    answer.write("it was loaded")
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    outcome = examine(path, options["names"], options["seed"], answer.write)
    answer.write("done", outcome)


def limit(seconds: float, memory: int) -> None:
    """Limit the memory, the processor time, and the size of files that this process may write."""
    size = memory * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 5, int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 2**20, 256 * 2**20))


if __name__ == "__main__":
    main(sys.argv[1:])
