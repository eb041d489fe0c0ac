"""The bridge to PyTorch: layers as modules, and back.

A PyTorch Linear keeps its weights as (n_out, n_in), the transpose of ours; everything else lies the same way round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from clearprop.arrays import FLOATS, FloatName, describe
from clearprop.errors import UnsupportedError
from clearprop.nn.activations import Identity, ReLU, Sigmoid, Tanh
from clearprop.nn.batchnorm import BatchNorm
from clearprop.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from clearprop.nn.dropout import Dropout
from clearprop.nn.embedding import Embedding
from clearprop.nn.gates import GELU, GELUTanh, SiLU
from clearprop.nn.layer import Layer
from clearprop.nn.layernorm import LayerNorm
from clearprop.nn.linear import Linear
from clearprop.nn.pytorch import torch
from clearprop.nn.rectifiers import ELU, SELU, LeakyReLU, Softplus
from clearprop.nn.residual import Residual
from clearprop.nn.softmax import Softmax

nn = torch.nn
EXACT = 700.0  # from which on nn.Softplus returns z itself: by default 20, where log(1 + exp z) still differs in float64


class ResidualBlock(nn.Sequential):
    """x + f(x), f being the modules in it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        found: torch.Tensor = x + super().forward(x)  # type: ignore[no-untyped-call]
        return found


class ColumnEmbedding(nn.Module):
    """An `nn.Embedding` for some columns of a matrix, whose numbers lie one below the other; the other columns pass."""

    def __init__(self, sizes: list[int], dim: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.sizes = sizes
        self.table = nn.Embedding(sum(sizes), dim, dtype=dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The columns of numbers, then the vectors of the categories."""
        numbers = [k for k, size in enumerate(self.sizes) if not size]
        categories = [k for k, size in enumerate(self.sizes) if size]
        first_rows = torch.tensor([sum(self.sizes[:k]) for k in categories], device=x.device)
        rows = x[:, categories].round().long() + first_rows
        return torch.cat([x[:, numbers], self.table(rows).flatten(1)], dim=1)


def to_sequential(layers: Sequence[Layer]) -> nn.Sequential:
    """The same function as PyTorch modules, with copies of all parameters, in their dtype and in eval mode.

    Raises
    ------
    UnsupportedError
        If a layer has no counterpart in PyTorch.

    Examples
    --------
    >>> import clearprop as cp
    >>> cp.mlp([2, 3, 1], hidden="tanh").to_torch()
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    modules = {id(layer): to_module(layer) for layer in layers}  # a shared layer is a shared module
    return nn.Sequential(*[modules[id(layer)] for layer in layers]).eval()


def from_modules(module: nn.Module) -> tuple[list[Layer], FloatName]:
    """Layers that compute what an `nn.Sequential` (or a single module) does in eval mode, and the dtype of its parameters.

    Raises
    ------
    UnsupportedError
        If it holds a module that is none of Linear, Dropout, BatchNorm1d and the activations of `cp.nn.ACTIVATIONS`.

    Examples
    --------
    >>> import clearprop as cp
    >>> cp.Net.from_torch(cp.mlp([2, 3, 1], hidden="tanh").to_torch())
    Net(Linear(2, 3), Tanh(), Linear(3, 1), dtype='float32')
    """
    if not isinstance(module, nn.Module):
        raise UnsupportedError(f"from_torch takes a torch.nn.Module, such as an nn.Sequential, not {describe(module)}.")
    parts = list(_flattened(module))
    layers = {id(part): from_module(part) for part in parts}
    dtypes = {str(parameter.dtype).removeprefix("torch.") for parameter in module.parameters()} or {"float32"}
    known = [name for name in FLOATS if {name} == dtypes]
    if not known:
        named = ", ".join(f"torch.{name}" for name in sorted(dtypes))
        raise UnsupportedError(f"A Net computes in float32 or in float64, not in {named}; convert the module with .float().")
    return [layers[id(part)] for part in parts], known[0]


def to_module(layer: Layer) -> nn.Module:
    """The PyTorch module for one layer, with a copy of its parameters; see `to_torch`."""
    if type(layer) not in TO_TORCH:
        raise UnsupportedError(f"{layer!r} has no counterpart in PyTorch; to_torch knows {_names(TO_TORCH)}.")
    return TO_TORCH[type(layer)](layer)


def from_module(module: nn.Module) -> Layer:
    """The layer for one PyTorch module, with a copy of its parameters; see `from_torch`."""
    if type(module) not in FROM_TORCH:
        raise UnsupportedError(f"{module!r} has no counterpart in clearprop; from_torch knows {_names(FROM_TORCH)}.")
    return FROM_TORCH[type(module)](module)


def _flattened(module: nn.Module) -> list[nn.Module]:
    if type(module) is not nn.Sequential:
        return [module]
    return [part for child in module for part in _flattened(child)]


def _names(known: dict[Any, Any]) -> str:
    return ", ".join(kind.__name__ for kind in known)


def _linear(layer: Linear) -> nn.Module:
    # skip_init, because a fresh nn.Linear would draw weights from PyTorch's global generator
    skip_init: Any = nn.utils.skip_init
    module: nn.Linear = skip_init(nn.Linear, layer.n_in, layer.n_out, bias=layer.bias, dtype=_dtype(layer.W))
    _write(module.weight, layer.W.T)
    if layer.bias:
        _write(module.bias, layer.b)
    return module


def _batch_norm(layer: BatchNorm) -> nn.Module:
    module = nn.BatchNorm1d(layer.n, eps=layer.eps, momentum=layer.momentum, dtype=_dtype(layer.gamma))
    _write(module.weight, layer.gamma)
    _write(module.bias, layer.beta)
    _write(module.running_mean, layer.running_mean)
    _write(module.running_var, layer.running_var)
    return module


def _layer_norm(layer: LayerNorm) -> nn.Module:
    module = nn.LayerNorm(layer.n, eps=layer.eps, dtype=_dtype(layer.gamma))
    _write(module.weight, layer.gamma)
    _write(module.bias, layer.beta)
    return module


def _embedding(layer: Embedding) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # nn.Embedding draws from PyTorch's global generator
        module = ColumnEmbedding(layer.sizes, layer.dim, _dtype(layer.W))
    _write(module.table.weight, layer.W)
    return module


def _conv2d(layer: Conv2d) -> nn.Module:
    skip_init: Any = nn.utils.skip_init
    sizes = layer.n_in_channels, layer.n_out_channels, layer.kernel, layer.stride, layer.padding
    module: nn.Conv2d = skip_init(nn.Conv2d, *sizes, dtype=_dtype(layer.W))
    _write(module.weight, layer.W)
    _write(module.bias, layer.b)
    return module


def _from_layer_norm(module: nn.LayerNorm) -> Layer:
    if len(module.normalized_shape) != 1 or module.bias is None:
        raise UnsupportedError(f"{module!r} must run over one axis, and have weight and bias.")
    layer = LayerNorm(module.normalized_shape[0], eps=module.eps)
    layer.gamma[:], layer.beta[:] = _read(module.weight), _read(module.bias)
    return layer


def _from_embedding(module: ColumnEmbedding) -> Layer:
    layer = Embedding(module.sizes, module.table.embedding_dim)
    layer.W[:] = _read(module.table.weight)
    return layer


def _from_conv2d(module: nn.Conv2d) -> Layer:
    kernel, stride, padding = ({*given} if isinstance(given, tuple) else {None} for given in _sizes_of(module))
    plain = module.groups == 1 and {*module.dilation} == {1} and module.padding_mode == "zeros" and module.bias is not None
    if not plain or any(len(part) != 1 or None in part for part in (kernel, stride, padding)):
        raise UnsupportedError(
            f"{module!r} must have square kernels, strides and margins of zeros, one group, no dilation, and a bias."
        )
    sizes: list[int] = [int(part.pop() or 0) for part in (kernel, stride, padding)]
    layer = Conv2d(module.in_channels, module.out_channels, sizes[0], sizes[1], sizes[2])
    layer.W[:], layer.b[:] = _read(module.weight), _read(module.bias)
    return layer


def _sizes_of(module: nn.Conv2d) -> tuple[Any, Any, Any]:
    return module.kernel_size, module.stride, module.padding


def _from_max_pool(module: nn.MaxPool2d) -> Layer:
    k = module.kernel_size
    if not isinstance(k, int) or module.stride != k or module.padding or module.dilation != 1 or module.ceil_mode:
        raise UnsupportedError(f"{module!r} must take squares side by side: a whole kernel_size, the same stride, no padding.")
    return MaxPool2d(k)


def _from_unflatten(module: nn.Unflatten) -> Layer:
    if module.dim != 1 or len(module.unflattened_size) != 3:
        raise UnsupportedError(f"{module!r} must turn rows into images: nn.Unflatten(1, (channels, height, width)).")
    return Unflatten(*module.unflattened_size)


def _from_linear(module: nn.Linear) -> Layer:
    layer = Linear(module.in_features, module.out_features, bias=module.bias is not None)
    layer.W[:] = _read(module.weight).T
    if layer.bias:
        layer.b[:] = _read(module.bias)
    return layer


def _from_batch_norm(module: nn.BatchNorm1d) -> Layer:
    if not (module.affine and module.track_running_stats and module.momentum):
        raise UnsupportedError(f"{module!r} must have affine=True, track_running_stats=True and a momentum above 0.")
    layer = BatchNorm(module.num_features, momentum=module.momentum, eps=module.eps)
    layer.gamma[:], layer.beta[:] = _read(module.weight), _read(module.bias)
    layer.running_mean[:], layer.running_var[:] = _read(module.running_mean), _read(module.running_var)
    return layer


def _from_softmax(module: nn.Softmax) -> Layer:
    if module.dim not in (1, -1):
        raise UnsupportedError(f"{module!r} must have dim=1: a clearprop Softmax runs along each row (B, n).")
    return Softmax()


def _from_softplus(module: nn.Softplus) -> Layer:
    if module.beta != 1:
        raise UnsupportedError(f"{module!r} must have beta=1, as the Softplus of clearprop has.")
    return Softplus()


def _dtype(array: Any) -> torch.dtype:
    return torch.float32 if array.dtype == "float32" else torch.float64


def _write(tensor: Any, array: Any) -> None:
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(array.copy()))


def _read(tensor: Any) -> Any:
    return tensor.detach().cpu().double().numpy()


TO_TORCH: dict[type, Callable[[Any], nn.Module]] = {
    Linear: _linear,
    Sigmoid: lambda layer: nn.Sigmoid(),
    Tanh: lambda layer: nn.Tanh(),
    ReLU: lambda layer: nn.ReLU(),
    LeakyReLU: lambda layer: nn.LeakyReLU(layer.negative_slope),
    ELU: lambda layer: nn.ELU(layer.alpha),
    SELU: lambda layer: nn.SELU(),
    Softplus: lambda layer: nn.Softplus(threshold=EXACT),
    SiLU: lambda layer: nn.SiLU(),
    GELU: lambda layer: nn.GELU(),
    GELUTanh: lambda layer: nn.GELU(approximate="tanh"),
    Identity: lambda layer: nn.Identity(),
    Softmax: lambda layer: nn.Softmax(dim=1),
    Dropout: lambda layer: nn.Dropout(layer.rate),
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    Residual: lambda layer: ResidualBlock(*[to_module(part) for part in layer.layers]),
    Embedding: _embedding,
    Unflatten: lambda layer: nn.Unflatten(1, (layer.channels, layer.height, layer.width_of_image)),
    Conv2d: _conv2d,
    MaxPool2d: lambda layer: nn.MaxPool2d(layer.kernel),
    Flatten: lambda layer: nn.Flatten(),
}
FROM_TORCH: dict[type, Callable[[Any], Layer]] = {
    nn.Linear: _from_linear,
    nn.Sigmoid: lambda module: Sigmoid(),
    nn.Tanh: lambda module: Tanh(),
    nn.ReLU: lambda module: ReLU(),
    nn.LeakyReLU: lambda module: LeakyReLU(module.negative_slope),
    nn.ELU: lambda module: ELU(module.alpha),
    nn.SELU: lambda module: SELU(),
    nn.Softplus: _from_softplus,
    nn.SiLU: lambda module: SiLU(),
    nn.GELU: lambda module: GELU() if module.approximate == "none" else GELUTanh(),
    nn.Identity: lambda module: Identity(),
    nn.Softmax: _from_softmax,
    nn.Dropout: lambda module: Dropout(module.p),
    nn.BatchNorm1d: _from_batch_norm,
    nn.LayerNorm: _from_layer_norm,
    ResidualBlock: lambda module: Residual(*[from_module(part) for part in module]),
    ColumnEmbedding: _from_embedding,
    nn.Unflatten: _from_unflatten,
    nn.Conv2d: _from_conv2d,
    nn.MaxPool2d: _from_max_pool,
    nn.Flatten: lambda module: Flatten(),
}
