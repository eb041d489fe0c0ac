"""Grading a folder of submissions: one row for each, whatever it is."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearprop.errors import DataError, printable
from clearprop.gradcheck.tracing.file_outcome import FileOutcome
from clearprop.gradcheck.tracing.limits import Limits
from clearprop.gradcheck.tracing.rubric import Rubric
from clearprop.gradcheck.tracing.supervisor import Checker

ENDINGS = (".py", ".ipynb")
SAID = {
    "right": "This gradient is right.",
    "wrong": "This gradient is wrong.",
    "inconclusive": "This gradient could not be checked.",
    "missing": "No such gradient was found.",
}


@dataclass
class Grading:
    """The submissions in a folder, and what is known of them so far.

    Parameters
    ----------
    root : Path
    files : list of Path
        In the order of their names.
    outcomes : dict of Path to FileOutcome
        Those that are known so far.
    lacking : str
        Shortcomings of this system in keeping the submissions apart, in a sentence; "" if there are none.

    Examples
    --------
    >>> grading = Grading.of("submissions")  # doctest: +SKIP
    >>> for outcome in grading.run(): print(outcome.path, outcome.verdict)  # doctest: +SKIP
    """

    root: Path
    files: list[Path]
    outcomes: dict[Path, FileOutcome]
    lacking: str = ""

    @classmethod
    def of(cls, folder: str | Path) -> Grading:
        """The Python files and notebooks of a folder and of the folders in it, but those whose names begin with "_" or ".".

        Raises
        ------
        DataError
            If there is no such folder, or none in it.
        """
        root = Path(folder)
        if not root.is_dir():
            raise DataError(f"There is no folder {str(folder)!r}, so there are no Python files to grade in it.")
        found = (path for path in root.rglob("*") if path.suffix.lower() in ENDINGS)
        files = sorted(path for path in found if not any(part.startswith(("_", ".")) for part in path.relative_to(root).parts))
        if not files:
            raise DataError(f"There are no Python files in {str(folder)!r} to grade; give a folder of submissions.")
        return cls(root, files, {})

    def run(self, names: Sequence[str] = (), limits: Limits | None = None, seed: int = 0) -> Generator[FileOutcome, None, None]:
        """Check all submissions, several at a time, each alone; yields each outcome as it comes."""
        limits = limits or Limits()
        checker = Checker(alone=True)
        workers = ThreadPoolExecutor(min(len(self.files), processors() + 1))
        try:
            with checker:
                jobs = {workers.submit(self._one, checker, path, names, limits, seed): path for path in self.files}
                for job in as_completed(jobs):
                    path = jobs[job]
                    self.outcomes[path] = job.result()
                    yield self.outcomes[path]
        finally:
            self.lacking = checker.lacking
            workers.shutdown(wait=False, cancel_futures=True)

    def _one(self, checker: Checker, path: Path, names: Sequence[str], limits: Limits, seed: int) -> FileOutcome:
        """The outcome for one submission; whatever is wrong with it is its own row."""
        if path.is_symlink():
            return FileOutcome(str(path), problem="It is a link, and links are not followed: hand in the file itself.")
        if path.is_dir():
            return FileOutcome(str(path), problem="It is a folder with the name of a program.")
        own = self.root / path.relative_to(self.root).parts[0]
        try:
            return checker.check(path, names, limits, seed, alone=own)
        except Exception as error:
            return FileOutcome(str(path), problem=f"It could not be checked: {type(error).__name__}: {str(error)[:200]}")

    @property
    def rows(self) -> list[FileOutcome]:
        """The outcomes that are known, in the order of the names."""
        return [self.outcomes[path] for path in self.files if path in self.outcomes]


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if "sched_getaffinity" in vars(os) else os.cpu_count() or 1


def grade_rows(folder: str | Path, names: Sequence[str] = (), limits: Limits | None = None, seed: int = 0) -> list[FileOutcome]:
    """Check every program of a folder and of the folders in it, in the order of their names, several at a time, each alone.

    Raises
    ------
    DataError
        If there is no such folder, or no Python file in it.
    """
    grading = Grading.of(folder)
    for _ in grading.run(names, limits, seed):
        pass
    return grading.rows


def grade_table(outcomes: Sequence[FileOutcome], root: Path | None = None, rubric: Rubric | None = None) -> str:
    """One line for each file: its verdict, the number of right functions, its points if there is a rubric, and hints."""
    rows = [("file", "verdict", "right", *(["points"] if rubric else []), "look at")]
    for outcome in outcomes:
        right = sum(function.verdict == "right" for function in outcome.functions)
        points = [f"{rubric.score(outcome):g} of {rubric.points:g}"] if rubric else []
        cells = (shown_path(outcome.path, root), outcome.verdict, f"{right} of {len(outcome.functions)}", *points)
        rows.append((*cells, advice(outcome)))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    )


def shown_path(path: str, root: Path | None) -> str:
    """The path within the folder of submissions, in one line."""
    place = Path(path)
    inner = str(place.relative_to(root)) if root is not None and place.is_relative_to(root) else place.name
    return printable(inner).replace("\n", "\\n").replace("\t", "\\t")


def advice(outcome: FileOutcome) -> str:
    """Where to look, in one line."""
    graded = outcome.graded()["functions"]
    hints = [f"{f['function']}: {' '.join(f['hints'])}" for f in graded if f["verdict"] == "wrong"]
    unclear = [f"{f['function']}: {f['verdict']}" for f in graded if f["verdict"] not in ("right", "wrong")]
    said = "; ".join([*hints, *unclear, *filter(None, [outcome.problem.splitlines()[0] if outcome.problem else ""])])
    return " ".join(printable(said).split())


def grade_json(outcome: FileOutcome, rubric: Rubric | None = None) -> dict[str, Any]:
    """Verdicts, lines and hints, and what they are worth, without the corrections; for otter, nbgrader and own programs.

    Without a rubric every tensor counts the same, and all together 100 points.
    """
    rubric = rubric or Rubric()
    items = rubric.items(outcome)
    return {
        **outcome.graded(),
        "score": rubric.score(outcome),
        "max_score": rubric.points,
        "tensors": [
            {"name": item.name, "verdict": item.verdict, "score": round(item.score, 4), "max_score": round(item.most, 4)}
            for item in items
        ],
    }


def gradescope_json(outcome: FileOutcome, rubric: Rubric | None = None) -> dict[str, Any]:
    """The same as Gradescope's `results.json`: a score, and a test for each tensor."""
    graded = grade_json(outcome, rubric)
    hints = [hint for function in graded["functions"] for hint in function["hints"]]
    said = [outcome.verdict, *([outcome.problem] if outcome.problem else []), *hints]
    tests = [
        {
            "name": tensor["name"],
            "score": tensor["score"],
            "max_score": tensor["max_score"],
            "status": "passed" if tensor["verdict"] == "right" else "failed",
            "output": SAID.get(tensor["verdict"], tensor["verdict"]),
            "visibility": "visible",
        }
        for tensor in graded["tensors"]
    ]
    return {"score": graded["score"], "output": printable("\n".join(said)), "stdout_visibility": "hidden", "tests": tests}
