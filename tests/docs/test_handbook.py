"""The handbook: every public name stands in its reference once, its floors are the house's, and its links lead somewhere."""

from __future__ import annotations

import re
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import clearprop
from test_architecture import FLOORS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def _docs_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(DOCS / "extensions"), str(DOCS), *sys.path])


def documented() -> Counter[str]:
    """Names as one writes them after `cp.`, and the number of pages that each stands on."""
    return Counter(name for topic in import_module("topics").TOPICS for name in topic.names)


MODULES = ("data", "descent", "ladder", "metrics", "nn", "optim", "plots", "recipes", "sweeps")


def test_every_public_name_stands_on_one_page() -> None:
    found = documented()
    assert {name for name, times in found.items() if times > 1} == set()
    assert set(clearprop.__all__) - set(MODULES) - set(found) == {"ENGINES", "ClearpropError"}  # under Names, and under Errors


@pytest.mark.parametrize("module", ["data", "descent", "doctor", "nn", "optim", "plots", "sweeps", "training", "recipes"])
def test_every_public_name_of_a_module_stands_on_a_page(module: str) -> None:
    home = import_module(f"clearprop.{module}")
    ends = {name.rpartition(".")[2] for name in documented()}
    classes_and_functions = {name for name in home.__all__ if callable(getattr(home, name))}
    assert classes_and_functions - ends == set()


def test_every_documented_name_is_there() -> None:
    for topic in import_module("topics").TOPICS:
        for name in topic.names:
            assert topic.found(name) is not None


def test_the_table_of_floors_is_that_of_the_house() -> None:
    text = (DOCS / "inside" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:faces|studies|training|mathematics|ground) \| ([^|]+) \|", text, re.MULTILINE)
    house = [{name for name in floor if not name.startswith("__")} for floor in FLOORS]
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == house


def test_a_table_in_markdown_has_no_open_emphasis() -> None:
    literal = import_module("generated_pages").literal
    assert literal("a * b_c | `x_y` $") == "a \\* b\\_c \\| `x_y` \\$"


def test_generated_pages_list_every_fault_and_every_command() -> None:
    pages = import_module("generated_pages")
    from clearprop.cli.app import PANELS
    from clearprop.gradcheck.faults import catalogue

    assert all(f"`{kind.slug}`" in pages.faults() for kind in catalogue())
    commands = pages.commands()
    assert all(f"### {name}\n" in commands for panel in PANELS.values() for name in panel)
    assert "`--batch-size`" in commands


# ---------------------------------------------------------------- links


def site(folder: Path, **pages: str) -> Path:
    """A built site of a few pages."""
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>")
    return folder


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    broken = import_module("check_links").broken
    folder = site(tmp_path, one="<h1 id='top'>1</h1><a href='two.html#there'>2</a>", two="<h2 id='there'>2</h2>")
    assert broken(folder) == []
    site(tmp_path, three="<a href='two.html#gone'></a><a href='four.html'></a><a href='https://example.org'></a>")
    assert broken(folder) == ["three.html links to two.html#gone", "three.html links to four.html"]


@pytest.mark.parametrize("load", ["<script src='https://example.org/x.js'></script>", "<img src='gone.png'>"])
def test_what_a_page_loads_lies_in_the_site(tmp_path: Path, load: str) -> None:
    assert len(import_module("check_links").broken(site(tmp_path, one=load))) == 1


# ---------------------------------------------------------------- commands in pages


def test_a_page_has_no_command_that_clearprop_does_not_know() -> None:
    from clearprop.cli.app import PANELS

    known = {name for panel in PANELS.values() for name in panel} | {"COMMAND", "NAME"}
    for path in [*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"]:
        if "_build" in path.parts or "generated" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?:^\$ |`|\{command\} )clearprop ([a-zA-Z]\w*)", text, re.MULTILINE):
            assert name in known, f"{path.name}: clearprop {name}"


def test_the_citation_has_the_version_of_the_package() -> None:
    text = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, re.MULTILINE).group(1) == clearprop.__version__


# ---------------------------------------------------------------- the lab at the right state


def lab_commands() -> list[str]:
    """Every command in the course that opens the lab."""
    pages = sorted((DOCS / "learn").glob("*.md"))
    return [
        line
        for page in pages
        for line in re.findall(r"^\$ (clearprop lab .+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]


@pytest.mark.parametrize("command", lab_commands())
def test_each_chapter_opens_the_lab_at_a_state_that_it_takes(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from clearprop.cli.app import app
    from clearprop.laboratory import entrance

    monkeypatch.setattr(entrance, "serve", lambda made, listener: (made.close(), listener.close()))
    result = CliRunner().invoke(app, [*command.split()[1:], "--no-browser"])
    assert result.exit_code == 0, result.output


def test_each_of_ten_chapters_opens_the_lab() -> None:
    assert len(lab_commands()) == 10


def test_what_the_readme_points_to_is_there() -> None:
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", text)
    assert [found for pair in targets for found in pair if found and not (DOCS.parent / found).exists()] == []
