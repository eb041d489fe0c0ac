"""Single edits of one statement of back-propagation, as its author could have got it wrong.

Each family of edits is a generator: it looks at one node of the statement's syntax tree, and yields the name of a mistake and
the node that would stand there instead. Whether the program then still runs, and computes anything else, is not asked here.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Edit = tuple[str, ast.AST]
PRODUCTS = {"dot", "mm", "matmul", "outer"}
MODULES = {"np", "torch", "math"}
RATES = {"RATE", "lr", "rate", "alpha", "eta"}
"""Names of learning rates: a step of another length is no wrong gradient."""


@dataclass(frozen=True)
class Scope:
    """Names within reach of a statement, keys and attributes of the program, and its number of examples as an expression."""

    names: frozenset[str]
    keys: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    batch: str = ""


@dataclass(frozen=True)
class Place:
    """A node of a statement, and what surrounds it."""

    node: ast.AST
    parent: ast.AST | None
    indexing: bool = field(default=False)


def places(statement: ast.stmt) -> list[Place]:
    """All nodes of a statement, each with its parent, and whether it stands within an index."""
    found: list[Place] = []

    def visit(node: ast.AST, parent: ast.AST | None, indexing: bool) -> None:
        found.append(Place(node, parent, indexing))
        for name, value in ast.iter_fields(node):
            inside = indexing or (isinstance(node, ast.Subscript) and name == "slice")
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child, node, inside)

    visit(statement, None, False)
    return found


def replaced(statement: ast.stmt, old: ast.AST, new: ast.AST) -> ast.stmt:
    """A copy of a statement with one node exchanged."""
    return copy.deepcopy(statement, {id(old): new})


def text(node: ast.AST) -> str:
    return ast.unparse(node)


def expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def is_number(node: ast.AST, value: float | None = None) -> bool:
    """Whether a node is a number, or this number; np.float32(1) counts as 1."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and text(node.func) in ("np.float32", "float"):
        node = node.args[0]
    if not (isinstance(node, ast.Constant) and isinstance(node.value, (int, float))):
        return False
    return value is None or node.value == value


def operation(node: ast.AST, kind: type[ast.operator]) -> tuple[ast.expr, ast.expr] | None:
    """Both operands, where a node is this operation."""
    return (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, kind) else None


def called(node: ast.AST) -> str:
    """The last name of the function that a node calls: np.sum and x.sum are both "sum"; "" if it calls none."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else text(node.func)


def from_module(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and text(node.func.value) in MODULES


# ---------------------------------------------------------------- products and what they are made of


def factors(place: Place, scope: Scope) -> Iterator[Edit]:
    """A factor left out of a * b."""
    both = operation(place.node, ast.Mult)
    if both is None and called(place.node) == "multiply" and isinstance(place.node, ast.Call):
        both = (place.node.args[0], place.node.args[1])
    if both is None:
        return
    for kept, lost in (both, both[::-1]):
        if text(lost) not in RATES:
            yield naming_of(lost), kept


def naming_of(lost: ast.AST) -> str:
    """The mistake that it is to leave out this factor."""
    if is_number(lost):
        return "constant factor dropped"
    if operation(lost, ast.Div):
        return "1/B dropped"
    looks = text(lost)
    derivative = looks.startswith("1") or "prime" in looks or "deriv" in looks
    return "derivative dropped" if derivative or isinstance(lost, ast.Compare) else "factor dropped"


def square(node: ast.AST) -> ast.expr | None:
    """The argument, where a node is its square."""
    power, product = operation(node, ast.Pow), operation(node, ast.Mult)
    if power and is_number(power[1], 2):
        return power[0]
    if product and text(product[0]) == text(product[1]):
        return product[0]
    if called(node) == "power" and isinstance(node, ast.Call) and is_number(node.args[1], 2):
        return node.args[0]
    return None


def derivatives(place: Place, scope: Scope) -> Iterator[Edit]:
    """The derivative of another activation, or a slip within the right one."""
    node, both = place.node, operation(place.node, ast.Sub)
    if both and is_number(both[0], 1):
        a = square(both[1])
        if a is not None:
            yield "1 - a for 1 - a**2", expression(f"1 - {text(a)}")
            yield "another activation's derivative", expression(f"{text(a)} * (1 - {text(a)})")
            yield "another activation's derivative", expression(f"({text(a)} > 0)")
        elif not is_number(both[1]):
            yield "another activation's derivative", expression(f"1 - {text(both[1])} ** 2")
    whole = operation(node, ast.Mult)
    if whole and (rest := operation(whole[1], ast.Sub)) and is_number(rest[0], 1):
        a = text(rest[1])
        inner = operation(whole[0], ast.Mult)
        upstream = "" if text(whole[0]) == a else f"{text(inner[0])} * " if inner and text(inner[1]) == a else None
        if upstream is not None:
            yield "another activation's derivative", expression(f"{upstream}(1 - {a} ** 2)")
            yield "another activation's derivative", expression(f"{upstream}({a} > 0)")
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and is_number(node.comparators[0], 0):
        left = text(node.left)
        turned = {ast.Gt: "<", ast.GtE: "<=", ast.Lt: ">", ast.LtE: ">"}.get(type(node.ops[0]))
        if turned:
            yield "mask turned round", expression(f"({left} {turned} 0)")
        if not place.indexing:
            yield "another activation's derivative", expression(f"1 - {left} ** 2")


def powers(place: Place, scope: Scope) -> Iterator[Edit]:
    """A square forgotten or kept."""
    power, difference = operation(place.node, ast.Pow), operation(place.node, ast.Sub)
    if power and is_number(power[1]) and isinstance(power[1], ast.Constant):
        less = power[1].value - 1
        yield "power of one less", power[0] if less == 1 else expression(f"{text(power[0])} ** {less}")
    if difference and not any(is_number(side) for side in difference) and not place.indexing:
        yield "square kept", expression(f"({text(place.node)}) ** 2")


def batch_size(place: Place, scope: Scope) -> Iterator[Edit]:
    """1/B left out, or put in once too often."""
    node, both = place.node, operation(place.node, ast.Div)
    if both:
        yield "1/B dropped" if not isinstance(both[1], ast.Call) else "divisor dropped", both[0]
    assigned = isinstance(place.parent, ast.Assign) and node is place.parent.value
    gathered = isinstance(place.parent, ast.AugAssign) and node is place.parent.value
    plain = isinstance(node, (ast.BinOp, ast.Call)) and called(node) not in ("len", "zeros", "backward")
    target = text(place.parent).split("=")[0] if assigned or gathered else ""
    if scope.batch and plain and (assigned or gathered) and "," not in target:
        yield "1/B added", expression(f"({text(node)}) / {scope.batch}")


# ---------------------------------------------------------------- matrices


def product_operands(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    both = operation(node, ast.MatMult)
    if both is None and isinstance(node, ast.Call) and called(node) in PRODUCTS:
        if from_module(node):
            both = (node.args[0], node.args[1])
        elif isinstance(node.func, ast.Attribute):
            both = (node.func.value, node.args[0])
    return both


def transposed(node: ast.AST) -> ast.expr | None:
    """The matrix, where a node is its transpose."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if (
        called(node) in ("t", "transpose")
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not node.args
    ):
        return node.func.value
    return None


def transposes(place: Place, scope: Scope) -> Iterator[Edit]:
    """A transpose forgotten, or one too many."""
    matrix = transposed(place.node)
    if matrix is not None:
        yield "transpose dropped", matrix
    both = product_operands(place.node)
    for side in both or ():
        if isinstance(side, (ast.Name, ast.Attribute, ast.Subscript)) and transposed(side) is None:
            yield "transpose inserted", replaced(place.node, side, expression(f"{text(side)}.T"))  # type: ignore[arg-type]


def product_like(node: ast.AST, first: str, second: str) -> ast.expr:
    """A product of two other matrices, written as this one is."""
    if isinstance(node, ast.BinOp):
        return expression(f"({first}) @ ({second})")
    if isinstance(node, ast.Call) and from_module(node):
        return expression(f"{text(node.func)}({first}, {second})")
    return expression(f"({first}).{called(node)}({second})")


def operands(place: Place, scope: Scope) -> Iterator[Edit]:
    """The two sides of a product or of a difference exchanged, or the whole product transposed."""
    node, both = place.node, product_operands(place.node)
    if both:
        first, second = (text(side) for side in both)
        yield "operands swapped", product_like(node, second, first)
        bare = [transposed(side) for side in both]
        if bare[0] is not None and bare[1] is None:
            yield "product transposed", product_like(node, f"({second}).T", text(bare[0]))
        if bare[1] is not None and bare[0] is None:
            yield "product transposed", product_like(node, text(bare[1]), f"({first}).T")
    difference = operation(node, ast.Sub)
    if difference and not place.indexing and not is_number(difference[0], 1):
        yield "difference turned round", expression(f"({text(difference[1])}) - ({text(difference[0])})")


def sums(place: Place, scope: Scope) -> Iterator[Edit]:
    """Another axis, none, or a mean for a sum."""
    node = place.node
    if not isinstance(node, ast.Call) or called(node) not in ("sum", "mean") or not isinstance(node.func, ast.Attribute):
        return
    other = "mean" if called(node) == "sum" else "sum"
    yield f"{other} for {called(node)}", replaced(node, node.func, ast.Attribute(node.func.value, other, ast.Load()))  # type: ignore[arg-type]
    axes = [(k, word.value) for k, word in enumerate(node.keywords) if word.arg == "axis"]
    axes += [(-1, node.args[-1])] if len(node.args) == (2 if from_module(node) else 1) and not axes else []
    for k, axis in axes:
        if isinstance(axis, ast.Constant):
            yield "other axis", replaced(node, axis, ast.Constant(1 - axis.value))  # type: ignore[arg-type]
        made = copy.deepcopy(node)
        if k < 0:
            made.args.pop()
        else:
            made.keywords = [word for word in made.keywords if word.arg not in ("axis", "keepdims")]
        yield "summed over everything", made
    if isinstance(node.func.value, ast.Name) and not from_module(node):
        yield "sum left out", node.func.value
    elif from_module(node):
        yield "sum left out", node.args[0]


# ---------------------------------------------------------------- signs, terms, names


def signs(place: Place, scope: Scope) -> Iterator[Edit]:
    """Plus for minus, and minus for plus."""
    node = place.node
    kind = "other index" if place.indexing else "sign"
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield kind, ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield kind, node.operand
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield "sign", ast.AugAssign(node.target, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.value)


def terms(place: Place, scope: Scope) -> Iterator[Edit]:
    """A term left out of a sum: the regularisation, the part that comes from the next time step."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and not is_number(node.left, 1):
        kind = "other index" if place.indexing else "term dropped"
        yield kind, node.left
        if isinstance(node.op, ast.Add):
            yield kind, node.right


def assignments(place: Place, scope: Scope) -> Iterator[Edit]:
    """= where it adds up."""
    node = place.node
    if isinstance(node, ast.AugAssign):
        yield "= for +=", ast.Assign([node.target], node.value, lineno=1)


def copies(place: Place, scope: Scope) -> Iterator[Edit]:
    """A copy forgotten."""
    node = place.node
    if isinstance(node, ast.Call) and called(node) in ("copy", "clone") and isinstance(node.func, ast.Attribute):
        yield "copy dropped", node.args[0] if from_module(node) else node.func.value


def siblings(name: str, known: frozenset[str], most: int = 2) -> list[str]:
    """Names that differ from this one by one character, a digit first: W1 for W2, dZ1 for dA1, db_f for db_i."""
    near = []
    for other in sorted(known - {name}):
        if len(other) == len(name):
            unlike = [k for k in range(len(name)) if name[k] != other[k]]
            if len(unlike) == 1:
                near.append((not name[unlike[0]].isdigit(), other))
    return [other for _, other in sorted(near)][:most]


def other_names(place: Place, scope: Scope) -> Iterator[Edit]:
    """A neighbouring array: another layer's, another gate's, z for a."""
    node = place.node
    function = isinstance(place.parent, ast.Call) and place.parent.func is node
    if isinstance(node, ast.Name) and not function and node.id not in MODULES:
        for other in siblings(node.id, scope.names):
            yield "other index" if place.indexing else "other array", ast.Name(other, node.ctx)
    if isinstance(node, ast.Attribute) and not function and node.attr != "T":
        for other in siblings(node.attr, scope.attributes):
            yield "other array", ast.Attribute(node.value, other, node.ctx)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and place.indexing:
        for other in siblings(node.value, scope.keys):
            yield "other array", ast.Constant(other)


FAMILIES: tuple[Callable[[Place, Scope], Iterator[Edit]], ...] = (
    factors,
    derivatives,
    powers,
    batch_size,
    transposes,
    operands,
    sums,
    signs,
    terms,
    assignments,
    copies,
    other_names,
)


def edits(statement: ast.stmt, scope: Scope) -> Iterator[tuple[str, str]]:
    """Every single edit of a statement: the name of the mistake, and the statement with it. Each text comes once."""
    seen = {text(statement)}
    for place in places(statement):
        for family in FAMILIES:
            for kind, new in family(place, scope):
                changed = replaced(statement, place.node, new) if place.node is not statement else new
                made = text(ast.fix_missing_locations(changed))
                if made not in seen:
                    seen.add(made)
                    yield kind, made
