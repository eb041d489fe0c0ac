"""A stand-in for torch, for programs that go backward by hand: tensors are traced arrays with the methods of torch.

Programs that use autograd or modules get the true torch, since there is nothing of their own to be checked.
"""

# ruff: noqa: E501  (tables, several entries to a line)
from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.numpy_functions import array_of
from clearprop.gradcheck.tracing.random_standins import SEED
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import Arr, leaf

AUTOMATIC: Final = re.compile(
    r"loss\w*\.backward\(|autograd\.(?!Function)\w|nn\.Module|nn\.Linear|requires_grad\s*=|torch\.compile|requires_grad_\(|torch\.optim|gradcheck"
)
"""Signs in a source that its gradients are torch's own."""


class Context:
    """The store of values that forward keeps for backward."""

    def __init__(self, count: int) -> None:
        self.saved_tensors: tuple[Any, ...] = ()
        self.needs_input_grad = (True,) * count

    def save_for_backward(self, *values: Any) -> None:
        self.saved_tensors = values

    def mark_non_differentiable(self, *values: Any) -> None:
        """Take no notice."""


class FunctionByHand:
    """The base of autograd functions: forward and backward are called by the check."""

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        return vars(cls)["forward"].__func__(Context(len(inputs)), *inputs)


class Tensor(Arr):
    """A traced array with the methods of a torch tensor."""

    __slots__ = ()

    def t(self) -> Any:
        return self.T

    def mm(self, other: Any) -> Any:
        return call(np.matmul, (self, other), {})

    def size(self, dim: int | None = None) -> Any:  # type: ignore[override]
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return int(np.prod(self.shape))

    def view(self, *shape: Any) -> Any:
        return self.reshape(*shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        shape = self.shape
        end = end_dim % max(len(shape), 1)
        return call(np.reshape, (self, (*shape[:start_dim], -1, *shape[end + 1 :])), {})

    def logsumexp(self, dim: int, keepdim: bool = False) -> Any:
        return call(np.log, (call(np.sum, (call(np.exp, (self,), {}),), {"axis": dim, "keepdims": keepdim}),), {})

    def permute(self, *axes: Any) -> Any:
        return call(np.transpose, (self, axes[0] if len(axes) == 1 else axes), {})

    def transpose(self, first: int, second: int) -> Any:
        return call(np.swapaxes, (self, first, second), {})

    def unsqueeze(self, dim: int) -> Any:
        return call(np.expand_dims, (self, dim), {})

    def squeeze(self, dim: int | None = None) -> Any:
        if dim is not None and self.shape[dim] != 1:
            return self
        return call(np.squeeze, (self,), {} if dim is None else {"axis": dim})

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        made = self if min is None else call(np.maximum, (self, min), {})
        return made if max is None else call(np.minimum, (made, max), {})

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Traced):
            return call(np.maximum, (self, dim), {})
        found = call(np.max, (self,), {"axis": dim, "keepdims": keepdim} if dim is not None else {})
        return found if dim is None else (found, call(np.argmax, (self,), {"axis": dim}))

    def pow(self, power: Any) -> Any:
        return call(np.power, (self, power), {})

    def numpy(self) -> Any:
        return Arr(self.vertex)

    def detach(self) -> Any:
        return self

    def clone(self) -> Any:
        return self.copy()

    def long(self) -> Any:
        return self.astype(np.int64)

    def zero_(self) -> Any:
        return self.fill_(0.0)

    def fill_(self, value: Any) -> Any:
        self[...] = value
        return self

    def uniform_(self, low: float = 0.0, high: float = 1.0) -> Any:
        return self._drawn(np.random.RandomState(SEED).uniform(low, high, self.shape))

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Any:
        return self._drawn(np.random.RandomState(SEED).normal(mean, std, self.shape))

    def new_full(self, size: Any, value: Any, **kwargs: Any) -> Any:
        return tensor_of(leaf(np.full(size, float(plain(value))), "made"))

    def new_tensor(self, values: Any, **kwargs: Any) -> Any:
        return tensor_of(array_of("array", values))

    def new_zeros(self, *size: Any, **kwargs: Any) -> Any:
        return self.new_full(size[0] if isinstance(size[0], (tuple, list)) else size, 0.0)

    def new_ones(self, *size: Any, **kwargs: Any) -> Any:
        return self.new_full(size[0] if isinstance(size[0], (tuple, list)) else size, 1.0)

    def _drawn(self, values: Any) -> Any:
        self.become(leaf(np.asarray(values, dtype=np.float64), "random"))
        return self

    def expand(self, *shape: Any) -> Any:
        shape = tuple(n if n != -1 else own for n, own in zip(shape, self.shape, strict=True))
        return call(np.broadcast_to, (self, shape), {}, view=False)

    def expand_as(self, other: Any) -> Any:
        return call(np.broadcast_to, (self, other.shape), {}, view=False)

    def repeat(self, *times: int) -> Any:
        return call(np.tile, (self, times), {})

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
        form = {} if dim is None else {"axis": dim, "keepdims": keepdim}
        if p == 1:
            return call(np.sum, (call(np.abs, (self,), {}),), form)
        return call(np.sqrt, (call(np.sum, (call(np.multiply, (self, self), {}),), form),), {})

    def where(self, condition: Any, other: Any) -> Any:
        return call(np.where, (condition, self, other), {})

    def masked_fill(self, mask: Any, value: Any) -> Any:
        return call(np.where, (mask, value, self), {})

    def narrow(self, dim: int, start: int, length: int) -> Any:
        return self[(slice(None),) * dim + (slice(int(start), int(start) + int(length)),)]

    def index_select(self, dim: int, index: Any) -> Any:
        return self[(slice(None),) * dim + (index,)]

    def split(self, size: int, dim: int = 0) -> Any:
        return [self.narrow(dim, k, size) for k in range(0, self.shape[dim], size)]

    def gather(self, dim: int, index: Any) -> Any:
        return call(np.take_along_axis, (self, index, dim), {})

    def scatter_(self, dim: int, index: Any, value: Any) -> Any:
        where = np.asarray(plain(index))
        for place in np.ndindex(where.shape):
            spot = list(place)
            spot[dim] = int(where[place])
            self[tuple(spot)] = value
        return self

    def softmax(self, dim: int = -1) -> Any:
        return softmax(self, dim)

    @property
    def data(self) -> Any:
        return self

    @property
    def grad(self) -> Any:
        return None

    @property
    def device(self) -> str:
        return "cpu"


def _fold(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, dim: Any = None, keepdim: bool = False, unbiased: bool = True, axis: Any = None, **form: Any) -> Any:
        dim = axis if dim is None else dim
        kwargs: dict[str, Any] = {} if dim is None else {"axis": dim, "keepdims": form.get("keepdims", keepdim)}
        if function in (np.var, np.std):
            kwargs["ddof"] = int(unbiased)
        if function is np.argmax:
            kwargs.pop("keepdims", None)
        return call(function, (self,), kwargs)

    return method


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args: call(function, (self, *args), {})


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, other: Any, alpha: float = 1.0) -> Any:
        self.become(call(function, (self, other if alpha == 1.0 else other * alpha), {}))
        return self

    return method


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))"""
    return 1.0 / (1.0 + call(np.exp, (-x,), {}))


def softmax(x: Any, dim: int = -1) -> Any:
    """Along one axis."""
    e = call(np.exp, (x - call(np.max, (x,), {"axis": dim, "keepdims": True}),), {})
    return e / call(np.sum, (e,), {"axis": dim, "keepdims": True})


def relu(x: Any) -> Any:
    """max(x, 0)"""
    return call(np.maximum, (x, 0.0), {})


FOLDS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "argmax": np.argmax,
    "prod": np.prod,
}
EACH: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "square": np.square,
    "sign": np.sign, "gt": np.greater, "lt": np.less, "ge": np.greater_equal, "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
    "mul": np.multiply, "add": np.add, "sub": np.subtract, "div": np.divide, "matmul": np.matmul, "dot": np.dot, "mv": np.matmul,
    "bmm": np.matmul, "outer": np.outer, "ger": np.outer, "maximum": np.maximum, "minimum": np.minimum, "neg": np.negative,
}  # fmt: skip
UNCHANGED = ("float", "double", "to", "cuda", "cpu", "contiguous", "requires_grad_", "type", "type_as")

for _name, _function in FOLDS.items():
    setattr(Tensor, _name, _fold(_function))
for _name, _function in EACH.items():
    setattr(Tensor, _name, _same(_function))
for _name, _ufunc in {"add_": np.add, "sub_": np.subtract, "mul_": np.multiply, "div_": np.divide}.items():
    setattr(Tensor, _name, _in_place(_ufunc))
for _name in UNCHANGED:
    setattr(Tensor, _name, lambda self, *args, **kwargs: self)
for _name, _plain in {"sigmoid": sigmoid, "relu": relu}.items():
    setattr(Tensor, _name, _plain)
for _name in (
    "pow",
    "clamp",
    "detach",
    "clone",
    "numpy",
    "norm",
    *UNCHANGED,
    "exp",
    "log",
    "sqrt",
    "sigmoid",
    "tanh",
    "backward",
    "matmul",
    "mm",
    "t",
    "view",
    "unsqueeze",
):
    if _name not in vars(Traced) and _name in vars(Tensor):
        setattr(Traced, _name, vars(Tensor)[_name])


def tensor_of(value: Any) -> Any:
    """A traced array as a tensor."""
    return Tensor(value.vertex) if isinstance(value, Arr) else value


class _AllTensors(type):
    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, (Tensor, Arr))


class TensorKind(metaclass=_AllTensors):
    """torch.Tensor: makes a tensor of values, or of sizes, and tells what is one."""

    def __new__(cls, *given: Any, **kwargs: Any) -> Any:
        sizes = [each for each in given if isinstance(each, int)]
        if given and len(sizes) == len(given):
            return tensor_of(leaf(np.zeros(sizes), "made"))
        return tensor_of(array_of("array", given[0] if given else []))


def _made(function: Callable[..., Any], kind: str, names: str = "") -> Callable[..., Any]:
    """A function that makes a tensor of a shape."""

    def make(*shape: Any, **kwargs: Any) -> Any:
        shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return tensor_of(leaf(np.asarray(function(tuple(int(n) for n in shape)), dtype=np.float64), kind))

    return make


def torch_standin() -> ModuleType:
    """The module that the program gets for torch."""
    module, state = ModuleType("torch"), np.random.RandomState(SEED)
    own: dict[str, Any] = {
        "randn": _made(lambda s: state.standard_normal(s), "random"), "rand": _made(lambda s: state.random_sample(s), "random"),
        "zeros": _made(np.zeros, "made"), "ones": _made(np.ones, "made"), "empty": _made(np.zeros, "made"),
        "full": lambda shape, value, **k: tensor_of(leaf(np.full(shape, float(value)), "made")),
        "eye": lambda n, *a, **k: tensor_of(leaf(np.eye(int(n)), "made")),
        "arange": lambda *a, **k: tensor_of(leaf(np.arange(*plain(a)), "made")),
        "linspace": lambda a, b, steps=100, **k: tensor_of(leaf(np.linspace(a, b, int(steps)), "made")),
        "randint": lambda *a, size=None, **k: tensor_of(leaf(state.randint(*a[:2], size=size or a[2]), "data")),  # type: ignore[call-overload]
        "randperm": lambda n: tensor_of(leaf(state.permutation(int(n)), "data")),
        "tensor": lambda x, *a, **k: tensor_of(array_of("array", x)), "from_numpy": tensor_of, "as_tensor": lambda x, *a, **k: tensor_of(array_of("array", x)),
        "Tensor": TensorKind, "FloatTensor": TensorKind, "DoubleTensor": TensorKind, "LongTensor": TensorKind,
        "manual_seed": lambda seed: state.seed(int(seed) % 2**32), "no_grad": contextlib.nullcontext, "set_grad_enabled": lambda flag: None,
        "sigmoid": sigmoid, "softmax": softmax, "relu": relu, "save": lambda *a, **k: None, "device": lambda name: name,
        "cat": lambda parts, dim=0: call(np.concatenate, (list(parts),), {"axis": dim}),
        "stack": lambda parts, dim=0: call(np.stack, (list(parts),), {"axis": dim}),
        "where": lambda c, a, b: call(np.where, (c, a, b), {}), "einsum": lambda form, *a: call(np.einsum, (form, *a), {}),
        "clamp": Tensor.clamp, "pow": lambda x, p: call(np.power, (x, p), {}), "max": Tensor.max, "mm": Tensor.mm, "transpose": Tensor.transpose,
        "unsqueeze": Tensor.unsqueeze, "squeeze": Tensor.squeeze, "norm": Tensor.norm, "numel": Tensor.numel, "t": Tensor.t,
        "flatten": Tensor.flatten, "logsumexp": Tensor.logsumexp,
        "set_default_dtype": lambda dtype: None, "isnan": lambda x: call(np.isnan, (x,), {}),
        "normal": lambda mean, std, size, **k: tensor_of(leaf(state.normal(mean, std, size), "random")),
    }  # fmt: skip
    for name in (*FOLDS, *EACH):
        own.setdefault(name, vars(Tensor)[name])
    for name in ("zeros_like", "ones_like", "empty_like", "randn_like"):
        own[name] = lambda x, name=name, **k: _like(name, x, state)
    for dtype in ("float", "float32", "float64", "double", "long", "int64", "int", "bool", "uint8"):
        own[dtype] = dtype
    nn: Any = ModuleType("torch.nn")
    cuda: Any = ModuleType("torch.cuda")
    cuda.is_available = lambda: False
    automatic: Any = ModuleType("torch.autograd")
    automatic.Function = FunctionByHand
    for name, thing in {
        **own,
        "autograd": automatic,
        "nn": nn,
        "cuda": cuda,
        "is_tensor": lambda x: isinstance(x, Tensor),
    }.items():
        setattr(module, name, thing)
    return module


def _like(name: str, x: Any, state: Any) -> Any:
    made = {"zeros_like": np.zeros, "ones_like": np.ones, "empty_like": np.zeros}.get(name)
    value = made(np.shape(plain(x))) if made else state.standard_normal(np.shape(plain(x)))
    return tensor_of(leaf(np.asarray(value), "made"))
