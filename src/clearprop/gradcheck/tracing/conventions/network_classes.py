"""Networks as classes: forward, loss, backward, update or train, as methods around the object's own parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.convention import (
    FAILURES,
    Convention,
    DrivenUnit,
    MisfitError,
    NotCalledError,
    UndecidedError,
    first_that_runs,
    forget,
    refuse_misfits,
    said,
)
from clearprop.gradcheck.tracing.conventions.instances import MOST, instances, method_names
from clearprop.gradcheck.tracing.conventions.names import BACKWARD, FORWARD, LOSS, TRAINS, UPDATE, first_of, is_base
from clearprop.gradcheck.tracing.conventions.value_trees import (
    all_arrays,
    arrays_of,
    as_it_is,
    matched_by_name,
    names_of_returned,
)
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, ROWS, Pool, arrays_in, pools, required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.steps import find_moves
from clearprop.gradcheck.tracing.traced import TRACE, Traced

NOTHING = "its backward pass returns nothing, moves nothing, and leaves no gradient behind; is a return missing?"


class NetworkClasses(Convention):
    """Classes each of which is a whole network."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All classes with a forward pass or a loss, and a backward pass, a loss or a training method."""
        for name, kind in self.classes.items():
            if name in used or is_base(kind):
                continue
            methods = method_names(kind)
            loss = first_of(methods, LOSS)
            if (first_of(methods, FORWARD) or loss) and (first_of(methods, BACKWARD) or first_of(methods, TRAINS) or loss):
                yield DrivenUnit(name, "network class", partial(self._check, kind, methods), {name})

    def _check(self, kind: Any, methods: set[str]) -> Ruling:
        """The verdict with data of the usual sizes; else of those that its own arrays turn out to have."""
        sizes = {N_IN: N_IN, N_OUT: N_OUT}
        for _ in range(len(sizes) + 1):
            said_so: list[str] = []
            try:
                return self._with_sizes(kind, methods, sizes[N_IN], sizes[N_OUT], said_so)
            except NotCalledError as error:
                if isinstance(error, UndecidedError):
                    raise
                found = _wanted_sizes(said_so, {sizes[N_IN]})
                wanted = {own: size for own, size in found.items() if sizes[own] == own}
                if not wanted:
                    raise
                sizes |= wanted
        raise NotCalledError(NOTHING)

    def _with_sizes(self, kind: Any, methods: set[str], n_in: int, n_out: int, said_so: list[str]) -> Ruling:
        """The verdict with data of these sizes; what went wrong is added to `said_so`."""
        nothing = NotCalledError(f"{kind.__name__} could not be made with the usual arguments")
        last: BaseException = nothing
        for strict, make in itertools.product((True, False), pools(n_in, n_out, seed=self.seed)):
            for k in range(MOST):
                forget()
                pool = make()
                made = next(itertools.islice(instances(kind, self.functions, pool, False), k, None), None)
                if made is None:
                    break
                try:
                    return self._once(made, methods, pool, strict)
                except MisfitError:
                    continue
                except FAILURES as error:
                    said_so.append(str(error))
                    last = error if last is nothing or isinstance(error, NotCalledError) else last
        raise said(last)

    def _once(self, made: Any, methods: set[str], pool: Pool, strict: bool) -> Ruling:
        parameters, train = as_it_is(arrays_of(made)), first_of(methods, TRAINS)
        if train and not any(array.vertex.floating and array.ndim and array.size for array in parameters.values()):
            first_that_runs(getattr(made, train), pool, quiet=True)  # it makes its parameters itself, from the data
            if _took_steps():
                return self.judged_steps()
        loss, result = _run(made, methods, pool)
        if _took_steps():
            return self.judged_steps()
        claimed = all_arrays(result, "")
        backward = first_of(methods, BACKWARD)
        if isinstance(result, tuple) and backward:
            named = names_of_returned(result, getattr(made, backward), self.sources)
            claimed = named if len(named) == len(claimed) else claimed
        left = {n: a for n, a in arrays_of(made).items() if n not in parameters}
        triples = matched(parameters, claimed) if claimed else matched_by_name(parameters, left)
        if strict:
            refuse_misfits(triples)
        if not triples:
            raise NotCalledError(NOTHING)
        return self.judged_triples(triples, loss)


def _wanted_sizes(said_so: list[str], known: set[int]) -> dict[int, int]:
    """For each usual size, the one that an array of the class has in its place, if the errors name one and the same."""
    found: dict[int, set[int]] = {N_IN: set(), N_OUT: set()}
    for text in said_so:
        numbers = re.search(r"size (\d+) is different from (\d+)|(\d+) \(dim \d\) != (\d+)|\((\d+),1\) \((\d+),1\)", text)
        pair = [int(n) for n in numbers.groups() if n] if numbers else []
        for own, other in (pair, pair[::-1]) if len(pair) == 2 else ():
            if own in found and other > 1 and other not in (ROWS, *found):
                found[own].add(other)
    found[N_OUT] -= found[N_IN] | known  # where the targets were taken for the input
    return {own: others.pop() for own, others in found.items() if len(others) == 1}


def _took_steps() -> bool:
    return bool(TRACE.steps) and any(move.round == 0 for move in find_moves(Graph(TRACE)))


def _run(made: Any, methods: set[str], pool: Pool) -> tuple[Any, Any]:
    """The loss and the gradients that a network returns, None for what it does not; twice, so that it may step."""
    loss: Any = None
    result: Any = None
    backward, train, update = (first_of(methods, each) for each in (BACKWARD, TRAINS, UPDATE))
    for _ in range(2):
        _forward(made, first_of(methods, FORWARD), pool)
        found = _loss(made, first_of(methods, LOSS), pool, backward, train)
        loss, result = found if found[1] is not None else (found[0] if found[0] is not None else loss, result)
        if result is None and backward:
            result = first_that_runs(getattr(made, backward), pool)
            claimed = arrays_in(result, "") if result is not None else {}
            if not claimed and update and not TRACE.steps:
                first_that_runs(getattr(made, update), pool, quiet=True)
        elif result is None and train:
            first_that_runs(getattr(made, train), pool)
            break
        if result is not None and arrays_in(result, ""):
            break
    return loss, result


def _forward(made: Any, forward: str, pool: Pool) -> None:
    """Run the forward pass, and remember what it returns."""
    if not forward:
        return
    out = first_that_runs(getattr(made, forward), pool)
    pool.add("Yhat", out[-1] if isinstance(out, tuple) else out)
    if isinstance(out, tuple) and len(out) == 2:
        pool.add("cache", out[1])


def _loss(made: Any, method: str, pool: Pool, backward: str, train: str) -> tuple[Any, Any]:
    """Loss and gradients that a loss method returns, None for what it does not."""
    if not method or not (required(getattr(made, method)) or not backward):
        return None, None
    value = first_that_runs(getattr(made, method), pool, quiet=bool(backward or train))
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Traced):
        return value
    return (value, None) if isinstance(value, Traced) else (None, None)
