"""Forward and backward functions: `x_forward(...) -> (out, cache)`, `x_backward(dout, cache) -> gradients`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.convention import (
    FAILURES,
    Convention,
    DrivenUnit,
    MisfitError,
    NotCalledError,
    forget,
    refuse_misfits,
)
from clearprop.gradcheck.tracing.conventions.pair_inputs import likely_inputs
from clearprop.gradcheck.tracing.conventions.value_trees import (
    Triple,
    all_arrays,
    floats_among,
    matched_in_order,
    name_leaves,
    names_of_returned,
    traced_tree,
)
from clearprop.gradcheck.tracing.guesses import required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import leaf

NETWORKS: Final = ("propagation", "prop", "pass", "model", "l_model", "L_model")
"""What remains of the names of whole networks, such as model_forward."""
MOST_ARGUMENTS: Final = 4
VARIANTS: Final = r"_?(alt|naive|fast|loop|vectori[sz]ed|simple|v?\d)$"
"""Endings that tell two ways to compute one backward pass apart."""


class ForwardBackwardPairs(Convention):
    """A layer as two functions, which hand on a cache or take the inputs again."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All pairs; a second way to compute a backward pass goes with the forward function of the first."""
        for name, function in self.functions.items():
            base = re.sub(r"_?(backward|back|bwd|backprop)_?", "", name)
            if base == name or not base or base in NETWORKS or not 0 < len(required(function)) <= MOST_ARGUMENTS:
                continue
            other = self._forward_of(base, name) or self._forward_of(re.sub(VARIANTS, "", base), name)
            if other:
                work = partial(self._check, self.functions[other], function)
                yield DrivenUnit(name, "backward of a function", work, {name, other})

    def _forward_of(self, base: str, name: str) -> str:
        """Name of the forward function; "" if there is none."""
        for other in self.functions if base else ():
            left = re.sub(r"_?(forward|fwd)_?", "", other)
            if other not in (name, left) and base in (left, re.sub(VARIANTS, "", left)):
                return other
        return ""

    def _check(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> Ruling:
        first: BaseException | None = None
        for strict in (True, False):
            for inputs in likely_inputs(forward.__name__, forward, self.seed):
                forget()
                try:
                    return self._once(forward, backward, inputs, strict)
                except MisfitError:
                    continue
                except FAILURES as error:
                    first = first or error
        raise NotCalledError(str(first or "no arguments were tried"))

    def _once(self, forward: Callable[..., Any], backward: Callable[..., Any], inputs: dict[str, Any], strict: bool) -> Ruling:
        inputs = {name: traced_tree(value) for name, value in inputs.items()}
        name_leaves(inputs)
        result, needed = forward(*inputs.values()), required(backward)
        parts = result if isinstance(result, tuple) and len(result) > 1 else (result, None)
        outs, cache = parts[:-1][: max(len(needed) - 1, 1)], parts[-1]
        total, slopes = self._weighted(outs)
        found = backward(*_arguments(needed, slopes, cache, inputs))
        if found is None:
            raise NotCalledError(f"{backward.__name__} returns nothing; is a return missing?")
        triples = self._triples(backward, found, floats_among(inputs))
        if strict:
            refuse_misfits(triples)
        return self.judged_triples(triples, total, layer=True, exact=True)

    def _weighted(self, outs: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        """A number made of what forward returns, and its derivatives by each."""
        rng, total, slopes = np.random.default_rng(self.seed + 1), None, []
        for out in outs:
            slope = leaf(rng.normal(size=np.shape(plain(out))), "data")
            if isinstance(out, Traced) and not out.vertex.names:
                out.vertex.names.append("out")
            part = call(np.sum, (call(np.multiply, (out, slope), {}),), {})
            total = part if total is None else call(np.add, (total, part), {})
            slopes.append(slope)
        return total, slopes

    def _triples(self, backward: Callable[..., Any], found: Any, floats: dict[str, Any]) -> list[Triple]:
        """Gradients in the order of the arguments; by the names in the return statement, where only those fit."""
        if isinstance(found, dict):
            return matched(floats, all_arrays(found, ""))
        found = found if isinstance(found, (tuple, list)) else (found,)
        claimed = all_arrays(found, "")
        triples = matched_in_order(floats, list(claimed.values()))
        try:
            refuse_misfits(triples)
        except MisfitError:
            by_name = matched(floats, names_of_returned(tuple(found), backward, self.sources))
            return by_name if len(by_name) >= len(triples) else triples
        return triples


def _arguments(names: list[str], slopes: list[Any], cache: Any, inputs: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments of a backward function: the gradients, and the cache or the inputs, in the order that its names show."""
    first = re.match(r"^(d|grad|up|g)", names[0], re.IGNORECASE) is not None
    if len(names) == 1:
        return (slopes[0],)
    texts = [value for value in inputs.values() if isinstance(value, str)]
    if cache is not None:
        return (*slopes, cache, *texts)[: len(names)] if first else (cache, *slopes)
    given = [*inputs.values()]
    return (slopes[0], *given)[: len(names)] if first else (*given, slopes[0])[-len(names) :]
