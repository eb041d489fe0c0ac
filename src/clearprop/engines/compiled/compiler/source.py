"""The source of a function, as a syntax tree, and what the names in it stand for."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections import ChainMap, Counter
from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

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
        Name, file and line, for messages.
    """

    body: list[ast.stmt]
    parameters: ast.arguments
    changing: frozenset[str]
    surroundings: Mapping[str, Any]
    place: str


def source_of(function: Callable[..., Any]) -> Source:
    """The source of a plain function or lambda, and what its names stand for at present.

    Raises
    ------
    NotCompilableError
        If there is none to read.
    """
    if not isinstance(function, FunctionType):
        raise NotCompilableError(f"the source of {getattr(function, '__qualname__', repr(function))} cannot be read.")
    code = function.__code__
    body, parameters, changing = _parsed(code)
    around = {name: cell.cell_contents for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)}
    place = f"{function.__qualname__} ({code.co_filename}, line {code.co_firstlineno})"
    return Source(body, parameters, changing, ChainMap(around, function.__globals__, vars(builtins)), place)


@cache
def _parsed(code: CodeType) -> tuple[list[ast.stmt], ast.arguments, frozenset[str]]:
    """Body, parameters and changing names of the function with this code: of a decorator's, not of what it decorates."""
    name = code.co_qualname
    try:
        tree: Any = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        raise NotCompilableError(f"the source of {name} cannot be read.") from None
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    if not found or (isinstance(found[0], ast.Lambda) and len(found) > 1):
        raise NotCompilableError(f"the source of {name} cannot be told from what stands around it.")
    node = found[0]
    body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    return body, node.args, _changing(body, node.args)


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
    unknown = named.keys() - set(names)
    if unknown or set(names) - found.keys() or (len(given) > len(names) and not parameters.vararg) or parameters.kwonlyargs:
        raise NotCompilableError(f"{function.__qualname__} does not take these arguments.")
    return found


def fingerprint(function: Callable[..., Any], within: tuple[Any, ...] = ()) -> str:
    """All on which the compiled code of a function depends: its source, and the values and functions that it names.

    Functions that name each other are told apart by those `within` which the present one is named.
    """
    if not isinstance(function, FunctionType):
        return getattr(function, "__qualname__", repr(function))
    text, names = _text_and_names(function.__code__)
    found, surroundings = [text, repr(function.__defaults__)], source_of(function).surroundings
    for name in names:
        value = _value_of_name(surroundings, name)
        if isinstance(value, FunctionType) and value is not function and value not in within:
            found.append(f"{name}: {fingerprint(value, (*within, function))}")
        elif isinstance(value, (int, float, str, tuple, list, dict, np.generic, np.ndarray)):
            found.append(f"{name} = {value!r}")
    return "\n".join(found)


@cache
def _text_and_names(code: CodeType) -> tuple[str, tuple[str, ...]]:
    """The source of a function without comments, and the names in it, with dots: np.exp and np, say."""
    body, parameters, _ = _parsed(code)
    text = "\n".join([ast.unparse(parameters), *map(ast.unparse, body)])
    nodes = [node for statement in body for node in ast.walk(statement) if isinstance(node, (ast.Name, ast.Attribute))]
    names = {ast.unparse(node) for node in nodes}
    return text, tuple(sorted(name for name in names if all(map(str.isidentifier, name.split(".")))))


def _value_of_name(surroundings: Mapping[str, Any], name: str) -> Any:
    """The value of a name with dots; None if it has none."""
    first, *attributes = name.split(".")
    value = surroundings.get(first)
    for attribute in attributes:
        value = getattr(value, attribute, None)
    return value
