"""The translator: from the source of a function to LLVM's instructions.

A call expands the function into the place where it is called, with a scope of its own for its names. A name that is assigned
once stands for a value; one that changes has a place on the stack, which LLVM turns into a register. What is known beforehand
(numbers, tuples, functions, a named tuple of values) is computed by Python while translating.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.operations import PYTHON, SYMBOLS, condition, either, is_known, operate, truth
from clearprop.engines.compiled.compiler.primitives import INSTRUCTIONS, SUBSTITUTES, compared
from clearprop.engines.compiled.compiler.source import Source, bound, source_of
from clearprop.engines.compiled.compiler.values import (
    BOOL,
    INT,
    Kind,
    Lanes,
    NotCompilableError,
    Number,
    Pointer,
    Value,
    cast,
    value_of,
)


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
            raise NotCompilableError("a name that held an integer is given a number with a fraction; begin with 0.0, not 0.")
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
            except NotCompilableError as error:
                raise NotCompilableError(self.located(statement, str(error))) from None

    def located(self, node: ast.AST, message: str) -> str:
        """A message with the place of a statement, unless it has one."""
        return message if " (in `" in message else f"{message} (in `{ast.unparse(node).splitlines()[0]}`, {self.source.place})"

    def refuse(self, node: ast.AST) -> Any:
        """Raise the error for a construct that is not listed here."""
        raise NotCompilableError(f"`{ast.unparse(node).splitlines()[0]}` is not something that can be compiled.")

    # --- statements

    def do_Return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.of(node.value)
        if self.end is None:
            self.result = value
            return
        if value is not None:
            if self.result is None:
                self.result = _structured(value, lambda part: Slot(self.builder, value_of(part)))
            _store_all(self.builder, self.result, value)
        self.builder.branch(self.end)

    def do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.of(node.value)

    def do_Pass(self, node: ast.Pass) -> None:
        pass

    def do_Assign(self, node: ast.Assign) -> None:
        value = self.of(node.value)
        for target in node.targets:
            self.assign(target, value)

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.assign(node.target, self.of(node.value or self.refuse(node)))

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        loaded: Any = ast.parse(ast.unparse(node.target), mode="eval").body
        self.assign(node.target, operate(self.builder, type(node.op), self.of(loaded), self.of(node.value)))

    def do_If(self, node: ast.If) -> None:
        test = self.of(node.test)
        if is_known(test):
            self.block(node.body if test else node.orelse)
            return
        then, other, after = (self.builder.append_basic_block(name) for name in ("then", "else", "after"))
        self.builder.cbranch(truth(self.builder, test), then, other)
        for begin, statements in ((then, node.body), (other, node.orelse)):
            self.builder.position_at_end(begin)
            self.block(statements)
            if not self.builder.block.is_terminated:
                self.builder.branch(after)
        self.builder.position_at_end(after)

    def do_While(self, node: ast.While) -> None:
        test, body, after = (self.builder.append_basic_block(name) for name in ("test", "body", "after"))
        self.builder.branch(test)
        self.builder.position_at_end(test)
        self.builder.cbranch(truth(self.builder, self.of(node.test)), body, after)
        self.builder.position_at_end(body)
        self.block(node.body)
        if not self.builder.block.is_terminated:
            self.builder.branch(test)
        self.builder.position_at_end(after)

    def do_For(self, node: ast.For) -> None:
        items = node.iter
        if not (isinstance(items, ast.Call) and isinstance(items.func, ast.Name) and items.func.id == "range"):
            for value in self.known_items(node):
                self.assign(node.target, value)
                self.block(node.body)
            return
        given = [self.of(argument) for argument in items.args]
        start, stop, step = (0, *given, 1) if len(given) == 1 else (*given, 1)[:3]
        up = step > 0 if is_known(step) else True  # a step that is computed goes up
        self.loop(node, value_of(start), value_of(stop), value_of(step), up)

    def known_items(self, node: ast.For) -> tuple[Any, ...]:
        """The items of a loop over a tuple, which is repeated for each of them."""
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
                raise NotCompilableError("as many values are needed as there are names.")
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
            raise NotCompilableError("only pointers have places that can be written to.")
        return self.builder.gep(pointer.ir, [cast(self.builder, index, INT).ir])

    # --- expressions

    def of(self, node: ast.AST) -> Any:
        """The value of an expression."""
        found: Any = getattr(self, f"of_{type(node).__name__}", self.refuse)(node)
        return found

    def of_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def of_Name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            found = self.names[node.id]
            return found.load(self.builder) if isinstance(found, Slot) else found
        if node.id in self.source.surroundings:
            return self.source.surroundings[node.id]
        raise NotCompilableError(f"{node.id} is not defined here.")

    def of_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.arguments(node.elts))

    def of_Attribute(self, node: ast.Attribute) -> Any:
        value = self.of(node.value)
        if isinstance(value, Value):
            return attribute(value, node.attr)
        return getattr(value, node.attr)

    def of_Subscript(self, node: ast.Subscript) -> Any:
        of, index = self.of(node.value), self.of(node.slice)
        if not isinstance(of, Value):
            return of[index] if is_known(index) else self.refuse(node)
        found = self.builder.load(self.place(of, index))
        assert isinstance(of.kind, Pointer)
        if of.kind.constant:
            found.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return Value(of.kind.of, found)

    def of_Slice(self, node: ast.Slice) -> slice:
        return slice(*(None if part is None else self.of(part) for part in (node.lower, node.upper, node.step)))

    def of_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.of(node.operand)
        if is_known(value):
            return PYTHON[type(node.op)](value)
        if isinstance(node.op, ast.Not):
            return Value(BOOL, self.builder.not_(truth(self.builder, value)))
        if not isinstance(node.op, ast.USub):
            return self.refuse(node)
        is_integer = isinstance(value.kind, Number) and not value.kind.is_float
        return Value(value.kind, (self.builder.neg if is_integer else self.builder.fneg)(value.ir))

    def of_BinOp(self, node: ast.BinOp) -> Any:
        return operate(self.builder, type(node.op), self.of(node.left), self.of(node.right))

    def of_Compare(self, node: ast.Compare) -> Any:
        left = self.of(node.left)
        found: Any = True
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.of(part)
            one = PYTHON[type(op)](left, right) if is_known(left, right) else self.compare(op, left, right)
            found = one if found is True else operate(self.builder, ast.BitAnd, found, one)
            left = right
        return found

    def compare(self, op: ast.cmpop, left: Any, right: Any) -> Value:
        """A comparison of which one side is known only later."""
        if type(op) not in SYMBOLS:
            return self.refuse(op)
        return compared(self.builder, SYMBOLS[type(op)], left, right)

    def of_BoolOp(self, node: ast.BoolOp) -> Any:
        is_and = isinstance(node.op, ast.And)

        def rest(parts: list[ast.expr]) -> Any:
            first = self.of(parts[0])
            if len(parts) == 1:
                return first
            if is_known(first):
                return rest(parts[1:]) if bool(first) == is_and else first
            others, ended = (lambda: condition(self.builder, rest(parts[1:]))), (lambda: not is_and)
            return either(self.builder, first, *((others, ended) if is_and else (ended, others)))

        return rest(node.values)

    def of_IfExp(self, node: ast.IfExp) -> Any:
        return either(self.builder, self.of(node.test), lambda: self.of(node.body), lambda: self.of(node.orelse))

    def of_Call(self, node: ast.Call) -> Any:
        function, given = self.of(node.func), self.arguments(node.args)
        named = {str(keyword.arg): self.of(keyword.value) for keyword in node.keywords}
        return call(self.builder, function, given, named)

    def arguments(self, nodes: list[ast.expr]) -> list[Any]:
        """The values of some expressions, tuples with a star unpacked."""
        found: list[Any] = []
        for node in nodes:
            found.extend(self.of(node.value)) if isinstance(node, ast.Starred) else found.append(self.of(node))
        return found


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
    raise NotCompilableError(f"{_name(function)} is not something that can be compiled.")


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
    raise NotCompilableError(f".{name} is not something that can be compiled.")


def _name(function: Any) -> str:
    """How a person would write a function: np.fft, say."""
    if isinstance(function, ModuleType):
        return function.__name__
    name = getattr(function, "__qualname__", getattr(function, "__name__", repr(function)))
    module = (getattr(function, "__module__", "") or "").replace("numpy", "np")
    return f"np.{name}" if type(function).__name__ == "ufunc" else f"{module}.{name}".lstrip(".")


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
