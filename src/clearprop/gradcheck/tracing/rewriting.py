"""Rewriting a program's source so that it can be watched: names, loops, literals, and statements that may fail.

The syntax tree is changed, the lines and columns are kept, so that every operation still points at the person's own text:

- a value that is assigned is told the name that it gets;
- a loop asks before each round whether enough was seen;
- a real number that stands on its own (not inside arithmetic) becomes traced, since `w1 = 0.15` may be a parameter;
- a statement at the top level that fails is skipped and noted, so that what stands below it is still seen.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
from types import CodeType
from typing import Any, Final, TypeGuard

WATCH: Final = "__watch__"
"""The name under which the program reaches its `ProgramWatch`."""

SIMPLE = (ast.Name, ast.Attribute, ast.Subscript)
PLAIN = (*SIMPLE, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
"""What an expression may consist of that is evaluated once more."""
PURE: Final = {"str", "int", "len", "repr", "abs", "min", "max"}
RATE: Final = re.compile(r"learn|rate|(^|_)(lr|alpha|eta|step)|^(a|l_?r)$", re.IGNORECASE)
CASTS: Final = {"float", "float64", "float32", "float16", "float_", "longdouble", "double"}


class Rewriter(ast.NodeTransformer):
    """Changes one module.

    Parameters
    ----------
    tree : ast.Module
    path : str
    """

    def __init__(self, tree: ast.Module, path: str) -> None:
        self.path = path
        self.moved = moved_names(tree)
        self.loops = 0
        self.depth = 0

    def module(self, tree: ast.Module) -> ast.Module:
        """The tree of a module that can be watched."""
        body: list[ast.stmt] = []
        for statement in tree.body:
            first = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            doc = not body and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            new = statement if first else self.visit(statement)
            for each in new if isinstance(new, list) else [new]:
                body.append(each if first or doc else self.guarded(each))
        tree.body = body
        return ast.fix_missing_locations(tree)

    def guarded(self, statement: ast.stmt) -> ast.stmt:
        """The statement, skipped when it fails."""
        handler = ast.ExceptHandler(
            type=watch("Failure", statement),
            name="__failure__",
            body=[
                ast.Expr(called("skipped", [ast.Constant(statement.lineno), ast.Name("__failure__", ast.Load())], statement))
            ],
        )
        return placed(ast.Try(body=[statement], handlers=[handler], orelse=[], finalbody=[]), statement)

    # ---------------------------------------------------------------- names

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """A function, which tells its arguments their names."""
        self.generic_visit(node)
        doc = bool(node.body) and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
        given = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in ("self", "cls")][:8]
        own = [a.arg for a in node.args.args[:1] if a.arg in ("self", "cls")]
        if own:
            node.body.insert(int(doc), self.noting(own, node.body[0]))
        if given and not any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list):
            names = placed(ast.Tuple([ast.Constant(name) for name in given], ast.Load()), node.body[0])
            values = placed(ast.Tuple([ast.Name(name, ast.Load()) for name in given], ast.Load()), node.body[0])
            node.body.insert(int(doc), placed(ast.Expr(called("several", [names, values], node.body[0])), node.body[0]))
        for name in stepped_arguments(node, given):
            value = called("whole", [ast.Name(name, ast.Load())], node.body[int(doc)])
            node.body.insert(int(doc), placed(ast.Assign([ast.Name(name, ast.Store())], value), node.body[int(doc)]))
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        whole = isinstance(node.value, ast.Constant) and type(node.value.value) in (int, bool)
        target = node.targets[0]
        if whole and ast.unparse(target) in self.moved and type(node.value.value) is int:  # type: ignore[attr-defined]
            node.value = called("number", [node.value], node.value)
        elif whole:
            return [node, *self.renoted(target, node)]
        else:
            for part, value in paired(target, node.value):
                if any(each.startswith(f"{ast.unparse(part)}[") for each in self.moved):
                    make_real(value)
            node.value = self.literal(self.visit(node.value))
        if isinstance(node.value, (*SIMPLE, ast.Call)):
            node.value = called("alias", [node.value, self.at(node)], node.value)
        if len(node.targets) == 1 and isinstance(target, SIMPLE):
            node.value = called("named", [ast.Constant(ast.unparse(target)), node.value, self.at(node)], node.value)
            node.value = self.keeping(target, node.value)
        elif len(node.targets) == 1 and isinstance(target, (ast.Tuple, ast.List)):
            texts = [ast.Constant(ast.unparse(t) if isinstance(t, SIMPLE) else "") for t in target.elts]
            if isinstance(node.value, (ast.Tuple, ast.List)) and len(node.value.elts) == len(texts):
                for k, (each, text) in enumerate(zip(node.value.elts, texts, strict=True)):
                    if isinstance(each, ast.Constant) and type(each.value) is int and text.value in self.moved:
                        node.value.elts[k] = called("number", [each], each)  # m, c = 0, 0
                pairs = zip(texts, node.value.elts, strict=True)
                named = [called("named", [text, each, self.at(node)], each) for text, each in pairs]
                node.value.elts = [self.keeping(t, each) for t, each in zip(target.elts, named, strict=True)]
            elif not any(isinstance(t, ast.Starred) for t in target.elts):
                names = placed(ast.Tuple(list(texts), ast.Load()), node.value)
                node.value = called("several", [names, node.value], node.value)
        node.targets = [self.visit(t) for t in node.targets]
        return [node, *self.renoted(target, node)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None and isinstance(node.target, SIMPLE):
            text = ast.Constant(ast.unparse(node.target))
            node.value = called("named", [text, self.literal(self.visit(node.value))], node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        text, again = ast.unparse(node.target), ast.parse(ast.unparse(node.target), mode="eval").body
        node.value = self.visit(node.value)
        if any(isinstance(child, ast.Call) for child in ast.walk(node.target)):
            return node
        naming = ast.Expr(self.keeping(node.target, called("named", [ast.Constant(text), again], node)))
        return [node, placed(naming, node), *self.renoted(node.target, node)]

    def visit_Return(self, node: ast.Return) -> Any:
        if isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript)):
            value = called("alias", [node.value, self.at(node)], node.value)
            node.value = called("returned", [value, self.at(node)], node.value)
        elif node.value is not None:
            node.value = self.visit(node.value)
        return node

    def keeping(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """The value, noted as an attribute or entry of what holds it, where that can be looked at without side effects."""
        inner = target.value if isinstance(target, (ast.Attribute, ast.Subscript)) else None
        if inner is None or any(isinstance(n, (ast.Slice, ast.NamedExpr, ast.Yield, ast.Await)) for n in ast.walk(target)):
            return value
        if any(not (isinstance(n.func, ast.Name) and n.func.id in PURE) for n in ast.walk(target) if isinstance(n, ast.Call)):
            return value
        key = ast.Constant(target.attr) if isinstance(target, ast.Attribute) else copied(target.slice)  # type: ignore[attr-defined]
        return called("kept", [copied(inner), key, value], value)

    def renoted(self, target: ast.expr, near: ast.AST) -> list[ast.stmt]:
        """Statements that note anew what holds a part that was written: the array is another one now."""
        inner = target.value if isinstance(target, ast.Subscript) else None
        if isinstance(inner, ast.Name):
            return [self.noting([inner.id], near)]
        if isinstance(inner, (ast.Attribute, ast.Subscript)) and all(isinstance(n, PLAIN) for n in ast.walk(inner)):
            return [placed(ast.Expr(self.keeping(copied(inner), copied(inner))), near)]
        return []

    def noting(self, names: list[str], near: ast.AST) -> ast.stmt:
        """A statement that notes what names stand for."""
        return placed(ast.Expr(self.note(names, near)), near)

    def note(self, names: list[str], near: ast.AST) -> ast.expr:
        """An expression that notes what names stand for."""
        texts = ast.Tuple([ast.Constant(name) for name in names], ast.Load())
        values = ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())
        return called("bound", [placed(texts, near), placed(values, near)], near)

    def at(self, node: ast.AST) -> ast.expr:
        """The place of a node, as a constant."""
        return ast.Constant((self.path, node.lineno))  # type: ignore[attr-defined, arg-type]

    # ---------------------------------------------------------------- numbers

    def literal(self, node: ast.expr) -> ast.expr:
        """A real number that stands on its own, traced."""
        inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
        if isinstance(inner, ast.Constant) and type(inner.value) is float:
            return called("number", [node], node)
        return node

    def visit_List(self, node: ast.List) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.elts = [self.literal(each) for each in node.elts]
        return node

    def visit_Tuple(self, node: ast.Tuple) -> Any:
        return self.visit_List(node)  # type: ignore[arg-type]

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """A sum or product; in [0.0] * 3, each number of the list is one of its own."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and (isinstance(node.left, ast.List) or isinstance(node.right, ast.List)):
            return called("repeated", [node.left, node.right], node)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        self.generic_visit(node)
        node.values = [self.literal(each) for each in node.values]
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in CASTS and len(node.args) == 1 and not node.keywords:
            return called("cast", [node.func, node.args[0]], node)
        if isinstance(node.func, ast.Name) and name == "super":
            return node
        if isinstance(node.func, ast.Name) and name == "setattr" and len(node.args) == 3:
            return called("attribute", [ast.Constant(ast.unparse(node.args[0])), *node.args], node)
        node.args = [self.literal(each) for each in node.args]
        for keyword in node.keywords:
            keyword.value = self.literal(keyword.value)
        return node

    # ---------------------------------------------------------------- branches and loops

    def visit_If(self, node: ast.If) -> Any:
        """A choice, of which is noted what was taken."""
        text = ast.unparse(node.test)[:60]
        taken, left = assigned_in(node.body), assigned_in(node.orelse)
        self.generic_visit(node)
        if taken or left:
            told = [self.at(node), ast.Constant(text), ast.Constant(taken), ast.Constant(left), node.test]  # type: ignore[arg-type]
            node.test = called("branch", told, node.test)
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.loops += 1
        number = ast.Constant(f"{self.path}:{node.lineno}")
        self.generic_visit(node)
        node.iter = called("rounds", [number, node.iter], node.iter)
        names = names_in(node.target)
        if names:
            node.body.insert(0, self.noting(names, node.body[0]))
        return node

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        """A list, each of whose elements notes what its names stand for."""
        self.generic_visit(node)
        node.elt = self.literal(node.elt)
        names = [name for each in node.generators for name in names_in(each.target)]
        if names:
            node.elt = called("element", [self.note(names, node.elt), node.elt], node.elt)
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return self.visit_ListComp(node)  # type: ignore[arg-type]

    def visit_While(self, node: ast.While) -> Any:
        number = f"{self.path}:{node.lineno}"
        self.generic_visit(node)
        enter = placed(ast.Expr(called("enter", [ast.Constant(number)], node)), node)
        again = called("again", [ast.Constant(number)], node.test)
        node.test = placed(ast.BoolOp(ast.And(), [again, node.test]), node.test)
        return [enter, node]


def paired(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Each target with what it gets, where several are written in one statement."""
    several = isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))
    if several and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
        return list(zip(target.elts, value.elts, strict=True))  # type: ignore[attr-defined]
    return [(target, value)]


def make_real(node: ast.expr) -> None:
    """Turn the whole numbers of a list whose entries are stepped into real ones: w = [0, 0], [0] * n, [0 for _ in names]."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for side in (node.left, node.right):
            if isinstance(side, ast.List):
                make_real(side)
    for each in node.elts if isinstance(node, ast.List) else [node.elt] if isinstance(node, ast.ListComp) else []:
        if isinstance(each, ast.Constant) and type(each.value) is int:
            each.value = float(each.value)


def assigned_in(statements: list[ast.stmt]) -> tuple[str, ...]:
    """The names that statements give to something computed."""
    found = []
    for each in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(each, (ast.Assign, ast.AugAssign)) and not isinstance(each.value, ast.Constant):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            found += [ast.unparse(target) for target in targets if isinstance(target, SIMPLE)]
    return tuple(dict.fromkeys(found))[:6]


def names_in(target: ast.expr) -> list[str]:
    """The names that a loop binds."""
    return list(dict.fromkeys(n.id for n in ast.walk(target) if isinstance(n, ast.Name) and n.id != "_"))[:12]


def copied(node: ast.expr) -> ast.expr:
    """The same expression once more, to be read."""
    return ast.parse(ast.unparse(node), mode="eval").body


def moved_names(tree: ast.AST) -> set[str]:
    """Targets that are moved by something that is no plain number: `w` in `w -= lr * dw` and in `w = w - lr * dw`."""
    return {ast.unparse(target_of(node)) for node in moving_statements(tree)}


def moving_statements(tree: ast.AST) -> list[ast.AugAssign | ast.Assign]:
    """The statements that move something by something that is no plain number."""
    found: list[ast.AugAssign | ast.Assign] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
            product = any(isinstance(child, ast.BinOp) and isinstance(child.op, ast.Mult) for child in ast.walk(node.value))
            if product or (isinstance(node.op, ast.Sub) and not isinstance(node.value, ast.Constant)):
                found.append(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
            sum_of = isinstance(node.value.op, (ast.Add, ast.Sub)) and not isinstance(node.value.right, ast.Constant)
            if sum_of and ast.unparse(node.value.left) == ast.unparse(node.targets[0]):
                found.append(node)
    return found


def goes_down(node: ast.AugAssign | ast.Assign) -> bool:
    """Whether a statement moves as steps do: something is taken away, or a rate stands in it."""
    change = node.value if isinstance(node, ast.AugAssign) else getattr(node.value, "right", node.value)
    op = node.op if isinstance(node, ast.AugAssign) else getattr(node.value, "op", None)
    return isinstance(op, ast.Sub) or RATE.search(ast.unparse(change)) is not None


def target_of(node: ast.AugAssign | ast.Assign) -> ast.expr:
    """The one thing that a statement sets."""
    return node.target if isinstance(node, ast.AugAssign) else node.targets[0]


def stepped_arguments(node: ast.FunctionDef, given: list[str]) -> list[str]:
    """Arguments from which a rate times something is subtracted: b in `new_b = b - rate * slope`; they may begin as 0."""
    found = []
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, (ast.Sub, ast.Add)) and isinstance(each.left, ast.Name):
            factors = [side for child in ast.walk(each.right) if is_product(child) for side in (child.left, child.right)]
            rated = any(isinstance(side, (ast.Name, ast.Attribute)) and RATE.search(ast.unparse(side)) for side in factors)
            if rated and each.left.id in given:
                found.append(each.left.id)
    return list(dict.fromkeys(found))


def is_product(node: ast.AST) -> TypeGuard[ast.BinOp]:
    """Whether a node is a product of numbers."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def watch(name: str, near: ast.AST) -> ast.expr:
    """__watch__.name"""
    return placed(ast.Attribute(ast.Name(WATCH, ast.Load()), name, ast.Load()), near)


def called(name: str, arguments: list[Any], near: ast.AST) -> ast.Call:
    """__watch__.name(*arguments), standing where `near` stands."""
    return placed(ast.Call(watch(name, near), arguments, []), near)


def placed(node: Any, near: ast.AST) -> Any:
    """The node at the place of another, with all that is new inside it."""
    ast.copy_location(node, near)
    for child in ast.iter_child_nodes(node):
        if "lineno" not in vars(child) and isinstance(child, (ast.expr, ast.stmt, ast.excepthandler, ast.keyword)):
            placed(child, near)
    return node


def rewritten(source: str, path: str) -> CodeType:
    """The code of a module, ready to be watched.

    Raises
    ------
    SyntaxError
    """
    tree = ast.parse(source, path)
    return compile(Rewriter(tree, path).module(tree), path, "exec", dont_inherit=True)


class WatchedLoader(importlib.machinery.SourceFileLoader):
    """Loads a module from a file of source text, rewritten."""

    def get_code(self, fullname: str) -> CodeType:
        text = importlib.util.decode_source(self.get_data(self.path)) if not self.given else self.given
        return rewritten(text, self.path)

    given = ""
