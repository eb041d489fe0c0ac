"""Adapters: a function without arguments that returns the loss, its gradient, and where to take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.convention import Convention, DrivenUnit, forget
from clearprop.gradcheck.tracing.conventions.value_trees import all_arrays, name_leaves, traced_tree
from clearprop.gradcheck.tracing.guesses import arrays_in, required
from clearprop.gradcheck.tracing.judge import Ruling


class AdapterFunctions(Convention):
    """Functions `clearprop_check...() -> (f, grad, x)`, and those without arguments that were asked for by name."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All adapters."""
        for name, function in self.functions.items():
            if name.startswith("clearprop_check") or (name in self.program.asked and not required(function)):
                yield DrivenUnit(name, "adapter", partial(self._check, function), {name})

    def _check(self, function: Callable[..., Any]) -> Ruling:
        forget()
        f, grad, x = function()
        tree = traced_tree(x)
        name_leaves(tree)
        result = f(tree)
        loss, gradients = result if grad is None else (result, grad(tree))
        named = arrays_in(tree, "" if isinstance(tree, dict) else "x")
        claimed = all_arrays(gradients, "" if isinstance(gradients, dict) else "x")
        return self.judged_triples(matched(named, claimed), loss, exact=True)
