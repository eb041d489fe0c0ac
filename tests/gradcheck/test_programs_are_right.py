"""The programs that the checker is measured on are right: their own gradients against finite differences of their own loss."""

import ast
from dataclasses import replace

import numpy as np
import pytest

from support.program_runs import off, reseeded, run
from support.program_table import FOLDER, PROGRAMS, backward_lines

IDS = [program.name for program in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
@pytest.mark.parametrize("seed", [None, 101])
def test_gradients_are_right(program, seed):
    source = program.source if seed is None else reseeded(program.source, seed)
    assert off(replace(program, text=source)) < 1e-4


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_loss_falls(program):
    """Each program learns: the parameters that it ends with are better on average than those that it began with."""
    losses = run(program, None, 24).losses
    third = max(len(losses) // 3, 1)
    assert np.mean(losses[-third:]) < np.mean(losses[:third])


def test_the_table_is_the_folder():
    assert sorted(IDS) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_programs_look_like_programs(program):
    """A first line that says the style, 25 to 95 lines, a seed to replace, and backward lines that are there."""
    lines = program.source.splitlines()
    assert lines[0].startswith("# ")
    assert 25 <= len(lines) <= 95
    assert reseeded(program.source, 987) != program.source
    assert "test" not in program.source
    assert "clearprop" not in program.source
    assert ast.parse(program.source)
    assert len(backward_lines(program)) >= 4


def edited(program, old, new):
    return replace(program, text=program.source.replace(old, new))


def test_the_test_catches_a_wrong_program():
    """A factor of 1.001, a stale value that shows at a later step only."""
    program = next(program for program in PROGRAMS if program.name == "momentum_velocity")
    assert off(edited(program, "delta2 = (p - yb)", "delta2 = 1.001 * (p - yb)")) > 5e-4
    late = "g_b1 = np.sum(delta1, axis=0) * (1 if start == 0 else 1.01)"
    assert off(edited(program, "g_b1 = np.sum(delta1, axis=0)", late)) > 1e-3
