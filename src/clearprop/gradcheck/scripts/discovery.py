"""Discovery: the functions and classes of a script that follow a known convention."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.scripts.autograd_functions import autograd_case, is_autograd_function
from clearprop.gradcheck.scripts.dictionary_functions import find_pipeline, pipeline_cases
from clearprop.gradcheck.scripts.file_outcome import Case, FunctionOutcome
from clearprop.gradcheck.scripts.layer_classes import is_layer_class, layer_case
from clearprop.gradcheck.scripts.loss_and_gradient import is_loss_and_gradient, loss_and_gradient_case
from clearprop.gradcheck.scripts.named_derivatives import derivative_case, find_derivatives

ADAPTER = """\
def clearprop_check():
    x = {"W": ..., "b": ...}                # the parameters: arrays, or a dict or list of them
    def f(x): return ...                    # the loss, one number
    def grad(x): return {"W": ..., "b": ...}  # the gradient that your code computes
    return f, grad, x"""


def find_cases(namespace: dict[str, Any], module: str, names: list[str], seed: int) -> tuple[list[Case], list[tuple[str, str]]]:
    """Find all that can be checked, each as a name, its convention, and the work to do.

    Parameters
    ----------
    namespace : dict
        The namespace of the script.
    module : str
        The name under which it was loaded; functions imported from elsewhere are left alone.
    names : list of str
        The names asked for; all, if empty.
    seed : int

    Returns
    -------
    cases : list
    unclear : list of (str, str)
        Names asked for that could not be understood, with the reason.
    """
    own = {name: thing for name, thing in namespace.items() if _is_own(thing, module)}
    cases: list[Case] = []
    pipeline = find_pipeline(own)
    if pipeline is not None:
        cases += pipeline_cases(pipeline, namespace, seed)
    used = set(pipeline.values()) if pipeline else set()
    for function, derivative in find_derivatives(own):
        cases.append(
            (derivative, "derivative of a function", derivative_case(own[function], own[derivative], derivative, seed))
        )
        used.add(derivative)
    for name, thing in own.items():
        if name not in used:
            cases += _case(name, thing, seed, name in names)
    if not names:
        return cases, []
    wanted = [case for case in cases if case[0] in names]
    found = {case[0] for case in wanted}
    unclear = [(name, _why_not(name, namespace)) for name in names if name not in found]
    return wanted, unclear


def _case(name: str, thing: Any, seed: int, asked: bool) -> list[Case]:
    """The case for one function or class; none if it follows no convention."""
    if inspect.isclass(thing):
        if is_autograd_function(thing):
            return [(name, "torch.autograd.Function", autograd_case(name, thing, seed))]
        if is_layer_class(thing):
            return [(name, "layer class", layer_case(name, thing, seed))]
        return []
    if name.startswith("clearprop_check") or (asked and not inspect.signature(thing).parameters):
        return [(name, "adapter", lambda: FunctionOutcome.of(name, "adapter", _adapted(name, thing, seed)))]
    if is_loss_and_gradient(name, thing):
        return [(name, "loss and gradient", loss_and_gradient_case(name, thing, seed))]
    return []


def _adapted(name: str, adapter: Callable[[], Any], seed: int) -> Any:
    f, grad, x = adapter()
    return check_gradient(f, grad, x, seed=seed, title=name)


def _is_own(thing: Any, module: str) -> bool:
    """Whether it is a function or class that the script itself defines."""
    return (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module


def _why_not(name: str, namespace: dict[str, Any]) -> str:
    if name not in namespace:
        return f"There is no {name} in the script."
    return f"{name} follows no convention that is known here."
