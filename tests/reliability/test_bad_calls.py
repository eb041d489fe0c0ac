"""Every public callable crossed with a table of bad values: one sentence, or a result; never an exception of another kind.

The calls are found by reflection, so that a function is covered on the day it is written. `-m slow` takes every value for
every argument; otherwise a sample, the same in every run, of about a tenth.
"""

from __future__ import annotations

import inspect
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from clearprop.errors import ClearpropError
from support.bad_values import BAD
from support.valid_calls import Call, prepare, public_calls

CALLS = {call.name: call for call in public_calls()}
FUNCTIONS = ("f", "predict", "permutation", "make", "draw", "say", "write", "progress")
"""Arguments that are functions: what a person's own function raises is for that person to see."""
HANDED_ON = {"run_sweep": ("shared", "fixed"), "check_gradient": ("grad", "x")}
"""Arguments that are handed on to a function of one's own as they are."""
CALLABLES = ("class", "function", "net", "layer", "another loss", "loss class", "optimizer class")
LONG = ("answer_questions",)
"""Calls of several seconds each, which are left to `-m slow`."""
QUICK = [name for name in CALLS if name not in LONG]
SAMPLED = 7  # one combination in so many


def combinations(call: Call, every: bool) -> list[tuple[str, str]]:
    pairs = [(parameter, bad) for parameter in call.parameters for bad in BAD]
    pairs = [(name, bad) for name, bad in pairs if name not in FUNCTIONS or bad not in CALLABLES]
    pairs = [pair for pair in pairs if pair[0] not in HANDED_ON.get(call.name, ())]
    return [pair for pair in pairs if every or zlib.crc32(f"{call.name} {pair}".encode()) % SAMPLED == 0]


def is_sentence(message: str) -> bool:
    return "\n" not in message and message.rstrip("'\")").endswith((".", "?", ",")) and len(message) < 700


def outcome_of(call: Call, parameter: str, value: object, folder: Path) -> str | None:
    """What is wrong with the answer to a bad value, or None."""
    given = call.arguments(folder) | {parameter: value}
    var = [p.name for p in inspect.signature(call.function).parameters.values() if p.kind is p.VAR_POSITIONAL]
    positional = [given.pop(name) for name in var]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            call.function(*positional, **given)
    except ClearpropError as error:
        return None if is_sentence(str(error)) else f"no sentence: {str(error)[:300]!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {str(error)[:150]}"
    return None


def failures(call: Call, folder: Path, every: bool) -> list[str]:
    prepare(folder)
    found = []
    for parameter, name in combinations(call, every):
        wrong = outcome_of(call, parameter, BAD[name](), folder)
        if wrong is not None:
            found.append(f"{call.name}({parameter}={name}): {wrong}")
    return found


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_a_valid_call_is_answered(name: str, tmp_path: Path) -> None:
    call = CALLS[name]
    prepare(tmp_path)
    given = call.arguments(tmp_path)
    var = [p.name for p in inspect.signature(call.function).parameters.values() if p.kind is p.VAR_POSITIONAL]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call.function(*[given.pop(n) for n in var], **given)


@pytest.mark.parametrize("name", QUICK)
def test_a_bad_value_gives_one_sentence_or_a_result(name: str, tmp_path: Path) -> None:
    assert failures(CALLS[name], tmp_path, every=False) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_every_bad_value_gives_one_sentence_or_a_result(name: str, tmp_path: Path) -> None:
    assert failures(CALLS[name], tmp_path, every=True) == []
