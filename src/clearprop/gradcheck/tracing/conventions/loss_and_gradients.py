"""One function that returns the loss and its gradients: `svm_loss(W, X, y) -> (loss, dW)`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.conventions.convention import (
    FAILURES,
    Convention,
    DrivenUnit,
    MisfitError,
    NotCalledError,
    forget,
    refuse_misfits,
)
from clearprop.gradcheck.tracing.conventions.names import PREDICTION
from clearprop.gradcheck.tracing.conventions.value_trees import (
    Triple,
    all_arrays,
    floats_among,
    matched_by_name,
    matched_by_shape,
    name_leaves,
    traced_tree,
)
from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, ROWS, Pool, key_of, pools, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import Traced, plain


class LossAndGradients(Convention):
    """Functions that return `(loss, gradient)`, `(loss, gradients)` or `(loss, dW, db)`."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All functions of such a name."""
        for name, function in self.functions.items():
            if name not in used and re.search(r"loss|cost|grad|objective", name, re.IGNORECASE) and required(function):
                yield DrivenUnit(name, "loss and gradient", partial(self._check, function), {name})

    def _check(self, function: Callable[..., Any]) -> Ruling:
        last: BaseException = NotCalledError("it did not return (loss, gradient) for any arguments that were tried")
        for strict, make in itertools.product((True, False), pools(seed=self.seed)):
            for inputs in self._inputs(function, make()):
                forget()
                try:
                    found = self._once(function, inputs, strict)
                except MisfitError:
                    continue
                except FAILURES as error:
                    last = error
                else:
                    if found is not None:
                        return found
        raise NotCalledError(str(last))

    def _once(self, function: Callable[..., Any], inputs: dict[str, Any], strict: bool) -> Ruling | None:
        """The verdict; None if it does not return what it should."""
        inputs = {name: traced_tree(value) for name, value in inputs.items()}
        name_leaves(inputs)
        result = function(*inputs.values())
        if not isinstance(result, (tuple, list)) or len(result) < 2:
            return None
        value, *rest = result
        if not isinstance(value, Traced) or value.size != 1:
            return None
        triples = _claims(inputs, rest[0] if len(rest) == 1 and isinstance(rest[0], (dict, list, tuple)) else rest)
        if not triples:
            return None
        if strict:
            refuse_misfits(triples)
        return self.judged_triples(triples, value, exact=True)

    def _inputs(self, function: Callable[..., Any], pool: Pool) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        for shape in ((N_IN, N_OUT), (N_IN, 1), (N_IN,)):
            made: dict[str, Any] = {}
            for name in required(function):
                low = key_of(name)
                if low.startswith(("w", "theta")):
                    made[name] = rng.normal(size=shape)
                elif low.startswith("b") and not low.startswith("batch"):
                    made[name] = rng.normal(size=shape[1:])
                elif re.match(PREDICTION, name, re.IGNORECASE) or low in ("x", "scores", "logits", "z"):
                    made[name] = rng.normal(size=(ROWS, N_OUT)) if len(required(function)) == 2 else plain(pool.X)
                else:
                    given = pool.candidates(name)
                    made[name] = plain(given[0]) if given else rng.normal(size=shape)
            yield made


def _claims(inputs: dict[str, Any], gradients: Any) -> list[Triple]:
    """Claims for the arguments; data come last."""
    claimed, floats = all_arrays(gradients, ""), floats_among(inputs)
    if isinstance(gradients, dict):
        return matched_by_name(floats, claimed)
    order = sorted(floats, key=lambda n: n.lower() in ("x", "y", "t", "yhat") and len(floats) > 1)
    return matched_by_shape({n: floats[n] for n in order}, list(claimed.values()))
