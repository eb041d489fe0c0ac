"""The convention of layer classes: forward(x) and backward(dy), with parameters and gradients as attributes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.layer_check import check_layer
from clearprop.gradcheck.numeric.trees import is_tensor, to_array
from clearprop.gradcheck.scripts.calling import required
from clearprop.gradcheck.scripts.file_outcome import FunctionOutcome
from clearprop.gradcheck.scripts.layer_guess import explain_layer
from clearprop.nn import Layer

KIND = "layer class"
N_IN, N_OUT, ROWS = 4, 3, 5
GRADIENTS = ("d{}", "grad_{}", "{}_grad", "d_{}", "grad{}", "g{}")


def is_layer_class(thing: type) -> bool:
    """Whether it has its own forward and backward, and can be instantiated."""
    both = all(inspect.isfunction(inspect.getattr_static(thing, name, None)) for name in ("forward", "backward"))
    return both and not inspect.isabstract(thing)


def layer_case(name: str, kind: Any, seed: int) -> Callable[[], FunctionOutcome]:
    """The work: backward against finite differences of a random projection of forward."""

    def work() -> FunctionOutcome:
        made = make(kind)
        if isinstance(made, Layer):
            return FunctionOutcome.of(name, KIND, check_layer(made, (ROWS, made.n_in or N_IN), seed=seed))
        if len(required(made.forward)) > 1:
            return FunctionOutcome.of(name, KIND, _check_loss(name, made, seed))
        return FunctionOutcome.of(name, KIND, _check(name, made, seed))

    return work


def make(kind: Any) -> Any:
    """An object of the class, with the usual arguments.

    Raises
    ------
    OptionError
        If it takes others.
    """
    count = len(required(kind)) if kind.__init__ is not object.__init__ else 0
    for arguments in ((), (N_IN,), (N_IN, N_OUT), (N_IN, N_OUT, np.random.default_rng(0))):
        if len(arguments) == count:
            try:
                return kind(*arguments)
            except Exception as error:
                raise OptionError(f"{kind.__name__}{arguments} fails: {error}.") from error
    raise OptionError(f"{kind.__name__} takes {count} arguments, and is not known to be (n_in) or (n_in, n_out).")


def _check(name: str, layer: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    names = parameter_names(layer)
    values = {key: np.asarray(to_array(read(layer, key)), dtype=np.float64) for key in names}
    values = {key: v + 0.3 * rng.normal(size=v.shape) for key, v in values.items()}
    x = rng.normal(size=(ROWS, N_IN))
    tensors = any(is_tensor(read(layer, key)) for key in names)
    point = {"x": x} | values
    if "x" in names:
        raise OptionError(f"{name} has a parameter called x, which is taken for the input here.")
    c = rng.normal(size=to_array(_run(layer, point, tensors)[0]).shape)

    def f(tree: dict[str, Array]) -> float:
        return float((to_array(_run(layer, tree, tensors)[0]) * c).sum())

    def grad(tree: dict[str, Array]) -> dict[str, Array]:
        twin, out = _fresh(layer, tree, tensors)
        found = _backward(twin, out, _as(c, tensors))
        return {key: found.get(key, np.full(np.shape(tree[key]), np.nan)) for key in tree}

    missing = [key for key, g in grad(point).items() if np.isnan(g).all()]
    if "x" in missing and len(missing) == len(point):
        raise OptionError(f"backward of {name} returns nothing, and leaves no gradient such as dW behind.")
    if "x" in missing:
        point.pop("x")

        def f_alone(tree: dict[str, Array]) -> float:
            return f({"x": x} | tree)

        def grad_alone(tree: dict[str, Array]) -> dict[str, Array]:
            return {key: g for key, g in grad({"x": x} | tree).items() if key in tree}

        return check_gradient(f_alone, grad_alone, point, seed=seed, title=name, batch=ROWS)
    report = check_gradient(f, grad, point, seed=seed, title=name, batch=ROWS)
    suspects = explain_layer(point, to_array(_run(layer, point, tensors)[0]), c, grad(point), report)
    return replace(report, suspects=suspects or report.suspects)


def _check_loss(name: str, loss: Any, seed: int) -> Any:
    """A loss class: forward(prediction, target) and backward()."""
    rng = np.random.default_rng(seed)
    y_hat = rng.dirichlet(np.ones(N_OUT), size=ROWS)
    targets = [np.eye(N_OUT)[np.arange(ROWS) % N_OUT], np.arange(ROWS) % N_OUT]

    def run(x: Array, y: Array) -> tuple[Any, Any]:
        twin = copy.deepcopy(loss)
        return twin.forward(x, y), twin

    def slopes(x: Array, y: Array) -> Array:
        twin = run(x, y)[1]
        count = len(required(twin.backward))
        return to_array(twin.backward(*((), (x,), (x, y))[count] if count != 1 else (1.0,)))

    for y in targets:
        try:
            value, fits = float(run(y_hat, y)[0]), slopes(y_hat, y).shape == y_hat.shape
        except Exception:  # any failure means: not these targets
            continue
        if np.isfinite(value) and fits:
            return check_gradient(
                lambda x: run(x, y)[0],  # noqa: B023  called before y moves on
                lambda x: slopes(x, y),  # noqa: B023
                y_hat,
                seed=seed,
                title=name,
                batch=ROWS,
            )
    raise OptionError(f"{name}.forward(prediction, target) and backward() did not run on probabilities and classes.")


def parameter_names(layer: Any) -> list[str]:
    """The attributes, or the keys of `params`, that are arrays of floats and no gradients."""
    held = vars(layer).get("params", vars(layer).get("parameters"))
    source = held if isinstance(held, dict) else vars(layer)
    arrays = {k: v for k, v in source.items() if isinstance(v, np.ndarray) or is_tensor(v)}
    gradients = {pattern.format(k) for k in arrays for pattern in GRADIENTS}
    return [k for k, v in arrays.items() if k not in gradients and to_array(v).dtype.kind == "f" and not k.startswith("_")]


def read(layer: Any, name: str) -> Any:
    """A parameter by name."""
    held = vars(layer).get("params", vars(layer).get("parameters"))
    return held[name] if isinstance(held, dict) and name in held else vars(layer)[name]


def _fresh(layer: Any, tree: dict[str, Array], tensors: bool) -> tuple[Any, Any]:
    """A copy of the layer with these values, after forward, and what forward returned."""
    twin = copy.deepcopy(layer)
    held = vars(twin).get("params", vars(twin).get("parameters"))
    for key, value in tree.items():
        if key != "x" and isinstance(held, dict) and key in held:
            held[key] = _as(np.array(value), tensors)
        elif key != "x":
            setattr(twin, key, _as(np.array(value), tensors))
    return twin, twin.forward(_as(np.array(tree["x"]), tensors))


def _run(layer: Any, tree: dict[str, Array], tensors: bool) -> tuple[Any, Any]:
    """The value of forward, and what it saved, if it returns that."""
    out = _fresh(layer, tree, tensors)[1]
    return out if isinstance(out, tuple) and len(out) == 2 else (out, None)


def _backward(twin: Any, out: Any, dy: Any) -> dict[str, Array]:
    """Gradients by name, from what backward returns and what it leaves in attributes."""
    saved = out[1] if isinstance(out, tuple) and len(out) == 2 else None
    names = required(twin.backward)
    first_is_dy = names[0].lower().startswith(("d", "g", "up", "e"))
    arguments = (dy,) if len(names) == 1 else ((dy, saved) if first_is_dy else (saved, dy))
    result = twin.backward(*arguments)
    parameters = parameter_names(twin)
    found: dict[str, Array] = {}
    if isinstance(result, dict):
        found |= {k: to_array(result[g]) for k in ["x", *parameters] for g in [k, f"d{k}"] if g in result}
    elif isinstance(result, tuple):
        found |= {k: to_array(g) for k, g in zip(["x", *parameters], result, strict=False) if g is not None}
    elif result is not None:
        found["x"] = to_array(result)
    held = next((h for n in ("grads", "gradients", "grad") if isinstance(h := vars(twin).get(n), dict)), {})
    for key in parameters:
        named = [key, *(pattern.format(key) for pattern in GRADIENTS)]
        left = next((held[n] for n in named if n in held), None)
        left = next((vars(twin)[n] for n in named[1:] if n in vars(twin)), left)
        if left is not None and key not in found:
            found[key] = to_array(left)
    return found


def _as(array: Array, tensors: bool) -> Any:
    if not tensors:
        return array
    import torch

    return torch.tensor(array)
