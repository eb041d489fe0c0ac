"""The functions that the kernel stands in for, and whether they are still the ones that it was verified against.

The tests run the kernel beside the engine `batch`, and hold the two together. That says something about the functions that
were run in those tests, and nothing about others. So the kernel is used only while every function that `batch` would call
in its place is

- the very object that it was when clearprop was imported (no subclass, monkeypatch or attribute of an instance), and
- in its source what it was in those tests: `verified.json` holds a digest of each, in which comments, docstrings,
  annotations, and what a `raise` says do not count.

The numbers of a module that such functions name, such as `SELU_ALPHA`, must be the very objects that they were as well. (An
edit of one needs no digest: functions that are compiled as they stand are compiled with the numbers that they name.)

After a deliberate edit, ``python tests/engines/renew_verified.py`` writes the new digests, if the engines still agree.
This module is imported with clearprop, before anybody can have replaced anything; the digests are computed when the
compiled engine is first used. Where there is no source to read, there is none that could have been edited.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Callable
from functools import cache
from importlib.abc import InspectLoader
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    Activation,
    BatchNorm,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Dropout,
    Focal,
    GELUTanh,
    Huber,
    Identity,
    LeakyReLU,
    Linear,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    Quantile,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from clearprop.optim import SGD, AdaGrad, Adam, AdamW, Lion, Nadam, RMSProp

DIGESTS = Path(__file__).with_suffix(".json")
ACTIVATION = ("forward", "backward", "f", "df", "constants")
LOSS = ("__call__", "forward", "backward", "scale", "n_correct", "of_each")
CLASS_LOSS = (*LOSS, "rows")
NUMBER_LOSS = (*LOSS, "f", "df", "check", "admissible", "constants")
OPTIMIZER = ("step", "prepare", "rate", "clipped", "regularised", "shrunk", "decaying", "constants", "update")
METHODS: dict[type, tuple[str, ...]] = {
    Net: ("__call__", "forward", "backward", "zero_grad", "unique_layers", "_bind"),
    Linear: ("forward", "backward", "check_input", "__setattr__"),
    **dict.fromkeys((Sigmoid, Tanh, ReLU, Identity), ACTIVATION),
    **dict.fromkeys((LeakyReLU, ELU, SELU, Softplus, SiLU, GELU, GELUTanh), ACTIVATION),
    Activation: ("forward", "backward"),
    Dropout: ("forward", "backward"),
    BatchNorm: ("forward", "backward", "check_input", "__setattr__"),
    Softmax: ("forward", "backward"),
    CrossEntropy: CLASS_LOSS,
    Focal: (*CLASS_LOSS, "f", "df", "constants"),
    NegativeLogLikelihood: (*CLASS_LOSS, "probabilities"),
    **dict.fromkeys((MeanSquaredError, MeanAbsoluteError, Huber, Quantile), (*NUMBER_LOSS, "probabilities")),
    **dict.fromkeys((BinaryCrossEntropy, BinaryCrossEntropyWithLogits), NUMBER_LOSS),
    **dict.fromkeys((SGD, AdaGrad, RMSProp, Adam, AdamW, Nadam, Lion), OPTIMIZER),
}
"""Methods that the engine `batch` calls on an object of each class."""
HELPERS: dict[type, tuple[tuple[type, str], ...]] = {
    Softmax: ((Softmax, "softmax"),),
    CrossEntropy: ((CrossEntropy, "one_hot"), (CrossEntropy, "check_shares"), (CrossEntropy, "classes_of")),
    Focal: ((CrossEntropy, "one_hot"), (CrossEntropy, "check_shares"), (Focal, "classes_of")),
    NegativeLogLikelihood: ((NegativeLogLikelihood, "one_hot"), (NegativeLogLikelihood, "check_shares"), (Loss, "classes_of")),
    BinaryCrossEntropy: ((BinaryCrossEntropy, "elementwise_n_correct"),),
    BinaryCrossEntropyWithLogits: ((BinaryCrossEntropyWithLogits, "elementwise_n_correct"),),
    GELU: ((GELU, "normal_cdf"),),
}
"""Functions that these methods call in turn, by name, in the module of a class."""
SHARED = ("f", "df", "update")
"""Methods that are compiled into the kernel as they stand in `nn` and `optim`."""


class Original(NamedTuple):
    """A function as it was when clearprop was imported, under a name of a class or of a module; None if there was none.

    Functions are compared by their code, which a reload (as in a notebook) exchanges inside the old function.
    """

    label: str
    name: str
    function: Any
    code: Any
    module: dict[str, Any] | None


def _code(function: Any) -> Any:
    return getattr(function, "__code__", None)


def _originals(kind: type) -> list[Original]:
    found = []
    for name in METHODS[kind]:
        function = getattr(kind, name, None)
        found.append(Original(f"{kind.__name__}.{name}", name, function, _code(function), None))
    for owner, name in HELPERS.get(kind, ()):
        module = vars(sys.modules[owner.__module__])
        found.append(Original(name, name, module.get(name), _code(module.get(name)), module))
    return found


ORIGINALS = {kind: _originals(kind) for kind in METHODS}


def _numbers(kind: type) -> list[tuple[dict[str, Any], str, Any]]:
    """Numbers, and tuples of them, that are named by what is compiled of a class and by its helpers: module, name and value."""
    functions = [found.function for found in ORIGINALS[kind] if found.name in SHARED or found.module is not None]
    named = {
        name: function.__globals__
        for function in functions
        if function is not None
        for name in function.__code__.co_names
        if isinstance(function.__globals__.get(name), (int, float, tuple))
    }
    return [(module, name, module[name]) for name, module in named.items()]


NUMBERS = {kind: _numbers(kind) for kind in METHODS}
# The same in a form in which it is quickly compared.
NAMES = {kind: frozenset(METHODS[kind]) for kind in METHODS}
CODES = {kind: tuple(found.code for found in ORIGINALS[kind] if found.module is None) for kind in METHODS}
CODES_OF = {kind: attrgetter(*[f"{name}.__code__" for name in METHODS[kind]]) for kind in METHODS}
HELPER_CODES = {
    kind: [(found.module, found.name, found.code) for found in ORIGINALS[kind] if found.module is not None] for kind in METHODS
}
REPLACED = "is not the one that it was verified against (it was replaced)."
EDITED = "is not the one that it was verified against (its source was edited)."


def original(kind: type, name: str) -> Callable[..., Any]:
    """The method of a class as it was when clearprop was imported."""
    function: Callable[..., Any] = next(found.function for found in ORIGINALS[kind] if found.name == name)
    return function


def unverified(*parts: object) -> str | None:
    """The first function of these nets, layers, losses and optimizers that is not the verified one, in a sentence.

    None if all are. Every part is a `Net`, an `Activation` (whose `f` and `df` are compiled as they stand, so that only the
    methods around them count), or of one of the other classes in `METHODS`. This is asked before every epoch, and takes two or
    three microseconds.
    """
    kinds: set[type] = set()
    for part in parts:
        here = type(part)
        kind = here if here in CODES else Activation if isinstance(part, Activation) else Net
        kinds.add(kind)
        try:
            same = NAMES[kind].isdisjoint(part.__dict__) and CODES_OF[kind](here) == CODES[kind]
            for module, name, code in HELPER_CODES[kind]:
                same = same and module[name].__code__ is code
            for module, name, value in NUMBERS[kind]:
                same = same and module[name] is value
        except (AttributeError, KeyError):  # there is nothing under a name, or something that is no function
            same = False
        if not same:
            return replaced_in(part, kind) or edited_in(kinds)
    return None if kinds <= UNEDITED else edited_in(kinds)


def replaced_in(part: Any, kind: type) -> str | None:
    """The first method of a part, or function or number that its methods name, that is not the original, in a sentence."""
    here, own = type(part), vars(part)
    for _, name, _, code, module in ORIGINALS[kind]:
        now = getattr(here, name, None) if module is None else module.get(name)
        if _code(now) is not code or (module is None and name in own):
            return f"{name if module else f'{here.__name__}.{name}'} {REPLACED}"
    names = (name for module, name, value in NUMBERS[kind] if module.get(name) is not value)
    return next((f"{name} {REPLACED}" for name in names), None)


UNEDITED: set[type] = set()
"""Classes whose sources have been compared, and are the verified ones."""


def edited_in(kinds: set[type]) -> str | None:
    """The first original whose source is another, in a sentence: any of these classes, or, in the kernel, of any class."""
    for kind in METHODS:
        for found in ORIGINALS[kind]:
            now = digest(found.function) if kind in kinds or found.name in SHARED else None
            if now is not None and now != recorded().get(found.label):
                return f"{found.label} {EDITED}"
    UNEDITED.update(kinds)
    return None


@cache
def recorded() -> dict[str, str]:
    """The digest that each function had in the tests, by its label: "Linear.forward", "one_hot"."""
    found: dict[str, str] = json.loads(DIGESTS.read_text(encoding="utf-8"))
    return found


def computed() -> dict[str, str]:
    """The digest that each function has now."""
    return {found.label: digest(found.function) or "" for kind in METHODS for found in ORIGINALS[kind]}


@cache
def digest(function: Callable[..., Any] | None) -> str | None:
    """Digest of the source of a function; "" if it does not stand where its name says, None if there is no source to read."""
    if function is None:
        return ""
    nodes = _functions_in(getattr(function, "__module__", None))
    if nodes is None:
        return None
    node = nodes.get(getattr(function, "__qualname__", ""))
    return "" if node is None else hashlib.sha256(canonical(node).encode()).hexdigest()[:16]


@cache
def _functions_in(name: str | None) -> dict[str, ast.FunctionDef] | None:
    """The functions of a module and the methods of its classes, by their qualified names; None if it has no source."""
    found: dict[str, ast.FunctionDef] = {}
    loader = getattr(getattr(sys.modules.get(name or ""), "__spec__", None), "loader", None)
    try:
        source = loader.get_source(name) if isinstance(loader, InspectLoader) and name else None
        body = ast.parse(source).body if source is not None else None
    except (OSError, ImportError):
        return None
    except SyntaxError:  # edited since it was imported
        return found
    if body is None:
        return None
    for node in body:
        prefix, inside = (f"{node.name}.", node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        found |= {prefix + part.name: part for part in inside if isinstance(part, ast.FunctionDef)}
    return found


IGNORED = ("annotation", "returns", "type_comment", "type_params", "ctx", "kind")


def canonical(node: Any) -> str:
    """A syntax tree as text, the same in every version of Python, without all that has no effect on the values computed."""
    if isinstance(node, list):
        return "[" + ",".join(canonical(part) for part in node if not _is_text(part)) + "]"
    if isinstance(node, ast.Raise):
        return "Raise()"
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if name not in IGNORED and value not in (None, [])]
        return f"{type(node).__name__}({','.join(f'{name}={canonical(value)}' for name, value in fields)})"
    return repr(node)


def _is_text(node: Any) -> bool:
    """Whether a statement is a string and nothing else, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
