"""The arithmetic of one expression of the program, done again with other numbers, by walking its syntax tree.

Nothing of the program is executed: names are looked up in a `Scope`, operators and a fixed list of functions of NumPy are
applied to plain arrays. What goes beyond that raises `CannotCompute`.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.scope import Scope
from clearprop.gradcheck.tracing.sites import PUT
from clearprop.gradcheck.tracing.trace import MATRIX, Vertex, put
from clearprop.gradcheck.tracing.traced import Traced

OPERATORS: Final[dict[type, Callable[..., Any]]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide, ast.MatMult: np.matmul,
    ast.Pow: np.power, ast.FloorDiv: np.floor_divide, ast.Mod: np.mod, ast.BitAnd: np.bitwise_and, ast.BitOr: np.bitwise_or,
    ast.USub: np.negative, ast.UAdd: np.positive, ast.Invert: np.invert, ast.Not: operator.not_,
    ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}  # fmt: skip
MODULES: Final = {"np", "numpy", "math", "torch", "xp"}
FUNCTIONS: Final = {
    "dot", "matmul", "outer", "inner", "einsum", "tensordot", "multiply", "divide", "add", "subtract", "power", "square",
    "sqrt",
    "exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "abs", "absolute", "sign", "maximum", "minimum", "where", "clip",
    "sum",
    "mean", "max", "min", "prod", "var", "std", "transpose", "reshape", "ravel", "squeeze", "expand_dims", "swapaxes", "stack",
    "concatenate", "hstack", "vstack", "array", "asarray", "zeros_like", "ones_like", "zeros", "ones", "eye", "diag",
    "diagflat",
    "flip", "rot90", "roll", "pad", "repeat", "tile", "cumsum", "copy", "atleast_2d", "negative", "log1p", "expm1", "float64",
    "float32", "greater", "less", "arange", "append", "trace", "kron", "convolve", "heaviside",
}  # fmt: skip
METHODS: Final = {
    "sum", "mean", "max", "min", "dot", "copy", "reshape", "transpose", "ravel", "flatten", "squeeze", "astype", "clip",
    "repeat",
    "prod", "std", "var", "cumsum", "swapaxes", "item",
}  # fmt: skip
TORCH: Final[dict[str, Callable[..., Any]]] = {
    "t": np.transpose,
    "mm": np.matmul,
    "matmul": np.matmul,
    "clone": np.copy,
    "detach": np.copy,
    "float": np.copy,
}
BUILTINS: Final[dict[str, Callable[..., Any]]] = {
    "len": len, "range": range, "float": float, "int": int, "abs": abs, "max": max, "min": min, "sum": sum, "zip": zip,
    "enumerate": enumerate, "reversed": reversed, "list": list, "tuple": tuple, "str": str,
}  # fmt: skip
DEEPEST: Final = 6
MOST_NUMBERS: Final = 1_000_000  # in what is far larger than all that it is made of
FAR_LARGER: Final = 50
LONGEST_KEY: Final = 40  # characters of a value in a key


class CannotCompute(Exception):  # noqa: N818  (no error of a person's)
    """The expression uses something that is not followed here."""


class Arithmetic:
    """Computes expressions of one scope.

    Parameters
    ----------
    scope : Scope
    value_of : callable
        The number or array that a vertex stands for.
    functions : dict of str to ast.FunctionDef
        The functions of the file.
    local : dict, optional
        Names that are bound here: arguments of a function, names of a comprehension; attributes and entries, as written.
    """

    def __init__(
        self,
        scope: Scope,
        value_of: Callable[[Vertex], Any],
        functions: dict[str, ast.FunctionDef],
        local: dict[str, Any] | None = None,
        depth: int = 0,
    ) -> None:
        self.scope, self.value_of, self.functions, self.local, self.depth = scope, value_of, functions, local or {}, depth
        self.parts = {text for text in self.local if not text.isidentifier()}  # such as grads["b"]

    def with_name(self, name: str, value: Any) -> Arithmetic:
        """The same, with one name bound otherwise."""
        return Arithmetic(self.scope, self.value_of, self.functions, {**self.local, name: value}, self.depth)

    def of(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises
        ------
        CannotCompute
        """
        try:
            return self._plain(self._any(node))
        except CannotCompute:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, np.linalg.LinAlgError) as error:
            raise CannotCompute(str(error)) from error

    def held(self, text: str) -> Any:
        """The thing that a name, attribute or entry stands for: a vertex, if it is a value of the trace.

        Raises
        ------
        CannotCompute
        """
        try:
            return self._any(ast.parse(text, mode="eval").body)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise CannotCompute(text) from error

    def _plain(self, value: Any) -> Any:
        """True numbers in the place of vertices."""
        if isinstance(value, Traced):
            value = value.vertex
        if isinstance(value, Vertex):
            found = self.value_of(value)
            return found.view(np.matrix) if value.kind == MATRIX and np.ndim(found) == 2 else found
        if type(value) in (list, tuple):
            return type(value)(self._plain(each) for each in value)
        return value

    def _any(self, node: ast.AST) -> Any:
        if self.parts and isinstance(node, (ast.Attribute, ast.Subscript)) and (text := ast.unparse(node)) in self.parts:
            return self.local[text]
        method = KINDS.get(type(node))
        if method is None:
            raise CannotCompute(type(node).__name__)
        return method(self, node)

    def _number(self, node: ast.AST) -> Any:
        return self._plain(self._any(node))

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        return self.local[node.id] if node.id in self.local else self.scope.name(node.id)

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id in MODULES:
            if node.attr in ("newaxis", "pi", "e", "inf", "float64", "float32"):
                return {"float32": np.float64}.get(node.attr, getattr(np, node.attr))
            raise CannotCompute(node.attr)
        holder = self._any(node.value)
        if isinstance(holder, Traced):
            holder = holder.vertex
        if isinstance(holder, (Vertex, np.ndarray, np.generic, float)):
            value = np.asanyarray(self._plain(holder))
            if node.attr in ("T", "shape", "size", "ndim") or (node.attr in ("A", "A1") and isinstance(value, np.matrix)):
                return getattr(value, node.attr)
            raise CannotCompute(node.attr)
        return self.scope.part(holder, node.attr)

    def _subscript(self, node: ast.Subscript) -> Any:
        holder, key = self._any(node.value), self._number(node.slice)
        if isinstance(holder, Traced):
            holder = holder.vertex
        if isinstance(holder, (list, tuple, dict)):
            if isinstance(key, slice) or not isinstance(key, (str, int, np.integer)):
                return holder[key]
            return self.scope.part(holder, int(key) if isinstance(key, np.integer) else key)
        return np.asanyarray(self._plain(holder))[key]

    def _slice(self, node: ast.Slice) -> Any:
        return slice(*(self._number(part) if part is not None else None for part in (node.lower, node.upper, node.step)))

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self._number(node.left), self._number(node.right)
        if isinstance(left, str) and isinstance(node.op, ast.Mod):
            return _key(left, r"%[dis]", right if isinstance(right, tuple) else (right,))
        if isinstance(left, (str, list, tuple)) or isinstance(right, (str, list)):
            if isinstance(node.op, (ast.Add, ast.Mult)):
                return left + right if isinstance(node.op, ast.Add) else left * right
            raise CannotCompute("lists")
        if type(left) is int and type(right) is int and not isinstance(node.op, (ast.Div, ast.Pow, ast.MatMult)):
            return int(OPERATORS[type(node.op)](left, right))
        if isinstance(node.op, ast.Pow) and isinstance(right, int):
            right = float(right)  # a negative whole power of whole numbers
        matrices = isinstance(left, np.matrix) or isinstance(right, np.matrix)
        _check_size(left, right, isinstance(node.op, ast.MatMult) or (matrices and isinstance(node.op, ast.Mult)))
        if matrices and isinstance(node.op, (ast.Mult, ast.Pow)):  # products of matrices
            return left * right if isinstance(node.op, ast.Mult) else left ** int(right)
        return OPERATORS[type(node.op)](left, right)

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self._number(node.operand)
        return -value if type(value) is int and isinstance(node.op, ast.USub) else OPERATORS[type(node.op)](value)

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1 or type(node.ops[0]) not in OPERATORS:
            raise CannotCompute("comparison")
        return OPERATORS[type(node.ops[0])](self._number(node.left), self._number(node.comparators[0]))

    def _choice(self, node: ast.IfExp) -> Any:
        return self._number(node.body if self._number(node.test) else node.orelse)

    def _list(self, node: ast.List) -> Any:
        return [self._number(each) for each in node.elts]

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._number(each) for each in node.elts)

    def _joined(self, node: ast.JoinedStr) -> str:
        """f"W{i}", as keys are written."""
        parts = [
            each.value if isinstance(each, ast.FormattedValue) and each.format_spec is None else each for each in node.values
        ]
        return "".join(str(self._number(part))[:LONGEST_KEY] for part in parts)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        if len(node.generators) != 1 or node.generators[0].ifs:
            raise CannotCompute("comprehension")
        found, outer = [], dict(self.local)
        for item in self._number(node.generators[0].iter):
            self._bind(node.generators[0].target, item)
            found.append(self._number(node.elt))
        self.local = outer
        return found

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.local[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each, item in zip(target.elts, value, strict=True):
                self._bind(each, item)
        else:
            raise CannotCompute("target")

    # ---------------------------------------------------------------- calls

    def _call(self, node: ast.Call) -> Any:
        args = [self._number(each) for each in node.args]
        kwargs = {each.arg: self._number(each.value) for each in node.keywords if each.arg and each.arg != "dtype"}
        if "out" in kwargs or "where" in kwargs:
            raise CannotCompute("it writes into an argument")
        if isinstance(node.func, ast.Name) and node.func.id == PUT:
            return put(np.asarray(args[0], dtype=np.float64), (args[1], args[2]))
        if isinstance(node.func, ast.Name):
            return self._function(node.func.id, args, kwargs)
        if not isinstance(node.func, ast.Attribute):
            raise CannotCompute("call")
        name, base = node.func.attr, node.func.value
        if isinstance(base, ast.Name) and base.id in MODULES:
            if base.id == "math":
                return getattr(math, name)(*args)
            return self._of_numpy(name, args, kwargs)
        if isinstance(base, ast.Attribute) and base.attr == "add" and name == "reduce":
            return np.add.reduce(*args, **kwargs)
        holder = self._number(base)
        if isinstance(holder, str) and name == "format" and not kwargs:
            return _key(holder, r"\{\d?\}", tuple(args))
        if not isinstance(holder, (np.ndarray, np.generic, float)):
            return self._method(holder, name, args, kwargs)
        if name in METHODS and name != "astype":
            return getattr(np.asanyarray(holder), name)(*args, **translated(kwargs))
        if name in TORCH and not (args and name == "float"):
            return TORCH[name](holder, *args)
        return holder if name in ("astype", "type", "double") else self._of_numpy(name, [holder, *args], kwargs)

    def _of_numpy(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name in FUNCTIONS:
            function = getattr(np, name.replace("float32", "float64"))
            if isinstance(function, np.ufunc) and len(args) > function.nin:
                raise CannotCompute("it writes into an argument")
            if len(args) == 2 and (isinstance(function, np.ufunc) or name in ("dot", "outer")):
                _check_size(args[0], args[1], name in ("matmul", "dot"), name == "outer")
            return function(*args, **translated(kwargs))
        if name in TORCH:
            return TORCH[name](*args)
        raise CannotCompute(name)

    def _function(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """The value of a built-in function, or of one of the program's that only computes."""
        if name in self.functions:
            return self._applied(self.functions[name], args, kwargs)
        if name in BUILTINS:
            return BUILTINS[name](*args, **kwargs)
        return self._of_numpy(name, args, kwargs)  # from numpy import dot

    def _method(self, holder: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """The value of a method of the program's that only computes: self.slope(z)."""
        function = self.functions.get(name)
        if function is None or isinstance(holder, (str, list, tuple, dict, int)):
            raise CannotCompute(name)
        static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
        return self._applied(function, args if static else [holder, *args], kwargs)

    def _applied(self, function: ast.FunctionDef, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """The value of a function of the program's."""
        if self.depth >= DEEPEST:
            raise CannotCompute(function.name)
        given = [a.arg for a in function.args.args]
        local = dict(zip(given, args, strict=False)) | kwargs
        for arg, default in zip(given[::-1], function.args.defaults[::-1], strict=False):
            local.setdefault(arg, self._number(default))
        return Arithmetic(self.scope, self.value_of, self.functions, local, self.depth + 1).body(function.body)

    def body(self, statements: list[ast.stmt]) -> Any:
        """The value of a function that consists of assignments, choices and a return."""
        for each in statements:
            if isinstance(each, ast.Return) and each.value is not None:
                return self._number(each.value)
            if isinstance(each, ast.Assign) and len(each.targets) == 1:
                self._bind(each.targets[0], self._number(each.value))
            elif isinstance(each, ast.If):
                found = self.body(each.body if self._number(each.test) else each.orelse)
                if found is not None:
                    return found
            elif not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)):
                raise CannotCompute(type(each).__name__)
        return None


def _key(template: str, field: str, values: tuple[Any, ...]) -> str:
    """A key such as "W%d" or "W{}" with the values in its fields, in order; nothing else is formatted.

    Raises
    ------
    CannotCompute
    """
    parts = re.split(field, template)
    if len(parts) != len(values) + 1 or any("%" in part or "{" in part for part in parts):
        raise CannotCompute("format")
    return "".join([parts[0], *(str(value)[:LONGEST_KEY] + part for value, part in zip(values, parts[1:], strict=True))])


def _check_size(left: Any, right: Any, summed: bool = False, outer: bool = False) -> None:
    """Refuse an n by n array of n examples, such as an edit may make of two columns: it takes seconds, and is never meant.

    Raises
    ------
    CannotCompute
    """
    sizes = np.size(left), np.size(right)
    if sizes[0] * sizes[1] <= MOST_NUMBERS:
        return
    if summed or outer:
        count = sizes[0] * sizes[1] // (1 if outer else np.shape(left)[-1] ** 2)
    else:
        count = math.prod(np.broadcast_shapes(np.shape(left), np.shape(right)))
    if count > MOST_NUMBERS and count > FAR_LARGER * max(sizes):
        raise CannotCompute("it is too large")


def translated(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keywords of torch as those of NumPy."""
    return {{"dim": "axis", "keepdim": "keepdims"}.get(key, key): value for key, value in kwargs.items()}


KINDS: Final[dict[type, Callable[[Arithmetic, Any], Any]]] = {
    ast.Constant: Arithmetic._constant, ast.Name: Arithmetic._name, ast.Attribute: Arithmetic._attribute,
    ast.Subscript: Arithmetic._subscript, ast.Slice: Arithmetic._slice, ast.BinOp: Arithmetic._binary,
    ast.UnaryOp: Arithmetic._unary, ast.Compare: Arithmetic._compare, ast.IfExp: Arithmetic._choice, ast.List: Arithmetic._list,
    ast.Tuple: Arithmetic._tuple, ast.ListComp: Arithmetic._comprehension, ast.GeneratorExp: Arithmetic._comprehension,
    ast.Call: Arithmetic._call, ast.JoinedStr: Arithmetic._joined,
}  # fmt: skip
