"""Stand-ins for what is not there: modules that are not installed, and what a program gets from them.

Everything on a missing module does nothing and gives more of the same. Where a program takes data apart,
`(x_train, y_train), (x_test, y_test) = mnist.load_data()`, the names at its left side tell what it expects, and it gets
invented data of that kind.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Final
from unittest.mock import MagicMock

import numpy as np

INPUTS: Final = {"x", "img", "imgs", "image", "images", "feature", "features", "input", "inputs", "pixels"}
TARGETS: Final = {"y", "t", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes"}
PARTS: Final = r"(train|test|val|valid|dev|set|orig|data|raw|all|batch|tr|te|tst|cv)"
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
    trees : dict of str to ast.Module
        Source of the program's files, for the names that it gives to what it takes apart.
    """

    invent: ClassVar[Callable[[str, str], Any]]
    trees: ClassVar[dict[str, ast.Module]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type(self).__iter__ = Nothing._items  # a mock makes itself a class with an __iter__ of its own

    def _items(self) -> Any:
        frame = sys._getframe(1)
        target = _unpacked_into(type(self).trees.get(frame.f_code.co_filename), frame.f_lineno)
        return iter(self._parts(target) if target is not None and self.gives_data() else ())

    def _parts(self, target: ast.Tuple | ast.List) -> list[Any]:
        found: list[Any] = []
        for each in target.elts:
            if isinstance(each, (ast.Tuple, ast.List)):
                found.append(tuple(self._parts(each)))
            else:
                found.append(self.named_data(ast.unparse(each)))
        return found

    def named_data(self, name: str) -> Any:
        """Invented data, if the name of the variable stands for data; itself if not."""
        role = role_of(name)
        return type(self).invent(role, self._extract_mock_name()) if role else self

    def gives_data(self) -> bool:
        """Whether it came from a call that seems to read data."""
        name = self._extract_mock_name()
        return "()" in name and GIVES_DATA.search(name) is not None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("what it is made of could not be read here")


def _unpacked_into(tree: ast.Module | None, line: int) -> ast.Tuple | ast.List | None:
    """The left side of the assignment in a line, if it takes something apart."""
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Assign) and node.lineno <= line <= (node.end_lineno or 0):
            target = node.targets[0]
            if isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(e, ast.Starred) for e in target.elts):
                return target
    return None


def to_categorical(y: Any, num_classes: int | None = None, *args: Any, **kwargs: Any) -> Any:
    """One-hot rows, as in Keras."""
    from clearprop.gradcheck.tracing.traced import plain
    from clearprop.gradcheck.tracing.wrappers import leaf

    classes = np.asarray(plain(y)).astype(int).ravel()
    return leaf(np.eye(int(num_classes or classes.max() + 1))[classes], "data")


def missing_module(name: str) -> Nothing:
    """The stand-in of a module that is not installed."""
    made = Nothing(name=name)
    for holder in (made, made.utils, made.np_utils, made.utils.np_utils, made.keras.utils):
        holder.to_categorical = to_categorical
    return made
