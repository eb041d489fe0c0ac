"""Grading a folder of submissions: one row for each file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clearprop.errors import DataError
from clearprop.gradcheck.tracing.file_outcome import FileOutcome
from clearprop.gradcheck.tracing.limits import Limits
from clearprop.gradcheck.tracing.supervisor import check_file


def grade_rows(folder: str | Path, names: Sequence[str] = (), limits: Limits | None = None, seed: int = 0) -> list[FileOutcome]:
    """Check every program of a folder and of the folders in it, in the order of their names, several at a time.

    Programs are Python files and notebooks; those whose names begin with "_" or "." are left out.

    Raises
    ------
    DataError
        If there is no such folder, or no Python file in it.
    """
    root = Path(folder)
    found = (path for ending in ("*.py", "*.ipynb") for path in root.rglob(ending))
    files = sorted(path for path in found if not any(part.startswith(("_", ".")) for part in path.relative_to(root).parts))
    if not files:
        raise DataError(f"There are no Python files in {str(folder)!r} to grade; give a folder of submissions.")
    with ThreadPoolExecutor(max(1, min(len(files), os.cpu_count() or 1))) as workers:
        return list(workers.map(lambda path: check_file(path, names, limits, seed), files))


def grade_table(outcomes: Sequence[FileOutcome]) -> str:
    """One line for each file: its verdict, the number of right functions, and hints."""
    rows = [("file", "verdict", "right", "look at")]
    for outcome in outcomes:
        right = sum(function.verdict == "right" for function in outcome.functions)
        graded = outcome.graded()["functions"]
        hints = [f"{f['function']}: {' '.join(f['hints'])}" for f in graded if f["verdict"] == "wrong"]
        unclear = [f"{f['function']}: {f['verdict']}" for f in graded if f["verdict"] not in ("right", "wrong")]
        said = "; ".join([*hints, *unclear, *filter(None, [outcome.problem.splitlines()[0] if outcome.problem else ""])])
        rows.append((Path(outcome.path).name, outcome.verdict, f"{right} of {len(outcome.functions)}", said))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows
    )
