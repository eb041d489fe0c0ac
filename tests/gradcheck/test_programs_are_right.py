"""The programs that the checker is measured on are right: their own gradients against finite differences of their own loss."""

import ast

import numpy as np
import pytest

from support.program_runs import Move, reseeded, run
from support.program_table import FOLDER, PROGRAMS, backward_lines

STEPS = 3
IDS = [program.name for program in PROGRAMS]


def slope_along(program, source, step, parameter, direction, h):
    """Central difference of the loss of one step when one parameter is moved along a direction as the step begins."""
    above, below = (run(program, source, step + 1, Move(step, parameter, direction, sign * h)).losses[step] for sign in (1, -1))
    return (above - below) / (2 * h)


def off(program, source, seed=0):
    """Largest relative error over all parameters, at the first step and at a later one, each along two random directions."""
    rng, worst = np.random.default_rng(seed), 0.0
    seen = run(program, source, STEPS)
    for step in (0, STEPS - 1):
        assert seen.gradients[step].keys() == program.gradients.keys()
        for parameter, gradient in seen.gradients[step].items():
            assert gradient.shape == seen.parameters[step][parameter].shape, parameter
            for _ in range(2):
                direction = rng.standard_normal(gradient.shape)
                slope = slope_along(program, source, step, parameter, direction, 1e-6)
                scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(gradient.size)
                worst = max(worst, abs(slope - np.sum(gradient * direction)) / (scale + 1e-6))
    return worst


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
@pytest.mark.parametrize("seed", [None, 101])
def test_gradients_are_right(program, seed):
    source = program.source if seed is None else reseeded(program.source, seed)
    assert off(program, source) < 1e-4


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


def test_the_test_catches_a_wrong_program():
    """A factor of 1.001, a stale value that shows at a later step only."""
    program = next(program for program in PROGRAMS if program.name == "momentum_velocity")
    assert off(program, program.source.replace("delta2 = (p - yb)", "delta2 = 1.001 * (p - yb)")) > 5e-4
    late = "g_b1 = np.sum(delta1, axis=0) * (1 if start == 0 else 1.01)"
    assert off(program, program.source.replace("g_b1 = np.sum(delta1, axis=0)", late)) > 1e-3
