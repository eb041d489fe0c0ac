"""The person's own words for what was recorded: names of values, source text of expressions, lines."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Any, Final

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.steps import LITERAL_INDEX
from clearprop.gradcheck.tracing.trace import Stack, Vertex, position

NO_SEARCH: Final = 1e9
"""Seconds that count as spent, so that no mistake is looked for."""


class Words:
    """Names and source text.

    Parameters
    ----------
    graph : Graph
    sources : dict of str to str
        Path -> source text.
    """

    def __init__(self, graph: Graph, sources: dict[str, str]) -> None:
        self.graph = graph
        self.lines = {path: text.splitlines() for path, text in sources.items()}
        self.spoken: dict[Vertex, list[tuple[Any, int, str]]] = {}
        self.spent = 0.0  # seconds that were spent on edits of operations,
        self.searched = 0.0  # and of expressions in the source,
        self.supposed = 0.0  # and on losses that are only supposed

    def learn(self, vertices: list[Vertex]) -> None:
        """Read how the program writes each value where it uses it."""
        seen: set[Any] = set()
        for vertex in vertices:
            if not vertex.stack or len(vertex.args) > 3:
                continue
            texts: list[str] | None = None
            for k, arg in enumerate(vertex.args[:2]):
                if isinstance(arg, Vertex) and (vertex.stack[0], self.graph.rep(arg)) not in seen:
                    seen.add((vertex.stack[0], self.graph.rep(arg)))
                    texts = self.operands(vertex) if texts is None else texts
                    if k < len(texts) and re.fullmatch(r"[\w.]+(\[[^\]]+\])*|[\w.]+\([\w.\[\]-]*\)", texts[k]):
                        entry = (vertex.stack[0][0], self.place(vertex.stack)[1], texts[k])
                        self.spoken.setdefault(self.graph.rep(arg), []).append(entry)

    def line(self, path: str, number: int) -> str:
        """One line of the source, without indentation."""
        lines = self.lines.get(path, [])
        return without_remark(lines[number - 1]) if 0 < number <= len(lines) else ""

    def with_numpy(self, path: str, text: str) -> str:
        """A text with the name that a program gives to NumPy, where it does not call it np; none after `import *`."""
        source = "\n".join(self.lines.get(path, []))
        if "np." not in text or re.search(r"^\s*import numpy as np\b|\bnp\s*=", source, re.MULTILINE):
            return text
        named = re.search(r"^\s*import numpy(?: as (\w+))?\s*(?:$|[,;#])", source, re.MULTILINE)
        if named is None and not re.search(r"^\s*from numpy import \*", source, re.MULTILINE):
            return text
        return re.sub(r"\bnp\.(?=\w+\()", f"{named[1] or 'numpy'}." if named else "", text)

    def place(self, stack: Stack, level: int = 0) -> tuple[str, int]:
        """File and line of an operation, at a level of its stack."""
        if not stack:
            return "", 0
        code, instruction = stack[min(level, len(stack) - 1)]
        return code.co_filename, position(code, instruction)[0]

    def span(self, stack: Stack, level: int = 0) -> tuple[str, int, int, int] | None:
        """File, line, and columns of an expression that stands in one line."""
        if not stack:
            return None
        code, instruction = stack[min(level, len(stack) - 1)]
        first, last, start, end = position(code, instruction)
        lines = self.lines.get(code.co_filename, [])
        if first != last or not 0 < first <= len(lines):
            return None
        raw = lines[first - 1].encode()
        return code.co_filename, first, len(raw[:start].decode(errors="replace")), len(raw[:end].decode(errors="replace"))

    def text(self, stack: Stack, level: int = 0) -> str:
        """The source text of an expression; "" if it spans lines."""
        span = self.span(stack, level)
        return self.lines[span[0]][span[1] - 1][span[2] : span[3]] if span else ""

    def name(self, vertex: Vertex, near: Stack = ()) -> str:
        """The program's name for a value: in the function where it is spoken of, if it has a name there."""
        here = near[0][0] if near else None
        best: list[tuple[int, str]] = []
        line = self.place(near)[1] if near else 0
        for code, number, text in self.spoken.get(self.graph.rep(vertex), ()) if near else ():
            if code is here and re.match(r"[A-Za-z_]", text):
                best.append(((-6 if number == line else 0) + 2 * ("(" in text), text))
        words = set(re.findall(r"[A-Za-z_]\w*", self.line(*self.place(near)))) if near else set()
        for each in self.graph.all_of(self.graph.rep(vertex)):
            own = any(code is here for code, _ in each.stack)
            for name in each.names:
                local = _spoken(name, here)
                rank = (
                    4 * bool(LITERAL_INDEX.search(name))
                    - 2 * (own and local)
                    - (name in words)
                    + (0 if local or here is None else 3)
                )
                best.append((rank, name))
        if best:
            return min(best, key=lambda pair: pair[0])[1]
        for each in self.graph.all_of(self.graph.rep(vertex)):
            text = self.text(each.stack)
            if text and len(text) < 40:
                return text
        return ""

    def pair(self, z: Vertex, a: Vertex, near: Stack) -> tuple[str, str]:
        """The names of a pre-activation and an activation; without that which only another function has."""
        names = self.name(z, near), self.name(a, near)
        seen = [self.visible(name, near) for name in names]
        return (names[0] if seen[0] or not seen[1] else "", names[1] if seen[1] or not seen[0] else "")

    def visible(self, name: str, near: Stack) -> bool:
        """Whether a name stands for something at a place: in its function, or in the file."""
        root = re.match(r"[A-Za-z_]\w*", name)
        if root is None or not near:
            return bool(name)
        codes = [near[0][0], self.graph.trace.bindings.modules.get(near[0][0].co_filename)]
        return any(code is not None and (code, root[0]) in self.graph.trace.bindings.names for code in codes)

    def operands(self, vertex: Vertex) -> list[str]:
        """Source texts of what an operation was given, in order; empty if they cannot be read."""
        text = self.text(vertex.stack)
        node = parsed(text)
        if isinstance(node, ast.AugAssign):
            return [ast.unparse(node.target), ast.unparse(node.value)]
        if isinstance(node, ast.Expr):
            node = node.value
        if isinstance(node, ast.BinOp):
            return [segment(text, node.left), segment(text, node.right)]
        if isinstance(node, ast.UnaryOp):
            return [segment(text, node.operand)]
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            return [segment(text, node.left), segment(text, node.comparators[0])]
        if isinstance(node, ast.Call):
            given = [segment(text, each) for each in node.args]
            if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
                return [segment(text, node.func.value), *given]
            return given
        if isinstance(node, ast.Subscript):
            return [segment(text, node.value), segment(text, node.slice)]
        if isinstance(node, ast.Attribute):
            return [segment(text, node.value)]
        return []

    def replaced(self, stack: Stack, new: str) -> str:
        """The line of an expression with other text in its place."""
        span = self.span(stack)
        if span is None:
            return new
        line = self.lines[span[0]][span[1] - 1]
        new = in_place(line[span[2] : span[3]], new)
        before, after = line[: span[2]], line[span[3] :]
        if not before.rstrip().endswith(("=", "(", ",", "[", "return", ":")) or after.strip()[:1] not in (
            "",
            ")",
            ",",
            "]",
            "#",
            ";",
        ):
            new = wrapped(new)
        return without_remark(before + new + after)


def in_place(old: str, new: str) -> str:
    """New text for a statement such as `p[i] += 1`, where an expression was given: `p[i] -= 1`."""
    node = parsed(old)
    if not isinstance(node, ast.AugAssign) or isinstance(parsed(new), (ast.Assign, ast.AugAssign)):
        return new
    target = segment(old, node.target)
    rest = new.removeprefix(target).strip()
    if new.startswith(target) and rest[:1] in ("+", "-", "*", "/") and rest[1:2] == " ":
        return f"{target} {rest[0]}= {rest[2:]}"
    return f"{target} = {new}"


def without_remark(line: str) -> str:
    """A line without indentation and without the remark at its end."""
    if "#" in line:
        try:
            for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
                if token.type == tokenize.COMMENT:
                    return line.strip()[: token.start[1]].rstrip()
        except (tokenize.TokenError, SyntaxError, IndentationError):
            pass
    return line.strip()


def _spoken(name: str, code: Any) -> int:
    """1 if a plain name is a local variable of the function."""
    return int(
        code is not None
        and re.match(r"\w+", name) is not None
        and re.split(r"\W", name)[0] in (*code.co_varnames, *code.co_names)
    )


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math", "torch", "cp", "F", "random", "xp", "jnp")


def parsed(text: str) -> ast.AST | None:
    """The syntax tree of an expression or statement; None if it is neither."""
    try:
        body = ast.parse(text.strip()).body
    except SyntaxError:
        return None
    return body[0] if len(body) == 1 else None


def segment(text: str, node: ast.expr) -> str:
    """The text of a part, with the parentheses around it."""
    stripped = text.strip()
    found = ast.get_source_segment(stripped, node) or ast.unparse(node)
    return found


def bare(text: str) -> str:
    """The text without parentheses around the whole of it.

    Examples
    --------
    >>> bare("(a - b)"), bare("(a) - (b)")
    ('a - b', '(a) - (b)')
    """
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    one, other = parsed(text), parsed(inner)
    same = one is not None and other is not None and ast.dump(one) == ast.dump(other)
    return inner if same and not isinstance(getattr(other, "value", None), ast.Tuple) else text


def wrapped(text: str, level: int = 1) -> str:
    """The text in parentheses where it needs them inside a product."""
    text = bare(text)
    node = parsed(text)
    inner = node.value if isinstance(node, ast.Expr) else None
    loose = (isinstance(inner, ast.BinOp) and isinstance(inner.op, (ast.Add, ast.Sub))) or isinstance(
        inner, (ast.Compare, ast.IfExp, ast.UnaryOp)
    )
    return f"({text})" if loose else text
