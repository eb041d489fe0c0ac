"""Verdicts: they say what is, and notice what is not."""

import math

import pytest

from clearprop.recipes.published import computed, differs, identical, identical_tables, measured, reached, shown, within


def test_identical_notices_one_digit():
    assert identical("a", "0.1234", "0.1234").holds
    assert not identical("a", "0.1234", "0.1235").holds
    assert identical("a", "nan", "nan").holds


def test_tables_name_the_first_difference():
    found = identical_tables("t", [["0", "1"], ["2", "nan"]], [["0", "1"], ["2", "3"]], ["a", "b"])
    assert not found.holds
    assert found.verdict == "NOT identical: row 2, b is 3, published nan"
    assert not identical_tables("t", [["0"]], [], ["a"]).holds


@pytest.mark.parametrize(("published", "holds"), [(0.5, True), (0.05, False), (0.99, False)])
def test_intervals(published, holds):
    values = [0.1 + 0.02 * i for i in range(40)]
    found = within("x", published, values, "{:.2f}")
    assert found.holds is holds
    assert ("OUTSIDE" in found.verdict) is not holds
    assert within("x", published, values, "{:.2f}", judged=False).holds is None


def test_a_figure_on_the_edge_of_its_interval_is_said_to_be():
    values = [0.1 + 0.02 * i for i in range(40)]  # 5th percentile 0.139, 95th 0.841
    assert within("x", 0.14, values, "{:.2f}").verdict.startswith("on the edge of")
    assert within("x", 0.15, values, "{:.2f}").verdict.startswith("within")
    assert within("x", 0.13, values, "{:.2f}").verdict.startswith("OUTSIDE")


def test_nothing_is_claimed_of_a_figure_that_is_not_printed():
    found = computed("f", "1.2", "its function")
    assert (found.published, found.holds, found.claim) == ("", None, "computed")


def test_runs_that_diverged_are_left_out():
    assert "over 2 seeds" in within("x", 0.5, [0.4, math.nan, 0.6]).verdict
    assert within("x", 0.5, [math.nan]).holds is False


def test_the_others():
    assert reached("x", 0.91, 0.92).holds
    assert not reached("x", 0.91, 0.90).holds
    assert reached("x", 0.91, 0.90, judged=False).holds is None
    assert not shown("x", "a", "b", False, "so").holds
    assert measured("x", "1 s", "2 s").holds is None
    assert differs("x", "1", "2", "of this").verdict == "differs, because of this"
