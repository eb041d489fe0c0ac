"""Checking any person's program by watching it run, in a process of its own with limited time and memory."""

from clearprop.gradcheck.tracing.file_outcome import FileOutcome, FunctionOutcome, LineFinding
from clearprop.gradcheck.tracing.grading import grade_rows, grade_table
from clearprop.gradcheck.tracing.limits import Limits
from clearprop.gradcheck.tracing.supervisor import check_file

__all__ = ["FileOutcome", "FunctionOutcome", "Limits", "LineFinding", "check_file", "grade_rows", "grade_table"]
