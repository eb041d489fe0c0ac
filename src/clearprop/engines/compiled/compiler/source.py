"""The source of a function, as a syntax tree, and what the names in it stand for."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections import ChainMap, Counter
from collections.abc import Callable, Mapping
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

from clearprop.engines.compiled.compiler.values import NotCompilableError


class Source(NamedTuple):
    """A function to be translated.

    Attributes
    ----------
    body : list of ast.stmt
    parameters : ast.arguments
    changing : frozenset of str
        Local names that are assigned more than once, and so need a place in memory; the others are names of values.
    surroundings : mapping
        Values of its global names and of those of the functions around it.
    place : str
        File and line, for messages.
    """

    body: list[ast.stmt]
    parameters: ast.arguments
    changing: frozenset[str]
    surroundings: Mapping[str, Any]
    place: str


@cache
def source_of(function: Callable[..., Any]) -> Source:
    """The source of a plain function or lambda.

    Raises
    ------
    NotCompilableError
        If there is none to read.
    """
    name = getattr(function, "__qualname__", repr(function))
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree: Any = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        raise NotCompilableError(f"the source of {name} cannot be read.") from None
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    if not found or (isinstance(found[0], ast.Lambda) and len(found) > 1):
        raise NotCompilableError(f"the source of {name} cannot be told from what stands around it.")
    node = found[0]
    body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    code = function.__code__
    place = f"{code.co_filename}, line {code.co_firstlineno}"
    around: list[Any] = [inspect.getclosurevars(function).nonlocals, function.__globals__, vars(builtins)]
    surroundings = ChainMap(*around)
    return Source(body, node.args, _changing(body, node.args), surroundings, place)


def _changing(body: list[ast.stmt], parameters: ast.arguments) -> frozenset[str]:
    """Names that are assigned more than once: by the call, for parameters; and twice by an augmented assignment."""
    times = Counter(parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args))
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                times[node.id] += 1
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                times[node.target.id] += 1
    return frozenset(name for name, n in times.items() if n > 1)


def bound(function: Callable[..., Any], parameters: ast.arguments, given: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """The values of a function's parameters in a call."""
    names = [p.arg for p in (*parameters.posonlyargs, *parameters.args)]
    defaults = getattr(function, "__defaults__", None) or ()
    found = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)) if defaults else {}
    found |= dict(zip(names, given, strict=False)) | named
    if parameters.vararg is not None:
        found[parameters.vararg.arg] = tuple(given[len(names) :])
    if set(names) - found.keys() or (len(given) > len(names) and parameters.vararg is None) or parameters.kwonlyargs:
        raise NotCompilableError(f"{function.__qualname__} does not take these arguments.")
    return found


def fingerprint(function: Callable[..., Any]) -> str:
    """All on which the compiled code of a function depends: its source, and the numbers and functions that it names."""
    if not isinstance(function, FunctionType):
        return getattr(function, "__qualname__", repr(function))
    text, names, surroundings = _text_and_names(function)
    found = [text]
    for name in names:
        value = surroundings.get(name)
        if isinstance(value, FunctionType) and value is not function:
            found.append(f"{name}: {fingerprint(value)}")
        elif isinstance(value, (int, float, str, tuple)):
            found.append(f"{name} = {value!r}")
    return "\n".join(found)


@cache
def _text_and_names(function: Callable[..., Any]) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The source of a function without comments; the names in it; and where their values are found."""
    source = source_of(function)
    text = "\n".join([ast.unparse(source.parameters), *map(ast.unparse, source.body)])
    names = {node.id for statement in source.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return text, tuple(sorted(names)), source.surroundings
