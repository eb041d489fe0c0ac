"""The convention of `torch.autograd.Function`: static methods forward(ctx, ...) and backward(ctx, ...)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from clearprop.errors import OptionError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.scripts.file_outcome import FunctionOutcome

FIRST = ((4, 3), (3,), ())
OTHERS = ((4, 3), (3, 2), (2, 3), (2,), (3,), ())


def is_autograd_function(thing: type) -> bool:
    """Whether it is such a class; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(thing, torch.autograd.Function)


def autograd_case(name: str, function: Any, seed: int) -> Callable[[], FunctionOutcome]:
    """The work: its backward against finite differences of its forward, on inputs of shapes that it takes."""

    def work() -> FunctionOutcome:
        import torch

        inputs = find_inputs(function, np.random.default_rng(seed))
        out = function.apply(*(torch.tensor(x) for x in inputs.values()))
        c = torch.tensor(np.random.default_rng(seed + 1).normal(size=tuple(out.shape)))

        def f(tree: dict[str, Any]) -> Any:
            return (c * function.apply(*tree.values())).sum()

        def grad(tree: dict[str, Any]) -> Any:
            leaves = [leaf.detach().requires_grad_() for leaf in tree.values()]
            found = torch.autograd.grad((c * function.apply(*leaves)).sum(), leaves, allow_unused=True)
            zeros = [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]
            return dict(zip(tree, zeros, strict=True))

        tree = {key: torch.tensor(x) for key, x in inputs.items()}
        return FunctionOutcome.of(name, "torch.autograd.Function", check_gradient(f, grad, tree, seed=seed, title=name))

    return work


def find_inputs(function: Any, rng: np.random.Generator) -> dict[str, np.ndarray[Any, Any]]:
    """Random inputs (float64) by parameter name, of the first shapes that run forward and backward.

    Raises
    ------
    OptionError
        If none do.
    """
    import torch

    names = [p.name for p in list(inspect.signature(function.forward).parameters.values())[1:] if p.default is p.empty]
    for shapes in product(FIRST, *[OTHERS] * (len(names) - 1)):
        arrays = {name: rng.normal(size=shape) for name, shape in zip(names, shapes, strict=True)}
        try:
            leaves = [torch.tensor(a, requires_grad=True) for a in arrays.values()]
            function.apply(*leaves).sum().backward()
        except Exception:  # any failure means: not these shapes
            continue
        return arrays
    raise OptionError(f"{function.__name__}.apply ran on no inputs that were tried, of shapes such as (4, 3), (3, 2), (2,).")
