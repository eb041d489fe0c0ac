"""Edits with other names: another array that is at hand, a missing factor or term, another derivative of an activation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, TypeGuard

import numpy as np

from clearprop.gradcheck.tracing.names_at_hand import NamesAtHand, parses
from clearprop.gradcheck.tracing.sites import PUT, is_module
from clearprop.gradcheck.tracing.source_edits import FOLDS, SourceEdit, number, operands, written
from clearprop.gradcheck.tracing.trace import Vertex, get
from clearprop.gradcheck.tracing.wording import wrapped

ATOMS: Final = (ast.Name, ast.Attribute, ast.Subscript)


def _divided_by(node: ast.AST | None, text: str) -> TypeGuard[ast.BinOp]:
    """Whether an expression ends in a division by a certain text."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and ast.unparse(node.right) == text


class NamingEdits(NamesAtHand):
    """Edits for one site, with the names at hand there."""

    def of(self, node: ast.expr, parent: ast.AST | None) -> Iterator[SourceEdit]:
        """All edits of one node of the expression."""
        root = node is self.site.node
        if root and node not in self.site.tree.parents:
            yield from self._written(node)
            yield from self._one_hot(node.left, False) if isinstance(node, ast.BinOp) else ()
            return
        callee = (isinstance(parent, ast.Call) and parent.func is node) or is_module(node)
        into = isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store) and parent.value is node
        if callee or into or not isinstance(node, ast.expr):
            return
        if isinstance(node, ATOMS):
            yield from self._others(node)
            yield from self._other_numbers(node)
            yield from self._targets(node, parent)
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult):
                new = ast.BinOp(ast.Constant(1), ast.Sub(), node)
                said, hint = f"1 - {self.text(node)} is meant", "Look at what is subtracted from 1."
                yield SourceEdit(node, new, said, 1.3, "complement", hint)
        if isinstance(node, (*ATOMS, ast.Call)):
            yield from self._one_hot(node, root)
        term = (isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Add, ast.Sub))) or is_summed(node, parent)
        term = term or (isinstance(parent, ast.AugAssign) and parent.value is node)
        if not isinstance(node, ast.Constant):
            yield from self._derivatives(node, root, term)
        both = operands(parent) or () if isinstance(node, ATOMS) and isinstance(parent, ast.expr) else ()
        if node in both and any(self._is_weight(part) for other in both if other is not node for part in ast.walk(other)):
            yield from self._behind_a_product(node)
        inner = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult) and operands(node) is not None
        if inner and not root:
            for text, vertex in self.atoms:
                if self.graph.rep(vertex) in self.sheet.cuts and len(vertex.shape) == 2:
                    yield from self._carried_back(node, text)
        if isinstance(node, (*ATOMS, ast.BinOp, ast.Call, ast.Compare, ast.UnaryOp)) and (root or term):
            yield from self._missing(node, root, term)
        if isinstance(node, ast.Constant) and isinstance(node.value, float | int) and isinstance(parent, ast.BinOp):
            for text, _ in self.atoms:
                said = f"{text} belongs here, not {node.value}"
                yield SourceEdit(node, written(text), said, 1.3, "operand-other", f"Look at {node.value}.")

    def _written(self, node: ast.expr) -> Iterator[SourceEdit]:
        """Edits of a statement that writes into an array: =, += and -= for one another."""
        if not isinstance(node, ast.Call):
            return
        base, index, value = node.args
        statement = self.site.tree.statement(base)
        part = ast.Subscript(base, index, ast.Load())
        if isinstance(statement, ast.Assign):
            said, hint = "what is written here replaces what was there; it must be added", "Look at what is overwritten."
            for sign, op in (("+=", ast.Add()), ("-=", ast.Sub())):
                new = ast.Call(node.func, [base, index, ast.BinOp(part, op, value)], [])
                yield SourceEdit(node, new, f"{said} ({sign})", 1.0, "overwritten", hint, sign)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Add, ast.Sub)):
            sign, other = ("-=", ast.Sub()) if isinstance(statement.op, ast.Add) else ("+=", ast.Add())
            new = ast.Call(node.func, [base, index, ast.BinOp(part, other, statement.value)], [])
            yield SourceEdit(node, new, f"the sign is wrong: {sign}", 1.2, "sign", "Look at the signs.", sign)

    def of_index(self, node: ast.expr, parent: ast.AST | None) -> Iterator[SourceEdit]:
        """Edits of a part of an index: another counter, another array that is compared."""
        if isinstance(node, ATOMS) and isinstance(parent, ast.Compare):
            yield from self._others(node)
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            for counter in self.counters:
                for text in (counter, f"{counter} - 1", f"{counter} + 1"):
                    said = f"the index is {text}, not {node.value}"
                    yield SourceEdit(node, written(text), said, 1.3, "index", "Look at the index.")
        elif isinstance(node, ast.Name):
            old = self.run.scope.resolved(node) if node.id in dict(self.run.scope.names()) else None
            for name, value in self.run.scope.names():
                if name != node.id and type(value) is type(old) and isinstance(value, (int, list, Vertex)):
                    said = f"the index is {name}, not {node.id}"
                    yield SourceEdit(node, ast.Name(name, ast.Load()), said, 1.15, "index", "Look at the index.")

    def _others(self, node: ast.expr) -> Iterator[SourceEdit]:
        """Another value in the place of this one."""
        old = self.text(node)
        hint = f"Look at {old}: is it the value that belongs here?"
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
            index = ast.unparse(node.slice)
            for text in self.containers:
                for new in (f"{text}[{index}]", f"{text}[{index} - 1]", f"{text}[{index} + 1]"):
                    if parses(new) and new != old:
                        said = f"{new} belongs here, not {old}"
                        yield SourceEdit(node, written(new), said, 1.1, "operand-other", hint)
        own = self._stands_for(node)
        partner = self.partners.get(self.graph.rep(own)) if own is not None else None
        for text, vertex in self.atoms:
            if text != old and vertex is not own and (own is None or len(vertex.shape) == len(own.shape) or alike(text, old)):
                prior = 1.0 if text == partner else 0.95 if alike(text, old) else 1.35
                yield SourceEdit(node, written(text), f"{text} belongs here, not {old}", prior, "operand-other", hint)

    def _other_numbers(self, node: ast.expr) -> Iterator[SourceEdit]:
        """Another number that the program divides or multiplies by, in the place of this one."""
        if isinstance(node, ast.Subscript) or self._stands_for(node) is not None:
            return
        for text in self.scalars:
            if text != self.text(node) and not text.replace(".", "").isdigit():
                said = f"{text} belongs here, not {self.text(node)}"
                yield SourceEdit(node, written(text), said, 1.4, "operand-other", f"Look at {self.text(node)}.")

    def _targets(self, node: ast.expr, parent: ast.AST | None) -> Iterator[SourceEdit]:
        """A target that is not subtracted: y - t for y, also where both are taken from lists by one counter."""
        own = (
            self._stands_for(node)
            if not isinstance(node, ast.Subscript)
            else self.run.vertex
            if node is self.site.node
            else None
        )
        subtracted = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub)
        if own is None or subtracted or self.graph.rep(own) not in self.sheet.live & self.sheet.forward:
            return
        index = f"[{index_text(node.slice)}]" if isinstance(node, ast.Subscript) else ""
        for text, vertex in self.atoms:
            same, row = vertex.shape == own.shape, index and vertex.shape[1:] == own.shape and len(vertex.shape) > 0
            if (same or row) and self.graph.rep(vertex) not in self.sheet.live:
                target = text if same else f"{text}{index}"
                new = ast.BinOp(node, ast.Sub(), written(target))
                said, hint = f"the target, {target}, is not subtracted", "What is the derivative of the loss by the output?"
                yield SourceEdit(node, new, said, 1.2, "target-not-subtracted", hint)

    def _one_hot(self, node: ast.expr, root: bool) -> Iterator[SourceEdit]:
        """The 1 that is not subtracted from the probabilities at the targets, where the loss looks at these alone."""
        own = self.run.vertex if root else self._stands_for(node)
        if own is None or own.size < 2 or self.graph.rep(own) not in self.sheet.live:
            return
        statement = self.site.tree.statement(node)
        name = ast.unparse(statement.targets[0]) if root and isinstance(statement, ast.Assign) else self.text(node)
        users, rep = self.graph.users, self.graph.rep(own)
        logs = self.graph.inputs(rep) if rep.fn is np.exp else [u for u in users.get(rep, ()) if u.fn is np.log]
        looked_at = [u for each in (rep, *logs) for u in users.get(each, ()) if u.fn is get and u in self.sheet.forward]
        for user in looked_at[:1]:
            source = self.site.tree.at(user.stack[0]) if user.stack else None
            if isinstance(source, ast.Subscript):
                index = source.slice
                less = ast.BinOp(ast.Subscript(node, index, ast.Load()), ast.Sub(), ast.Constant(1))
                new = ast.Call(ast.Name(PUT, ast.Load()), [node, index, less], [])
                missing = f"{name}[{index_text(index)}] -= 1"
                said, hint = f"{missing} is missing: the target does not enter", "Where does the target enter?"
                yield SourceEdit(node, new, said, 1.25, "target-not-subtracted", hint, "", missing)

    def _derivatives(self, node: ast.expr, root: bool, term: bool) -> Iterator[SourceEdit]:
        """A derivative of an activation in the place of something, or as a factor that is missing."""
        whole = not root or self.site.alias or isinstance(self.site.tree.parents.get(node), ast.Return)
        for text, said in self.formulas:
            formula = written(text)
            if whole and ast.unparse(node) != ast.unparse(formula):
                yield SourceEdit(node, formula, f"{said} is {text}", 1.1, "derivative", f"Look at {said}.")
            if root or term:
                new = ast.BinOp(node, ast.Mult(), formula)
                hint, prior = "Look at what the activation contributes.", 1.4 if root else 1.7
                yield SourceEdit(node, new, f"{said}, {text}, is missing", prior, "derivative-missing", hint)
            if root:
                for other in self.right_before:
                    new = ast.BinOp(written(other), ast.Mult(), formula)
                    hint = "Go through the chain rule at this line."
                    yield SourceEdit(node, new, f"it should be {other} * {wrapped(text)}", 2.1, "chain", hint)

    def _is_weight(self, node: ast.AST) -> bool:
        """Whether an expression stands for a parameter."""
        own = self._stands_for(node) if isinstance(node, ATOMS) else None
        return own is not None and self.graph.rep(own) in self.sheet.cuts

    def _behind_a_product(self, node: ast.expr) -> Iterator[SourceEdit]:
        """A derivative that is missing before an error is carried back: W.T @ (error * f'(z)), not W.T @ error."""
        own = self._stands_for(node)
        for text, said in self.formulas_of(own.size) if own is not None and own.shape else ():
            new = written(f"({wrapped(self.text(node))} * {wrapped(text)})")
            hint = "Look at what the activation of the layer above contributes."
            said = f"{said}, {text}, is missing in {self.text(node)}"
            yield SourceEdit(node, new, said, 1.45, "derivative-missing", hint)

    def _missing(self, node: ast.expr, root: bool, term: bool) -> Iterator[SourceEdit]:
        """A factor or a term that is missing."""
        hint = "Look at the constant factors."
        for text in self.scalars:
            over, times = ast.BinOp(node, ast.Div(), written(text)), ast.BinOp(written(text), ast.Mult(), node)
            plain = 0.4 * text.replace(".", "").isdigit()
            yield SourceEdit(node, over, f"it must be divided by {text}", 1.5 + plain, "factor", hint)
            if _divided_by(node, text):
                yield SourceEdit(
                    node, written(ast.unparse(node.left)), f"it must not be divided by {text}", 1.5, "factor", hint
                )
            elif not _divided_by(self.site.tree.parents.get(node), text):
                yield SourceEdit(node, times, f"the factor {text} is missing", 1.6 + plain, "factor", hint)
        if root:
            yield from self._of_the_whole(node)
            for text in self.entries:
                new = ast.BinOp(node, ast.Mult(), written(text))
                yield SourceEdit(node, new, f"the factor {text} is missing", 1.45, "factor-missing", "Look at the factors.")
        for text, vertex in self.atoms:
            rep = self.graph.rep(vertex)
            if rep in self.sheet.cuts:
                yield from self._carried_back(node, text) if root and len(vertex.shape) == 2 else ()
                for scale in self.scalars if root and vertex.shape == self.run.vertex.shape else ():
                    new = ast.BinOp(node, ast.Add(), written(f"{scale} * {text}"))
                    said, hint = f"the term {scale} * {text} of the penalty is missing", "Does the loss have a penalty?"
                    yield SourceEdit(node, new, said, 1.3, "penalty", hint)
                if (term and vertex.shape == self.run.vertex.shape) or (root and self._fits(vertex, root)):
                    new, said = ast.BinOp(node, ast.Mult(), written(text)), f"the factor {text} is missing"
                    yield SourceEdit(node, new, said, 1.6, "factor-missing", "Look at the factors.")
            elif (vertex.size > 1 or rep in self.sheet.live) and self._fits(vertex, root):
                new, hint = ast.BinOp(node, ast.Mult(), written(text)), "Look at the factors."
                prior = 1.5 if rep not in self.sheet.live and root else 1.75
                above = text in self.right_before and node is self.site.node
                said = f"the gradient from above, {text}, is ignored" if above else f"the factor {text} is missing"
                yield SourceEdit(node, new, said, prior, "upstream-ignored" if above else "factor-missing", hint)
                if root:
                    new, hint = ast.BinOp(node, ast.Add(), written(text)), "Is a term missing?"
                    yield SourceEdit(node, new, f"the term {text} is missing", 1.5, "term-missing", hint)
        if isinstance(node, ATOMS):
            yield from self._projected(node)

    def _carried_back(self, node: ast.expr, matrix: str) -> Iterator[SourceEdit]:
        """A term that is missing, or a factor of the whole: what comes back through a matrix."""
        empty = [text for text, vertex in self.atoms if vertex.fn is None and vertex.size > 1 and not np.any(vertex.value)]
        for other in [*self.right_before, *empty[:4]]:
            products = (f"np.dot({other}, {matrix}.T)", f"np.dot({matrix}.T, {other})")
            infix = (f"{other} @ {matrix}.T", f"{matrix}.T @ {other}")
            for text in infix if "@" in self.text(node) else products:
                new, hint = ast.BinOp(node, ast.Add(), written(text)), "Is a term missing?"
                yield SourceEdit(node, new, f"the term {text} is missing", 1.8, "term-missing", hint)
        for other in self.right_before if node is self.site.node else ():
            for text in (f"{wrapped(other)} @ {matrix}.T", f"{matrix}.T @ {wrapped(other)}"):
                new, hint = ast.BinOp(written(f"({text})"), ast.Mult(), node), "What comes from the layer above?"
                said = f"the gradient from above, {text}, is ignored"
                yield SourceEdit(node, new, said, 1.8, "upstream-ignored", hint)

    def _fits(self, vertex: Vertex, root: bool) -> bool:
        """Whether a value may be a factor of the whole, by its shape."""
        shape = self.run.vertex.shape
        try:
            return not root or np.broadcast_shapes(vertex.shape, shape) == shape
        except ValueError:
            return False

    def _projected(self, node: ast.expr) -> Iterator[SourceEdit]:
        """Terms of a normalisation: the mean of a derivative, or its part along a value, taken away from it."""
        own, text, hint = self._stands_for(node), self.text(node), "Which terms has the derivative of the normalisation?"
        if own is None or own.size < 2 or len(own.shape) > 2 or not own.floating:
            return
        for axis in range(len(own.shape)):
            for fold in ("mean", "sum"):
                mean = f"np.{fold}({text}, axis={axis}, keepdims=True)"
                said = f"{mean} is to be subtracted from {text}"
                yield SourceEdit(node, written(f"({text} - {mean})"), said, 1.9, "normalisation", hint)
                for other, vertex in self.atoms:
                    if vertex.shape == own.shape and vertex.size > 1 and other != text:
                        part = f"{other} * np.{fold}({text} * {other}, axis={axis}, keepdims=True)"
                        said = f"{part} is to be subtracted from {text}"
                        yield SourceEdit(node, written(f"({text} - {part})"), said, 2.0, "normalisation", hint)

    def _of_the_whole(self, node: ast.expr) -> Iterator[SourceEdit]:
        """The expression, summed, turned, squared, scaled, added up."""
        text = self.text(node)
        for axis in (0, 1):
            for keep in ("", ", keepdims=True"):
                new = written(f"np.sum({text}, axis={axis}{keep})")
                said = f"it must be summed over the examples, axis {axis}"
                yield SourceEdit(node, new, said, 1.5 + 0.1 * axis, "not-summed", "Look at the sum over the examples.")
        yield SourceEdit(node, written(f"({text}).T"), "it must be transposed", 1.4, "transposed", "Look at the transposes.")
        yield SourceEdit(node, written(f"-({text})"), "the sign is wrong", 1.45, "sign", "Look at the signs.")
        yield SourceEdit(node, written(f"1 - ({text})"), f"1 - {text} is meant", 1.9, "complement", "Look at the signs.")
        yield SourceEdit(node, written(f"({text})[::-1]"), "it must be flipped", 1.7, "flipped", "Is it flipped?")
        square = written(f"({text}) ** 2")
        yield SourceEdit(node, square, f"the square of {text} is meant", 1.7, "power", "Look at the powers.")
        for factor in (2.0, 0.5):
            new = ast.BinOp(number(factor), ast.Mult(), node)
            said = "the factor 2 is missing" if factor == 2 else "the factor 1/2 is missing"
            yield SourceEdit(node, new, said, 1.55, "factor", "Look at the constant factors.")
        statement = self.site.tree.statement(node)
        if isinstance(statement, ast.Assign) and statement.value is node and isinstance(statement.targets[0], ATOMS):
            target = written(ast.unparse(statement.targets[0]))
            said = "what is written here replaces what was there; it must be added (+=)"
            hint = "Look at what is overwritten."
            yield SourceEdit(node, ast.BinOp(target, ast.Add(), node), said, 1.0, "overwritten", hint, "+=")
        if isinstance(statement, ast.AugAssign) and statement.value is node and isinstance(statement.op, (ast.Add, ast.Sub)):
            sign = "-=" if isinstance(statement.op, ast.Add) else "+="
            new = ast.UnaryOp(ast.USub(), node)
            yield SourceEdit(node, new, f"the sign is wrong: {sign}", 1.2, "sign", "Look at the signs.", sign)


def index_text(index: ast.expr) -> str:
    """An index as it stands in brackets.

    Examples
    --------
    >>> index_text(ast.parse("a[i, :]", mode="eval").body.slice)
    'i, :'
    """
    return ", ".join(map(ast.unparse, index.elts)) if isinstance(index, ast.Tuple) else ast.unparse(index)


def is_summed(node: ast.expr, parent: ast.AST | None) -> bool:
    """Whether an expression is what a sum or mean is taken of."""
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr in FOLDS:
        return is_module(parent.func.value) and parent.args[:1] == [node]
    return isinstance(parent, ast.Attribute) and parent.attr in FOLDS and not is_module(node)


def alike(one: str, other: str) -> bool:
    """Whether two names differ in one character."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1
