"""The trace: every value that a program makes, with the operation that made it, the values it was made of, and the line.

A program is watched by giving it wrappers in the place of numbers and arrays (`wrappers.py`). Each operation on them adds
one `Vertex` here. The vertices are a graph with immutable values, in the order in which they were made, so that the
program's mathematics can be run again with other numbers, and be differentiated, without running the program.

A *step* is an addition or subtraction p +- h in which p is a value that the program started from (a *leaf*, or what has
only been scaled or reshaped since), or an earlier step's result, and h depends on p. This is what an update of a parameter
looks like, whatever the parameter is called. Each leaf and each step has a bit of its own, and a vertex the bits of all
that it depends on up to the last step, so that "h depends on p" is one AND.
"""

# ruff: noqa: E501  (tables, several entries to a line)
from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.bindings import Bindings

Stack = tuple[tuple[CodeType, int], ...]
"""Where an operation stands: code and instruction of each frame of the program, innermost first."""

DEEPEST: Final = 12  # frames of the program that are kept
LEAF: Final = "leaf"
MATRIX: Final = "matrix"  # what a name stands for as an np.matrix
SCALING = {np.multiply, np.divide, np.true_divide, np.negative, np.add, np.subtract, np.positive}
RESHAPING = {np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.copy, np.array, np.asarray}

JOINING = {np.concatenate, np.hstack, np.vstack, np.stack, np.array, np.column_stack, np.append}


class Vertex:
    """One value of the program.

    Attributes
    ----------
    number : int
        Its place in the order of making.
    fn : callable or None
        The function that made it; None for a leaf.
    args, kwargs : tuple, dict
        Its arguments; vertices stand for traced values, also inside lists, tuples, dicts and slices.
    inputs : tuple of Vertex
        The vertices in `args` and `kwargs`.
    value : array or number
    stack : Stack
    names : list of str
        The names that the program gave it, as they stand in the source: "W1", "self.params['b1']".
    bits : int
        Leaves and steps that it depends on, a bit for each.
    mark : int
        For a parameter: the bit that says that something depends on it as it is now.
    kind : str
        "leaf", "random", "literal", "data", "made" (zeros and the like), or the name of the operation.
    origin : Vertex or None
        For a parameter or a part of one: the leaf that it began as.
    version : int
        Number of steps since.
    step_of : Vertex or None
        The value that a step moved.
    read : bool
        Whether anything has been made of it.
    """

    __slots__ = (
        "args", "bits", "fn", "inputs", "kind", "kwargs", "mark", "names", "number", "origin", "read", "stack", "step_of", "value",
        "version",
    )  # fmt: skip

    def __init__(self, fn: Callable[..., Any] | None, args: Any, kwargs: dict[str, Any], value: Any, kind: str) -> None:
        self.fn, self.args, self.kwargs, self.value, self.kind = fn, args, kwargs, value, kind
        self.inputs: tuple[Vertex, ...] = ()
        self.names: list[str] = []
        self.stack: Stack = ()
        self.number = self.bits = self.mark = self.version = 0
        self.origin: Vertex | None = None
        self.step_of: Vertex | None = None
        self.read = False

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def size(self) -> int:
        return int(np.size(self.value))

    @property
    def floating(self) -> bool:
        return isinstance(self.value, (float, np.floating)) or (
            isinstance(self.value, np.ndarray) and self.value.dtype.kind == "f"
        )

    def __repr__(self) -> str:
        return f"<{self.number} {self.kind} {'/'.join(self.names)} {self.shape}>"


def vertices_in(tree: Any) -> Iterator[Vertex]:
    """The vertices inside lists, tuples, dicts and slices."""
    if isinstance(tree, Vertex):
        yield tree
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from vertices_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from vertices_in(item)
    elif isinstance(tree, slice):
        yield from vertices_in((tree.start, tree.stop, tree.step))


def filled(tree: Any, value_of: Callable[[Vertex], Any]) -> Any:
    """The tree with each vertex replaced by its value."""
    if isinstance(tree, Vertex):
        return value_of(tree)
    if isinstance(tree, list):
        return [filled(item, value_of) for item in tree]
    if isinstance(tree, tuple):
        return tuple(filled(item, value_of) for item in tree)
    if isinstance(tree, dict):
        return {key: filled(item, value_of) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(filled(tree.start, value_of), filled(tree.stop, value_of), filled(tree.step, value_of))
    return tree


class Trace:
    """All vertices of one run, the steps among them, and the branches that were taken on traced values.

    Attributes
    ----------
    vertices : list of Vertex
    steps : list of Vertex
        The results of steps, in order.
    guards : list of (Vertex, bool)
        Truth values on which the program decided something; a replay in which one differs would have run other lines.
    files : set of str
        Files whose frames are the program's.
    notes : dict of str to int
        Remarks about the run, each with its line.
    aliases : dict of Vertex to list of (name, file, line)
        Further names of a value, or "return", and where it got them.
    invented : bool
        Whether data were invented, so that there are fewer rows than the program says.
    bindings : Bindings
        The values that each name stood for, and when.
    unfit : (Vertex, Vertex, int) or None
        Parameter, change and line of the last sum that failed because their shapes do not fit.
    settings : set of Vertex
        Numbers that are made of numbers in the source alone.
    set_by_hand : list of Vertex
        Sums and differences that start from a parameter, and to which nothing is added that depends on it.
    """

    def __init__(self) -> None:
        self.vertices: list[Vertex] = []
        self.steps: list[Vertex] = []
        self.guards: list[tuple[Vertex, bool]] = []
        self.files: set[str] = set()
        self.notes: dict[str, int] = {}
        self.aliases: dict[Vertex, list[tuple[str, str, int]]] = {}
        self.set_by_hand: list[Vertex] = []
        self.unfit: tuple[Vertex, Vertex, int] | None = None
        self.settings: set[Vertex] = set()
        self.bindings = Bindings()
        self.invented = False
        self.leaves = self.count = 0

    def leaf(self, value: Any, kind: str) -> Vertex:
        """A value that nothing traced went into."""
        vertex = Vertex(None, (), {}, value, kind)
        vertex.bits = vertex.mark = self._new_bit()
        vertex.origin = vertex
        return self._add(vertex)

    def record(
        self, fn: Callable[..., Any], args: Any, kwargs: dict[str, Any], value: Any, kind: str = "", stack: Stack | None = None
    ) -> Vertex:
        """The vertex of `value`, which fn(*args, **kwargs) returned, here or at the place that is given."""
        vertex = Vertex(fn, args, kwargs, value, kind or getattr(fn, "__name__", "function"))
        vertex.inputs = tuple(dict.fromkeys((*vertices_in(args), *vertices_in(kwargs))))
        for other in vertex.inputs:
            vertex.bits |= other.bits
            other.read = True
        self._add(vertex, stack)
        self._follow(vertex)
        return vertex

    def forget(self, vertex: Vertex) -> None:
        """Take back the leaf that was recorded last, so that a table of such numbers does not use up all marks."""
        if self.vertices and self.vertices[-1] is vertex and vertex.fn is None:
            self.vertices.pop()
            self.leaves -= 1

    def note_unfit(self, args: tuple[Any, ...]) -> None:
        """Note a sum that failed, if it may have been a step: what is added depends on the parameter, and on other things."""
        stack = self.here()
        if len(args) != 2 or not stack or not all(isinstance(arg, Vertex) for arg in args):
            return
        moved, change = args
        if moved.origin is not None and change.bits & moved.mark and change.bits & ~moved.bits:
            self.unfit = moved, change, line_of(stack[0])

    def note(self, text: str) -> None:
        """A remark about the run, once, with the line that gave rise to it."""
        self.notes.setdefault(text, self.line())

    def line(self) -> int:
        """The line of the program that is running; 0 if none is."""
        stack = self.here()
        return line_of(stack[0]) if stack else 0

    def here(self) -> Stack:
        """The frames of the program, innermost first."""
        frame = sys._getframe(1)
        found: list[tuple[CodeType, int]] = []
        while frame is not None and len(found) < DEEPEST:
            if frame.f_code.co_filename in self.files:
                found.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back  # type: ignore[assignment]
        return tuple(found)

    def _add(self, vertex: Vertex, stack: Stack | None = None) -> Vertex:
        self.count += 1
        vertex.number, vertex.stack = self.count, self.here() if stack is None else stack
        self.vertices.append(vertex)
        return vertex

    def move_to_end(self, vertex: Vertex) -> None:
        """Number a vertex anew, after what was written into it."""
        self.count += 1
        vertex.number = self.count

    def _new_bit(self) -> int:
        self.leaves += 1
        return 1 << (self.leaves if self.leaves < MOST_BITS else 0)

    def _is_setting(self, vertex: Vertex) -> bool:
        """Whether a value is a number of the source, or made of such numbers alone: b - a, in (b - a) * random() + a."""
        return (vertex.fn is None and vertex.kind == "literal") or vertex in self.settings

    def follow_name(self, vertex: Vertex, name: str) -> None:
        """Tell whether a sum that gets the name of its second term, `b = change + b`, is a step of that one."""
        if vertex.fn is not np.add or vertex.step_of is not None or len(vertex.args) != 2 or vertex.read:
            return
        change, moved = vertex.args
        if not isinstance(change, Vertex) or not isinstance(moved, Vertex) or not _bears(moved, name):
            return
        if moved.origin is not None and moved.shape == vertex.shape and change.bits & moved.mark:
            vertex.args = (moved, change)
            self._follow(vertex)

    def _follow(self, vertex: Vertex) -> None:
        """Tell whether it is a parameter still, or a step."""
        if vertex.size == 1 and vertex.inputs and all(self._is_setting(other) for other in vertex.inputs):
            self.settings.add(vertex)
        if vertex.fn in (np.add, np.subtract) and len(vertex.args) == 2:
            moved, other = moved_value(vertex, self.settings)
            again = moved is not None and moved.step_of is not None and moved.stack[:1] == vertex.stack[:1]
            if moved is not None and other & moved.mark and (again or other & ~moved.bits or _meets_others(vertex, moved)):
                vertex.origin, vertex.version, vertex.step_of = moved.origin, moved.version + 1, moved
                vertex.mark = self._new_bit()
                vertex.bits |= vertex.mark
                self.steps.append(vertex)
                return
            if moved is not None and moved.shape == vertex.shape and len(self.set_by_hand) < 2000:
                self.set_by_hand.append(vertex)
        followed = [other for other in vertex.inputs if other.origin is not None]
        if vertex.fn is put:  # the value written is a step of a part of the array
            base, written = vertex.args[0], [other for other in vertex.inputs[1:] if other.step_of is not None]
            if base.origin is not None and any(other.origin is base.origin for other in written):
                vertex.origin, vertex.version = base.origin, max(other.version for other in written)
                vertex.mark = base.mark
                for each in written:
                    vertex.mark |= each.mark
            elif len(followed) == len(vertex.inputs):  # set to something by hand: a parameter anew
                vertex.origin, vertex.mark = vertex, vertex.bits
            return
        if vertex.fn in JOINING and len(followed) == len(vertex.inputs):
            vertex.origin, vertex.mark = vertex, vertex.bits
            return
        grown = [other for other in followed if other.kind != "literal" or len(vertex.inputs) == 1]
        if vertex.fn is np.add and len(grown) == 2 and grown[0].shape == grown[1].shape:  # np.zeros(...) + noise
            if _is_first_sum(*grown):
                return
            grown = [other for other in grown if other.fn is not None or np.any(other.value)] or grown[:1]
        if vertex.fn is get:  # where the part is, does not matter
            grown = [other for other in grown if other is vertex.args[0]]
        rest = [other for other in vertex.inputs if other not in grown and vertex.fn is not get]
        small = all(
            other in self.settings
            or (other.origin is not None and (other.size == 1 or not np.any(other.value)) and not other.version)
            for other in rest
        )
        if vertex.fn is np.multiply and any(
            not np.any(value_of(a)) for a in vertex.args if all(a is not other for other in grown)
        ):
            return  # 0 * W is no W
        if len(grown) == 1 and small and (vertex.fn in SCALING or vertex.fn in RESHAPING or vertex.fn in (get, as_float)):
            vertex.origin, vertex.version, vertex.mark = grown[0].origin, grown[0].version, grown[0].mark
        elif _is_drawn(vertex):
            vertex.origin, vertex.mark, vertex.kind = vertex, vertex.bits, "random"


def _bears(vertex: Vertex, name: str) -> bool:
    """Whether a value has a name, or is the number of a list that was written down, w[0], and the name is w[i]."""
    if name in vertex.names:
        return True
    holder = name[: name.rfind("[")] if name.endswith("]") else ""
    return bool(holder) and any(re.fullmatch(rf"{re.escape(holder)}\[\d+\]", each) for each in vertex.names)


def _is_first_sum(total: Vertex, term: Vertex) -> bool:
    """Whether it is a sum that begins, `total += w` with a total of 0: no start of w, since both have names."""
    empty = total.kind == "made" and not np.any(total.value)
    return empty and bool(total.names) and bool(term.names) and np.any(term.value)


def _is_drawn(vertex: Vertex) -> bool:
    """Whether a value is made of one draw alone: rows of length one, an orthogonal matrix."""
    parts = vertex.kind in ("qr", "svd", "eigh", "random")
    return (parts or vertex.fn in (np.divide, np.matmul, np.dot)) and any(
        other.origin is not None
        and other.origin.kind == "random"
        and not other.version
        and all(not each.bits & ~other.bits for each in vertex.inputs if each.kind != "literal")
        for other in vertex.inputs
    )


def value_of(thing: Any) -> Any:
    """The recorded value of a vertex; anything else as it is."""
    return thing.value if isinstance(thing, Vertex) else thing


def _scales_a_parameter(vertex: Vertex) -> bool:
    """Whether a value is a named parameter times a number, in passing: W * momentum + step."""
    inner = _scaled(vertex)
    return inner is not None and not vertex.names and bool(inner.names)


def _scaled(vertex: Vertex, settings: Collection[Vertex] = ()) -> Vertex | None:
    """The value that is multiplied by plain numbers, or by what was made of such; None for anything else."""
    inner = [other for other in vertex.inputs if other.kind != "literal" or other.size > 1 or len(vertex.inputs) == 1]
    if len(inner) == 1 < len(vertex.inputs) and inner[0].fn is not None and inner[0] in settings:
        inner = [other for other in vertex.inputs if other is not inner[0]]
    return inner[0] if vertex.fn is np.multiply and len(inner) == 1 else None


MOST_BITS: Final = 20000


def moved_value(vertex: Vertex, settings: Collection[Vertex] = ()) -> tuple[Vertex | None, int]:
    """The parameter that a sum or difference may be a step of, and the bits of all the rest of it."""
    rest, term = 0, vertex
    while True:
        if term.fn in (np.add, np.subtract) and len(term.args) == 2 and term.step_of is None:
            first, second = term.args
            rest |= second.bits if isinstance(second, Vertex) else 0
        elif (
            term is not vertex and np.any(term.value) and (scaled := _scaled(term, settings)) is not None
        ):  # p * (1 - lr * decay)
            first = scaled
            if first.origin is None:  # m * (p - p_before): a change, and no parameter
                return None, 0
        else:
            break
        if not isinstance(first, Vertex):
            return None, 0
        term = first
        if term.origin is not None and not _scales_a_parameter(term):
            break
    if term is vertex or term.origin is None or not np.size(term.value):
        return None, 0
    return term, rest


MOST_SEEN: Final = 400  # values of a step that are looked at


def _meets_others(step: Vertex, moved: Vertex) -> bool:
    """Whether other arrays or parameters go into a further step, all of which went into the steps before it, too."""
    left, seen = [other for other in step.inputs if other is not moved], {moved}
    while moved.version and left and len(seen) < MOST_SEEN:
        vertex = left.pop()
        if vertex in seen:
            continue
        seen.add(vertex)
        if vertex.step_of is not None or (vertex.fn is None and (vertex.size > 1 or vertex.kind == "random")):
            return True
        left.extend(vertex.inputs)
    return False


def as_float(x: Any) -> Any:
    """A copy in double precision."""
    return np.array(x, dtype=np.float64) if np.ndim(x) else np.float64(x)


def get(array: Any, index: Any) -> Any:
    """array[index], as a function."""
    return array[index]


def put(array: Any, *pairs: tuple[Any, Any]) -> Any:
    """A copy of `array` in which array[index] = value for each (index, value)."""
    out = np.array(array)
    for index, value in pairs:
        write(out, index, value)
    return out


def write(array: Any, index: Any, value: Any) -> None:
    """array[index] = value; an array of one number counts as the number, as it did before NumPy 2.4."""
    try:
        array[index] = value
    except ValueError:
        if np.size(value) != 1:
            raise
        array[index] = np.reshape(value, ())


def line_of(site: tuple[CodeType, int]) -> int:
    """The line of an instruction."""
    return position(*site)[0]


_POSITIONS: dict[CodeType, list[Any]] = {}


def position(code: CodeType, instruction: int) -> tuple[int, int, int, int]:
    """First line, last line, first column and column after the last, of the expression that an instruction belongs to."""
    if code not in _POSITIONS:
        _POSITIONS[code] = list(code.co_positions())
    first, last, start, end = _POSITIONS[code][instruction // 2]
    return first or code.co_firstlineno, last or 0, start or 0, end or 0
