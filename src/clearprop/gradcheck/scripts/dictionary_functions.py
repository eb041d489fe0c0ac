"""The convention of functions around a dict of parameters: init_params, forward, loss_accuracy, backward, sgd."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ClearpropError, OptionError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.numeric.function_objective import number
from clearprop.gradcheck.numeric.trees import flatten, rebuild
from clearprop.gradcheck.scripts.calling import required, working_order
from clearprop.gradcheck.scripts.file_outcome import Case, FunctionOutcome
from clearprop.gradcheck.scripts.network_guess import explain_pipeline
from clearprop.gradcheck.scripts.sample_batches import SIZES, batches, jittered, like
from clearprop.gradcheck.step_check import match_names

KIND = "functions around parameters"
NAMES = {
    "init": (
        "init_params",
        "initialize_parameters",
        "initialise_parameters",
        "init_parameters",
        "init_weights",
        "init",
        "initialize",
    ),
    "forward": ("forward", "forward_pass", "forward_propagation", "forward_prop", "feedforward", "model_forward"),
    "loss": ("loss_accuracy", "loss", "compute_loss", "compute_cost", "cost", "loss_fn", "cross_entropy", "mse", "criterion"),
    "backward": (
        "backward",
        "backward_pass",
        "backward_propagation",
        "backprop",
        "back_prop",
        "backpropagation",
        "model_backward",
    ),
    "sgd": ("sgd", "update", "update_params", "update_parameters", "sgd_step", "gradient_descent_step"),
}


@dataclass
class Pipeline:
    """The functions of a script, applied to one batch.

    Attributes
    ----------
    params : tree
    X, Y : array
    forward, loss, backward : callable
        Functions of the parameters: (prediction, cache); number; gradients.
    """

    params: Any
    X: Array
    Y: Array
    forward: Callable[[Any], tuple[Any, Any]]
    loss: Callable[[Any], Any]
    backward: Callable[[Any], Any]


def find_pipeline(own: dict[str, Any]) -> dict[str, str] | None:
    """The function that plays each part; None unless there are init, forward, loss and backward."""
    functions = {name for name, thing in own.items() if not isinstance(thing, type)}
    parts = {part: next((name for name in names if name in functions), None) for part, names in NAMES.items()}
    found = {part: name for part, name in parts.items() if name}
    return found if {"init", "forward", "loss", "backward"} <= set(found) else None


def pipeline_cases(parts: dict[str, str], namespace: dict[str, Any], seed: int) -> list[Case]:
    """The work: backward against differences of loss(forward), and the update of sgd against w - lr dw."""
    functions = {part: namespace[name] for part, name in parts.items()}
    cases = [(parts["backward"], KIND, lambda: _check_backward(parts["backward"], functions, seed))]
    if "sgd" in functions:
        cases.append((parts["sgd"], KIND, lambda: _check_sgd(parts["sgd"], functions, seed)))
    return cases


def _check_backward(name: str, functions: dict[str, Any], seed: int) -> FunctionOutcome:
    pipeline = connect(functions, np.random.default_rng(seed))
    names = list(flatten(pipeline.params))

    original = pipeline.params  # gradients are matched by name, so the parameters are given by name as well

    def f(named: dict[str, Any]) -> Any:
        return pipeline.loss(rebuild(original, flatten(named)))

    def grad(named: dict[str, Any]) -> dict[str, Array]:
        return match_names(flatten(pipeline.backward(rebuild(original, flatten(named)))), names)

    leaves = flatten(original)
    report = check_gradient(f, grad, leaves, seed=seed, title=name)
    try:
        words, suspects = explain_pipeline(
            original,
            pipeline.X,
            pipeline.Y,
            flatten(pipeline.forward(original)[0])["x"],
            number(pipeline.loss(original)),
            grad(leaves),
            report,
        )
    except ClearpropError:  # the network could not be recognised, so its structure has to do
        words, suspects = [], []
    return FunctionOutcome.of(name, KIND, replace(report, notes=report.notes + words, suspects=suspects or report.suspects))


def _check_sgd(name: str, functions: dict[str, Any], seed: int) -> FunctionOutcome:
    rng = np.random.default_rng(seed)
    params = initial(functions["init"], rng)
    grads = rebuild(params, {key: rng.normal(size=a.shape) for key, a in flatten(params).items()})
    before, slopes = flatten(params), flatten(grads)
    lr = 0.125
    given = copy.deepcopy(params)

    def fits(result: Any) -> bool:
        return result is None or set(flatten(result)) == set(before)

    order = working_order(functions["sgd"], {"params": copy.deepcopy(params), "grads": grads, "lr": lr}, fits)
    if order is None:
        raise OptionError(f"{name} did not run with (parameters, gradients, learning rate) in any order.")
    values = {"params": given, "grads": grads, "lr": lr}
    result = functions["sgd"](*(values[role] for role in order))
    after = flatten(given if result is None else result)
    wrong = [key for key in before if not np.allclose(after[key], before[key] - lr * slopes[key], rtol=1e-6, atol=1e-12)]
    text = "Every parameter moved by -lr times its gradient: right"
    if wrong:
        text = f"{', '.join(wrong)} did not become w - lr dw: wrong. Right: w = w - lr * dw, for every parameter"
    report = {
        "tensors": [{"name": key, "verdict": "wrong" if key in wrong else "right"} for key in before],
        "suspects": [{"hint": "Look at the direction and the size of the step."}] if wrong else [],
    }
    return FunctionOutcome(name, KIND, "wrong" if wrong else "right", text, report)


def initial(init: Callable[..., Any], rng: np.random.Generator) -> Any:
    """Parameters of the sizes 3, 4, 2 from a script's own function, in float64, moved off zero.

    Raises
    ------
    OptionError
        If it runs with none of the usual arguments.
    """
    count = len(required(init))
    tries: list[tuple[Any, ...]] = [SIZES[:count], (list(SIZES),), (SIZES,), ()]
    for arguments in tries:
        if len(arguments) != count:
            continue
        try:
            made = init(*arguments)
        except Exception:  # any failure means: not these arguments
            continue
        return rebuild(made, jittered(made, rng))
    raise OptionError(f"{init.__name__} did not run with the sizes {SIZES}, nor with a list of them.")


def connect(functions: dict[str, Any], rng: np.random.Generator) -> Pipeline:
    """Find the order of arguments of the functions, and the layout of a batch on which they work.

    Raises
    ------
    OptionError
        If none was found.
    """
    params = initial(functions["init"], rng)
    shapes = {name: a.shape for name, a in flatten(params).items()}
    fallback: Pipeline | None = None
    for x, y in (batch for sizes in likely_sizes(list(shapes.values())) for batch in batches(rng, sizes)):
        pipeline = _try(functions, params, like(params, x), like(params, y))
        if pipeline is None:
            continue
        try:
            grads = match_names(flatten(pipeline.backward(params)), list(shapes))
        except ClearpropError:
            continue
        if all(grads[name].shape == shape for name, shape in shapes.items()):
            return pipeline
        fallback = fallback or pipeline
    if fallback is None:
        raise OptionError(
            f"{functions['forward'].__name__}, {functions['loss'].__name__} and {functions['backward'].__name__} did not run"
            f" together on a batch of {x.shape} in any layout or order of arguments that was tried."
        )
    return fallback


def likely_sizes(shapes: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Numbers of inputs and of outputs that parameters of these shapes may belong to, ours first."""
    flat = [shape for shape in shapes if len(shape) == 2]
    matrices = [shape for shape in flat if min(shape) > 1] or flat
    ours = (SIZES[0], SIZES[-1])
    if not matrices:
        return [ours]
    first, last = matrices[0], matrices[-1]
    chained = [(first[0], last[1]), (first[1], last[0])]  # with W as (n_in, n_out), and as (n_out, n_in)
    return list(dict.fromkeys([*sorted(chained, key=lambda sizes: sizes != ours), *product(first, last)]))


def _try(functions: dict[str, Any], params: Any, X: Any, Y: Any) -> Pipeline | None:
    """The functions joined for this batch, or None if they do not run on it."""
    values = {"params": params, "X": X}
    forward_order = working_order(functions["forward"], values, lambda out: out is not None)
    if forward_order is None:
        return None

    def forward(p: Any) -> tuple[Any, Any]:
        return _split(functions["forward"](*({"params": p, "X": X}[role] for role in forward_order)))

    y_hat, cache = forward(params)
    loss_order = working_order(functions["loss"], {"Yhat": y_hat, "Y": Y, "params": params}, _is_loss)
    if loss_order is None:
        return None
    known = {"params": params, "cache": cache, "Y": Y, "X": X, "Yhat": y_hat}
    backward_order = working_order(functions["backward"], known, lambda g: isinstance(g, (dict, list, tuple)) and bool(g))
    if backward_order is None:
        return None

    def loss(p: Any) -> Any:
        roles = {"Yhat": forward(p)[0], "Y": Y, "params": p}
        return _value(functions["loss"](*(roles[role] for role in loss_order)))

    def backward(p: Any) -> Any:
        y_hat, cache = forward(p)
        roles = {"params": p, "cache": cache, "Y": Y, "X": X, "Yhat": y_hat}
        return functions["backward"](*(roles[role] for role in backward_order))

    return Pipeline(params, X, Y, forward, loss, backward)


def _split(out: Any) -> tuple[Any, Any]:
    """Prediction and cache, from a pair in either order, a dict, or the prediction alone."""
    if isinstance(out, dict):
        keys = {key.lower().replace("_", ""): key for key in out}
        best = next((keys[k] for k in ("yhat", "ypred", "probs", "output", "a2", "y", "p") if k in keys), list(out)[-1])
        return out[best], out
    if isinstance(out, tuple) and len(out) == 2:
        first, second = out
        return (second, first) if isinstance(first, dict) and not isinstance(second, dict) else (first, second)
    if isinstance(out, tuple):
        return out[-1], out
    return out, out


def _is_loss(result: Any) -> bool:
    number(_value(result))
    return True


def _value(result: Any) -> Any:
    """The loss, from (loss, accuracy) or alone."""
    return result[0] if isinstance(result, (tuple, list)) else result
