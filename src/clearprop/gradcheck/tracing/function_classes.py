"""Checking a torch.autograd.Function: its backward against differences of its forward, and the name of the mistake.

Its operations are torch's own and are not recorded, so the mistake is told from the numbers: each way to spoil the right
gradients that is known (the upstream gradient left out or used twice, a factor, gradients exchanged) is compared with what
backward returns.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.report import GradientReport, Suspect

FIRST = ((4, 3), (3,), ())
OTHERS = ((4, 3), (3, 2), (2, 3), (2,), (3,), ())


@checked
def check_function(function: Any, inputs: Sequence[Any] | None = None, seed: int = 0) -> GradientReport:
    """Check the backward of a torch.autograd.Function against finite differences of its forward.

    Parameters
    ----------
    function : subclass of torch.autograd.Function
    inputs : sequence, optional
        Arguments of `apply`; floating-point tensors among them are differentiated, in float64. By default random
        tensors of the first shapes that it takes.
    seed : int

    Returns
    -------
    GradientReport
        Truthy if all gradients are right, so that a test is one line: `assert cp.check_function(MyFunction, [x, w])`.

    Raises
    ------
    OptionError
        If it runs on no inputs that were tried.
    """
    import torch

    rng = np.random.default_rng(seed)
    given = list(inputs) if inputs is not None else list(find_inputs(function, rng).values())
    floats = [
        k for k, x in enumerate(given) if isinstance(x, (float, np.ndarray)) or (torch.is_tensor(x) and x.is_floating_point())
    ]
    names = [p.name for p in list(inspect.signature(function.forward).parameters.values())[1:]]
    names += [f"input {k}" for k in range(len(names), len(given))]

    def arguments(leaves: Sequence[Any]) -> list[Any]:
        mine = dict(zip(floats, leaves, strict=True))
        return [mine.get(k, x) for k, x in enumerate(given)]

    def run(leaves: Sequence[Any]) -> Any:
        out = function.apply(*arguments(leaves))
        return out[0] if isinstance(out, tuple) else out

    start = {names[k]: torch.as_tensor(given[k]).detach().to(torch.float64).cpu() for k in floats}
    c = torch.tensor(rng.normal(size=tuple(run(list(start.values())).shape)))

    def slopes(tree: dict[str, Any], upstream: Any) -> dict[str, Any]:
        leaves = [leaf.detach().requires_grad_() for leaf in tree.values()]
        found = torch.autograd.grad((upstream * run(leaves)).sum(), leaves, allow_unused=True)
        return {n: torch.zeros_like(x) if g is None else g for n, g, x in zip(tree, found, leaves, strict=True)}

    title = f"backward of {function.__name__}"
    report = check_gradient(
        lambda tree: (c * run(list(tree.values()))).sum(), lambda tree: slopes(tree, c), start, seed=seed, title=title
    )
    if report.ok:
        return report
    suspects = list(_upstream(function.__name__, slopes(start, c), slopes(start, 2.0 * c), report))
    return replace(report, suspects=suspects or report.suspects)


class Function(ABC):
    """A function that can only be called: its value, and the gradients that it claims, as arrays.

    Parameters
    ----------
    name : str
    start : dict of str to array
        The inputs that are differentiated.
    file, line : str, int
        Where its gradients are returned.
    """

    def __init__(self, name: str, start: dict[str, Array], file: str = "", line: int = 0) -> None:
        self.name, self.start, self.file, self.line = name, start, file, line

    @abstractmethod
    def value(self, inputs: dict[str, Array]) -> Array:
        """Its value."""

    @abstractmethod
    def gradients(self, inputs: dict[str, Array], upstream: Array) -> dict[str, Array]:
        """The gradients of sum(upstream * value) that it claims."""


class TorchFunction(Function):
    """A torch.autograd.Function that is called with arrays.

    Parameters
    ----------
    function : subclass of torch.autograd.Function
    rng : numpy.random.Generator
        For the inputs.
    file, line : str, int
        Where its gradients are returned.
    """

    def __init__(self, function: Any, rng: np.random.Generator, file: str = "", line: int = 0) -> None:
        super().__init__(function.__name__, find_inputs(function, rng), file, line)
        self.function = function

    def value(self, inputs: dict[str, Array]) -> Array:
        import torch

        out = self.function.apply(*(torch.tensor(array) for array in inputs.values()))
        return np.asarray((out[0] if isinstance(out, tuple) else out).detach().cpu().numpy())

    def gradients(self, inputs: dict[str, Array], upstream: Array) -> dict[str, Array]:
        import torch

        leaves = [torch.tensor(array, requires_grad=True) for array in inputs.values()]
        out = self.function.apply(*leaves)
        total = (torch.tensor(upstream) * (out[0] if isinstance(out, tuple) else out)).sum()
        found = torch.autograd.grad(total, leaves, allow_unused=True)
        named = zip(inputs, found, leaves, strict=True)
        return {n: np.zeros(tuple(x.shape)) if g is None else np.asarray(g.cpu().numpy()) for n, g, x in named}


def judge_function(function: Function, seed: int) -> GradientReport:
    """The report on the gradients of a function, by differences of its values at points that are chosen here."""
    start = function.start
    c = np.random.default_rng([seed, 1]).normal(size=function.value(start).shape)

    def slopes(inputs: dict[str, Array], upstream: Array) -> dict[str, Array]:
        return function.gradients(inputs, upstream)

    report = check_gradient(
        lambda tree: float((c * function.value(tree)).sum()),
        lambda tree: slopes(tree, c),
        start,
        seed=seed,
        title=f"backward of {function.name}",
    )
    if report.ok:
        return report
    suspects = list(_upstream(function.name, slopes(start, c), slopes(start, 2.0 * c), report))
    return replace(report, suspects=suspects or report.suspects)


def _upstream(name: str, once: dict[str, Any], twice: dict[str, Any], report: GradientReport) -> Iterator[Suspect]:
    """Gradients that do not follow the upstream gradient as they must: twice as much for twice as much."""
    wrong = {tensor.name for tensor in report.tensors if tensor.verdict == "wrong"}
    for key in once:
        a, b = (_as_array(x) for x in (once[key], twice[key]))
        if key not in wrong or not np.any(a):
            continue
        if np.allclose(a, b):
            yield Suspect(
                "upstream-ignored",
                "Upstream gradient ignored",
                f"d{key} stays the same when grad_output is doubled",
                "multiply by grad_output: the chain rule",
                f"Where does the backward of {name} use the gradient that it is given?",
            )
        elif np.allclose(b, 4.0 * a):
            yield Suspect(
                "upstream-twice",
                "Upstream gradient used twice",
                f"d{key} grows with the square of grad_output",
                "multiply by grad_output once",
                f"How often does the backward of {name} use the gradient that it is given?",
            )


def _as_array(x: Any) -> Array:
    return np.asarray(x if isinstance(x, np.ndarray) else x.detach().cpu().numpy(), dtype=np.float64)


def find_inputs(function: Any, rng: np.random.Generator) -> dict[str, Array]:
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
    raise OptionError(
        f"{function.__name__}.apply ran on no inputs that were tried, of shapes such as (4, 3), (3, 2), (2,); give inputs."
    )
