"""The trace: every value that a program makes, with the operation that made it, the values it was made of, and the line.

A program is watched by giving it wrappers in the place of numbers and arrays (`wrappers.py`). Each operation on them adds
one `Vertex` here. The vertices are a graph with immutable values, in the order in which they were made, so that the
program's mathematics can be run again with other numbers, and be differentiated, without running the program.

A *step* is an addition or subtraction p +- h in which p is a value that the program started from (a *leaf*, or what has
only been scaled or reshaped since), or an earlier step's result, and h depends on p. This is what an update of a parameter
looks like, whatever the parameter is called. Each leaf and each step has a bit of its own, and a vertex the bits of all
that it depends on up to the last step, so that "h depends on p" is one AND.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.bindings import Bindings
from clearprop.gradcheck.tracing.step_signs import (
    SCALING,
    bears,
    is_drawn,
    is_first_sum,
    meets_numbers,
    meets_others,
    moved_value,
)
from clearprop.gradcheck.tracing.vertex import Stack as Stack
from clearprop.gradcheck.tracing.vertex import Vertex as Vertex

DEEPEST: Final = 12  # frames of the program that are kept
LEAF: Final = "leaf"
MATRIX: Final = "matrix"  # what a name stands for as an np.matrix
RESHAPING = {np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.copy, np.array, np.asarray}

JOINING = {np.concatenate, np.hstack, np.vstack, np.stack, np.array, np.column_stack, np.append}


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
        if not isinstance(change, Vertex) or not isinstance(moved, Vertex) or not bears(moved, name):
            return
        if moved.origin is not None and moved.shape == vertex.shape and change.bits & moved.mark:
            vertex.args = (moved, change)
            self._follow(vertex)

    def _follow(self, vertex: Vertex) -> None:
        """Tell whether it is a parameter still, or a step."""
        if vertex.size == 1 and vertex.inputs and all(self._is_setting(other) for other in vertex.inputs):
            self.settings.add(vertex)
        if vertex.fn in (np.add, np.subtract) and len(vertex.args) == 2:
            moved, other = moved_value(vertex)
            again = moved is not None and moved.step_of is not None and moved.stack[:1] == vertex.stack[:1]
            if (
                moved is not None
                and other & moved.mark
                and (again or other & ~moved.bits or meets_others(vertex, moved) or meets_numbers(vertex, moved))
            ):
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
            if is_first_sum(*grown):
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
        elif is_drawn(vertex):
            vertex.origin, vertex.mark, vertex.kind = vertex, vertex.bits, "random"


def value_of(thing: Any) -> Any:
    """The recorded value of a vertex; anything else as it is."""
    return thing.value if isinstance(thing, Vertex) else thing


MOST_BITS: Final = 20000


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
