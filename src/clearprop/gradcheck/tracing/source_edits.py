"""Edits of source: an expression of the program, written as its author may have meant it.

Each family looks at one node of the syntax tree of a site and yields other expressions in its place, with the mistake in
words. Whether one of them is right, only the replay tells.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from clearprop.gradcheck.tracing.sites import SourceTree, is_module

PRODUCTS: Final = {"dot", "matmul", "mm", "outer"}
FOLDS: Final = {"sum", "mean"}


@dataclass(eq=False)
class SourceEdit:
    """One other way to write a part of an expression.

    Attributes
    ----------
    node : ast.expr
        The part.
    new : ast.expr
        The expression that stands there instead.
    reason : str
        The mistake in words.
    prior : float
        Smaller for what is more common.
    slug : str
    hint : str
        Where to look, without the answer.
    assigned : str
        "+=" or "-=" where the statement is to be one of these, instead of what it is.
    inserted : str
        A statement that is missing, where the edit stands for one.
    """

    node: ast.expr
    new: ast.expr
    reason: str
    prior: float
    slug: str
    hint: str
    assigned: str = ""
    inserted: str = ""


def written(text: str) -> ast.expr:
    """The syntax tree of an expression."""
    return ast.parse(text, mode="eval").body


def replaced(root: ast.expr, old: ast.AST, new: ast.expr) -> ast.expr:
    """An expression in which one part is another; the rest is shared with the old one."""
    found = _swapped(root, old, new)
    assert isinstance(found, ast.expr)
    return found


def _swapped(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    if node is old:
        return new
    changed: dict[str, Any] = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            made: Any = _swapped(value, old, new)
        elif isinstance(value, list):
            made = [_swapped(each, old, new) if isinstance(each, ast.AST) else each for each in value]
            made = value if all(a is b for a, b in zip(made, value, strict=True)) else made
        else:
            continue
        if made is not value:
            changed[name] = made
    return type(node)(**{**dict(ast.iter_fields(node)), **changed}) if changed else node


def operands(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Both factors of a product of matrices, however it is written."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PRODUCTS:
        return (node.args[0], node.args[1]) if len(node.args) == 2 else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRODUCTS:
        if is_module(node.func.value):
            return (node.args[0], node.args[1]) if len(node.args) == 2 else None
        return (node.func.value, node.args[0]) if len(node.args) == 1 else None
    return None


def product_like(node: ast.AST, left: ast.expr, right: ast.expr) -> ast.expr:
    """Another product of matrices, written as one is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return ast.Call(node.func, [left, right], [])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if is_module(node.func.value):
            return ast.Call(node.func, [left, right], [])
        return ast.Call(ast.Attribute(left, node.func.attr, ast.Load()), [right], [])
    return ast.BinOp(left, ast.MatMult(), right)


def turned(node: ast.expr) -> ast.expr:
    """The transpose, or what is transposed."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:  # noqa: SIM102
        if node.func.attr in ("t", "transpose"):
            return node.func.value
    return ast.Attribute(node, "T", ast.Load())


def number(value: float) -> ast.expr:
    """A number, as it is written."""
    return ast.Constant(int(value) if float(value).is_integer() else value)


def _summed(node: ast.expr) -> ast.expr | None:
    """The values that a sum or mean is taken of; None for anything else."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FOLDS):
        return None
    free = is_module(node.func.value)
    return (node.args[0] if node.args else None) if free else node.func.value


class StructureEdits:
    """Edits that need nothing but the expression itself.

    Parameters
    ----------
    tree : SourceTree
    """

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree

    def of(self, node: ast.expr) -> Iterator[SourceEdit]:
        """All edits of one node."""
        for family in FAMILIES:
            yield from family(self, node)

    def text(self, node: ast.expr) -> str:
        """The source text of a part, or of what was made of parts."""
        return self.tree.spoken(node)

    def _product(self, node: ast.expr) -> Iterator[SourceEdit]:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))):
            return
        left, right = node.left, node.right
        hint = "One factor too many."
        if isinstance(node.op, ast.Mult):
            for kept, lost in ((left, right), (right, left)):
                prior = 1.3 if isinstance(lost, ast.Constant) else 1.6
                yield SourceEdit(node, kept, f"{self.text(lost)} does not belong here", prior, "factor-too-many", hint)
            new: ast.operator = ast.Div()
            said = f"{self.text(left)} is to be divided by {self.text(right)}"
            hint = "Element-wise or matrix product?"
            matrix = ast.BinOp(left, ast.MatMult(), right)
            yield SourceEdit(node, matrix, "a product of matrices is meant", 1.7, "product", hint)
        else:
            yield SourceEdit(node, left, f"it is not to be divided by {self.text(right)}", 1.5, "factor-too-many", hint)
            new, said = ast.Mult(), f"{self.text(left)} is to be multiplied by {self.text(right)}"
        hint = "Look at the products and quotients."
        yield SourceEdit(node, ast.BinOp(left, new, right), said, 1.9, "quotient", hint)

    def _matrices(self, node: ast.expr) -> Iterator[SourceEdit]:
        both = operands(node)
        if both is None:
            return
        a, b = both
        hint = "Look at the order and the transposes."
        for flip in (False, True):
            for turn in ((False, False), (True, False), (False, True), (True, True)):
                if not flip and turn == (False, False):
                    continue
                parts = [turned(x) if t else x for x, t in zip(both, turn, strict=True)]
                new = product_like(node, *(parts[::-1] if flip else parts))
                said = self._turned_in_words(both, turn, flip)
                yield SourceEdit(node, new, said, 1.0 + 0.3 * (sum(turn) + flip) - 0.3 * (not flip), "transposed", hint)
        aligned = ast.BinOp(a, ast.Mult(), b)
        hint = "Element-wise or matrix product?"
        yield SourceEdit(node, aligned, "an element-wise product is meant", 1.6, "product", hint)

    def _turned_in_words(self, both: tuple[ast.expr, ast.expr], turn: tuple[bool, bool], flip: bool) -> str:
        names = [self.text(x) for x, t in zip(both, turn, strict=True) if t]
        if flip:
            swapped = f"{self.text(both[0])} and {self.text(both[1])} are swapped"
            return f"the product is the other way round, with {' and '.join(names)} transposed" if names else swapped
        never = all(name.endswith((".T", ".t()", "transpose()")) for name in names)
        return f"{' and '.join(names)} must {'not ' if never else ''}be transposed"

    def _terms(self, node: ast.expr) -> Iterator[SourceEdit]:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))):
            return
        a, b, plus = node.left, node.right, isinstance(node.op, ast.Add)
        other = ast.Sub() if plus else ast.Add()
        added = "" if node in self.tree.parents else "-=" if plus else "+="  # of the statement a += b
        said = f"the sign is wrong: {added}" if added else f"the sign before {self.text(b)} is wrong"
        yield SourceEdit(node, ast.BinOp(a, other, b), said, 1.2, "sign", "Look at the signs.", added)
        if added:
            return
        if not plus:
            said = f"{self.text(a)} and {self.text(b)} are swapped"
            hint = "Look at the order of the difference."
            yield SourceEdit(node, ast.BinOp(b, ast.Sub(), a), said, 1.2, "swapped", hint)
        for kept, lost in ((a, b), (b, a)):
            said = f"{self.text(lost)} does not belong here"
            yield SourceEdit(node, kept, said, 1.7, "term-too-many", "One term too many.")
        first = 1.15 if isinstance(a, ast.Constant) and a.value == 1 else 1.5  # a derivative that is known has 1.1
        for old in (a, b):
            if not isinstance(old, ast.Constant):
                square = ast.BinOp(old, ast.Pow(), ast.Constant(2))
                said, hint = f"the square of {self.text(old)} is meant", "Look at the powers."
                yield SourceEdit(old, square, said, first, "power", hint)
                for weight in (2, 0.5):
                    new = ast.BinOp(number(weight), ast.Mult(), old)
                    said = f"{self.text(old)} must count {'twice' if weight == 2 else 'half'}"
                    yield SourceEdit(old, new, said, 1.8, "weight", "Look at the factor of each term.")

    def _powers(self, node: ast.expr) -> Iterator[SourceEdit]:
        hint = "Look at the power."
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            for power in (1, 2, 3, -1, -0.5, -1.5, 0.5):
                new = ast.BinOp(node.left, ast.Pow(), number(power)) if power != 1 else node.left
                said = f"the power is {power}" if power != 1 else f"{self.text(node.left)} itself is meant, not its power"
                yield SourceEdit(node, new, said, 1.2, "power", hint)
        clips = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("clip", "clamp")
        if clips and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            inner = node.args[0] if is_module(node.func.value) else node.func.value
            said = f"{self.text(inner)} is clipped here, on the way back: what follows is no gradient"
            yield SourceEdit(node, inner, said, 1.0, "clipped", "Where may a gradient be clipped?")
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords and operands(node) is None:
            said = f"{self.text(node.args[0])} itself is meant"
            yield SourceEdit(node, node.args[0], said, 1.6, "function-too-many", "One function too many.")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield SourceEdit(node, node.operand, "the sign is wrong", 1.2, "sign", "Look at the signs.")

    def _masks(self, node: ast.expr) -> Iterator[SourceEdit]:
        if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
            return
        for op, sign in ((ast.Gt, ">"), (ast.Lt, "<"), (ast.GtE, ">="), (ast.LtE, "<=")):
            if not isinstance(node.ops[0], op):
                new = ast.Compare(node.left, [op()], node.comparators)
                said = f"the mask is the wrong way round: {self.text(node.left)} {sign} {self.text(node.comparators[0])}"
                yield SourceEdit(node, new, said, 1.1, "mask", "Look at the mask.")

    def _sums(self, node: ast.expr) -> Iterator[SourceEdit]:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FOLDS):
            return
        free = is_module(node.func.value)
        inner = node.args[0] if free and node.args else node.func.value
        fold = node.func.attr
        other = "mean" if fold == "sum" else "sum"
        new = ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)
        yield SourceEdit(node, new, f"it is the {other} that is meant", 1.1, "fold", "Sum or mean?")
        given = [node.args[0]] if free else []
        for axis in (0, 1, -1, 2, None):
            for keep in (False, True):
                if axis is None and keep:
                    continue
                words = [ast.keyword("axis", number(axis))] if axis is not None else []
                words += [ast.keyword("keepdims", ast.Constant(True))] if keep else []
                said = f"it is to be summed over axis {axis}" if axis is not None else "it is to be summed over everything"
                new = ast.Call(node.func, given, words)
                yield SourceEdit(node, new, said, 1.0 + 0.05 * keep, "axis", "Look at the axis of the sum.")
        yield SourceEdit(node, inner, "it is not to be summed", 1.5, "not-summed", "Look at the sum.")
        summed = _summed(inner)
        if summed is not None:
            for axis in (0, 1):
                alone = written(f"np.{fold}({self.text(summed)}, axis={axis})")
                said = f"it is to be summed over axis {axis} alone"
                yield SourceEdit(node, alone, said, 1.3, "axis", "Look at the axis of the sum.")

    def _folds(self, node: ast.expr) -> Iterator[SourceEdit]:
        """A sum or mean that is missing around a product, or around what is subtracted."""
        parent = self.tree.parents.get(node)
        subtracted = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub) and parent.right is node
        if subtracted or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
            text = self.text(node)
            for fold in ("sum", "mean"):
                for axis in (0, 1, -1):
                    new = written(f"np.{fold}({text}, axis={axis}, keepdims=True)")
                    said = f"it is the {fold} of {text} over axis {axis} that is meant"
                    yield SourceEdit(node, new, said, 1.6, "not-summed", "Is a sum or a mean missing?")

    def _turns(self, node: ast.expr) -> Iterator[SourceEdit]:
        if isinstance(node, ast.Attribute) and node.attr == "T":
            said = f"{self.text(node.value)} must not be transposed"
            yield SourceEdit(node, node.value, said, 1.2, "transposed", "Look at the transposes.")
        if isinstance(node, ast.Subscript) and ast.unparse(node.slice) in ("::-1", "(::-1, ::-1)", "::-1, ::-1"):
            said, hint = f"{self.text(node.value)} must not be flipped here", "Is the filter flipped?"
            yield SourceEdit(node, node.value, said, 1.3, "flipped", hint)

    def _indices(self, node: ast.expr) -> Iterator[SourceEdit]:
        if not isinstance(node, ast.Subscript):
            return
        for each in ast.walk(node.slice):
            whole = isinstance(each, ast.Constant) and type(each.value) is int
            if not (whole or isinstance(each, ast.Name) or (isinstance(each, ast.BinOp) and not isinstance(each.op, ast.Mult))):
                continue
            assert isinstance(each, (ast.Constant, ast.Name, ast.BinOp))
            options: list[ast.expr] = []
            if whole:
                options = [written(str(int(ast.unparse(each)) + shift)) for shift in (-1, 1)]
            elif isinstance(each, ast.Name):
                options = [written(f"{each.id} {sign} 1") for sign in "-+"]
            elif isinstance(each, ast.BinOp):
                options = [each.left, *([ast.BinOp(each.left, op(), each.right) for op in (ast.Add, ast.Sub)])]
            for option in options:
                said = f"the index is {ast.unparse(option)}, not {self.text(each)}"
                yield SourceEdit(each, option, said, 1.4, "index", "Look at the index.")
        if isinstance(node.slice, ast.Slice):
            low, high = node.slice.lower, node.slice.upper
            new = ast.Subscript(node.value, ast.Slice(high, low, None), ast.Load())
            yield SourceEdit(node, new, "the other part of it is meant", 1.3, "index", "Look at the slice.")


FAMILIES: Final[tuple[Callable[[StructureEdits, ast.expr], Iterator[SourceEdit]], ...]] = (
    StructureEdits._product, StructureEdits._matrices, StructureEdits._terms, StructureEdits._powers, StructureEdits._masks,
    StructureEdits._sums, StructureEdits._folds, StructureEdits._turns, StructureEdits._indices,
)  # fmt: skip
