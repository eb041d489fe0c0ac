"""The optimizer's step, from the gradients in `grad`: clipping, and the rule itself, which is a unit of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from clearprop.engines.compiled.barrier import wait
from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.values import INT, Value, cast
from clearprop.engines.compiled.lanes import load, moved, store
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.memory import Doubles, Memory
from clearprop.engines.compiled.plan import DONE, SQUARES
from clearprop.engines.compiled.stages import own_rows, panel, parts
from clearprop.engines.compiled.verified import original
from clearprop.optim import SGD, AdaGrad, Adam, AdamW, Lion, Nadam, Optimizer, RMSProp

OPTIMIZERS: dict[type[Optimizer], int] = {
    SGD: 2,
    AdaGrad: 1,
    RMSProp: 2,
    Adam: 5,
    AdamW: 5,
    Nadam: 6,
    Lion: 2,
}
"""The optimizers that the kernel knows, and how many `constants` each has."""
DECAY, CLIP_NORM = range(2)  # places in `limits`


def rule_of(p: Any, k: int) -> Any:
    """Where the learning rate and the constants of step k of this epoch lie."""
    return moved(p.rules, min(p.counter[DONE] * p.n_steps + k, p.n_rules - 1) * p.rule_size)


def own_numbers(p: Any, stage: int, part: int) -> tuple[int, int]:
    """The range of `packed` that a thread updates for one stage; a single thread updates all with the first."""
    if p.threads == 1:
        return 0, (p.n_packed if stage == 0 else 0)
    row, row_end = own_rows(p, stage, part)
    start, step, _, _ = panel(p, stage, p.thread, part)
    return start + row * step, start + row_end * step


def move(p: Any, rule: Any) -> None:
    """The optimizer's step, for the thread's part of the parameters."""
    factor = 1.0
    if p.limits[CLIP_NORM] < math.inf:
        squares = 0.0
        for stage in range(p.stages):
            for part in range(parts(p)):
                first, last = own_numbers(p, stage, part)
                squares += squared_norm(p.grad, first, last)
        p.partial[SQUARES * p.threads + p.thread] = squares
        wait(p)
        norm = math.sqrt(combined(p, SQUARES))
        factor = p.limits[CLIP_NORM] / norm if norm > p.limits[CLIP_NORM] else 1.0
    for stage in range(p.stages):
        for part in range(parts(p)):
            first, last = own_numbers(p, stage, part)
            if first < last:
                call(p.update, p, first, last, factor, rule)
    wait(p)


def combined(p: Any, figure: int) -> float:
    """A figure, summed over the shares of the threads."""
    s = 0.0
    for i in range(p.threads):
        s += p.partial[figure * p.threads + i]
    return s


def squared_norm(grad: Any, first: int, last: int) -> float:
    """Sum of squares of a part of the gradient, in double precision."""
    s = 0.0
    for i in range(first, last):
        s += float(grad[i]) * float(grad[i])
    return s


def unpacked(numbers: Any, n: int) -> tuple[Any, ...]:
    """The first n of some numbers, as a tuple."""
    return tuple(numbers[:n])


@instruction(unpacked)
def _unpacked(builder: Any, numbers: Value, n: int) -> tuple[Value, ...]:
    places = [builder.gep(numbers.ir, [INT.ir_type(k)]) for k in range(n)]
    return tuple(cast(builder, Value(numbers.kind.of, builder.load(place)), numbers.kind.of) for place in places)  # type: ignore[union-attr]


@cache
def update_function(kind: type[Optimizer]) -> Callable[..., Any]:
    """The unit of an optimizer: its `update`, for a range of parameters."""
    rule_function, n_states, size = original(kind, "update"), len(kind.state_names), 1 + OPTIMIZERS[kind]
    decoupled = kind.decoupled

    def update(p: Memory, first: int, last: int, factor: float, rule: Doubles) -> None:
        """Move a part of the parameters, given factor * gradient; `rule` is lr, then the constants.

        Weight decay is decay * theta in the gradient, or shrinks theta by itself.
        """
        decay, c = p.limits[DECAY], unpacked(rule, size)
        for i in range(first, last, p.lanes):
            w = load(p.packed, i)
            g = load(p.grad, i) * factor
            if decoupled:
                w = w - w * (decay * c[0])
            else:
                g = g + w * decay
            state = (load(p.one, i), load(p.two, i))[:n_states]
            new = rule_function(w, g, *state, *c)
            store(p.packed, i, new[0])
            if n_states > 0:
                store(p.one, i, new[1])
            if n_states > 1:
                store(p.two, i, new[2])

    return update
