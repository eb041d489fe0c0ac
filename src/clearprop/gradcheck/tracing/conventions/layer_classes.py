"""Layers and losses as classes: `forward(x)` keeps what `backward(dy)` needs, and gradients stay behind or are returned."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.conventions.convention import (
    FAILURES,
    Convention,
    DrivenUnit,
    NotCalledError,
    UndecidedError,
    forget,
    said,
)
from clearprop.gradcheck.tracing.conventions.instances import MOST, constructor_names, instances, method_names
from clearprop.gradcheck.tracing.conventions.layer_claims import (
    claims_of_layer,
    left_behind,
    parameters_among,
    steps_as_claims,
    without_claim,
)
from clearprop.gradcheck.tracing.conventions.layer_layouts import layouts, single_examples
from clearprop.gradcheck.tracing.conventions.names import (
    ACCUMULATES,
    BACKWARD,
    FORWARD,
    first_of,
    is_base,
    is_flag,
    is_prediction,
    is_target,
    is_upstream,
)
from clearprop.gradcheck.tracing.conventions.value_trees import arrays_of, as_it_is, names_of_returned
from clearprop.gradcheck.tracing.guesses import N_OUT, ROWS, Pool, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import leaf

RATE: Final = r"^(lr|eta|alpha|l_?rate|learning_?rate|step_?size|learn_rate)$"
ONE_EXAMPLE: Final = (
    "Its gradients are right for one example at a time, and not for several at once; which of them it is made for cannot be"
    " told from the class alone. Call it in the script on the data that it is meant for, and train a few steps."
)
DELTA: Final = r"delta|^d_?z|err"
SUMS: Final = r"^_?(z|pre_?act.*|net.*|sum.*|linear.*|weighted.*|u|s)$"
"""Names of the derivative by a sum before an activation, and of such a sum."""
KEPT_VALUES: Final = ("output", "out", "outputs", "a", "y", "value", "loss")
"""Attributes in which a layer keeps its value, where forward returns nothing."""


def is_layer(kind: Any, forward: str, backward: str) -> bool:
    """Whether backward takes the gradient of the value: one argument of such a name, or the input as well."""
    names = [n for n in required(getattr(kind, backward)) if n != "self"]
    if any(is_target(n) or n.lower() in ("y_train", "ytrain") for n in names) or len(constructor_names(kind)) > 2:
        return False
    return any(is_upstream(n) for n in names) or (not names and len(required(getattr(kind, forward))) == 3)


class LayerClasses(Convention):
    """Classes each of which is one layer, or one loss."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All classes whose backward method takes the gradient of the value."""
        for name, kind in self.classes.items():
            if name in used or is_base(kind):
                continue
            methods = method_names(kind)
            forward, backward = first_of(methods, FORWARD), first_of(methods, BACKWARD)
            if forward and backward and is_layer(kind, forward, backward):
                yield DrivenUnit(name, "layer class", partial(self._check, kind, forward, backward), {name})

    def _check(self, kind: Any, forward: str, backward: str) -> Ruling:
        found = self._first(kind, forward, backward, layouts(kind.__name__, self.seed))
        steps = any(re.match(RATE, name, re.IGNORECASE) for name in required(getattr(kind, backward)))
        alone = not re.search(r"norm", kind.__name__, re.IGNORECASE)
        if found.verdict == "wrong" and alone and (steps or not found.sure) and self._right_for_one(kind, forward, backward):
            raise UndecidedError(ONE_EXAMPLE)
        return self._before_activation(kind, forward, backward) or found if found.verdict == "wrong" else found

    def _before_activation(self, kind: Any, forward: str, backward: str) -> Ruling | None:
        """The verdict if backward is right when it takes the derivative by the sum before the activation: a delta."""
        if not any(re.search(DELTA, name, re.IGNORECASE) for name in required(getattr(kind, backward))):
            return None
        for makers in (layouts(kind.__name__, self.seed), single_examples(self.seed)):
            with suppress(*FAILURES):
                found = self._first(kind, forward, backward, makers, inner=True)
                if found.verdict == "right":
                    found.notes.append(f"It is right if {backward} is given the derivative by the sum before the activation.")
                    return found
        return None

    def _right_for_one(self, kind: Any, forward: str, backward: str) -> bool:
        """Whether its gradients are right for a single example."""
        for make in single_examples(self.seed):
            with suppress(*FAILURES):
                found = self._first(kind, forward, backward, [make])
                if found.verdict == "right" and found.sure:
                    return True
        return False

    def _first(self, kind: Any, forward: str, backward: str, makers: list[Callable[[], Pool]], inner: bool = False) -> Ruling:
        """The verdict with the first layout of the input that runs."""
        first: BaseException = NotCalledError(f"{kind.__name__} could not be made with the usual arguments")
        met = False
        for make in makers:
            for k in range(MOST):
                forget()
                pool = make()
                made = next(islice(instances(kind, self.functions, pool, True), k, None), None)
                if made is None:
                    break
                try:
                    return self._once(made, forward, backward, pool, inner)
                except UndecidedError:
                    raise
                except FAILURES as error:
                    first, met = (first, True) if met else (error, True)
        raise said(first)

    def _once(self, made: Any, forward: str, backward: str, pool: Pool, inner: bool = False) -> Ruling:
        names = required(getattr(made, forward))
        is_loss = len([n for n in names if not is_flag(n)]) >= 2
        x, parameters = self._input(names, is_loss, pool), as_it_is(arrays_of(made))
        given = type(x)(x.vertex)
        out, cache = _run_forward(made, forward, _arguments(names, x, pool))
        out = _sum_before(made, out) if inner else out
        loss, result = self._run_backward(made, backward, x, out, cache, pool, is_loss)
        named = {"x": given, **parameters_among(parameters)}
        rated = any(re.match(RATE, name, re.IGNORECASE) for name in required(getattr(made, backward)))
        moved = steps_as_claims(made, parameters, rated)
        triples = claims_of_layer(
            result,
            named,
            left_behind(made, parameters),
            {name for name, *_ in moved},
            lambda: names_of_returned(tuple(result), getattr(made, backward), self.sources),
        )
        triples = [triple for triple in triples + moved if not (inner and triple[0] == "x")]
        if not triples:
            raise NotCalledError(f"{backward} returns nothing, and leaves no gradient such as dW behind; is a return missing?")
        taken = not is_loss and any(is_upstream(name) for name in required(getattr(made, backward)))
        signed = taken and any(
            name == "x" for name, *_ in triples
        )  # what it is given has a sign; what it hands on has that, too
        ruling = self.judged_triples(triples, loss, layer=True, exact=True, signed=signed)
        open_ones = without_claim(named, triples, out)
        if open_ones and ruling.verdict == "right":
            known = ", ".join(t[0] for t in triples)
            raise UndecidedError(f"The gradient of {known} is right; none was found of {', '.join(open_ones)}.")
        return ruling

    def _input(self, names: list[str], is_loss: bool, pool: Pool) -> Any:
        """The input; probabilities for a loss, which takes targets, too."""
        x = pool.X
        if is_loss:
            x = leaf(np.random.default_rng(self.seed).dirichlet(np.ones(N_OUT), size=ROWS), "data")
            x = x if not pool.layout.startswith("col") else x.T.copy()
        x.vertex.names.append(names[0] if names else "x")
        return x

    def _run_backward(self, made: Any, backward: str, x: Any, out: Any, cache: Any, pool: Pool, is_loss: bool) -> Any:
        """The number that is differentiated, and what backward returns."""
        method, needed = getattr(made, backward), required(getattr(made, backward))
        if np.size(plain(out)) == 1 and is_loss and len(needed) == 2:
            return out, method(*(x if is_prediction(n) else pool.Y for n in needed))
        rng = np.random.default_rng(self.seed + 1)
        dout = leaf(rng.normal(size=np.shape(plain(out))) if np.size(plain(out)) > 1 else np.float64(1.0), "data")
        loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
        upstream = next((n for n in needed if is_upstream(n)), "")
        if upstream:
            dout.vertex.names.append(upstream)
        given = [dout if n == upstream else _other(n, cache, pool, x) for n in needed]
        apart = first_of(method_names(type(made)), ACCUMULATES)
        if apart and required(getattr(made, apart)) == needed:  # the parameters' part of the backward pass
            getattr(made, apart)(*given)
        return loss, method(*given)


def _sum_before(made: Any, out: Any) -> Any:
    """The sum that a layer keeps from before its activation, in the form of its value.

    Raises
    ------
    NotCalledError
        If it keeps none.
    """
    for name, array in arrays_of(made).items():
        if re.match(SUMS, name, re.IGNORECASE) and array.size == out.size and array.vertex is not out.vertex:
            return array.reshape(np.shape(plain(out)))
    raise NotCalledError("it keeps no sum before its activation")


def _other(name: str, cache: Any, pool: Pool, x: Any) -> Any:
    if is_flag(name):
        return True
    if re.match(RATE, name, re.IGNORECASE):
        return 1.0  # in (lr * x.T) @ dy it could not be told from the gradient
    if cache is not None:
        return cache
    found = pool.candidates(name)
    return found[0] if found else x


def _arguments(names: list[str], x: Any, pool: Pool) -> tuple[Any, ...]:
    """Arguments of forward: the input, and for a loss the targets."""
    own = [n for n in names if not is_flag(n)]
    values = {n: (x if k == 0 else pool.Y) for k, n in enumerate(own)}
    if len(own) >= 2 and is_target(own[0]):
        values |= {own[0]: pool.Y, own[1]: x}
    return tuple(True if is_flag(n) else values[n] for n in names)


def _run_forward(made: Any, forward: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of a layer and what it hands on to backward.

    Raises
    ------
    NotCalledError
        If it has no value that depends on its input.
    """
    out, cache = getattr(made, forward)(*arguments), None
    if isinstance(out, tuple) and len(out) == 2:
        out, cache = out
    if out is None:
        out = next((vars(made)[n] for n in KEPT_VALUES if n in vars(made)), None)
    if not isinstance(out, Traced):
        raise NotCalledError(f"{forward} returns nothing that depends on its input; is a return missing?")
    if not out.vertex.names:
        out.vertex.names.append("out")
    return out, cache
