"""Stand-ins for what is not there: modules that are not installed, and what a program gets from them.

Everything on a missing module does nothing and gives more of the same. Where a program takes data apart,
`(x_train, y_train), (x_test, y_test) = mnist.load_data()`, the names at its left side tell what it expects, and it gets
invented data of that kind.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType, MethodType
from typing import Any, ClassVar, Final
from unittest.mock import MagicMock

INPUTS: Final = {"x", "img", "imgs", "image", "images", "feature", "features", "input", "inputs", "pixels"}
TARGETS: Final = {"y", "t", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes"}
PARTS: Final = r"(train|test|val|valid|dev|set|orig|data|raw|all|batch|tr|te|tst|cv)"
OPERATORS: Final = ("__truediv__", "__sub__", "__mul__", "__add__", "__rtruediv__", "__rsub__", "__rmul__", "__radd__")
ARRAY_PARTS: Final = {
    "reshape", "astype", "flatten", "ravel", "transpose", "copy", "T", "shape", "ndim", "size", "mean", "std", "max", "min",
    "sum", "numpy", "values", "tolist",
}  # fmt: skip
"""What is asked of arrays."""
CHANGES: Final = re.compile(r"grad|vmap|diff|vectorize|defop|register", re.IGNORECASE)
"""Functions of functions that give another function: the derivative, one for batches."""
CALLS_BACK: Final = (".FuncAnimation", ".after", ".schedule", ".schedule_interval", ".add_timer", ".set_timer", ".Button")
ROUNDS: Final = 3
PICTURE: Final = re.compile(r"\b(imread|Image\.open|load_img)\b")
GIVES_DATA: Final = re.compile(r"load|read|fetch|get|data|image|label|batch|split|mnist|cifar|train|test", re.IGNORECASE)


def role_of(name: str) -> str:
    """The kind of data that a name of a variable stands for: "X", "Y" or "".

    Examples
    --------
    >>> [role_of(name) for name in ("train_set_x_orig", "Y_test", "trX", "classes", "model")]
    ['X', 'Y', 'X', '', '']
    """
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name.split(".")[-1]).lower())
    rest = [word for word in words if not re.fullmatch(PARTS, word)]
    if len(rest) == 1:
        for kinds, role in ((INPUTS, "X"), (TARGETS - {"classes", "class"}, "Y")):
            if rest[0] in kinds:
                return role
        glued = re.fullmatch(rf"(x|y){PARTS}s?|{PARTS}(x|y)", rest[0])
        if glued:
            return (glued.group(1) or glued.group(4)).upper()
    if not rest and len(words) > 1 and words[-1] in ("data", "set"):  # train_data
        return "X"
    return ""


class Nothing(MagicMock):
    """Swallows every use: a plot, a missing module, an unreadable thing.

    Attributes
    ----------
    invent : callable
        (role, name of where it comes from) -> invented data.
    called_back : int
        Calls of functions that were given to be called later.
    trees : dict of str to ast.Module
        Source of the program's files, for the names that it gives to what it takes apart.
    """

    called_back: ClassVar[int] = 0
    invent: ClassVar[Callable[[str, str], Any]]
    trees: ClassVar[dict[str, ast.Module]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = type(self)  # a mock makes itself a class with methods of its own
        kind.__iter__, kind.__getitem__, kind.__len__, kind.__call__ = (
            Nothing._items, Nothing._item, Nothing._length, Nothing._called,
        )  # fmt: skip
        for name in OPERATORS:
            setattr(kind, name, _operator(name))

    def _item(self, key: Any) -> Any:
        """An entry: of a key, something that is called so; of places, those of the data that it stands for."""
        if isinstance(key, (str, bytes)):
            word = key.decode(errors="replace") if isinstance(key, bytes) else key
            return self._made(f"{self._extract_mock_name()}[{word!r}]")
        data = self.data()
        return self._made(f"{self._extract_mock_name()}[]") if data is None else data[key]

    def _length(self) -> int:
        data = self.data()
        return 0 if data is None else len(data)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        """The result of a call: something that is called like the file that was named, or what is decorated."""
        name = self._extract_mock_name()
        if args and isinstance(args[0], str) and (GIVES_DATA.search(name) or role_of(_last_word(repr(args[0])))):
            return self._made(f"{name}({args[0]!r})")
        if len(args) == 1 and not kwargs and isinstance(args[0], (FunctionType, type)) and not CHANGES.search(name):
            if "interact" in name:  # a widget, which calls it at once
                args[0](*([0] * _required(args[0])))
            return args[0]  # a decorator: @jit
        if name.endswith(CALLS_BACK):
            self._call_back([*args, *kwargs.values()])
        return MagicMock.__call__(self, *args, **kwargs)

    def _call_back(self, given: list[Any]) -> None:
        """Call a function that is given to be called again and again, a few times: a window would do so for ever."""
        for function in [each for each in given if isinstance(each, (FunctionType, MethodType))][:1]:
            while Nothing.called_back < ROUNDS:
                Nothing.called_back += 1
                function(*([0] * min(_required(function), 1)))

    def _made(self, name: str) -> Nothing:
        """Another one, always the same for one name."""
        known = self.__dict__.setdefault("_known_", {})
        if name not in known:
            known[name] = Nothing(name=name)
        return known[name]

    def data(self, role: str = "") -> Any:
        """Invented data, if the name of the place that it comes from stands for data, or what they are is known; else None."""
        if "_data_" not in self.__dict__:
            name = self._extract_mock_name()
            word = _last_word(name)
            role = role or role_of(word) or ("X" if word == "data" else "picture" if PICTURE.search(name) else "")
            keyed = "]" in name or "(" in name
            self.__dict__["_data_"] = type(self).invent(role, name) if role and keyed else None
            if self.__dict__["_data_"] is None:
                return self.__dict__.pop("_data_")
        return self.__dict__["_data_"]

    def _items(self) -> Any:
        frame = sys._getframe(1)
        target = _unpacked_into(type(self).trees.get(frame.f_code.co_filename), frame.f_lineno)
        with_targets = target is not None and any(role_of(ast.unparse(each)) == "Y" for each in target.elts)
        data = self.data() if not (with_targets and self.gives_data()) else None  # X, y = loader("data").load()
        if data is not None:
            return iter(data)
        if target is None:
            return iter(())
        return iter(self._parts(target) if self.gives_data() else self._pieces(len(target.elts)))

    def _pieces(self, count: int) -> list[Any]:
        """As many of the same kind as it is taken apart into: fig, ax = plt.subplots()."""
        return [self._made(f"{self._extract_mock_name()}.part{k}") for k in range(count)]

    def _parts(self, target: ast.Tuple | ast.List) -> list[Any]:
        found: list[Any] = []
        names = [ast.unparse(each) for each in target.elts]
        beside = len(names) == 2 and role_of(names[0]) == "X"  # (X, classes) = ...
        for each, name in zip(target.elts, names, strict=True):
            if isinstance(each, (ast.Tuple, ast.List)):
                found.append(tuple(self._parts(each)))
            elif beside and each is target.elts[1] and not role_of(name):
                found.append(type(self).invent("Y", self._extract_mock_name()))
            else:
                found.append(self.named_data(name))
        return found

    def named_data(self, name: str) -> Any:
        """Invented data, if the name of the variable stands for data; itself if not, or if it is taken apart later."""
        source, trees = self._extract_mock_name(), type(self).trees.values()
        if any(_is_pair(tree, name) for tree in trees):
            return type(self).invent("X", source), type(self).invent("Y", source)
        role = role_of(name)
        if not role or any(_is_unpacked(tree, name) for tree in trees):
            return self
        return type(self).invent(role, source)

    def gives_data(self) -> bool:
        """Whether it came from a call that seems to read data."""
        name = self._extract_mock_name()
        return "(" in name and GIVES_DATA.search(name) is not None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("what it is made of could not be read here")


def _required(function: Any) -> int:
    """The number of arguments that a function must be given: a frame, or none."""
    with suppress(TypeError, ValueError):
        given = inspect.signature(function).parameters.values()
        return sum(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in given)
    return 0


def with_data(index: Any) -> Any:
    """An index in which what stands for data is data: codes that look something up are classes."""
    if isinstance(index, tuple):
        return tuple(with_data(part) for part in index)
    return index.data("Y") if isinstance(index, Nothing) else index


def _last_word(name: str) -> str:
    """The last word that a place is called by: train_labels, of "mnist.train_labels()", or of a file or a key in quotes.

    Examples
    --------
    >>> [_last_word(name) for name in ("mnist.train_labels()", "h5py.File()['train_set_x'][]", "data/train-images-idx3-ubyte")]
    ['train_labels', 'train_set_x', 'train_images']
    """
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", name)
    last = quoted[-1] if quoted else re.sub(r"\(\)|\[\]", "", name).split(".")[-1]
    return re.sub(r"[-.]", "_", re.sub(r"[-.]?(idx\d.*|\w*ubyte.*|gz|npy|bin)$", "", last.rsplit("/", 1)[-1]))


def _operator(name: str) -> Callable[..., Any]:
    """An operator that works on the data that something stands for, if it stands for any."""

    def method(self: Nothing, other: Any) -> Any:
        data = self.data()
        return self._made(f"{self._extract_mock_name()}.{name}()") if data is None else getattr(data, name)(other)

    return method


def _part(name: str) -> property:
    """A part that arrays have: of the data that something stands for, if it stands for any."""

    def part(self: Nothing) -> Any:
        data = self.data()
        return self._made(f"{self._extract_mock_name()}.{name}") if data is None else getattr(data, name, data)

    return property(part)


for _name in ARRAY_PARTS:
    setattr(Nothing, _name, _part(_name))


def _unpacked_into(tree: ast.Module | None, line: int) -> ast.Tuple | ast.List | None:
    """The left side of the assignment in a line, if it takes something apart."""
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Assign) and node.lineno <= line <= (node.end_lineno or 0):
            target = node.targets[0]
            if isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(e, ast.Starred) for e in target.elts):
                return target
    return None


def _is_unpacked(tree: ast.Module, name: str) -> bool:
    """Whether a variable is taken apart somewhere: `train_x, train_y = train_set`."""
    return any(
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and ast.unparse(node.value) == name
        for node in ast.walk(tree)
    )


def _is_pair(tree: ast.Module, name: str) -> bool:
    """Whether a variable holds inputs and targets, as `train[0][k]` and `train[1][k]` say, in capitals or not."""
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    own = [node for node in parts if ast.unparse(node.value).lower() == name.lower()]
    keys = {node.slice.value if isinstance(node.slice, ast.Constant) else None for node in own}
    return keys == {0, 1} and any(node.value in own for node in parts)
