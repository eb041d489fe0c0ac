"""The supervisor: runs the worker on a script, within limits, and sums up whatever goes wrong in one line.

The worker answers with JSON in a file; nothing that it writes is ever executed or unpickled here. It runs the script in its own
process, so a script that sets out to deceive the check can; the limits are against accidents, not against attackers.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from clearprop.errors import DataError
from clearprop.gradcheck.tracing.file_outcome import FileOutcome, FunctionOutcome

KEPT = 2000  # characters of what a script prints that are kept
LARGEST = 20_000_000  # bytes of an answer that are read


@dataclass(frozen=True)
class Limits:
    """Limits on the resources of a script.

    Attributes
    ----------
    seconds : float
        Time from its start to the end of all checks.
    memory : int
        Address space in megabytes.
    """

    seconds: float = 60.0
    memory: int = 4096


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
    limits = limits or Limits()
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {str(path)!r} to check; give the path of a Python script.")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        options = {"names": list(names), "seed": seed, **asdict(limits)}
        command = [sys.executable, "-P", "-m", "clearprop.gradcheck.tracing.worker"]
        command += [str(path.resolve()), str(answer), json.dumps(options)]
        code, output = _run(command, path.resolve().parent, limits.seconds)
        return _outcome(str(path), _read(answer), code, output, limits)


def _run(command: list[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """The exit code (None: out of time) and the beginning of what was printed; no process is left behind."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    kept = bytearray()
    reader = threading.Thread(target=_drain, args=(process.stdout, kept), daemon=True)
    reader.start()
    code: int | None
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its children, too
        process.wait()
    reader.join(1.0)
    return code, bytes(kept).decode("utf-8", "replace")


def _drain(stream: IO[bytes], kept: bytearray) -> None:
    """Read everything, and keep the beginning: a script that prints megabytes is neither stopped nor stored."""
    with stream:
        while chunk := stream.read1(65536):  # type: ignore[attr-defined]
            kept.extend(chunk[: max(0, KEPT - len(kept))])


def _environment() -> dict[str, str]:
    """The environment, with clearprop importable, one thread, and no windows."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    package = str(Path(__file__).parents[3])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **one, "MPLBACKEND": "Agg", "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def _read(answer: Path) -> dict[str, Any]:
    """The worker's answer; empty if it is missing or malformed."""
    try:
        if answer.stat().st_size > LARGEST:
            return {}
        found = json.loads(answer.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(path: str, answer: dict[str, Any], code: int | None, output: str, limits: Limits) -> FileOutcome:
    """The answer as an outcome, with one line about a premature end."""
    stage = str(answer.get("stage", "before it could be run"))
    problem = str(answer.get("problem", ""))
    try:
        functions = [FunctionOutcome.from_json(found) for found in answer.get("functions", [])]
    except (TypeError, AttributeError):
        functions, problem = [], "The script overwrote the answer of the check."
    notes, marks = [str(note) for note in answer.get("notes", [])], list(answer.get("marks", []))
    last = output.strip().splitlines()[-1][:200] if output.strip() else ""
    if code is None:
        problem = f"It did not end within {limits.seconds:g} s, while {stage}; raise --seconds, or look for an endless loop."
    elif stage != "done":
        how = f"was killed by {_signal(-code)}" if code < 0 else f"ended the process with status {code}"
        problem = f"It {how} while {stage}" + (f"; the last it printed was: {last}" if last else ".")
    return FileOutcome(path, functions, problem, output, notes, marks)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
