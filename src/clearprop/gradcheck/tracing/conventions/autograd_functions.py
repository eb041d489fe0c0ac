"""Subclasses of torch.autograd.Function: watched behind the stand-in of torch, else compared with differences."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
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
from clearprop.gradcheck.tracing.conventions.value_trees import name_leaves
from clearprop.gradcheck.tracing.function_classes import FIRST, OTHERS, TorchFunction
from clearprop.gradcheck.tracing.guesses import required
from clearprop.gradcheck.tracing.judge import Ruling
from clearprop.gradcheck.tracing.torch_standin import Context, FunctionByHand, Tensor, tensor_of
from clearprop.gradcheck.tracing.traced import call, plain
from clearprop.gradcheck.tracing.wrappers import leaf


def is_autograd(kind: Any) -> bool:
    """Whether it derives from torch.autograd.Function; torch is not imported to find out."""
    if FunctionByHand in kind.__mro__:
        return kind is not FunctionByHand
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(kind, torch.autograd.Function)


class AutogradFunctions(Convention):
    """Classes with a static forward(ctx, ...) and backward(ctx, dy)."""

    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All such classes."""
        for name, kind in self.classes.items():
            if name not in used and is_autograd(kind):
                work = self._watched if FunctionByHand in kind.__mro__ else self._compared
                yield DrivenUnit(name, "torch.autograd.Function", partial(work, kind), {name})

    def _compared(self, kind: Any) -> Ruling:
        """With differences: its operations are torch's own, and cannot be watched."""
        line, file = backward_line(kind)
        return self.program.bench.function(TorchFunction(kind, np.random.default_rng(self.seed), file, line))

    def _watched(self, kind: Any) -> Ruling:
        """Its forward and backward, on the first inputs that they take."""
        names, last = required(vars(kind)["forward"].__func__)[1:], NotCalledError("it ran on no inputs that were tried")
        for shapes in itertools.product(FIRST, *[OTHERS] * (len(names) - 1)):
            try:
                return self._once(kind, dict(zip(names, shapes, strict=True)))
            except MisfitError:
                last = NotCalledError("its gradients have other shapes than its inputs")
            except FAILURES as error:
                last = NotCalledError(str(error))
        raise last

    def _once(self, kind: Any, shapes: dict[str, tuple[int, ...]]) -> Ruling:
        forget()
        forward, backward = vars(kind)["forward"].__func__, vars(kind)["backward"].__func__
        rng = np.random.default_rng(self.seed)
        inputs = {n: Tensor(leaf(np.asarray(rng.normal(size=s)), "data").vertex) for n, s in shapes.items()}
        name_leaves(inputs)
        context = Context(len(inputs))
        out = forward(context, *inputs.values())
        dout = tensor_of(leaf(rng.normal(size=np.shape(plain(out))), "data"))
        dout.vertex.names.append(required(backward)[1])
        loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
        result = backward(context, dout)
        gradients = list(result) if isinstance(result, tuple) else [result]
        triples = [(n, inputs[n], g) for n, g in zip(shapes, gradients, strict=False) if g is not None]
        refuse_misfits(triples)
        return self.judged_triples(triples, loss, exact=True)


def backward_line(kind: Any) -> tuple[int, str]:
    """The last line of the backward method of a class, where its gradients are returned, and its file."""
    code = kind.backward.__code__
    lines = [line for _, _, line in code.co_lines() if line]
    return max(lines, default=code.co_firstlineno), code.co_filename
