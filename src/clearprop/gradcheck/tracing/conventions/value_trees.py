"""Trees of values: the arrays in what a program returns or keeps, and their names."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.guesses import Pool, arrays_in
from clearprop.gradcheck.tracing.traced import Traced, plain
from clearprop.gradcheck.tracing.wrappers import Arr, Int, Num, leaf

Triple = tuple[str, Any, Any]
"""The name of a parameter, the parameter, and what is claimed for its gradient."""


def traced_tree(tree: Any) -> Any:
    """The same tree with traced leaves, floats in double precision."""
    if isinstance(tree, dict):
        return {key: traced_tree(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(traced_tree(item) for item in tree)
    if isinstance(tree, Traced):
        value = tree.vertex.value
        return leaf(np.array(value) if isinstance(value, np.ndarray) else value, "data")
    if isinstance(tree, (np.ndarray, float)):
        return leaf(np.array(tree) if isinstance(tree, np.ndarray) else float(tree), "data")
    return tree


def name_leaves(tree: Any) -> None:
    """Give each leaf of a tree its name."""
    for name, array in arrays_in(tree, "" if isinstance(tree, dict) else "x").items():
        if name not in array.vertex.names:
            array.vertex.names.append(name)


def all_arrays(tree: Any, name: str) -> dict[str, Any]:
    """Arrays and numbers of a tree, traced or not."""
    if isinstance(tree, (Arr, Num, np.ndarray, np.floating)) or (isinstance(tree, float) and not isinstance(tree, Int)):
        return {name: tree}
    found: dict[str, Any] = {}
    if isinstance(tree, dict):
        for key, item in tree.items():
            found |= all_arrays(item, f"{name}[{key!r}]" if name else str(key))
    elif isinstance(tree, (list, tuple)):
        for k, item in enumerate(tree):
            found |= all_arrays(item, f"{name}[{k}]")
    return found


def arrays_of(made: Any) -> dict[str, Any]:
    """Float arrays among the attributes of an object, through dicts and lists of them."""
    found: dict[str, Any] = {}
    for name, value in vars(made).items():
        if isinstance(value, (Arr, dict, list, tuple, Num)):
            found |= {n: a for n, a in arrays_in(value, name).items() if a.vertex.floating and a.size}
    return found


def as_it_is(arrays: dict[str, Any]) -> dict[str, Any]:
    """The same arrays, which writing into them does not change."""
    return {n: type(a)(a.vertex) if isinstance(a, Arr) else a for n, a in arrays.items()}


def floats_among(inputs: dict[str, Any]) -> dict[str, Any]:
    """The arrays of floats among named values."""
    return {n: a for n, a in inputs.items() if isinstance(a, Arr) and a.dtype.kind == "f"}


def matched_by_name(parameters: dict[str, Any], gradients: dict[str, Any]) -> list[Triple]:
    """The part of `matched` that goes by names."""
    found, left = [], dict(parameters)
    for name, gradient in gradients.items():
        stems = stems_of_gradient(name)
        for own in list(left):
            if stem(own) in stems[1:] or (stem(own) in stems and not stem(own).isdigit() and len(stems) == 1):
                found.append((own, left.pop(own), gradient))
                break
    return found


def matched_in_order(parameters: dict[str, Any], gradients: list[Any]) -> list[Triple]:
    """Gradients for parameters in their order."""
    return [(n, p, g) for (n, p), g in zip(parameters.items(), gradients, strict=False)]


def matched_by_shape(parameters: dict[str, Any], gradients: list[Any]) -> list[Triple]:
    """Gradients for the first parameters of the same shape, else for those that are left, in their order."""
    found, left = [], dict(parameters)
    for gradient in gradients:
        same = [n for n, p in left.items() if np.shape(plain(p)) == np.shape(plain(gradient))] or list(left)[:1]
        if same:
            found.append((same[0], left.pop(same[0]), gradient))
    return found


def remember(pool: Pool, made: Any, function: Callable[..., Any], sources: dict[str, str]) -> None:
    """Put what a function returned into the pool, under the names that it has there."""
    if isinstance(made, tuple):
        for name, value in zip(returned_names(function, sources, len(made)), made, strict=False):
            if name:
                pool.add(name, value)
    elif made is not None:
        for name in returned_names(function, sources, 1):
            pool.add(name, made)
    if isinstance(made, dict):
        for key, value in made.items():
            if isinstance(key, str):
                pool.add(key, value)


def names_of_returned(made: tuple[Any, ...], function: Callable[..., Any], sources: dict[str, str]) -> dict[str, Any]:
    """The arrays of a returned tuple by the names that they have in the return statement."""
    found: dict[str, Any] = {}
    for k, (name, value) in enumerate(zip(returned_names(function, sources, len(made)), made, strict=False)):
        found |= all_arrays(value, name or f"[{k}]")
    return found


def returned_names(function: Callable[..., Any], sources: dict[str, str], count: int) -> list[str]:
    """The names in the last return statement of a function; "" for what is no name."""
    code = function.__code__
    try:
        tree = ast.parse(sources.get(code.co_filename, ""))
    except SyntaxError:
        return [""] * count
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno <= code.co_firstlineno + 5 and node.name == code.co_name:
            returns = [r for r in ast.walk(node) if isinstance(r, ast.Return) and r.value is not None]
            if returns:
                value = returns[-1].value
                elements = value.elts if isinstance(value, ast.Tuple) else [value]
                if len(elements) == count:
                    return [ast.unparse(e) if isinstance(e, (ast.Name, ast.Attribute)) else "" for e in elements]
    return [""] * count
