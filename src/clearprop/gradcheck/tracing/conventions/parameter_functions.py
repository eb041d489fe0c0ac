"""Functions around parameters: `init`, `forward`, `backward`, perhaps `loss` and `update`, which hand arrays to each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.convention import (
    FAILURES,
    Convention,
    DrivenUnit,
    MisfitError,
    NotCalledError,
    first_that_runs,
    forget,
    refuse_misfits,
)
from clearprop.gradcheck.tracing.conventions.names import BACKWARD, FORWARD, INIT, LOSS, UPDATE, first_of
from clearprop.gradcheck.tracing.conventions.value_trees import all_arrays, names_of_returned, remember
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.guesses import DATA, N_IN, N_OUT, Pool, arrays_in, pools, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.steps import find_moves
from clearprop.gradcheck.tracing.torch_standin import tensor_of
from clearprop.gradcheck.tracing.traced import TRACE, Traced
from clearprop.gradcheck.tracing.wrappers import Arr, Num

PARAMETER_NAMES: Final = ("params", "parameters", "weights", "theta", "model", "net", "network", "p", "param", "wb")
CACHE_NAMES: Final = ("cache", "caches", "outputs", "activations", "saved", "memory", "values", "cached", "state")
VALUE_NAMES: Final = ("cache", "caches", "outputs", "activations", "out")


class ParameterFunctions(Convention):
    """One network as functions of these names."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """The network, if there is a forward and a backward function."""
        free = {n: f for n, f in self.functions.items() if n not in used}
        names = {
            part: first_of(free, pattern)
            for part, pattern in (
                ("init", INIT),
                ("forward", FORWARD),
                ("backward", BACKWARD),
                ("update", UPDATE),
            )
        }
        names["loss"] = first_of({n for n in free if not re.search(r"grad|deriv|prime|back", n)}, LOSS)
        if names["forward"] and names["backward"]:
            uses = {n for n in (*names.values(), first_of(free, LOSS)) if n}
            parts = {part: free[n] for part, n in names.items() if n}
            yield DrivenUnit(names["backward"], "functions around parameters", partial(self._check, parts), uses)

    def _check(self, parts: dict[str, Callable[..., Any]]) -> Ruling:
        last: BaseException = NotCalledError("no layout of the data was tried")
        sizes = fixed_sizes(parts)
        for lists in (False, True):
            if lists and not in_lists(parts):
                break
            for strict, make in itertools.product((True, False), pools(*sizes, seed=self.seed, lists=lists)):
                forget()
                pool = make()
                if "torch" in self.program.namespace:
                    pool.X, pool.Y = tensor_of(pool.X), tensor_of(pool.Y)
                try:
                    return self._once(parts, pool, strict)
                except MisfitError:
                    continue
                except FAILURES as error:
                    kept = isinstance(last, NotCalledError) and not str(last).startswith("no layout")
                    if not kept or isinstance(error, NotCalledError):
                        last = error
        raise NotCalledError(str(last))

    def _once(self, parts: dict[str, Callable[..., Any]], pool: Pool, strict: bool) -> Ruling:
        parameters = self._initialised(parts, pool)
        self._run_forward(parts["forward"], pool)
        loss: Any = None
        if "loss" in parts:
            loss = first_that_runs(parts["loss"], pool, quiet=True)
            loss = loss[0] if isinstance(loss, tuple) else loss
        gradients = self._run_backward(parts["backward"], pool)
        triples = matched(parameters, gradients)
        moved = self._updated(parts["update"], pool, len(parameters)) if "update" in parts else None
        if moved is not None:
            return moved
        if strict:
            refuse_misfits(triples)
        if not triples:
            raise NotCalledError(f"what {parts['backward'].__name__} returns could not be matched with the parameters")
        return self.judged_triples(triples, loss if isinstance(loss, Traced) and loss.size == 1 else None)

    def _initialised(self, parts: dict[str, Callable[..., Any]], pool: Pool) -> dict[str, Any]:
        """The parameters, which the pool knows from here on."""
        if "init" not in parts:
            return {}
        made = first_that_runs(parts["init"], pool, sizes=True)
        remember(pool, made, parts["init"], self.sources)
        if isinstance(made, (dict, list)):
            for name in PARAMETER_NAMES:
                pool.add(name, made)
        if not isinstance(made, tuple):
            return arrays_in(made, "")
        wanted = [n for n in required(parts["forward"]) if not re.match(DATA["X"], n.lower())]
        if len(made) != len(wanted):
            return names_of_returned(made, parts["init"], self.sources)
        for n, value in zip(wanted, made, strict=True):
            pool.add(n, value)
        return {n: a for each, value in zip(wanted, made, strict=True) for n, a in all_arrays(value, each).items()}

    def _run_forward(self, forward: Callable[..., Any], pool: Pool) -> None:
        """Run the forward pass; the pool knows the prediction and the cache from here on."""
        out = first_that_runs(forward, pool)
        remember(pool, out, forward, self.sources)
        prediction = out
        if isinstance(out, tuple):
            caches = [o for o in out if isinstance(o, dict)] or [o for o in out if isinstance(o, (list, tuple))][-1:]
            other = next((o for o in out if not isinstance(o, dict)), out[0])
            prediction = next((o for o in out if isinstance(o, (Arr, Num))), other)
            prediction = out[-1] if all(isinstance(o, Arr) for o in out) else prediction
            for name in CACHE_NAMES if caches else ():
                pool.add(name, caches[0])
        elif isinstance(out, (dict, list)):
            for name in VALUE_NAMES:
                pool.add(name, out)
            prediction = ([*arrays_in(out, "").values()] or [out])[-1]
        pool.add("Yhat", prediction)

    def _run_backward(self, backward: Callable[..., Any], pool: Pool) -> dict[str, Any]:
        """The gradients by name."""
        result = first_that_runs(backward, pool)
        if result is None:
            raise NotCalledError(f"{backward.__name__} returns nothing; is a return missing?")
        remember(pool, result, backward, self.sources)
        if isinstance(result, dict):
            pool.add("grads", result)
            pool.add("gradients", result)
        return names_of_returned(result, backward, self.sources) if isinstance(result, tuple) else all_arrays(result, "")

    def _updated(self, update: Callable[..., Any], pool: Pool, count: int) -> Ruling | None:
        """The verdict on the steps that the update function takes; None if it takes none, or fewer than `count`."""
        seen = len(TRACE.steps)
        try:
            first_that_runs(update, pool)
        except FAILURES:
            return None
        if len(TRACE.steps) == seen or len(find_moves(Graph(TRACE))) < count:
            return None
        return self.judged_steps()


def in_lists(parts: dict[str, Callable[..., Any]]) -> bool:
    """Whether parameters are lists of numbers."""
    if "init" not in parts:
        return False
    forget()
    try:
        made = first_that_runs(parts["init"], pools()[0](), sizes=True)
    except FAILURES:
        return False
    return any(isinstance(a, Num) for a in arrays_in(made, "").values())


def fixed_sizes(parts: dict[str, Callable[..., Any]]) -> tuple[int, int]:
    """Numbers of inputs and outputs, where the program fixes them."""
    if "init" not in parts or required(parts["init"]):
        return N_IN, N_OUT
    forget()
    try:
        shapes = [a.shape for a in arrays_in(parts["init"](), "").values() if len(a.shape) == 2 and min(a.shape) > 1]
    except Exception:
        return N_IN, N_OUT
    if not shapes:
        return N_IN, N_OUT
    first, last = shapes[0], shapes[-1]
    chained = first[1] == last[0] if len(shapes) > 1 else True
    by_rows = chained and first[0] != last[1] and first[1] != first[0]
    return (first[0], last[1]) if by_rows else (first[1], last[0])
