"""Programs as people write them are material for the tests, not tests: nothing is collected from their folders."""

import sys

import pytest

from clearprop.gradcheck.tracing.traced import TRACE

collect_ignore = ["programs", "wrong_programs"]


@pytest.fixture(autouse=True)
def nothing_is_left_of_a_program():
    """Some tests run a program in this process, where it becomes `__main__`, which the processes of later tests would load."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own
    TRACE.invented = False
