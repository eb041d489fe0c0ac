"""The computation: every operation of one forward pass and its loss, as PyTorch carried them out.

A module's list of submodules says what its author keeps, not what is computed: activations are called as functions, layers are
used twice or never, a softmax stands in `forward`, a loss is a function. Here a dispatch mode sees each operation on its way
to the kernel, with the tensors themselves, so that what depends on the inputs is known, and what is only passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from clearprop.doctor.pytorch.operations_seen import CONVOLUTIONS, FACTORS, LINEAR, PARTS, PRODUCTS, SAME, kind_of, plain
from clearprop.nn.pytorch import torch

OPAQUE = (torch.nn.RNNBase, torch.nn.RNNCellBase, torch.nn.MultiheadAttention)  # looked at from outside


@dataclass(eq=False)
class Operation:
    """One operation.

    Attributes
    ----------
    number : int
        Place in the order of the operations.
    name : str
        Bare name in ATen: "addmm".
    kind : str
        Kind of layer, "Linear" or "ReLU"; empty for one that is none.
    out : Tensor
        The result itself, so that a gradient can be asked for.
    value, entering : Tensor or None
        Copies of the result, and of the operand that depends on the inputs, for layers.
    parents : list of int
        Operations that made the operands which depend on the inputs; -1 is the input itself.
    linear : bool
        Whether it is linear in what depends on the inputs.
    in_loss : bool
    place : str
        Dotted name of the module that it was called in.
    weight : Tensor or None
        The matrix (n_in, n_out) of a product.
    parameter : Tensor or None
        The parameter that the matrix was taken from.
    channels : int
        Axis of the result along which its units lie.
    shapes : list of tuple
        Shapes of the operands.
    grouped : bool
        Whether it is a convolution in groups, which is made to be followed by another.
    axis : int or None
        Axis of a softmax.
    """

    number: int
    name: str
    kind: str
    out: Any
    value: Any
    entering: Any
    parents: list[int]
    linear: bool
    in_loss: bool
    place: str
    weight: Any = None
    parameter: Any = None
    channels: int = -1
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    grouped: bool = False
    axis: int | None = None


@dataclass
class Origin:
    """The place that a tensor comes from: an operation, and whether it depends on inputs, targets or parameters."""

    number: int = -1
    data: bool = False
    target: bool = False
    parameter: Any = None


class OperationRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down operations while it is active, and keeps their tensors alive so that none is taken for another."""

    def __init__(self, module: Any, inputs: Any, targets: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []
        self.origins: dict[int, Origin] = {}
        self.held: list[Any] = []
        self.places: list[str] = []
        self.opaque = 0
        self.in_loss = False
        self.strange: list[Any] = []  # tensors that want a gradient, and are no parameters of the module
        self.used: set[int] = set()
        for parameter in module.parameters():
            self.mark(parameter, Origin(parameter=parameter))
        for buffer in module.buffers():
            self.mark(buffer, Origin())
        for tensor in tree_leaves(targets):
            self.mark(tensor, Origin(target=True))
        for tensor in tree_leaves(inputs):
            self.mark(tensor, Origin(data=True))

    def mark(self, tensor: Any, origin: Origin) -> None:
        """Note where a tensor comes from."""
        if isinstance(tensor, torch.Tensor):
            self.held.append(tensor)
            self.origins[id(tensor)] = origin

    def origin(self, tensor: Any) -> Origin:
        """The place where a tensor comes from; one never seen is a constant, or a parameter that nobody registered."""
        found = self.origins.get(id(tensor))
        if found is None:
            found = Origin()
            if tensor.requires_grad and tensor.is_leaf:
                found.parameter = tensor
                if not self.in_loss:
                    self.strange.append(tensor)
            self.mark(tensor, found)
        return found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out one operation, and write it down if it depends on the inputs."""
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        origins = [self.origin(t) for t in tensors]
        shapes = [tuple(t.shape) for t in tensors]
        name = plain(func._schema.name)
        data = [(t, o) for t, o in zip(tensors, origins, strict=True) if o.data]
        kind = "" if self.opaque or not data else kind_of(name, args)
        product = self.product(name, tensors, origins)
        entering = data[0][0].detach().clone() if data and (kind or product) and not self.opaque else None
        out = func(*args, **(kwargs or {}))
        self.used |= {id(o.parameter) for o in origins if o.parameter is not None}
        target = any(o.target for o in origins)
        results = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        if not data:
            owner = next((o.parameter for o in origins if o.parameter is not None), None)
            for result in results:
                self.mark(result, Origin(target=target, parameter=owner))
            return out
        if results:
            linear = name in LINEAR | set(FACTORS) and not (name in FACTORS and len(data) > 1)
            operation = Operation(
                len(self.operations), name, kind, results[0], None, entering, [o.number for _, o in data],
                linear and not self.opaque, self.in_loss, self.places[-1] if self.places else "", shapes=shapes,
            )  # fmt: skip
            operation.grouped = name == "convolution" and len(args) > 8 and args[8] > 1
            operation.axis = args[1] if "softmax" in name and len(args) > 1 else None
            self.complete(operation, product)
            self.operations.append(operation)
            for result in results:
                self.mark(result, Origin(operation.number, data=True, target=target))
        return out

    @staticmethod
    def product(name: str, tensors: list[Any], origins: list[Origin]) -> tuple[Any, Any, bool] | None:
        """Matrix, parameter, and whether the matrix stands on the right, of a product of data with a parameter."""
        if name not in PRODUCTS and name not in CONVOLUTIONS:
            return None
        pair = list(zip(tensors, origins, strict=True))
        if name in CONVOLUTIONS:
            pair = pair[:2]
        elif name.startswith("add") or name == "baddbmm":
            pair = pair[1:]
        sides = [(t, o.parameter, i == 1) for i, (t, o) in enumerate(pair[:2]) if not o.data and o.parameter is not None]
        return sides[0] if len(sides) == 1 and any(o.data for _, o in pair) else None

    def complete(self, operation: Operation, product: tuple[Any, Any, bool] | None) -> None:
        """Fill in what only a layer has."""
        if self.opaque:
            return
        if product is not None:
            weight, parameter, right = product
            if operation.name in CONVOLUTIONS:
                operation.kind, operation.channels = "Conv", 1
                operation.weight = weight.detach().reshape(len(weight), -1).t()
            else:
                operation.kind = "Linear"
                operation.weight = weight.detach().reshape(-1, weight.shape[-1])
                operation.weight = operation.weight if right else operation.weight.t()
            operation.parameter = parameter
        elif operation.parents and operation.parents[0] >= 0:
            operation.channels = self.operations[operation.parents[0]].channels
            if operation.name in SAME - {"clone", "detach", "alias", "to_copy", "contiguous", "lift_fresh"}:
                operation.channels = -1 if operation.out.dim() < 4 else operation.channels
        if operation.kind:
            operation.value = operation.out.detach().clone()


@dataclass(eq=False)
class Computation:
    """The operations of a module and its loss, for one batch.

    Attributes
    ----------
    operations : list of Operation
    output : Tensor
        The module's answer; of several, the first.
    answers : int
        Number of tensors in the module's answer.
    loss : Tensor
    recorder : OperationRecorder
    """

    operations: list[Operation]
    output: Any
    answers: int
    loss: Any
    recorder: OperationRecorder

    @property
    def layers(self) -> list[Operation]:
        """Operations of the module that are layers."""
        return [op for op in self.operations if op.kind and not op.in_loss]

    @property
    def last(self) -> int:
        """Number of the operation that made the output; -1 if it does not depend on the inputs."""
        return self.recorder.origins.get(id(self.output), Origin()).number

    def effective(self, number: int) -> int:
        """The operation behind which numbers are only reshaped, or copied."""
        while number >= 0 and self.operations[number].name in SAME and self.operations[number].parents:
            number = self.operations[number].parents[0]
        return number

    def ending(self) -> list[str]:
        """Kinds of the operations that end the module, the last first, up to its last product."""
        return [self.operations[number].kind or self.operations[number].name for number in self.tail()]

    def tail(self) -> list[int]:
        """Numbers of the operations that end the module, the last first, up to its last product."""
        numbers = []
        number = self.effective(self.last)
        while number >= 0:
            op = self.operations[number]
            numbers.append(number)
            if op.kind in ("Linear", "Conv") or len(set(op.parents)) != 1:
                break
            number = self.effective(op.parents[0])
        return numbers

    def pairs(self) -> list[tuple[Operation, Operation]]:
        """Products that follow each other with only linear operations between them, and that lead nowhere else.

        A narrower middle is left out, and so is a convolution in groups: both are made to be followed by another.
        """
        behind: dict[int, set[int] | None] = {-1: set()}  # products that a result is linear in; None where it is not linear
        leads: dict[int, set[int]] = {}  # operations that a product reaches: other products, and what is not linear in it
        for op in self.operations:
            if op.in_loss:
                break
            before = [behind.get(parent) for parent in op.parents] or [None]
            whole = op.linear and op.kind != "Embedding" and all(item is not None for item in before)
            reached = set().union(*(item for item in before if item is not None))
            if op.weight is not None or not whole or op.number == self.last:
                for i in reached:
                    leads.setdefault(i, set()).add(op.number)
            behind[op.number] = {op.number} if op.weight is not None else (reached if whole else None)
        ends = {i: self.operations[next(iter(others))] for i, others in leads.items() if len(others) == 1}
        found = [(self.operations[i], second) for i, second in sorted(ends.items()) if second.weight is not None]
        return [(a, b) for a, b in found if not (a.grouped or b.grouped) and wide_enough(a, b)]

    def loss_names(self) -> list[str]:
        """Names of the loss's operations on the outputs, without reshaping."""
        return [op.name for op in self.operations if op.in_loss and op.name not in SAME | PARTS]

    def first_difference(self, other: Computation) -> Operation | None:
        """The first layer whose value is not the same in another recording of the same batch."""
        for a, b in zip(self.operations, other.operations, strict=False):
            if a.value is None or b.value is None or a.value.shape != b.value.shape:
                continue
            if not torch.equal(torch.nan_to_num(a.value), torch.nan_to_num(b.value)):
                return a
        return None


def wide_enough(first: Operation, second: Operation) -> bool:
    """Whether the width between two products is no less than both ends': a narrower one is a factorisation, on purpose."""
    middle = min(first.weight.shape[1], second.weight.shape[0])
    return bool(middle >= min(first.weight.shape[0], second.weight.shape[1]))


@contextmanager
def located(module: Any, recorder: OperationRecorder) -> Iterator[None]:
    """Tell the recorder in which submodule it is, by hooks that are taken off again."""
    hooks = []
    for name, part in module.named_modules():
        hooks.append(part.register_forward_pre_hook(entering(recorder, name, isinstance(part, OPAQUE))))
        hooks.append(part.register_forward_hook(leaving(recorder, isinstance(part, OPAQUE)), always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def entering(recorder: OperationRecorder, name: str, opaque: bool) -> Callable[..., None]:
    """A hook that notes the module which is entered."""

    def hook(part: Any, args: Any) -> None:
        recorder.places.append(name)
        recorder.opaque += opaque

    return hook


def leaving(recorder: OperationRecorder, opaque: bool) -> Callable[..., None]:
    """A hook that notes that a module is left."""

    def hook(part: Any, args: Any, out: Any) -> None:
        recorder.places.pop()
        recorder.opaque -= opaque

    return hook


def compute(module: Any, call: Callable[[], Any], criterion: Callable[[Any], Any], inputs: Any, targets: Any) -> Computation:
    """Record one forward pass, `call()`, and the loss of its answer, `criterion(answer)`."""
    recorder = OperationRecorder(module, inputs, targets)
    with torch.enable_grad(), located(module, recorder), recorder:
        answer = call()
        recorder.in_loss = True
        loss = criterion(answer)
    outputs = [t for t in tree_leaves(answer) if isinstance(t, torch.Tensor)]
    return Computation(recorder.operations, outputs[0] if outputs else None, len(outputs), loss, recorder)
