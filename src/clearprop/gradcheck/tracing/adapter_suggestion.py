"""The suggested adapter: where no convention fits, the lines that say what to check, with the program's own functions in them.

A function that seems to give a gradient and one that seems to give the loss are called with arrays of several shapes. The
shapes with which both run stand in the suggestion, so that it runs as it is; where none do, it has the names alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.conventions.convention import FAILURES, forget
from clearprop.gradcheck.tracing.conventions.names import NO_BACKWARD
from clearprop.gradcheck.tracing.guesses import DATA, required
from clearprop.gradcheck.tracing.wrappers import leaf, plain

ROWS, N_IN, N_OUT = 6, 4, 3
SLOPES: Final = r"grad|deriv|prime|delta|back|slope|jacobian|sensitiv|^d_|^d[A-Z]|^nabla"
VALUES: Final = r"loss|cost|err|objective|energy|score|penalty|mse|nll|entropy"
FURTHER_DATA: Final = r"^(samples|examples|points|observations|records|rows|table|dataset|design)$"
MOST: Final = 64  # calls that are tried for a pair of functions
EMPTY: Final = """\
def clearprop_check():
    x = {"W": ..., "b": ...}                # the parameters: arrays, or a dict or list of them
    def f(x): return ...                    # the loss, one number
    def grad(x): return {"W": ..., "b": ...}  # the gradient that your code computes
    return f, grad, x"""

Arguments = dict[str, tuple[str, Any]]
"""For each argument the expression that makes it, and its value."""


def suggested_adapter(functions: dict[str, Callable[..., Any]]) -> str:
    """The adapter for a program that defines these functions."""
    first = ""
    for slope, value in _pairs(functions):
        for arguments in itertools.islice(_arguments(functions[slope], functions[value]), MOST):
            form = _form(functions[value], functions[slope], arguments)
            if form is not None:
                return _written(value, slope, functions, arguments, form)
        first = first or _with_names(value, slope, functions)
    return first or EMPTY


def _pairs(functions: dict[str, Callable[..., Any]]) -> Iterator[tuple[str, str]]:
    """Pairs of a gradient and a value, by their names: the first takes at least what the second takes."""
    slopes = [n for n, f in functions.items() if re.search(SLOPES, n) and not re.search(NO_BACKWARD, n) and required(f)]
    for slope in slopes:
        taken = set(required(functions[slope]))
        others = [n for n, f in functions.items() if n not in slopes and required(f) and set(required(f)) <= taken]
        for value in sorted(others, key=lambda n: (re.search(VALUES, n, re.IGNORECASE) is None, -len(required(functions[n])))):
            yield slope, value


def _role(name: str) -> str:
    if re.match(FURTHER_DATA, name.lower()):
        return "X"
    return next((role for role in ("X", "Y") if re.match(DATA[role], name.lower())), "")


def _arguments(slope: Callable[..., Any], value: Callable[..., Any]) -> Iterator[Arguments]:
    """Arguments to try, the likelier shapes first."""
    names = list(dict.fromkeys([*required(value), *required(slope)]))
    options = [_shapes(name) for name in names]
    for shapes in itertools.product(*options):
        rng = np.random.default_rng(0)
        yield {name: _made(name, shape, rng) for name, shape in zip(names, shapes, strict=True)}


def _shapes(name: str) -> list[Any]:
    if _role(name) == "X":
        return [(ROWS, N_IN), (N_IN, ROWS), (N_IN,)]
    if _role(name) == "Y":
        return [(ROWS,), (ROWS, N_OUT), "classes", (ROWS, 1), (N_OUT, ROWS), ()]
    if re.match(r"^(b|bias|c|intercept|b_?0)\d*$", name.lower()):
        return [(), (N_OUT,), (1,), (N_OUT, 1)]
    return [(N_IN,), (N_IN, N_OUT), (N_IN, 1), (N_OUT, N_IN), ()]


def _made(name: str, shape: Any, rng: np.random.Generator) -> tuple[str, Any]:
    if shape == "classes":
        return f"np.arange({ROWS}) % {N_OUT}", np.arange(ROWS) % N_OUT
    if shape == ():
        return "rng.normal()", float(rng.normal())
    return f"rng.normal(size={shape})", rng.normal(size=shape)


def _form(value: Callable[..., Any], slope: Callable[..., Any], arguments: Arguments) -> str | None:
    """The form of what the gradient function returns: "array", "tuple" or "dict"; None if the calls do not run or fit."""
    forget()
    given = {name: leaf(made, "data") for name, (_, made) in arguments.items()}
    wanted = [np.shape(made) for name, (_, made) in arguments.items() if not _role(name)]
    try:
        number = np.asarray(plain(value(*(given[n] for n in required(value)))), dtype=np.float64)
        found = plain(slope(*(given[n] for n in required(slope))))
        if number.size != 1 or not np.isfinite(number).all() or not wanted:
            return None
        if isinstance(found, (dict, tuple, list)) and len(found) == len(wanted):
            parts = list(found.values()) if isinstance(found, dict) else list(found)
            return type(found).__name__ if [np.shape(part) for part in parts] == wanted else None
        return "array" if [np.shape(found)] == wanted else None
    except FAILURES:
        return None


def _written(value: str, slope: str, functions: dict[str, Any], arguments: Arguments, form: str) -> str:
    """The whole adapter."""
    data = [f"    {name} = {text}" for name, (text, _) in arguments.items() if _role(name)]
    own = ", ".join(f'"{name}": {text}' for name, (text, _) in arguments.items() if not _role(name))
    only = next(name for name in arguments if not _role(name))
    made = _call(slope, functions)
    said = {"array": f'{{"{only}": {made}}}', "dict": f"dict(zip(x, {made}.values()))"}.get(form, f"dict(zip(x, {made}))")
    return "\n".join(
        [
            "import numpy as np",
            "def clearprop_check():",
            "    rng = np.random.default_rng(0)",
            *data,
            f"    x = {{{own}}}",
            f"    def f(x): return {_call(value, functions)}",
            f"    def grad(x): return {said}",
            "    return f, grad, x",
        ]
    )


def _call(name: str, functions: dict[str, Any]) -> str:
    """A call of a function, with the parameters out of x."""
    return f"{name}({', '.join(n if _role(n) else f'x[{chr(34)}{n}{chr(34)}]' for n in required(functions[name]))})"


def _with_names(value: str, slope: str, functions: dict[str, Any]) -> str:
    """The adapter with the names of the functions, and places for the arrays."""
    names = list(dict.fromkeys([*required(functions[value]), *required(functions[slope])]))
    own = [name for name in names if not _role(name)] or names
    data = [f"    {name} = ...  # the data" for name in names if name not in own]
    parameters = ", ".join(f'"{name}": ...' for name in own)
    return "\n".join(
        [
            "def clearprop_check():",
            *data,
            f"    x = {{{parameters}}}  # the parameters: arrays",
            f"    def f(x): return {_call(value, functions)}  # the loss, one number",
            f"    def grad(x): return dict(zip(x, {_call(slope, functions)}))  # the gradients, in the order of x",
            "    return f, grad, x",
        ]
    )
