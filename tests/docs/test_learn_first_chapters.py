"""Chapters 1 to 5 of the course: what they name exists, their questions are answered, and the build verifies every solution."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = ["descent", "neuron", "layers", "losses", "checking"]
QUESTIONS = {3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17}


def text_of(chapter: str) -> str:
    return (ROOT / "docs" / "learn" / f"{chapter}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_code_that_a_chapter_points_to_is_there(chapter: str) -> None:
    last = text_of(chapter).partition("## Where to read in the code")[2]
    (below,) = re.findall(r"All paths are below `(src/[\w/]+)`", last)
    named = re.findall(r"`(\w+/[\w/]*(?:\.py)?)`", last.partition("\n- ")[2])
    assert len(named) >= 3
    assert [name for name in named if not (ROOT / below / name).exists()] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_three_exercises_with_verified_solutions(chapter: str) -> None:
    exercises = text_of(chapter).partition("## Exercises")[2].partition("## Where to read")[0]
    assert re.findall(r"^\*\*(\d)\.\*\*", exercises, re.MULTILINE) == ["1", "2", "3"]
    solutions = re.findall(r"^:::\{dropdown\} Solution\n(.*?)^:::$", exercises, re.MULTILINE | re.DOTALL)
    assert len(solutions) == 3
    for solution in solutions:
        (file,) = re.findall(r"^```\{file\} (\S+)$", solution, re.MULTILINE)
        commands = re.findall(r"^```\{command\} (.+)$", solution, re.MULTILINE)
        assert f"clearprop check {file}" in commands or (f"python {file}" in commands and "\nassert " in solution)
        assert ":status:" not in solution
        assert "code-cell" not in solution  # which is not run inside a dropdown


def test_every_question_of_these_chapters_has_one_section() -> None:
    found = re.findall(r"^\(question-(\d+)\)=\n##", "\n".join(map(text_of, CHAPTERS)), re.MULTILINE)
    assert sorted(map(int, found)) == sorted(QUESTIONS)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_in_the_lab_derives_and_works_a_number_by_hand(chapter: str) -> None:
    text = text_of(chapter)
    assert ":::{admonition} In the lab" in text.partition("\n## ")[0]
    assert text.count("$$") >= 8
    assert "by hand" in text.lower()
