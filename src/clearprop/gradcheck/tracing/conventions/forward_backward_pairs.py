"""Forward and backward functions: `x_forward(...) -> (out, cache)`, `x_backward(dout, cache) -> gradients`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.convention import FAILURES, Convention, DrivenUnit, NotCalledError, forget
from clearprop.gradcheck.tracing.conventions.value_trees import (
    all_arrays,
    floats_among,
    matched_in_order,
    name_leaves,
    traced_tree,
)
from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, Pool, key_of, pools, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import leaf

NETWORKS: Final = ("propagation", "prop", "pass", "model", "l_model", "L_model")
"""What remains of the names of whole networks, such as model_forward."""


class ForwardBackwardPairs(Convention):
    """A layer as two functions, which hand on a cache or take the inputs again."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All pairs."""
        for name, function in self.functions.items():
            base = re.sub(r"_?(backward|back|bwd|backprop)_?", "", name)
            if not base or base in NETWORKS or len(required(function)) > 3:
                continue
            for other, forward in self.functions.items():
                same = re.sub(r"_?(forward|fwd)_?", "", other) == base and re.search(r"forward|fwd", other)
                if other != name and same:
                    yield DrivenUnit(name, "backward of a function", partial(self._check, forward, function), {name, other})

    def _check(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> Ruling:
        last: BaseException = NotCalledError("no arguments were tried")
        for make in pools(seed=self.seed):
            for inputs in self._inputs_of(forward, make()):
                forget()
                try:
                    return self._once(forward, backward, inputs)
                except FAILURES as error:
                    last = error
        raise NotCalledError(str(last))

    def _once(self, forward: Callable[..., Any], backward: Callable[..., Any], inputs: dict[str, Any]) -> Ruling:
        inputs = {name: traced_tree(value) for name, value in inputs.items()}
        name_leaves(inputs)
        result = forward(*inputs.values())
        out, cache = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        dout = leaf(np.random.default_rng(self.seed + 1).normal(size=np.shape(plain(out))), "data")
        if isinstance(out, Traced) and not out.vertex.names:
            out.vertex.names.append("out")
        loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
        found = backward(*_arguments(required(backward), dout, cache, inputs))
        claimed = all_arrays(found if isinstance(found, (tuple, list, dict)) else (found,), "")
        floats = floats_among(inputs)
        triples = matched(floats, claimed) if isinstance(found, dict) else matched_in_order(floats, list(claimed.values()))
        return self.judged_triples(triples, loss, layer=True, exact=True)

    def _inputs_of(self, forward: Callable[..., Any], pool: Pool) -> Iterator[dict[str, Any]]:
        """Arguments of a forward function: data, weights and biases by their names."""
        rng, names = np.random.default_rng(self.seed), required(forward)
        columns = pool.layout.startswith("column")
        for n_out in (N_OUT, N_IN):
            made: dict[str, Any] = {}
            for name in names:
                low = key_of(name)
                if low in ("gamma", "beta", "g"):
                    made[name] = rng.normal(size=N_IN)
                elif low.startswith(("w", "k", "theta", "filter")) and "params" not in low:
                    made[name] = rng.normal(size=(n_out, N_IN) if columns else (N_IN, n_out))
                elif low.startswith("b") and not low.startswith("batch"):
                    made[name] = rng.normal(size=(n_out, 1) if columns else n_out)
                else:
                    given = pool.candidates(name)
                    made[name] = plain(given[0]) if given else rng.normal(size=np.shape(plain(pool.X)))
            yield made


def _arguments(names: list[str], dout: Any, cache: Any, inputs: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments of a backward function: the gradient, and the cache or the inputs, in the order that its names show."""
    first = re.match(r"^(d|grad|up|g)", names[0], re.IGNORECASE) is not None
    if len(names) == 1:
        return (dout,)
    if cache is not None:
        return (dout, cache) if first else (cache, dout)
    return (dout, *inputs.values())[: len(names)] if first else (*inputs.values(), dout)[-len(names) :]
