"""The chapters of the course, and its questions: what they name exists, and every solution is verified by the build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clearprop.recipes import RECIPES

ROOT = Path(__file__).parents[2]
LEARN = ROOT / "docs" / "learn"
FIRST = ["descent", "neuron", "layers", "losses", "checking"]
LATER = ["training", "initialisation", "optimizers", "doctor", "pytorch"]
QUESTIONS_OF_FIRST = {3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17}
SOURCE = ROOT / "src" / "clearprop"


def text_of(chapter: str) -> str:
    return (LEARN / f"{chapter}.md").read_text(encoding="utf-8")


def files_named(text: str) -> set[str]:
    """Files and folders of the package under "Where to read in the code"."""
    last = text.partition("## Where to read in the code")[2]
    return {name for name in re.findall(r"`([\w/]+(?:\.py|/))`", last) if name}


@pytest.mark.parametrize("chapter", FIRST)
def test_the_code_that_a_first_chapter_points_to_is_there(chapter: str) -> None:
    last = text_of(chapter).partition("## Where to read in the code")[2]
    (below,) = re.findall(r"All paths are below `(src/[\w/]+)`", last)
    named = re.findall(r"`(\w+/[\w/]*(?:\.py)?)`", last.partition("\n- ")[2])
    assert len(named) >= 3
    assert [name for name in named if not (ROOT / below / name).exists()] == []


@pytest.mark.parametrize("chapter", LATER)
def test_the_code_that_a_later_chapter_points_to_is_there(chapter: str) -> None:
    named = files_named(text_of(chapter))
    assert named
    optim = {name for name in named if "/" not in name and chapter == "optimizers"}  # adagrad.py, beside optim/sgd.py
    missing = {name for name in named if not (SOURCE / ("optim/" * (name in optim)) / name).exists()}
    assert missing == set()


@pytest.mark.parametrize("chapter", [*FIRST, *LATER])
def test_a_chapter_has_three_exercises_with_verified_solutions(chapter: str) -> None:
    exercises = text_of(chapter).partition("## Exercises")[2].partition("## Where to read")[0]
    assert re.findall(r"^\*\*(\d)\.\*\*", exercises, re.MULTILINE) == ["1", "2", "3"]
    solutions = re.findall(r"^:::\{dropdown\} Solution\n(.*?)^:::$", exercises, re.MULTILINE | re.DOTALL)
    assert len(solutions) == 3
    asserted = "\nassert " if chapter in FIRST else "assert"
    for solution in solutions:
        (file,) = re.findall(r"^```\{file\} (\S+)$", solution, re.MULTILINE)
        commands = re.findall(r"^```\{command\} (.+)$", solution, re.MULTILINE)
        assert f"clearprop check {file}" in commands or (f"python {file}" in commands and asserted in solution)
        assert len(commands) == 1 or chapter in FIRST
        assert ":status:" not in solution
        assert "code-cell" not in solution  # which is not run inside a dropdown


@pytest.mark.parametrize("chapter", [*FIRST, *LATER])
def test_a_chapter_opens_in_the_lab_derives_and_works_a_number_by_hand(chapter: str) -> None:
    text = text_of(chapter)
    opening = text.partition("\n## ")[0]
    assert "After this chapter you can" in " ".join(opening.split()) or chapter in FIRST
    assert ":::{admonition} In the lab" in opening
    assert text.count("$$") >= (8 if chapter in FIRST else 2)
    assert "By hand" in text or "by hand" in text


def test_every_question_of_the_first_chapters_has_one_section() -> None:
    found = re.findall(r"^\(question-(\d+)\)=\n##", "\n".join(map(text_of, FIRST)), re.MULTILINE)
    assert sorted(map(int, found)) == sorted(QUESTIONS_OF_FIRST)


def test_every_question_has_its_section_and_its_run() -> None:
    text = text_of("questions")
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    numbers = [int(found[1]) for section in sections if (found := re.match(r"(\d+)\. ", section))]
    assert numbers == list(range(1, 18))
    for section in sections:
        if section.startswith("Also mentioned"):
            continue
        assert re.search(r"In full[^:]*: .*\[[^\]]+\]\([^)]+\)", section), section[:60]
        assert re.search(r"Run: `?clearprop|Run:\s+`clearprop", section), section[:60]


def test_every_run_that_the_course_names_exists() -> None:
    for path in LEARN.glob("*.md"):
        for name in re.findall(r"`clearprop\s+run\s+([a-z][\w-]+)", path.read_text(encoding="utf-8")):
            assert name in RECIPES, f"{path.name}: clearprop run {name}"
