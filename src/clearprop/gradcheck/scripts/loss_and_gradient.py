"""The convention of one function that returns the loss and its gradients: loss, grads = svm_loss(W, X, y, reg)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError, OptionError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.numeric.function_objective import number
from clearprop.gradcheck.numeric.trees import flatten
from clearprop.gradcheck.scripts.calling import required, role_of
from clearprop.gradcheck.scripts.file_outcome import FunctionOutcome
from clearprop.gradcheck.scripts.sample_batches import EXAMPLES
from clearprop.gradcheck.step_check import match_names

KIND = "loss and gradient"
NAMED = re.compile(r"loss|grad|cost|objective", re.IGNORECASE)
N_IN, N_OUT = 3, 2


def is_loss_and_gradient(name: str, thing: Any) -> bool:
    """Whether its name says so, and it takes an argument."""
    return bool(NAMED.search(name)) and inspect.isfunction(thing) and bool(inspect.signature(thing).parameters)


def loss_and_gradient_case(name: str, function: Callable[..., Any], seed: int) -> Callable[[], FunctionOutcome]:
    """The work: the gradient that it returns against differences of the loss that it returns."""

    def work() -> FunctionOutcome:
        last = OptionError("it was tried on no arguments")
        for arguments in trial_arguments(function, np.random.default_rng(seed)):
            try:
                result = function(*arguments.values())
                wanted = _wanted(result, arguments)
            except Exception as error:  # any failure means: not these arguments
                last = OptionError(str(error))
                continue
            if wanted:
                point = {key: arguments[key] for key in wanted}
                return FunctionOutcome.of(name, KIND, _check(name, function, arguments, point, seed))
        raise OptionError(f"{name} did not return (loss, gradient) for any arguments that were tried; the last time: {last}")

    return work


def trial_arguments(function: Callable[..., Any], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Arguments by what the parameters are called, in several layouts."""
    names = required(function)
    roles = {name: role_of(name) for name in names}
    classes = np.arange(EXAMPLES) % N_OUT
    real = rng.normal(size=EXAMPLES)
    layouts = [(classes, (N_IN, N_OUT)), (np.eye(N_OUT)[classes], (N_IN, N_OUT)), (real, (N_IN,)), (real[:, None], (N_IN, 1))]
    for y, shape in layouts:
        made: dict[str, Any] = {}
        for name in names:
            letter = name.lower()
            if roles[name] == "X" or roles[name] in ("Yhat", "cache"):
                made[name] = rng.normal(size=(EXAMPLES, N_IN))
            elif roles[name] == "Y":
                made[name] = y
            elif roles[name] in ("lr", "weight_decay"):
                made[name] = 0.1
            elif letter.startswith("b") or letter == "c":
                made[name] = rng.normal(size=shape[1:])
            else:
                made[name] = rng.normal(size=shape)
        yield made


def _wanted(result: Any, arguments: dict[str, Any]) -> list[str]:
    """The arguments that the gradients belong to: by name where these are given, else by shape and likelihood."""
    if not isinstance(result, tuple) or len(result) < 2:
        return []
    number(result[0])
    floats = {k: a for k, a in arguments.items() if isinstance(a, np.ndarray) and a.dtype.kind == "f"}
    grads = result[1] if len(result) == 2 else list(result[1:])
    if isinstance(grads, dict):
        return [k for k in floats if k in grads or f"d{k}" in grads]
    leaves = list(flatten(grads).values()) if isinstance(grads, (list, tuple)) else [np.asarray(grads)]
    order = sorted(floats, key=lambda k: (role_of(k) in ("X", "Y", "Yhat"), list(floats).index(k)))
    chosen: list[str] = []
    for leaf in leaves:
        match = next((k for k in order if k not in chosen and floats[k].shape == leaf.shape), None)
        if match is None:  # the wrong shape is a finding, too
            match = next((k for k in order if k not in chosen), None)
        if match is None:
            return []
        chosen.append(match)
    return chosen


def _check(name: str, function: Callable[..., Any], arguments: dict[str, Any], point: dict[str, Any], seed: int) -> Any:
    def run(tree: dict[str, Any]) -> Any:
        return function(*(tree.get(key, value) for key, value in arguments.items()))

    def grad(tree: dict[str, Any]) -> dict[str, Any]:
        result = run(tree)
        found = result[1] if len(result) == 2 else list(result[1:])
        if not isinstance(found, (dict, list, tuple)):
            found = [found]
        leaves = flatten(found)
        if isinstance(found, dict):
            return match_names(leaves, list(tree))
        return dict(zip(tree, leaves.values(), strict=True))

    try:
        return check_gradient(lambda tree: run(tree)[0], grad, point, seed=seed, title=name, batch=EXAMPLES)
    except ClearpropError as error:
        raise OptionError(str(error)) from error
