"""Checking the gradients in a script, which runs in a process of its own with limited time and memory."""

from clearprop.gradcheck.scripts.file_outcome import FileOutcome, FunctionOutcome
from clearprop.gradcheck.scripts.grading import grade_rows, grade_table
from clearprop.gradcheck.scripts.supervisor import Limits, check_file

__all__ = ["FileOutcome", "FunctionOutcome", "Limits", "check_file", "grade_rows", "grade_table"]
