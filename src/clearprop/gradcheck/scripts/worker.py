"""The worker: runs inside the process that the supervisor started; loads the script and checks what it defines."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.scripts.discovery import ADAPTER, find_cases
from clearprop.gradcheck.scripts.file_outcome import UNCLEAR, FunctionOutcome

MODULE = "script_under_check"


class AnswerFile:
    """The answer of the worker, written anew after every stage, so that a sudden end loses little.

    Parameters
    ----------
    path : path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = {"stage": "it was started", "problem": "", "functions": []}

    def write(self, stage: str, problem: str = "") -> None:
        """Record the stage of the work."""
        self.content["stage"] = stage
        self.content["problem"] = self.content["problem"] or problem
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.content))
        os.replace(temporary, self.path)

    def add(self, outcome: FunctionOutcome) -> None:
        """Add the outcome of one more function."""
        self.content["functions"].append(asdict(outcome))


def main(arguments: list[str]) -> None:
    """Check the script `arguments[0]`, and write the answer to the file `arguments[1]`."""
    path, answer, options = Path(arguments[0]), AnswerFile(Path(arguments[1])), json.loads(arguments[2])
    limit(options["seconds"], options["memory"])
    answer.write("it was loaded")
    module, problem = load(path, options["seed"])
    answer.write("its functions were looked for", problem)
    cases, unclear = find_cases(vars(module), MODULE, options["names"], options["seed"])
    for name, reason in unclear:
        answer.add(FunctionOutcome(name, "unknown convention", UNCLEAR, f"{reason} Write an adapter of five lines:\n{ADAPTER}"))
    for name, kind, work in cases:
        answer.write(f"{name} was checked")
        answer.add(guarded(name, kind, work))
    if not cases and not unclear:
        problem = (
            problem
            or "No function or class that follows a known convention was found. Write an adapter of five lines:\n" + ADAPTER
        )
    answer.write("done", problem)


def limit(seconds: float, memory: int) -> None:
    """Limit the memory, the processor time, and the size of files that this process may write."""
    size = memory * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 5, int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 2**20, 256 * 2**20))


def load(path: Path, seed: int) -> tuple[ModuleType, str]:
    """The script as a module, as far as it ran, and the reason why it ran no further."""
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        return ModuleType(MODULE), f"{path.name} is not a Python file; its name must end in .py."
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  scripts draw from the global generator
    try:
        spec.loader.exec_module(module)
    except SystemExit as stop:
        return module, f"It calls sys.exit({stop.code!r}) when it is run; only what stands before that was checked."
    except MemoryError:
        return module, "It ran out of memory when it was run; raise --memory, or make its arrays smaller."
    except BaseException as error:
        return module, f"It fails when it is run: {one_line(error)}"
    return module, ""


def guarded(name: str, kind: str, work: Callable[[], FunctionOutcome]) -> FunctionOutcome:
    """The outcome of `work`, or of its failure."""
    try:
        return work()
    except SystemExit as stop:
        return FunctionOutcome(name, kind, UNCLEAR, f"It calls sys.exit({stop.code!r}) when it is called.")
    except MemoryError:
        return FunctionOutcome(name, kind, UNCLEAR, "It ran out of memory; raise --memory, or make its arrays smaller.")
    except BaseException as error:
        return FunctionOutcome(name, kind, UNCLEAR, f"It fails when it is called: {one_line(error)}")


def one_line(error: BaseException) -> str:
    """The kind of an exception and the first line of its message."""
    lines = str(error).strip().splitlines()
    where, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == MODULE:
            where = f" (line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {lines[0][:300] if lines else ''}{where}"


if __name__ == "__main__":
    main(sys.argv[1:])
