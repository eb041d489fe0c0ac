"""Evidence: a trace as plain data, and the same trace made again from it, in a process that never ran the program.

An operation is sent by its name, what it was given, and where it stands in the source; not its result. Results are
computed again on arrival, and so is all that follows from them: what depends on what, and what is a step of a parameter. So a
program that meddles with its own process can leave operations out or make them up, but cannot make 2 times 3 come out as 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.binding_evidence import BindingPacker, replayed_bindings
from clearprop.gradcheck.tracing.channel import ChannelError, array_at
from clearprop.gradcheck.tracing.replayable import function_of_name, name_of_function
from clearprop.gradcheck.tracing.rewriting import rewritten
from clearprop.gradcheck.tracing.trace import DEEPEST, Stack, Trace, Vertex, filled
from clearprop.gradcheck.tracing.traced import Traced

MOST: Final = 300_000  # vertices of a trace
NAMES: Final = 64  # names of a value that are sent
TYPES: Final = {"float": float, "int": int, "bool": bool, "complex": complex}


class Packer:
    """Turns values into JSON, and collects the arrays in them.

    Attributes
    ----------
    arrays : list of array
    """

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.numbers: dict[int, int] = {}  # of vertices, by their identity
        self.offset = 0

    def tree(self, thing: Any) -> Any:
        """A value as JSON-able values.

        Raises
        ------
        TypeError
            If it is of another kind than those that are sent.
        """
        kind = type(thing)
        if thing is None or kind in (bool, int, float, str):
            return thing
        if kind is Vertex:
            return {"v": self.numbers[id(thing)]}
        if kind is list:
            return [self.tree(item) for item in thing]
        if kind is tuple:
            return {"t": [self.tree(item) for item in thing]}
        if isinstance(thing, Traced):
            return self.tree(thing.vertex.value)
        if isinstance(thing, np.ndarray):
            return {"a": self._array(thing)}
        if isinstance(thing, np.generic):
            return {"s": self._array(np.asarray(thing))}
        return self._rare(thing)

    def _rare(self, thing: Any) -> Any:
        if thing is Ellipsis:
            return {"e": 0}
        if isinstance(thing, slice):
            return {"l": [self.tree(part) for part in (thing.start, thing.stop, thing.step)]}
        if isinstance(thing, range):
            return {"r": [thing.start, thing.stop, thing.step]}
        if isinstance(thing, dict):
            return {"d": [[self.tree(key), self.tree(item)] for key, item in thing.items()]}
        if isinstance(thing, np.dtype) or (isinstance(thing, type) and issubclass(thing, np.generic)):
            return {"y": np.dtype(thing).str}
        if isinstance(thing, type) and thing.__name__ in TYPES:
            return {"y": thing.__name__}
        if isinstance(thing, (list, tuple)):
            return {"t": [self.tree(item) for item in thing]}
        name = name_of_function(thing)
        if name is None:
            raise TypeError(f"{type(thing).__name__} is not sent")
        return {"f": name}

    def _array(self, array: Array) -> list[Any]:
        if array.dtype.kind not in "fiubc":
            raise TypeError(f"an array of {array.dtype} is not sent")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        self.arrays.append(array)
        self.offset += array.nbytes
        return [array.dtype.str, list(array.shape), self.offset - array.nbytes]


def unpacked(tree: Any, data: memoryview, vertices: dict[int, Vertex]) -> Any:
    """The value that `Packer.tree` made JSON of.

    Raises
    ------
    ChannelError
        If it is nothing that `Packer.tree` makes.
    """
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    if isinstance(tree, list):
        return [unpacked(item, data, vertices) for item in tree]
    if not isinstance(tree, dict) or len(tree) != 1:
        raise ChannelError("a value in the recording is none")
    [(kind, given)] = tree.items()
    try:
        return UNPACKERS[kind](given, data, vertices)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ChannelError("a value in the recording is none") from None


def _pairs(given: Any, data: memoryview, vertices: dict[int, Vertex]) -> dict[Any, Any]:
    return {unpacked(key, data, vertices): unpacked(item, data, vertices) for key, item in given}


def _called(given: Any, *_: Any) -> Callable[..., Any]:
    found = function_of_name(str(given))
    if found is None:
        raise ValueError
    return found


UNPACKERS: Final[dict[str, Callable[..., Any]]] = {
    "v": lambda given, data, vertices: vertices[given],
    "t": lambda given, data, vertices: tuple(unpacked(item, data, vertices) for item in given),
    "a": lambda given, data, vertices: array_at(data, *given),
    "s": lambda given, data, vertices: array_at(data, *given)[()],
    "e": lambda given, data, vertices: Ellipsis,
    "l": lambda given, data, vertices: slice(*(unpacked(part, data, vertices) for part in given)),
    "r": lambda given, data, vertices: range(*given),
    "d": _pairs,
    "y": lambda given, data, vertices: TYPES.get(given) or np.dtype(given).type,
    "f": _called,
}
"""How each kind of value is made again."""


def packed_trace(trace: Trace, packer: Packer, besides: Iterable[Vertex] = ()) -> dict[str, Any]:
    """A trace as JSON-able values.

    Parameters
    ----------
    trace : Trace
    packer : Packer
        Gets the arrays, and a new number for each vertex.
    besides : iterable of Vertex
        Further vertices that will be spoken of.
    """
    inside = sorted(dict.fromkeys(trace.vertices), key=lambda v: v.number)
    known = {id(vertex) for vertex in inside}
    before = [v for vertex in inside for v in vertex.inputs if id(v) not in known]
    before += [v for v in besides if id(v) not in known]
    for vertex in (*dict.fromkeys(before), *inside):  # what stems from before the trace began is a leaf now
        packer.numbers[id(vertex)] = len(packer.numbers) + 1
    places = Places()
    rows = [[None, None, None, packer.tree(v.value), v.kind, places.number(v.stack), v.names] for v in dict.fromkeys(before)]
    rows += [[*_operation(v, packer), v.kind, places.number(v.stack), v.names[:NAMES]] for v in inside]
    numbers = packer.numbers
    bindings = BindingPacker(trace, numbers, places.number).packed()
    return {
        "bindings": bindings,
        "rows": rows,
        "codes": [code_key(code) for _, code in places.codes.values()],
        "stacks": places.stacks,
        "guards": [numbers[id(vertex)] for vertex, _ in trace.guards if id(vertex) in numbers],
        "aliases": [[numbers[id(v)], [list(each) for each in found]] for v, found in trace.aliases.items() if id(v) in numbers],
    }


class Places:
    """The places in the source that are spoken of, each once.

    Attributes
    ----------
    codes : dict of int to (int, code)
        Number and code, by identity: comparing code costs a look at every byte of it.
    stacks : list
        Pairs of the number of the code and the instruction.
    """

    def __init__(self) -> None:
        self.codes: dict[int, tuple[int, CodeType]] = {}
        self.stacks: list[list[list[int]]] = []
        self._known: dict[Any, int] = {}

    def number(self, stack: Stack) -> int:
        """The number of a stack, which is new or known."""
        key = tuple((id(code), place) for code, place in stack)
        if key not in self._known:
            self._known[key] = len(self.stacks)
            for code, _ in stack:
                self.codes.setdefault(id(code), (len(self.codes), code))
            self.stacks.append([[self.codes[each][0], place] for each, place in key])
        return self._known[key]


def _operation(vertex: Vertex, packer: Packer) -> tuple[Any, Any, Any, Any]:
    """Name, arguments and, where it cannot be run again or is a leaf, the value."""
    if vertex.fn is None:
        return None, None, None, packer.tree(vertex.value)
    name = name_of_function(vertex.fn)
    if name is not None:
        try:
            return name, packer.tree(vertex.args), packer.tree(vertex.kwargs), None
        except TypeError:
            pass
    return "", [packer.tree(other) for other in vertex.inputs], None, packer.tree(vertex.value)


def code_key(code: CodeType) -> list[Any]:
    """The key that tells a piece of code from others of its program."""
    columns = [start for _, _, start, _ in code.co_positions() if start]
    where = min(columns, default=0) if code.co_name == "<lambda>" else 0  # of several in one line
    return [code.co_filename, code.co_qualname, code.co_firstlineno, len(code.co_code), where]


class Codes:
    """The code of a program, compiled from its source as it was read before the program ran.

    Parameters
    ----------
    source_of : callable
        path -> source text, or None if the path is no file of the program.
    """

    def __init__(self, source_of: Callable[[str], str | None]) -> None:
        self.source_of = source_of
        self.files: dict[str, dict[tuple[Any, ...], CodeType]] = {}
        self.texts: dict[str, list[bytes]] = {}

    def lines(self, path: str) -> list[bytes]:
        """The lines of a file; none if it is no file of the program."""
        if path not in self.texts:
            self.texts[path] = (self.source_of(path) or "").encode("utf-8", "replace").splitlines()
        return self.texts[path]

    def find(self, key: list[Any]) -> CodeType | None:
        """The code that has a key; None if there is none."""
        file = str(key[0])
        if file not in self.files:
            text = self.source_of(file)
            try:
                whole = rewritten(text, file) if text is not None else None
            except (SyntaxError, ValueError, RecursionError):
                whole = None
            self.files[file] = {tuple(code_key(code)): code for code in within(whole)} if whole else {}
        return self.files[file].get(tuple(key))


def within(code: CodeType) -> Iterable[CodeType]:
    """A piece of code, and all in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from within(constant)


def not_replayable(*args: Any, **kwargs: Any) -> Any:
    """The place of an operation that is not in the table of those that can be run again.

    Raises
    ------
    ArithmeticError
        Always.
    """
    raise ArithmeticError("it was made by a function that cannot be run again here")


def replayed_trace(found: dict[str, Any], data: memoryview, codes: Codes) -> tuple[Trace, dict[int, Vertex]]:
    """The trace made again, and its vertices by their numbers.

    Raises
    ------
    ChannelError
        If the recording is none, or cannot be run.
    """
    vertices: dict[int, Vertex] = {}
    trace = Trace()
    try:
        if len(found["rows"]) > MOST:
            raise ChannelError(f"it recorded {len(found['rows'])} values, more than {MOST}")
        stacks = [_stack(stack, found["codes"], codes) for stack in found["stacks"]]
        with np.errstate(all="ignore"):
            for number, (name, args, kwargs, value, kind, stack, names) in enumerate(found["rows"], 1):
                given = unpacked(args, data, vertices)
                vertex = _made(trace, name, given, kwargs, value, str(kind), stacks[stack], data, vertices)
                vertex.stack, vertex.names = stacks[stack], [str(each)[:200] for each in names]
                vertices[number] = vertex
        trace.guards = [(vertices[number], bool(vertices[number].value)) for number in found["guards"]]
        for number, found_names in found["aliases"]:
            trace.aliases[vertices[number]] = [(str(name), str(file), int(line)) for name, file, line in found_names]
        trace.bindings = replayed_bindings(found["bindings"], vertices, stacks)
    except ChannelError:
        raise
    except MemoryError:
        raise ChannelError("there is not enough memory to run its recording again") from None
    except Exception as error:
        raise ChannelError(f"its recording cannot be run again ({type(error).__name__})") from None
    return trace, vertices


def _made(
    trace: Trace,
    name: Any,
    args: Any,
    kwargs: Any,
    value: Any,
    kind: str,
    stack: Stack,
    data: memoryview,
    vertices: dict[int, Vertex],
) -> Vertex:
    """One value, computed from those before it."""
    if name is None:
        return trace.leaf(unpacked(value, data, vertices), kind)
    if not name:
        return trace.record(not_replayable, tuple(args), {}, unpacked(value, data, vertices), kind, stack)
    fn, kwargs = _called(name), unpacked(kwargs, data, vertices)
    made = fn(*filled(args, lambda v: v.value), **filled(kwargs, lambda v: v.value))
    if isinstance(made, np.ndarray) and made.dtype.kind == "f" and made.dtype != np.float64:
        made = made.astype(np.float64)
    if not isinstance(made, (np.ndarray, np.generic, float, int)):
        raise ChannelError("one of its operations makes no number")
    return trace.record(fn, args, kwargs, made, kind, stack)


def _stack(stack: Any, keys: list[Any], codes: Codes) -> Stack:
    """The places of an operation in the source, as far as they are there."""
    found = []
    for number, instruction in stack[:DEEPEST]:
        code = codes.find(keys[number])
        if code is not None and isinstance(instruction, int) and 0 <= instruction < len(code.co_code):
            found.append((code, instruction))
    return tuple(found)
