"""Chapters 6 to 10 of the course, and its questions: what they name exists, and every solution is verified by the build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clearprop.recipes import RECIPES

ROOT = Path(__file__).parents[2]
LEARN = ROOT / "docs" / "learn"
CHAPTERS = ["training", "initialisation", "optimizers", "doctor", "pytorch"]
SOURCE = ROOT / "src" / "clearprop"


def text_of(chapter: str) -> str:
    return (LEARN / f"{chapter}.md").read_text(encoding="utf-8")


def files_named(text: str) -> set[str]:
    """Files and folders of the package under "Where to read in the code"."""
    last = text.partition("## Where to read in the code")[2]
    return {name for name in re.findall(r"`([\w/]+(?:\.py|/))`", last) if name}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_code_that_a_chapter_points_to_is_there(chapter: str) -> None:
    named = files_named(text_of(chapter))
    assert named
    optim = {name for name in named if "/" not in name and chapter == "optimizers"}  # adagrad.py, beside optim/sgd.py
    missing = {name for name in named if not (SOURCE / ("optim/" * (name in optim)) / name).exists()}
    assert missing == set()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_three_exercises_with_verified_solutions(chapter: str) -> None:
    exercises = text_of(chapter).partition("## Exercises")[2].partition("## Where to read")[0]
    assert re.findall(r"^\*\*(\d)\.\*\*", exercises, re.MULTILINE) == ["1", "2", "3"]
    solutions = re.findall(r"^:::\{dropdown\} Solution\n(.*?)^:::$", exercises, re.MULTILINE | re.DOTALL)
    assert len(solutions) == 3
    for solution in solutions:
        (file,) = re.findall(r"^```\{file\} (\S+)$", solution, re.MULTILINE)
        (command,) = re.findall(r"^```\{command\} (.+)$", solution, re.MULTILINE)
        assert command in (f"clearprop check {file}", f"python {file}")
        assert command.startswith("clearprop check") or "assert" in solution
        assert ":status:" not in solution


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_in_the_lab_and_derives(chapter: str) -> None:
    text = text_of(chapter)
    opening = text.partition("\n## ")[0]
    assert "After this chapter you can" in " ".join(opening.split())
    assert ":::{admonition} In the lab" in opening
    assert "$$" in text
    assert "By hand" in text or "by hand" in text


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
