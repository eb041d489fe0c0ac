"""The door of the library: what the annotations of a public function promise is checked when it is called.

`checked` reads the annotations of a function once, at its first call, and makes a rule of each: `int` is a whole number,
`Literal["mean", "sum"]` one of two words, `Array` an array of real numbers, `Net` a net. What breaks a rule is refused in
one sentence before any work is done. The function itself then checks only what its annotations cannot say.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, wraps
from os import PathLike, fsencode
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np

from clearprop.arrays import describe, numbers
from clearprop.errors import ArgumentsError, ClearpropError, OptionError, ShortOfMemoryError, cannot_access
from clearprop.rules import LARGEST, choose, count, is_number, is_whole, number, require, seeded, switch, unknown_name

F = TypeVar("F", bound=Callable[..., Any])
SEEDS = ("seed", "sweep_seed", "rng")
LEAST = dict.fromkeys(
    ("epochs", "batch_size", "seeds", "draws", "every", "threads", "n", "examples", "width", "digits", "sizes"), 1
)
LEAST["resolution"] = 2
"""Smallest value of the counts that bear these names; one name means one thing in the whole package."""
UNIONS = (Union, types.UnionType)
LATER = {"Axes": "matplotlib.axes", "Figure": "matplotlib.figure"}
"""Classes of packages that are imported where they are used: whoever has such an object has imported its module."""


class Demand(NamedTuple):
    """Rule for an argument.

    Attributes
    ----------
    words : str
        The rule in a sentence "seed must be ...".
    fits : callable
        Whether a value is of the right kind at all, by which the alternatives of a union are told apart.
    take : callable
        (name, value) -> value, as the function is given it; raises a `ClearpropError` for one out of range.
    speaks : bool
        Whether `take` has a sentence for a value of another kind, too.
    """

    words: str
    fits: Callable[[Any], bool]
    take: Callable[[str, Any], Any]
    speaks: bool = False


def checked(target: F, annotations: bool = True) -> F:
    """A function whose arguments are checked against its annotations; of a class, the constructor.

    Without `annotations`, only their names are: for a function that has a better sentence for each of its arguments.

    Raises
    ------
    ArgumentsError
        On a call, if an argument is missing or unknown.
    OptionError
        If one is not what its annotation says.
    ShortOfMemoryError, FileAccessError
        In place of a `MemoryError` or, from a function that takes a path, an `OSError`.

    Examples
    --------
    >>> @checked
    ... def repeat(word: str, times: int = 2) -> str:
    ...     return word * times
    >>> repeat("ab"), repeat("ab", 3)
    ('abab', 'ababab')
    >>> repeat("ab", "three")
    Traceback (most recent call last):
    clearprop.errors.OptionError: times must be a whole number, not 'three' (str).
    >>> repeat("ab", time=3)
    Traceback (most recent call last):
    clearprop.errors.ArgumentsError: repeat has no argument 'time'; did you mean 'times'? ...
    """
    if isinstance(target, type):
        kind: Any = target
        if "__init__" in vars(kind):
            kind.__init__ = checked(kind.__init__, annotations)
        return target
    door: list[Door] = []

    @wraps(target)
    def at_the_door(*given: Any, **named: Any) -> Any:
        """The function, behind the check of its arguments."""
        if not door:
            door.append(Door(target, annotations))
        given, named = door[0].check(given, named)
        try:
            return target(*given, **named)
        except MemoryError as error:
            if isinstance(error, ClearpropError):
                raise
            detail = f" ({error})" if str(error) else ""
            raise ShortOfMemoryError(f"{target.__qualname__} needs more memory than there is{detail}; ask for less.") from None
        except OSError as error:
            if isinstance(error, ClearpropError) or not door[0].takes_a_path:
                raise
            raise cannot_access(error) from None

    found: Any = at_the_door
    return found


def names_checked(target: F) -> F:
    """A function whose arguments are checked by name alone, because what it calls has a sentence for each value."""
    return checked(target, annotations=False)


class Door:
    """The rules of one function, and the check of a call.

    All that can be is worked out beforehand: `fit` passes through half a dozen doors.
    """

    def __init__(self, function: Callable[..., Any], annotations: bool) -> None:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        read = [p for p in parameters if annotations and p.annotation is not p.empty]
        hints = hints_of(function, {p.name: p.annotation for p in read})
        fixed = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        found = {p.name: rule_of(hints.get(p.name, Any), p.name) for p in fixed}
        places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.signature, self.name = signature, function.__qualname__.removesuffix(".__init__")
        self.names = found.keys()
        self.rules = {name: rule for name, rule in found.items() if rule is not None}
        self.ruled_places = [(place, name) for place, name in enumerate(places) if name in self.rules]
        self.most = len(places) if all(p.kind is not p.VAR_POSITIONAL for p in parameters) else sys.maxsize
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        needed = {p.name for p in fixed if p.default is p.empty}
        self.given = [frozenset(places[:n]) for n in range(len(places) + 1)]
        self.needed = [needed - names for names in self.given]
        self.takes_a_path = any("path" in str(p.annotation).lower() for p in fixed)

    def check(self, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, each as its rule takes it."""
        n = min(len(given), len(self.given) - 1)
        fits = self.needed[n] <= named.keys() and (self.open or named.keys() <= self.names)
        if not fits or len(given) > self.most or not self.given[n].isdisjoint(named):
            self.refuse(given, named)
        rules = self.rules
        if not rules:
            return given, named
        taken = list(given)
        for place, name in self.ruled_places[:n]:
            if place < n:
                taken[place] = take(rules[name], name, given[place])
        return tuple(taken), {name: take(rules[name], name, value) if name in rules else value for name, value in named.items()}

    def refuse(self, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Raise the error of a call that does not fit the signature; calls with `**settings` may fit all the same."""
        unknown = [name for name in named if name not in self.names]
        if unknown and not self.open:
            known = [name for name in self.names if name not in ("self", "cls")]
            what = unknown_name("argument", unknown[0], known).removeprefix("There is no argument called ")
            raise ArgumentsError(f"{self.name} has no argument {what}")
        try:
            self.signature.bind(*given, **named)
        except TypeError as error:
            raise ArgumentsError(f"{self.name}: {error}; its arguments are {self.signature_in_words()}.") from None

    def signature_in_words(self) -> str:
        """The names of all arguments."""
        return ", ".join(name for name in self.signature.parameters if name not in ("self", "cls")) or "none"


def take(rule: Demand, name: str, value: Any) -> Any:
    """`value` as the rule takes it."""
    if not rule.speaks and not rule.fits(value):
        hint = f"; write {value.__name__}()" if isinstance(value, type) and value.__module__.startswith("clearprop") else ""
        raise OptionError(f"{name} must be {rule.words}, not {describe(value)}{hint}.")
    return rule.take(name, value)


class Namespace(dict[str, Any]):
    """The names in an annotation; a stranger stands for what is imported for type checkers alone, or where it is used."""

    def __missing__(self, name: str) -> Any:
        return type(name, (Stranger,), {})


class Stranger:
    """Base of what stands in an annotation for a class that may not be imported."""


class Hint:
    """Holder of one annotation, as `typing` reads it."""

    def __init__(self, text: Any) -> None:
        self.__annotations__ = {"value": text}


def hints_of(function: Any, annotations: dict[str, Any]) -> dict[str, Any]:
    """The annotations of a function as types; one that cannot be read is `Any`."""
    names = Namespace(vars(builtins) | vars(sys.modules[function.__module__]))
    found: dict[str, Any] = {}
    for name, annotation in annotations.items():
        try:
            found[name] = get_type_hints(Hint(annotation), {}, names)["value"]
        except (TypeError, AttributeError):  # a name inside a module that is not imported, such as pd.DataFrame
            found[name] = Any
    return found


def rule_of(hint: Any, name: str) -> Demand | None:
    """The rule that an annotation stands for; None if it says nothing."""
    origin = get_origin(hint)
    if origin in UNIONS:
        return union(list(get_args(hint)), name)
    if hint is Any or isinstance(hint, TypeVar):
        return None
    if hint is None or hint is type(None):
        return Demand("None", lambda value: value is None, lambda name, value: value)
    if hint in SIMPLE:
        return seed_rule() if hint is int and name in SEEDS else SIMPLE[hint]
    if origin is Literal:
        words = get_args(hint)
        return Demand(
            f"one of {', '.join(words)}", lambda value: isinstance(value, str), lambda n, v: choose(n, v, words), True
        )
    if origin is np.ndarray or hint is np.ndarray:
        return ARRAY
    if is_typeddict(hint):
        return Demand("a dictionary", lambda value: isinstance(value, Mapping), lambda n, value: shaped(hint, value, n), True)
    if origin is not None:
        return container(origin, get_args(hint), name)
    if isinstance(hint, type) and issubclass(hint, Stranger):
        return later(hint.__name__) if hint.__name__ in LATER else None
    if isinstance(hint, type) and hint is not object:
        return instance(hint)
    return None


def union(hints: list[Any], name: str) -> Demand | None:
    """The rule of a union: the value must fit one of its alternatives, and is taken by the first that it fits."""
    if np.random.Generator in hints:
        hints = [int if hint in (int, np.random.Generator) else hint for hint in hints if hint is not int]
        found = [seed_rule() if hint is int else rule_of(hint, name) for hint in hints]
    else:
        if {int, float} <= set(hints) or any(inspect.isabstract(hint) for hint in hints):
            return None  # a size or a share; an object or a name from a registry: these have sentences of their own
        special = {str: TEXT_PATH} if Path in hints else {}
        found = [special[hint] if hint in special else rule_of(hint, name) for hint in hints]
    rules = [rule for rule in found if rule is not None]
    if len(rules) < len(found) or not rules:
        return None
    words = list(dict.fromkeys(rule.words for rule in rules))

    def first_that_takes(name: str, value: Any) -> Any:
        *others, last = [rule for rule in rules if rule.fits(value)]
        for rule in others:  # a list of two data sets fits a pair of arrays at first sight
            with suppress(ClearpropError):
                return rule.take(name, value)
        return last.take(name, value)

    return Demand(" or ".join(words), lambda value: any(rule.fits(value) for rule in rules), first_that_takes)


def container(origin: Any, inside: tuple[Any, ...], name: str) -> Demand | None:
    """The rule of a list, tuple, mapping or callable, and of what it holds."""
    if origin in (list, Sequence, Iterable) or (origin is tuple and inside[1:] == (...,)):
        return several(rule_of(inside[0], name), lazy=origin is Iterable, text=inside[0] is object)
    if origin is tuple and set(inside) != {Any}:
        return pair([rule_of(hint, name) for hint in inside])
    if origin in (dict, Mapping):
        return mapping(None if get_origin(inside[1]) in UNIONS else rule_of(inside[1], name))
    if origin is Callable:
        return Demand("a function", callable, lambda name, value: value)
    return None


def several(rule: Demand | None, lazy: bool = False, text: bool = False) -> Demand:
    """The rule of a sequence; the values of an iterator are not looked at, for they can be taken only once.

    A text is a sequence of letters, but hardly ever meant as one; `text` allows it.
    """

    def fits(value: Any) -> bool:
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return False
        plain = rule is None or rule.speaks  # numbers and texts may come in an array
        kinds = (Iterable,) if lazy else (Sequence, np.ndarray) if plain else (Sequence,)
        return isinstance(value, kinds) and not isinstance(value, (bytes, Mapping) if text else (str, bytes, Mapping))

    def each(name: str, value: Any) -> Any:
        if rule is None or not isinstance(value, (list, tuple, np.ndarray)):
            return value
        items = value.tolist() if isinstance(value, np.ndarray) else value
        try:
            taken = [take(rule, name, item) for item in items]
        except ClearpropError:
            taken = [take(rule, f"{name}[{i}]", item) for i, item in enumerate(items)]  # says which
        same = all(new is old for new, old in zip(taken, value, strict=True))
        return value if same else tuple(taken) if isinstance(value, tuple) else taken

    return Demand("a list" + (f" (each of its entries {rule.words})" if rule is not None else ""), fits, each)


def pair(rules: list[Demand | None]) -> Demand:
    """The rule of a tuple of fixed length."""

    def fits(value: Any) -> bool:
        flat = isinstance(value, np.ndarray) and value.ndim == 1
        return (flat or isinstance(value, (tuple, list))) and len(value) == len(rules)

    def each(name: str, value: Any) -> Any:
        parts = [
            part if rule is None else take(rule, f"{name}[{i}]", part)
            for i, (rule, part) in enumerate(zip(rules, value, strict=True))
        ]
        return tuple(parts) if type(value) in (tuple, list) else value

    words = f"a tuple of {len(rules)} values"
    kinds = {rule.words for rule in rules if rule is not None}
    if kinds == {"an array"}:
        words = "a pair (X, y) of arrays"
    elif kinds == {"a number"}:
        words = f"a tuple of {len(rules)} numbers"
    return Demand(words, fits, each)


def mapping(rule: Demand | None) -> Demand:
    """The rule of a dictionary whose keys are texts."""

    def each(name: str, value: Any) -> Any:
        for key, item in value.items():
            require(isinstance(key, str), f"every key of {name}", key, "a text")
            if rule is not None:
                take(rule, f"{name}[{key!r}]", item)
        return value

    return Demand("a dictionary", lambda value: isinstance(value, Mapping), each)


def instance(kind: type) -> Demand:
    """The rule of an object of a class."""
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return Demand(f"{article} {kind.__name__}", lambda value: isinstance(value, kind), lambda name, value: value)


def later(name: str) -> Demand:
    """The rule of an object of a class that is imported where it is used."""

    def fits(value: Any) -> bool:
        module = sys.modules.get(LATER[name])
        return module is not None and isinstance(value, getattr(module, name))

    return Demand(
        f"{'an' if name[0] in 'AEIOU' else 'a'} {name} of {LATER[name].partition('.')[0]}", fits, lambda n, value: value
    )


def shaped(schema: Any, value: Any, what: str) -> Any:
    """`value` read from a file, if it is a dictionary as the `TypedDict` describes it; other entries are left alone.

    Raises
    ------
    OptionError
        If it is none, or an entry is missing or of another kind.

    Examples
    --------
    >>> from typing import TypedDict
    >>> class Place(TypedDict):
    ...     x: float
    >>> shaped(Place, {"x": "here"}, "the header")
    Traceback (most recent call last):
    clearprop.errors.OptionError: x in the header must be a finite number, not 'here'.
    """
    if not isinstance(value, Mapping):
        raise OptionError(f"{what} must be a dictionary, not {describe(value)}.")
    found = dict(value)
    for name, rule in rules_of(schema).items():
        if name not in found:
            if name in schema.__optional_keys__:
                continue
            raise OptionError(f"{what} lacks {name}.")
        if rule is not None:
            found[name] = take(rule, f"{name} in {what}", found[name])
    return found


@cache
def rules_of(schema: Any) -> dict[str, Demand | None]:
    """The rules of a `TypedDict`."""
    return {name: rule_of(hint, name) for name, hint in hints_of(schema, schema.__annotations__).items()}


def seed_rule() -> Demand:
    """The rule of a seed, which has its own sentence for whatever it is not."""
    return Demand("a whole number, 0 or more, or a numpy.random.Generator", is_seed, seeded, True)


def is_seed(value: Any) -> bool:
    """Whether random numbers can be drawn from `value`."""
    return isinstance(value, np.random.Generator) or (is_whole(value) and value >= 0)


def as_path(name: str, value: Any) -> Any:
    """`value`, if it is a path that the system can be asked for.

    Raises
    ------
    OptionError
        If it is no path.
    """
    require(isinstance(value, (str, PathLike)), name, value, "a path")
    text = str(value)
    try:
        fsencode(text)
    except UnicodeEncodeError:
        text = "\0"
    require("\0" not in text, name, value, "a path without characters that no file name can have")
    return value


def _whole(name: str, value: Any) -> int:
    least = LEAST.get(name.partition("[")[0])
    if least is None:
        require(is_whole(value), name, value, "a whole number")
    return count(name, value, -LARGEST if least is None else least)


def _finite(name: str, value: Any) -> Any:
    number(name, value)
    return value


def is_arrayed(value: Any) -> bool:
    """Whether `value` may be an array, or become one; a single number is none."""
    return not (value is None or isinstance(value, (str, bytes, Mapping, bool)) or is_number(value) or callable(value))


ARRAY = Demand("an array", is_arrayed, numbers, True)
TEXT_PATH = Demand("a path", lambda value: isinstance(value, str), as_path, True)
PATH = Demand("a path", lambda value: isinstance(value, (str, PathLike)), as_path, True)
SIMPLE: dict[Any, Demand] = {
    bool: Demand("True or False", lambda value: isinstance(value, (bool, np.bool_)), switch, True),
    int: Demand("a whole number", is_whole, _whole, True),
    float: Demand("a number", is_number, _finite, True),
    Path: PATH,
    str: Demand("a text", lambda value: isinstance(value, str), lambda name, value: value),
}
