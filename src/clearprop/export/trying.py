"""Trying: raw rows through the files of an export, in a process of their own, and what they answered."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.data.kept_rows import as_csv
from clearprop.errors import UnsupportedError

SECONDS = 120  # that a program may take


def read_answers(text: str) -> Array:
    r"""The numbers of a table with a header, without the column of predicted classes.

    Examples
    --------
    >>> read_answers("predicted,p_a,p_b\na,0.75,0.25\n")
    array([[0.75, 0.25]])
    """
    try:
        header, *table = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:  # a class whose name holds a carriage return
        raise UnsupportedError(f"The answers of the export cannot be read ({error}); rename the classes.") from None
    first = 1 if len(header) > 1 and header[0] == "predicted" else 0
    return np.array([row[first:] for row in table], np.float64).reshape(len(table), len(header) - first)


def run_program(command: Sequence[str | Path], text: str = "", folder: Path | None = None) -> str:
    """Output of a program that is given a text.

    Raises
    ------
    UnsupportedError
        If it fails: then the export is wrong, or what it needs is not there.
    """
    try:
        result = subprocess.run(
            [str(word) for word in command], input=text.encode(), capture_output=True, timeout=SECONDS, cwd=folder, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnsupportedError(f"{command[0]} took more than {SECONDS} s for the examples.") from None
    if result.returncode:
        raise UnsupportedError(
            f"{Path(command[0]).name} refuses the export: {complaint(result.stderr.decode(errors='replace'))}"
        )
    return result.stdout.decode()


def complaint(stderr: str) -> str:
    r"""The line of a traceback, or of a compiler's messages, that says what is wrong.

    Examples
    --------
    >>> complaint("Traceback ...\n  File ...\nValueError: no number\n"), complaint("a.c:3:1: error: no semicolon\n  ^\n")
    ('ValueError: no number', 'a.c:3:1: error: no semicolon')
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["it says nothing"]
    return ([line for line in lines if re.search(r"^\w*Error\b|\berror: ", line)] or lines)[-1][:400]


def run_python(path: Path, rows: dict[str, list[str]]) -> Array:
    """Answers of a file of Python that reads a table from standard input."""
    return read_answers(run_program([sys.executable, "-X", "utf8", "-I", path], as_csv(rows)))
