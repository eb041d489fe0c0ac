"""Derivatives of functions: `sigmoid` and `sigmoid_prime` of one argument, `bce` and `bce_grad` of several."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.conventions.convention import FAILURES, Convention, DrivenUnit, NotCalledError, forget
from clearprop.gradcheck.tracing.conventions.names import LOOKS_FORWARD, is_prediction, is_target
from clearprop.gradcheck.tracing.conventions.value_trees import name_leaves
from clearprop.gradcheck.tracing.guesses import N_OUT, ROWS, key_of, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.traced import call, plain
from clearprop.gradcheck.tracing.wrappers import leaf

PATTERNS: Final = (
    r"^(.+?)_?(?:prime|derivative|derivate|deriv|der|grad|gradient|backward|dash|diff|derivada|derivata|derivee|ableitung)$",
    r"^(?:d|grad|deriv|derivative|derivative_of|gradient|prime|der|grad_x|dx)_(.+)$",
    r"^(?:derivada|derivata|derivee|ableitung)_(?:de_|di_|von_)?(.+)$",
    r"^d([a-zA-Z]{3,})$",
)
BY_ARGUMENT: Final = r"^(?:d|grad|deriv|derivative)_([a-zA-Z]\w?)_(.+)$"
TARGETS: Final = ("one-hot", "0 or 1", "classes")
KIND: Final = "probabilities"
OTHER_SHAPE: Final = "its value has another shape than its argument"


def derivative_pairs(functions: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a derivative and its function, both of one argument.

    Examples
    --------
    >>> derivative_pairs({"f": lambda z: z * z, "f_prime": lambda z: 2 * z})
    [('f_prime', 'f')]
    """
    simple = {n for n, f in functions.items() if len(required(f)) == 1}
    lower = {n.lower().replace("_", ""): n for n in simple}
    found = []
    for name in functions:
        bases = [m.group(1) for pattern in PATTERNS if (m := re.match(pattern, name, re.IGNORECASE))]
        base = next((lower[b.lower().replace("_", "")] for b in bases if b.lower().replace("_", "") in lower), None)
        if base and base != name and name in simple:
            found.append((name, base))
    return found


class DerivativesOfOne(Convention):
    """A function of one argument and its derivative, of arrays or of numbers, by the argument or by the value."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All pairs."""
        for name, base in derivative_pairs(self.functions):
            yield DrivenUnit(name, "derivative of a function", partial(self._check, base, name), {name})

    def _check(self, base: str, name: str) -> Ruling:
        last: BaseException | None = None
        wrong: Ruling | None = None
        for at_value in (False, True):
            for scalar in (False, True):
                try:
                    found = self._once(base, name, at_value, scalar)
                except FAILURES as error:
                    last = error
                    continue
                if found.verdict == "right":
                    if at_value:
                        found.notes.append(f"{name} is right as a function of the value a, not of z: call it with {base}(z).")
                    return found
                wrong = wrong or found
                break
        if wrong is None:
            raise NotCalledError(str(last))
        return wrong

    def _once(self, base: str, name: str, at_value: bool, scalar: bool) -> Ruling:
        forget()
        z = leaf(np.random.default_rng(self.seed).normal(size=4 if scalar else (3, 4)), "data")
        z.vertex.names.append("z")
        made = _applied(self.functions[base], z, scalar)
        slope = _applied(self.functions[name], made if at_value else z, scalar)
        if np.shape(plain(slope)) != np.shape(plain(z)):
            raise NotCalledError(OTHER_SHAPE)
        return self.judged_triples([("z", z, slope)], call(np.sum, (made,), {}), exact=True)


def _applied(function: Callable[..., Any], z: Any, scalar: bool) -> Any:
    return call(np.array, ([function(item) for item in z],), {}) if scalar else function(z)


class DerivativesOfSeveral(Convention):
    """A loss of predictions and targets, or another function of several arguments, and its derivative by one of them."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All pairs."""
        several = {n: f for n, f in self.functions.items() if len(required(f)) > 1}
        lower = {key_of(n): n for n in several}
        for name in several:
            for base, by in _bases(name):
                other = lower.get(key_of(base), "")
                alike = other not in ("", name) and required(several[other]) == required(several[name])
                if alike and not re.search(LOOKS_FORWARD, other):
                    yield DrivenUnit(name, "derivative of a function", partial(self._check, other, name, by), {name})
                    break

    def _check(self, base: str, name: str, by: str) -> Ruling:
        names, last = required(self.functions[base]), NotCalledError("no arguments were tried")
        order = [by] if by in names else sorted(names, key=lambda n: (not is_prediction(n), is_target(n)))
        wrong: Ruling | None = None
        for shape, form in itertools.product(((ROWS, N_OUT), (ROWS, 1), (ROWS,), ()), TARGETS):
            for chosen in order:
                try:
                    found = self._once(base, name, chosen, shape, form)
                except FAILURES as error:
                    last = NotCalledError(str(error))
                    continue
                if found.verdict == "right":
                    return found
                wrong = wrong or found
                break
        if wrong is None:
            raise last
        return wrong

    def _once(self, base: str, name: str, chosen: str, shape: tuple[int, ...], form: str) -> Ruling:
        forget()
        values = self._values(required(self.functions[base]), shape, form)
        made, slope = self.functions[base](*values.values()), self.functions[name](*values.values())
        if np.shape(plain(slope)) != shape:
            raise NotCalledError(OTHER_SHAPE)
        return self.judged_triples([(chosen, values[chosen], slope)], call(np.sum, (made,), {}))

    def _values(self, names: list[str], shape: tuple[int, ...], form: str) -> dict[str, Any]:
        """Targets, and predictions between 0.1 and 0.9.

        Raises
        ------
        NotCalledError
            If targets have no such form in that shape.
        """
        rng = np.random.default_rng(self.seed)
        values: dict[str, Any] = {}
        for n in names:
            y: Any = (rng.random(shape) > 0.5) * 1.0
            if form != "0 or 1":
                if shape[1:] != (N_OUT,):
                    raise NotCalledError("no targets were found for it")
                y = np.arange(ROWS) % N_OUT if form == "classes" else np.eye(N_OUT)[np.arange(ROWS) % N_OUT]
            values[n] = leaf(np.asarray(y) if is_target(n) else 0.1 + 0.8 * rng.random(shape), "data" if is_target(n) else KIND)
            if shape == ():
                values[n] = leaf(float(0.1 + 0.8 * rng.random()), "data")
        name_leaves(values)
        return values


def _bases(name: str) -> list[tuple[str, str]]:
    """The functions that a function may be the derivative of, by its name, each with the argument."""
    found = [(m.group(1), "") for pattern in PATTERNS if (m := re.match(pattern, name, re.IGNORECASE))]
    named = re.match(BY_ARGUMENT, name)
    return [*found, (named.group(2), named.group(1))] if named else found
