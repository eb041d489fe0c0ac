"""The translator: from the source of a function to LLVM's instructions.

A call expands the function into the place where it is called, with a scope of its own for its names. A name that is assigned
once stands for a value; one that changes has a place on the stack, which LLVM turns into a register. What is known beforehand
(numbers, tuples, functions, a named tuple of values) is computed by Python while translating.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import INSTRUCTIONS, SUBSTITUTES, binary, compared
from clearprop.engines.compiled.compiler.source import Source, bound, source_of
from clearprop.engines.compiled.compiler.values import (
    BOOL,
    FLOAT64,
    INT,
    Kind,
    Lanes,
    NotCompilable,
    Number,
    Pointer,
    Value,
    cast,
    common_kind,
    value_of,
)

FLOATS_AND_INTEGERS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("fadd", "add"),
    ast.Sub: ("fsub", "sub"),
    ast.Mult: ("fmul", "mul"),
    ast.BitAnd: ("and_", "and_"),
    ast.BitOr: ("or_", "or_"),
    ast.BitXor: ("xor", "xor"),
    ast.LShift: ("shl", "shl"),
    ast.RShift: ("ashr", "ashr"),
}
LOGICAL = (ast.BitAnd, ast.BitOr, ast.BitXor)
SYMBOLS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
PYTHON: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.USub: operator.neg, ast.Not: operator.not_, ast.Invert: operator.invert,
    ast.UAdd: operator.pos, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip

PYTHON_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def is_known(*given: Any) -> bool:
    """Whether values are known beforehand, so that Python can compute with them."""
    return all(is_known(*part) if isinstance(part, tuple) else not isinstance(part, Value) for part in given)


class Slot:
    """The place on the stack of a name that changes; its kind is that of the first value."""

    def __init__(self, builder: ir.IRBuilder, value: Value) -> None:
        kind = INT if value.kind == BOOL else value.kind
        self.kind: Kind = kind
        with builder.goto_entry_block():
            self.place = builder.alloca(kind.ir_type)

    def store(self, builder: ir.IRBuilder, given: Any) -> None:
        """Write a value, as the kind of the slot."""
        value = value_of(given)
        if self.kind == INT and isinstance(value.kind, Number) and value.kind.is_float:
            raise NotCompilable("a name that held an integer is given a number with a fraction; begin with 0.0, not 0.")
        builder.store(cast(builder, value, self.kind).ir, self.place)

    def load(self, builder: ir.IRBuilder) -> Value:
        """The value that was written last."""
        return Value(self.kind, builder.load(self.place))


class Expansion:
    """One call of a function, expanded: its names, and the place where it ends."""

    def __init__(self, builder: ir.IRBuilder, source: Source, names: dict[str, Any]) -> None:
        self.builder, self.source = builder, source
        self.names: dict[str, Any] = {}
        for name, value in names.items():
            self.assign_name(name, value)
        self.result: Any = None
        self.end: Any = None  # where an early return jumps to

    # --- the function

    def run(self) -> Any:
        """Write the instructions of the body; returns the value that the function returns."""
        last = self.source.body[-1]
        n_returns = sum(isinstance(node, ast.Return) for part in self.source.body for node in ast.walk(part))
        if n_returns == 0 or (n_returns == 1 and isinstance(last, ast.Return)):
            self.block(self.source.body)
            return self.result
        self.end = self.builder.append_basic_block("end")
        self.block(self.source.body)
        if not self.builder.block.is_terminated:
            self.builder.branch(self.end)
        self.builder.position_at_end(self.end)
        return _structured(self.result, lambda slot: slot.load(self.builder))

    def block(self, statements: list[ast.stmt]) -> None:
        """Statements, one after the other, up to a return."""
        for statement in statements:
            if self.builder.block.is_terminated:
                return
            try:
                getattr(self, f"do_{type(statement).__name__}", self.refuse)(statement)
            except NotCompilable as error:
                raise NotCompilable(self.located(statement, str(error))) from None
            except PYTHON_ERRORS as error:  # of what is computed beforehand: a name that a module does not have, say
                raise NotCompilable(self.located(statement, f"{type(error).__name__}: {error}")) from None

    def located(self, node: ast.AST, message: str) -> str:
        """A message with the place of a statement, unless it has one."""
        if ", in `" in message:
            return message
        return f"{message.removesuffix('.')}, in `{ast.unparse(node).splitlines()[0]}` of {self.source.place}."

    def refuse(self, node: ast.AST) -> Any:
        """Raise the error for a construct that is not listed here."""
        raise NotCompilable(f"`{ast.unparse(node).splitlines()[0]}` is not something that can be compiled.")

    # --- statements

    def do_Return(self, node: ast.Return) -> None:  # noqa: N802
        value = None if node.value is None else self.of(node.value)
        if self.end is None:
            self.result = value
            return
        if value is not None:
            if self.result is None:
                self.result = _structured(value, lambda part: Slot(self.builder, value_of(part)))
            _store_all(self.builder, self.result, value)
        self.builder.branch(self.end)

    def do_Expr(self, node: ast.Expr) -> None:  # noqa: N802
        if not isinstance(node.value, ast.Constant):
            self.of(node.value)

    def do_Pass(self, node: ast.Pass) -> None:  # noqa: N802
        pass

    def do_Assign(self, node: ast.Assign) -> None:  # noqa: N802
        value = self.of(node.value)
        for target in node.targets:
            self.assign(target, value)

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: N802
        self.assign(node.target, self.of(node.value or self.refuse(node)))

    def do_AugAssign(self, node: ast.AugAssign) -> None:  # noqa: N802
        loaded: Any = ast.parse(ast.unparse(node.target), mode="eval").body
        self.assign(node.target, self.operate(type(node.op), self.of(loaded), self.of(node.value)))

    def do_If(self, node: ast.If) -> None:  # noqa: N802
        test = self.of(node.test)
        if is_known(test):
            self.block(node.body if test else node.orelse)
            return
        then, other, after = (self.builder.append_basic_block(name) for name in ("then", "else", "after"))
        self.builder.cbranch(self.truth(test), then, other)
        for begin, statements in ((then, node.body), (other, node.orelse)):
            self.builder.position_at_end(begin)
            self.block(statements)
            if not self.builder.block.is_terminated:
                self.builder.branch(after)
        self.builder.position_at_end(after)

    def do_While(self, node: ast.While) -> None:  # noqa: N802
        test, body, after = (self.builder.append_basic_block(name) for name in ("test", "body", "after"))
        self.builder.branch(test)
        self.builder.position_at_end(test)
        self.builder.cbranch(self.truth(self.of(node.test)), body, after)
        self.builder.position_at_end(body)
        self.block(node.body)
        if not self.builder.block.is_terminated:
            self.builder.branch(test)
        self.builder.position_at_end(after)

    def do_For(self, node: ast.For) -> None:  # noqa: N802
        items = node.iter
        if not (isinstance(items, ast.Call) and isinstance(items.func, ast.Name) and items.func.id == "range"):
            for value in self.known_items(node):
                self.assign(node.target, value)
                self.block(node.body)
            return
        given = [self.of(argument) for argument in items.args]
        start, stop, step = (0, *given, 1) if len(given) == 1 else (*given, 1)[:3]
        if not is_known(step):
            up = True  # a step that is computed is one that goes up
        else:
            up = step > 0
        self.loop(node, value_of(start), value_of(stop), value_of(step), up)

    def known_items(self, node: ast.For) -> tuple[Any, ...]:
        """What a loop over a tuple runs over: it is repeated for each item."""
        found = self.of(node.iter)
        if not isinstance(found, tuple):
            self.refuse(node)
        return tuple(found)

    def loop(self, node: ast.For, start: Value, stop: Value, step: Value, up: bool) -> None:
        """A loop over range(start, stop, step); the counter is the loop's own, as in Python."""
        builder = self.builder
        counter = Slot(builder, start)
        counter.store(builder, start)
        test, body, after = (builder.append_basic_block(name) for name in ("test", "body", "after"))
        builder.branch(test)
        builder.position_at_end(test)
        i = counter.load(builder)
        builder.cbranch(compared(builder, "<" if up else ">", i, stop).ir, body, after)
        builder.position_at_end(body)
        self.names.pop(getattr(node.target, "id", ""), None)
        self.assign(node.target, i)
        self.block(node.body)
        if not builder.block.is_terminated:
            counter.store(builder, Value(INT, builder.add(i.ir, step.ir, flags=("nsw",))))
            builder.branch(test)
        builder.position_at_end(after)

    # --- assignment

    def assign(self, target: ast.AST, value: Any) -> None:
        """Let a name, several, or a place in memory have a value."""
        if isinstance(target, ast.Name):
            self.assign_name(target.id, value)
        elif isinstance(target, ast.Tuple):
            if not isinstance(value, tuple) or len(value) != len(target.elts):
                raise NotCompilable("as many values are needed as there are names.")
            for part, given in zip(target.elts, value, strict=True):
                self.assign(part, given)
        elif isinstance(target, ast.Subscript):
            pointer = self.of(target.value)
            place = self.place(pointer, self.of(target.slice))
            self.builder.store(cast(self.builder, value, pointer.kind.of).ir, place)
        else:
            self.refuse(target)

    def assign_name(self, name: str, value: Any) -> None:
        """Let a name have a value; one that changes gets a place on the stack."""
        if name not in self.source.changing or isinstance(value, tuple):
            self.names[name] = value
            return
        slot = self.names.get(name)
        if not isinstance(slot, Slot):
            slot = self.names[name] = Slot(self.builder, value_of(value))
        slot.store(self.builder, value)

    def place(self, pointer: Any, index: Any) -> Any:
        """The address of a number."""
        if not (isinstance(pointer, Value) and isinstance(pointer.kind, Pointer)):
            raise NotCompilable("only pointers have places that can be written to.")
        return self.builder.gep(pointer.ir, [cast(self.builder, index, INT).ir])

    # --- expressions

    def of(self, node: ast.AST) -> Any:
        """The value of an expression."""
        found: Any = getattr(self, f"of_{type(node).__name__}", self.refuse)(node)
        return found

    def of_Constant(self, node: ast.Constant) -> Any:  # noqa: N802
        return node.value

    def of_Name(self, node: ast.Name) -> Any:  # noqa: N802
        if node.id in self.names:
            found = self.names[node.id]
            return found.load(self.builder) if isinstance(found, Slot) else found
        if node.id in self.source.surroundings:
            return self.source.surroundings[node.id]
        raise NotCompilable(f"{node.id} is not defined here.")

    def of_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:  # noqa: N802
        return tuple(self.arguments(node.elts))

    def of_Attribute(self, node: ast.Attribute) -> Any:  # noqa: N802
        value = self.of(node.value)
        if isinstance(value, Value):
            return attribute(value, node.attr)
        return getattr(value, node.attr)

    def of_Subscript(self, node: ast.Subscript) -> Any:  # noqa: N802
        of, index = self.of(node.value), self.of(node.slice)
        if not isinstance(of, Value):
            return of[index] if is_known(index) else self.refuse(node)
        found = self.builder.load(self.place(of, index))
        assert isinstance(of.kind, Pointer)
        if of.kind.constant:
            found.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return Value(of.kind.of, found)

    def of_Slice(self, node: ast.Slice) -> slice:  # noqa: N802
        return slice(*(None if part is None else self.of(part) for part in (node.lower, node.upper, node.step)))

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:  # noqa: N802
        value = self.of(node.operand)
        if is_known(value):
            return PYTHON[type(node.op)](value)
        if isinstance(node.op, ast.Not):
            return Value(BOOL, self.builder.not_(self.truth(value)))
        if isinstance(node.op, ast.Invert) and isinstance(value.kind, Lanes):  # of a comparison, 1 where it holds
            return binary(self.builder, "fsub", "sub", 1.0, value)
        if not isinstance(node.op, ast.USub):
            return self.refuse(node)
        is_integer = isinstance(value.kind, Number) and not value.kind.is_float
        return Value(value.kind, (self.builder.neg if is_integer else self.builder.fneg)(value.ir))

    def of_BinOp(self, node: ast.BinOp) -> Any:  # noqa: N802
        return self.operate(type(node.op), self.of(node.left), self.of(node.right))

    def of_Compare(self, node: ast.Compare) -> Any:  # noqa: N802
        left = self.of(node.left)
        found: Any = True
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.of(part)
            one = PYTHON[type(op)](left, right) if is_known(left, right) else self.compare(op, left, right)
            found = one if found is True else self.operate(ast.BitAnd, found, one)
            left = right
        return found

    def compare(self, op: ast.cmpop, left: Any, right: Any) -> Value:
        """A comparison of which one side is known only later."""
        if type(op) not in SYMBOLS:
            return self.refuse(op)  # type: ignore[no-any-return]
        return compared(self.builder, SYMBOLS[type(op)], left, right)

    def of_BoolOp(self, node: ast.BoolOp) -> Any:  # noqa: N802
        is_and = isinstance(node.op, ast.And)

        def rest(parts: list[ast.expr]) -> Any:
            first = self.of(parts[0])
            if len(parts) == 1:
                return first
            if is_known(first):
                return rest(parts[1:]) if bool(first) == is_and else first
            others, ended = (lambda: self.condition(rest(parts[1:]))), (lambda: not is_and)
            return self.either(first, *((others, ended) if is_and else (ended, others)))

        return rest(node.values)

    def of_IfExp(self, node: ast.IfExp) -> Any:  # noqa: N802
        return self.either(self.of(node.test), lambda: self.of(node.body), lambda: self.of(node.orelse))

    def of_Call(self, node: ast.Call) -> Any:  # noqa: N802
        function, given = self.of(node.func), self.arguments(node.args)
        named = {str(keyword.arg): self.of(keyword.value) for keyword in node.keywords}
        return call(self.builder, function, given, named)

    def arguments(self, nodes: list[ast.expr]) -> list[Any]:
        """The values of some expressions, tuples with a star unpacked."""
        found: list[Any] = []
        for node in nodes:
            found.extend(self.of(node.value)) if isinstance(node, ast.Starred) else found.append(self.of(node))
        return found

    # --- parts of expressions

    def operate(self, op: type[ast.operator], a: Any, b: Any) -> Any:
        """The value of a op b."""
        if is_known(a, b):
            return PYTHON[op](a, b)
        if op is ast.Div:
            return self.divide(value_of(a), value_of(b))
        if op in (ast.FloorDiv, ast.Mod):
            return self.divide_integers(op, value_of(a), value_of(b))
        if op is ast.Pow:
            return self.power(value_of(a), b)
        if op in LOGICAL and any(isinstance(value_of(part).kind, Lanes) for part in (a, b)):
            return self.logical(op, a, b)
        if op not in FLOATS_AND_INTEGERS:
            raise NotCompilable(f"the operator {op.__name__} is not something that can be compiled.")
        return binary(self.builder, *FLOATS_AND_INTEGERS[op], a, b)

    def logical(self, op: type[ast.operator], a: Any, b: Any) -> Value:
        """a & b, a | b or a ^ b of two comparisons of registers, which hold 1 where they are true, else 0."""
        both = binary(self.builder, "fmul", "mul", a, b)
        if op is ast.BitAnd:
            return both
        either = binary(self.builder, "fsub", "sub", binary(self.builder, "fadd", "add", a, b), both)
        return either if op is ast.BitOr else binary(self.builder, "fsub", "sub", either, both)

    def divide(self, a: Value, b: Value) -> Value:
        kind = common_kind(a.kind, b.kind)
        kind = FLOAT64 if kind == INT else kind
        return Value(kind, self.builder.fdiv(cast(self.builder, a, kind).ir, cast(self.builder, b, kind).ir))

    def divide_integers(self, op: type[ast.operator], a: Value, b: Value) -> Value:
        """a // b or a % b as in Python, rounded down."""
        if common_kind(a.kind, b.kind) != INT:
            raise NotCompilable("// and % are compiled for integers only.")
        builder, zero = self.builder, ir.Constant(INT.ir_type, 0)
        x, y = cast(builder, a, INT).ir, cast(builder, b, INT).ir
        rest = builder.srem(x, y)
        down = builder.and_(builder.icmp_signed("!=", rest, zero), builder.icmp_signed("<", builder.xor(rest, y), zero))
        if op is ast.Mod:
            return Value(INT, builder.add(rest, builder.select(down, y, zero)))
        return Value(INT, builder.sub(builder.sdiv(x, y), builder.zext(down, INT.ir_type)))

    def power(self, a: Value, b: Any) -> Any:
        """a ** n for a known n of 1 to 8, as products."""
        if not isinstance(b, (int, float)) or b != int(b) or not 1 <= b <= 8:
            raise NotCompilable("** is compiled for exponents 1 to 8 only; write np.exp or np.sqrt instead.")
        found: Any = a
        for _ in range(int(b) - 1):
            found = binary(self.builder, "fmul", "mul", found, a)
        return found

    def truth(self, test: Any) -> Any:
        """Whether a value is not zero, as LLVM's truth value."""
        return self.condition(test).ir

    def condition(self, test: Any) -> Value:
        """Whether a value is not zero."""
        value = value_of(test)
        if isinstance(value.kind, (Lanes, Pointer)):
            raise NotCompilable(f"a value of kind {value.kind} is neither true nor false; np.where chooses lane by lane.")
        if value.kind.is_float:
            return compared(self.builder, "!=", value, 0.0)
        return cast(self.builder, value, BOOL)

    def either(self, test: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """One of two values, of which only that one is computed."""
        if is_known(test):
            return then() if test else other()
        builder = self.builder
        blocks = [builder.append_basic_block(name) for name in ("then", "else", "after")]
        builder.cbranch(self.truth(test), blocks[0], blocks[1])
        ends, values = [], []
        for block, compute in zip(blocks, (then, other), strict=False):
            builder.position_at_end(block)
            values.append(compute())
            ends.append(builder.block)
        parts = [_flat(value) for value in values]
        merged = []
        kinds = [_merged_kind(a, b) for a, b in zip(*parts, strict=True)]
        for end, given in zip(ends, parts, strict=True):
            builder.position_at_end(end)
            merged.append([cast(builder, part, kind).ir for part, kind in zip(given, kinds, strict=True)])
            builder.branch(blocks[2])
        builder.position_at_end(blocks[2])
        found = []
        for kind, pair in zip(kinds, zip(*merged, strict=True), strict=True):
            phi = builder.phi(kind.ir_type)
            for value, end in zip(pair, ends, strict=True):
                phi.add_incoming(value, end)
            found.append(Value(kind, phi))
        return tuple(found) if isinstance(values[0], tuple) else found[0]


def call(builder: ir.IRBuilder, function: Any, given: list[Any], named: dict[str, Any]) -> Any:
    """The value of a call: instructions, an expanded function, or, where all is known, the result itself."""
    if isinstance(function, MethodType):
        if function.__name__ == "_replace":  # of a named tuple: the same with other values
            return function(*given, **named)
        function, given = function.__func__, [function.__self__, *given]
    try:
        writer, inner = INSTRUCTIONS.get(function), SUBSTITUTES.get(function)
    except TypeError:  # no function at all
        writer = inner = None
    if is_known(*given, *named.values()) and (not isinstance(function, FunctionType) or function.__name__ == "<lambda>"):
        return function(*given, **named)
    if inner is not None:
        return call(builder, inner, given, named)
    if writer is not None:
        return writer(builder, *given, **named)
    if isinstance(function, FunctionType):
        return expand_body(builder, function, given, named)
    if callable(function) and isinstance(getattr(function, "__self__", None) or function, (tuple, type)):
        return function(*given, **named)  # a named tuple is made, or one of its methods called
    raise NotCompilable(f"{_name(function)} is not something that can be compiled.")


def expand_body(
    builder: ir.IRBuilder, function: Callable[..., Any], given: list[Any], named: dict[str, Any] | None = None
) -> Any:
    """The value of a function whose source is expanded here."""
    source = source_of(function)
    return Expansion(builder, source, bound(function, source.parameters, given, named or {})).run()


def attribute(value: Value, name: str) -> Any:
    """The method of an array that changes nothing but the dtype, which registers do not have."""
    if isinstance(value.kind, Lanes) and name in ("astype", "copy"):
        return lambda *dtype, **options: value
    raise NotCompilable(f".{name} is not something that can be compiled.")


def _name(function: Any) -> str:
    """How a person would write a function: np.fft, say."""
    if isinstance(function, ModuleType):
        return function.__name__
    name = getattr(function, "__qualname__", getattr(function, "__name__", repr(function)))
    module = (getattr(function, "__module__", "") or "").replace("numpy", "np")
    return f"np.{name}" if type(function).__name__ == "ufunc" else f"{module}.{name}".lstrip(".")


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _merged_kind(a: Any, b: Any) -> Kind:
    """The kind of a value that is one of two."""
    first, second = value_of(a).kind, value_of(b).kind
    if first == second:
        return first
    if isinstance(first, Pointer) and isinstance(second, Pointer):
        return Pointer(first.of)
    return common_kind(first, second)


def _structured(value: Any, make: Callable[[Any], Any]) -> Any:
    """A tuple or a single value with each part replaced."""
    if isinstance(value, tuple):
        return tuple(_structured(part, make) for part in value)
    return None if value is None else make(value)


def _store_all(builder: ir.IRBuilder, slots: Any, value: Any) -> None:
    if isinstance(slots, tuple):
        for slot, part in zip(slots, value, strict=True):
            _store_all(builder, slot, part)
    else:
        slots.store(builder, value)
