"""Checking any person's program by watching it run, in a process of its own with limited time and memory."""

from clearprop.gradcheck.tracing.file_outcome import FileOutcome, FunctionOutcome, LineFinding
from clearprop.gradcheck.tracing.grading import Grading, grade_json, grade_rows, grade_table, gradescope_json
from clearprop.gradcheck.tracing.limits import Limits
from clearprop.gradcheck.tracing.rubric import Rubric, read_rubric
from clearprop.gradcheck.tracing.supervisor import Checker, check_file

__all__ = [
    "Checker",
    "FileOutcome",
    "FunctionOutcome",
    "Grading",
    "Limits",
    "LineFinding",
    "Rubric",
    "check_file",
    "grade_json",
    "grade_rows",
    "grade_table",
    "gradescope_json",
    "read_rubric",
]
