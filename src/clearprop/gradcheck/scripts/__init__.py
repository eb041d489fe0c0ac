"""Checking the gradients in somebody's script, which runs in a process of its own with little time and memory."""

from clearprop.gradcheck.scripts.grading import grade_rows, grade_table
from clearprop.gradcheck.scripts.outcome import FileOutcome, Finding
from clearprop.gradcheck.scripts.supervisor import Limits, check_file

__all__ = ["FileOutcome", "Finding", "Limits", "check_file", "grade_rows", "grade_table"]
