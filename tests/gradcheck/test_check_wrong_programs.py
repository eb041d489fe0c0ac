"""Whole programs with a mistake that people make: the mistake is there, nothing else is wrong, and the checker finds it."""

import pytest

import clearprop as cp
from support.program_judging import answered, checked_right
from support.program_runs import off
from support.wrong_program_table import MISTAKEN, WRONG_FOLDER

needs_checker = pytest.mark.skipif(not hasattr(cp, "check_program"), reason="this clearprop has no check_program yet")
EACH = pytest.mark.parametrize("mistaken", MISTAKEN, ids=lambda mistaken: mistaken.program.name)


@EACH
def test_the_mistake_is_all_that_is_wrong(mistaken):
    """Finite differences of the program's own loss: wrong as it stands (unless only the step is), right once mended."""
    assert off(mistaken.mended) < 1e-4
    if mistaken.gradient_right:
        assert off(mistaken.program) < 1e-4
    else:
        assert off(mistaken.program) > 1e-2


def test_the_table_is_the_folder():
    assert sorted(mistaken.program.name for mistaken in MISTAKEN) == sorted(path.stem for path in WRONG_FOLDER.glob("*.py"))


def test_nothing_in_the_files_gives_the_mistake_away():
    for path in WRONG_FOLDER.glob("*.py"):
        text = path.read_text()
        assert text.startswith("# ")
        assert text.count("#") == 1, path.name
        assert not {"wrong", "mistake", "bug", "fault"} & set(text.lower().replace(".", " ").split()), path.name


@needs_checker
@EACH
def test_the_mended_program_is_not_accused(mistaken):
    verdict = checked_right(mistaken.mended, 7)
    assert verdict.status == "right", verdict.message


@needs_checker
@EACH
def test_the_mistake_is_found(mistaken):
    result, _ = answered(mistaken.program.source, mistaken.program.name)
    said = [(finding.line, finding.message) for finding in result.findings]
    if mistaken.gradient_right:
        assert result.status != "wrong", said
    else:
        assert result.status == "wrong", said
        assert said[0][0] in mistaken.lines, (said, mistaken.lines, mistaken.mistake)
