"""Turned inputs: a wrong gradient that is right for another array turned round, such as a filter that is flipped by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ClearpropError
from clearprop.gradcheck.numeric.function_objective import FunctionObjective
from clearprop.gradcheck.report import WRONG, Suspect, TensorResult

TOLERANCE = 1e-5  # relative to the largest number, as for the patterns of a wrong gradient


def find_turned(objective: FunctionObjective, tensors: list[TensorResult], numeric: dict[str, Array]) -> list[Suspect]:
    """Arrays that the gradient's code seems to read the wrong way round.

    The gradient is computed once more with one array flipped along all its axes, or transposed. If a wrong gradient is then
    the right one, its code flips or transposes that array where it should not, or does not where it should.

    Parameters
    ----------
    objective : FunctionObjective
    tensors : list of TensorResult
    numeric : dict of str to array
        The right gradients.
    """
    wrong = [tensor.name for tensor in tensors if tensor.verdict == WRONG and tensor.name in numeric]
    if objective.grad is not None and not callable(objective.grad):
        return []
    found = []
    for name, array in objective.arrays.items():
        for how, code, turn in _turns(array):
            for target in wrong:
                if target != name and _right_then(objective, name, turn, target, numeric[target]):
                    sentence = f"d{target} is right once {name} is {how}: the line that computes it needs {name}{code}."
                    remedy = f"use {name}{code} in the place of {name} in d{target}, or the other way round"
                    found.append(Suspect(how, f"{name} is {how}", sentence, remedy, f"Look at how d{target} uses {name}."))
    return found


def _turns(array: Array) -> Iterator[tuple[str, str, Callable[[Array], Array]]]:
    """Ways to turn an array that change it and keep its shape."""
    if array.ndim < 2 or array.size < 2:
        return
    if not np.array_equal(np.flip(array), array):
        yield "flipped", f"[{', '.join(['::-1'] * array.ndim)}]", np.flip
    if array.ndim == 2 and array.shape[0] == array.shape[1] and not np.array_equal(array.T, array):
        yield "transposed", ".T", np.transpose


def _right_then(objective: FunctionObjective, name: str, turn: Callable[[Array], Array], target: str, right: Array) -> bool:
    """Whether the gradient by `target` is right with the array `name` turned."""
    kept = objective.arrays[name]
    objective.arrays[name] = np.ascontiguousarray(turn(kept))
    try:
        given = (objective.gradient() or {}).get(target)
    except (ArithmeticError, ValueError, IndexError, TypeError, ClearpropError):
        return False
    finally:
        objective.arrays[name] = kept
    size = float(np.max(np.abs(right), initial=0.0))
    return given is not None and size > 0 and bool(np.all(np.abs(given - right) <= TOLERANCE * size))
