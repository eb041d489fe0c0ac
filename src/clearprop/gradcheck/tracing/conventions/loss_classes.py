"""Losses as classes: `forward(y_pred, y_true)` and `backward(y_pred, y_true)`, whatever the two are called."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
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
from clearprop.gradcheck.tracing.conventions.instances import constructor_names, method_names
from clearprop.gradcheck.tracing.conventions.layer_claims import KEPT_SLOPES
from clearprop.gradcheck.tracing.conventions.layer_classes import KEPT_VALUES
from clearprop.gradcheck.tracing.conventions.names import BACKWARD, FORWARD, first_of, is_base, is_target, is_upstream
from clearprop.gradcheck.tracing.guesses import N_OUT, ROWS, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.nonlinear import LOGARITHMS
from clearprop.gradcheck.tracing.traced import TRACE, Traced, call
from clearprop.gradcheck.tracing.wrappers import leaf

ONE_OUTPUT: Final = (
    "Its gradient is that of its value for a single output, and not for several; which of them it is made for cannot be told"
    " from the class alone. Call it in the script on the data that it is meant for, and train a few steps."
)
LOSS_METHODS: Final = r"^(forward|loss|cost|calculate|compute_?(loss|cost)|fn|func|__call__|value|calc)$"
SLOPE_METHODS: Final = r"^(backward|prime|derivative|deriv|grad|gradient|loss_prime|delta|d_?loss|loss_?grad(ient)?)$"


class LossClasses(Convention):
    """Classes that compare predictions with targets, and give the derivative by the predictions."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All classes with two such methods of two arguments, one of which is the targets."""
        for name, kind in self.classes.items():
            if name in used or is_base(kind) or constructor_names(kind):
                continue
            methods = method_names(kind)
            pair = (
                (first_of(methods, FORWARD) or first_of(methods, LOSS_METHODS)),
                (first_of(methods, BACKWARD) or first_of(methods, SLOPE_METHODS)),
            )
            if all(pair) and all(_compares(kind, method) for method in pair):
                yield DrivenUnit(name, "loss class", partial(self._check, kind, *pair), {name})

    def _check(self, kind: Any, forward: str, backward: str) -> Ruling:
        last: BaseException = NotCalledError(f"{kind.__name__} could not be made without arguments")
        wrong: Ruling | None = None
        of_several = False
        for shape, classes in (((ROWS, N_OUT), False), ((ROWS, N_OUT), True), ((ROWS, 1), False), ((ROWS,), False)):
            forget()
            try:
                found = self._once(kind(), forward, backward, shape, classes)
            except FAILURES as error:
                last = error
                continue
            if found.verdict == "right" and wrong is not None and of_several and shape[-1] != N_OUT:
                raise UndecidedError(ONE_OUTPUT)
            if found.verdict == "right":
                return found
            wrong = wrong or found
            of_several = of_several or (shape[-1] == N_OUT and found.verdict == "wrong" and not _has_logarithm())
        if wrong is None:
            raise said(last)
        return wrong

    def _once(self, made: Any, forward: str, backward: str, shape: tuple[int, ...], classes: bool) -> Ruling:
        rng = np.random.default_rng(self.seed)
        several = shape[-1:] == (N_OUT,)
        p = leaf(rng.dirichlet(np.ones(N_OUT), size=ROWS) if several else 0.1 + 0.8 * rng.random(shape), "probabilities")
        y = np.eye(N_OUT)[np.arange(ROWS) % N_OUT] if several else (np.arange(ROWS) % 2.0).reshape(shape)
        targets = leaf(np.arange(ROWS) % N_OUT if classes else y, "data")
        p.vertex.names.append(next(n for n in _own(type(made), forward) if not is_target(n)))
        before = type(p)(p.vertex)
        value = _called(made, forward, p, targets)
        if value is None:
            value = next((vars(made)[n] for n in KEPT_VALUES if n in vars(made)), None)
        if not isinstance(value, Traced):
            raise NotCalledError(f"{forward} returns nothing that depends on the predictions; is a return missing?")
        kept = vars(made).get("output")
        fused = is_upstream(_own(type(made), backward)[0]) and isinstance(kept, Traced) and kept.shape == p.shape
        slope = _called(made, backward, kept if fused else p, targets)  # softmax and its loss in one: it takes its own output
        if slope is None:
            slope = next((vars(made)[n] for n in KEPT_SLOPES if n in vars(made)), None)
        if slope is None or np.shape(slope) != np.shape(p):
            raise NotCalledError(f"{backward} returns nothing of the shape of the predictions; is a return missing?")
        return self.judged_triples([(p.vertex.names[0], before, slope)], call(np.sum, (value,), {}), signed=True)


def _has_logarithm() -> bool:
    """Whether the loss that was called last takes a logarithm, as one of a single output does."""
    return any(vertex.fn in LOGARITHMS for vertex in TRACE.vertices)


def _own(kind: Any, method: str) -> list[str]:
    return [n for n in required(getattr(kind, method)) if n not in ("self", "z")]


def _compares(kind: Any, method: str) -> bool:
    names = _own(kind, method)
    return len(names) == 2 and sum(is_target(n) for n in names) == 1


def _called(made: Any, method: str, p: Any, y: Any) -> Any:
    return getattr(made, method)(*(y if is_target(n) else p for n in _own(type(made), method)))
