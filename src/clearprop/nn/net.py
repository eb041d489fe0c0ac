"""The net: layers in a row, and all their parameters in one flat vector."""

from __future__ import annotations

from copy import deepcopy
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from clearprop.arguments import checked, shaped
from clearprop.arrays import Array, Dtype, describe, float_dtype, numbers, overwrite
from clearprop.errors import ModelFileError, OptionError, ShapeError, UnknownNameError
from clearprop.files import building_from, load_arrays, model_file, save_arrays
from clearprop.nn.layer import Layer
from clearprop.nn.loss import Loss
from clearprop.nn.registries import LAYERS, LOSSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from clearprop.plots.network import UnitColumn

MOST_LAYERS = 10_000  # of a net in a file
FEW = 1_000_000  # parameters that may be allocated before they are compared with those in the file
CHUNK = 4096  # examples that are predicted at a time, to bound the memory


SIZES = {
    "Linear": ("n_in", "n_out"),
    "BatchNorm": ("n",),
    "LayerNorm": ("n",),
    "Embedding": ("dim",),
    "Conv2d": ("n_in_channels", "n_out_channels", "kernel", "kernel"),
    "Residual": (),
}
"""Arguments of the layers with parameters, whose product is how many there are at least."""


class NetHeader(TypedDict):
    """Schema of the header of a file with a net."""

    layers: list[dict[str, Any]]
    order: list[int]
    dtype: str


@checked
class Net:
    """Layers, one after the other.

    A new net draws the parameters that its layers do not hold yet, and takes over those that they do: weights that you set
    (`layer.W = ...`), those of a layer that was initialised or loaded, and those of a copy of a trained layer
    (`net[0].copy()`). `initialise` draws all of them anew.

    Parameters
    ----------
    *layers : Layer
        A layer that appears twice shares its parameters: they lie in `theta` once, and get the sum of both gradients.
    seed : int, numpy.random.Generator or None
        Seed for the initialisation of the parameters that the layers do not hold yet, layer after layer, and for the masks of
        every Dropout. None draws nothing: what no layer holds stays NaN, until you set `theta`.
    dtype : {"float32", "float64"}
        Precision of all parameters and all computations.

    Attributes
    ----------
    layers : tuple of Layer
        They are fixed; for another stack, make another net, of copies: `Net(net[0].copy(), Linear(10, 3))`.
    theta : array (P,)
        All parameters. Every layer's `W` and `b` are views into it, so that an optimizer changes them by changing this.
        Assigning to it copies the values into it.
    grad : array (P,)
        All gradients; every layer's `dW` and `db` are views into it. `backward` adds to it; `zero_grad` clears it.
    dtype : numpy.dtype

    Examples
    --------
    >>> import clearprop as cp
    >>> net = cp.Net(cp.Linear(2, 10), cp.Tanh(), cp.Linear(10, 2), seed=0)
    >>> net.theta.shape
    (52,)
    >>> net(np.zeros((3, 2))).shape
    (3, 2)
    """

    def __init__(self, *layers: Layer, seed: int | np.random.Generator | None = 0, dtype: Dtype = "float32") -> None:
        _check_layers(layers)
        self._layers = layers
        self.dtype = float_dtype(dtype)
        self.n_in, self.n_out = _widths(layers)
        if seed is not None:
            rng = np.random.default_rng(seed)
            for layer in self.unique_layers():
                layer.complete(rng)
        self._bind()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, from the input to the output."""
        return self._layers

    @property
    def theta(self) -> Array:
        """All parameters (P,), of which every layer's are views."""
        return self._theta

    @theta.setter
    def theta(self, values: Array) -> None:
        overwrite(self._theta, values, "theta")

    @property
    def grad(self) -> Array:
        """All gradients (P,), of which every layer's are views."""
        return self._grad

    @grad.setter
    def grad(self, values: Array) -> None:
        overwrite(self._grad, values, "grad")

    def unique_layers(self) -> list[Layer]:
        """The layers, each once, in the order of their first appearance."""
        return list({id(layer): layer for layer in self.layers}.values())

    @checked
    def initialise(self, seed: int | np.random.Generator) -> Net:
        """Draw all parameters anew, layer after layer, also those that were set or trained, and return the net itself."""
        rng = np.random.default_rng(seed)
        for layer in self.unique_layers():
            layer.initialise(rng)
        return self

    def _bind(self) -> None:
        """Move all parameters into one vector, and make the layers' arrays views into it."""
        named = [(layer, name) for layer in self.unique_layers() for name in layer.names]
        arrays = [getattr(layer, name) for layer, name in named]
        self._theta: Array = np.concatenate([a.ravel() for a in arrays] or [np.zeros(0)]).astype(self.dtype)
        self._grad: Array = np.zeros_like(self._theta)
        start = 0
        for (layer, name), array in zip(named, arrays, strict=True):
            part = slice(start, start + array.size)
            layer.use(name, self._theta[part].reshape(array.shape), self._grad[part].reshape(array.shape))
            start += array.size
        for layer in self.layers:
            layer.in_net = True
            for name in layer.buffers:
                setattr(layer, name, getattr(layer, name).astype(self.dtype))

    def forward(self, X: Array, training: bool = False) -> tuple[Array, list[Any]]:
        """The output (B, n_out) for a batch (B, n_in), and what every layer saved for its derivative."""
        a = numbers("X", X).astype(self.dtype, copy=False)
        if a.ndim != 2:
            hint = "give one example as X[None, :]" if a.ndim == 1 else "flatten each example to a row: X.reshape(len(X), -1)"
            raise ShapeError(f"A net takes a batch of shape (B, n), not {describe(a)}: {hint}.")
        saved = []
        for layer in self.layers:
            a, kept = layer.forward(a, training)
            saved.append(kept)
        return a, saved

    def backward(self, saved: list[Any], dy: Array) -> Array:
        """Add every parameter's gradient to `grad`, given that of the output; returns that of the input (B, n_in)."""
        for layer, kept in zip(reversed(self.layers), reversed(saved), strict=True):
            dy = layer.backward(kept, dy)
        return dy

    def __call__(self, X: Array) -> Array:
        """The output (B, n_out) alone, as after training."""
        return self.forward(X)[0]

    @checked
    def outputs(self, X: Array) -> Array:
        """The output (N, n_out) for any number of examples (N, n_in), computed in pieces to bound the memory."""
        X = np.asarray(X)
        return np.concatenate([self(X[i : i + CHUNK]) for i in range(0, max(len(X), 1), CHUNK)])

    @checked
    def predict(self, X: Array, loss: Loss | str = "cross_entropy") -> Array:
        """Labels of the likeliest classes, or predicted values, for any number of examples.

        Parameters
        ----------
        X : array (N, n_in)
        loss : Loss or str
            The loss that the net was trained with, which says what its outputs mean.

        Returns
        -------
        array of int (N,), or array (N, n_out)
            Integer classes for a loss of classes ("cross_entropy"; "binary_cross_entropy" with one output); the outputs
            themselves for any other ("mean_squared_error").

        Raises
        ------
        OptionError
            If the loss needs several outputs, but the net has one.

        Examples
        --------
        >>> import clearprop as cp
        >>> layer = cp.Linear(2, 2)
        >>> layer.W = [[1, 0], [0, 1]]
        >>> net, X = cp.Net(layer), np.array([[3.0, 1.0], [1.0, 2.0]])
        >>> net.predict(X)
        array([0, 1])
        >>> net.predict(X, loss="mean_squared_error")
        array([[3., 1.],
               [1., 2.]], dtype=float32)
        """
        loss = LOSSES.make(loss)
        y_hat = self.outputs(X)
        p = loss.probabilities(y_hat)
        if p is None:
            return y_hat
        if p.shape[1] < 2:
            raise OptionError(
                f"{type(loss).__name__} needs one output for each class, but the net has 1; pass the loss it was trained with,"
                ' such as loss="mean_squared_error" for values or loss="binary_cross_entropy_with_logits" for labels 0 and 1.'
            )
        return p.argmax(axis=1)

    def biases(self) -> Array:
        """Whether each entry of `theta` belongs to a vector (a bias, the gamma of a BatchNorm), not to a matrix; bool (P,)."""
        parts = [np.full(p.size, p.ndim < 2) for layer in self.unique_layers() for p in layer.parameters().values()]
        return np.concatenate([*parts, np.zeros(0, dtype=bool)])

    def zero_grad(self) -> None:
        """Set every gradient to zero."""
        self._grad[:] = 0

    def copy(self) -> Net:
        """An independent net with the same layers and parameters, and a gradient of zeros."""
        return deepcopy(self)

    __copy__ = copy  # layers cannot be shared between nets

    @checked
    def astype(self, dtype: Dtype) -> Net:
        """A copy that computes in another dtype, for instance in float64 for a gradient check."""
        return _rebuild(deepcopy(self.layers), float_dtype(dtype))

    def arrays(self) -> dict[str, Array]:
        """Copies of `theta` and of the layers' buffers, by name."""
        arrays = {"theta": self._theta.copy()}
        for i, layer in enumerate(self.unique_layers()):
            arrays |= {f"layer{i}.{name}": getattr(layer, name).copy() for name in layer.buffers}
        return arrays

    @checked
    def restore(self, arrays: dict[str, Array]) -> None:
        """Write what `arrays` copied back into the net."""
        self.theta = arrays["theta"]
        for i, layer in enumerate(self.unique_layers()):
            for name in layer.buffers:
                overwrite(getattr(layer, name), arrays[f"layer{i}.{name}"], name, layer)

    def config(self) -> dict[str, Any]:
        """Layers and dtype as JSON-able values; a layer that appears twice is written once, and has two places in "order"."""
        unique = self.unique_layers()
        places = {id(layer): i for i, layer in enumerate(unique)}
        return {
            "layers": [layer.config() for layer in unique],
            "order": [places[id(layer)] for layer in self.layers],
            "dtype": self.dtype.name,
        }

    @checked
    def save(self, path: str | Path) -> None:
        """Write a safetensors file: parameters and buffers as arrays, the layers as JSON in its header.

        `Model.save` writes the loss, the classes and the scaling of the inputs as well.
        """
        save_arrays(path, self.arrays(), "net", self.config())

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Net:
        """Read what `save` wrote, or the net of a `Model`: its file, or the folder of a run.

        Raises
        ------
        ModelFileError
            If the file is truncated or of another kind, has an unknown layer, or arrays whose shapes do not fit its layers.
        """
        path = model_file(path)
        arrays, config = load_arrays(path, "net", "model")
        return cls.from_config(config, arrays, path)

    @classmethod
    @checked
    def from_config(cls, config: dict[str, Any], arrays: dict[str, Array], path: str | Path) -> Net:
        """The net that `config` and `arrays` describe; `path` is the file that they were read from, for errors."""
        with building_from(path):
            check_lengths(config)
            shaped(NetHeader, config, "the header")
            check_claims(config, arrays)
            try:
                unique = [LAYERS.make(layer) for layer in config["layers"]]
            except UnknownNameError as error:
                hint = "Register a layer of your own before loading, as in cp.nn.LAYERS.register(Square)."
                raise UnknownNameError(f"{error} {hint}") from None
            net = cls(*[unique[i] for i in config["order"]], seed=None, dtype=config["dtype"])
        expected = {name: array.shape for name, array in net.arrays().items()}
        found = {name: array.shape for name, array in arrays.items()}
        if expected != found:
            raise ModelFileError(
                f"The arrays in {str(path)!r} do not fit its layers {list(net.layers)}: expected {expected}, found {found}."
            )
        net.restore(arrays)
        return net

    def to_torch(self) -> nn.Sequential:
        """The same function as a `torch.nn.Sequential`, with copies of all parameters; see `clearprop.nn.torch_bridge`.

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        UnsupportedError
            If a layer has no counterpart in PyTorch.
        """
        from clearprop.nn.torch_bridge import to_sequential

        return to_sequential(self.layers)

    @classmethod
    @checked
    def from_torch(cls, module: nn.Module) -> Net:
        """A net that computes what a `torch.nn.Sequential` does in eval mode, with copies of its parameters.

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        UnsupportedError
            If it holds a module that has no counterpart in clearprop.
        """
        from clearprop.nn.torch_bridge import from_modules

        layers, dtype = from_modules(module)
        return cls(*layers, seed=None, dtype=dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles of the arrays would no longer be views into one vector, so a net is put together again.
        return _rebuild, (self.layers, self.dtype)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Layer:
        return self.layers[index]

    def __repr__(self) -> str:
        return f"Net({', '.join(map(repr, self.layers))}, dtype={self.dtype.name!r})"

    @checked
    def summary(self, batch_size: int = 1) -> str:
        """A table of layers, shapes, parameters and bytes, as text; print it.

        Parameters
        ----------
        batch_size : int
            For the bytes that a training step saves for its derivatives.
        """
        from clearprop.nn.layer_table import LayerTable

        return LayerTable(self.layers, self.n_in, self.dtype, batch_size).text()

    def diagram(self) -> list[UnitColumn]:
        """Every quantity with its name and size, from the input to the output, as `plot` draws them."""
        from clearprop.nn.diagram import columns_of

        return columns_of(self.layers, self.n_in)

    @checked
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the net with the names of all quantities; the same as `cp.plots.network(net)`."""
        from clearprop.plots.network import network

        return network(self, ax)

    def _repr_html_(self) -> str:
        from clearprop.nn.layer_table import LayerTable

        return LayerTable(self.layers, self.n_in, self.dtype).html()


def check_lengths(config: dict[str, Any]) -> None:
    """Refuse a header that lists more layers than any net has, before it is looked at further."""
    for name in ("layers", "order"):
        listed = config.get(name)
        if isinstance(listed, list) and len(listed) > MOST_LAYERS:
            raise ModelFileError(f"its header claims {len(listed):,} {name}.")


def check_claims(config: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Refuse a header whose layers claim more than the arrays beside it hold, before any layer is built.

    Raises
    ------
    ModelFileError
        If it does.
    """
    held = arrays["theta"].size if "theta" in arrays else 0
    claimed = sum(claimed_parameters(layer) for layer in config["layers"])
    if claimed > max(held, FEW):
        raise ModelFileError(f"its layers claim {claimed:,} parameters or more, but theta holds {held:,}.")
    if not all(0 <= place < len(config["layers"]) for place in config["order"]):
        raise ModelFileError(f"its order names a layer that is not among its {len(config['layers'])}.")


def claimed_parameters(layer: Any) -> int:
    """Parameters, or a part of them, that the configuration of a layer claims; 0 for a layer of somebody's own."""
    if not isinstance(layer, dict) or str(layer.get("type")) not in SIZES:
        return 0
    if layer["type"] == "Residual":
        parts = layer.get("layers")
        return sum(claimed_parameters(part) for part in parts) if isinstance(parts, list) else 0
    found = [layer[name] for name in SIZES[layer["type"]] if isinstance(layer.get(name), int)]
    rows = layer.get("sizes")
    if isinstance(rows, list):
        found.append(sum(size for size in rows if isinstance(size, int) and size > 0))
    return prod(max(size, 0) for size in found)


def _check_layers(layers: tuple[Layer, ...]) -> None:
    """Raise an `OptionError` unless a net can be made of these."""
    if not layers:
        raise OptionError("A Net needs at least one layer, such as Net(Linear(2, 1)).")
    for layer in layers:
        if isinstance(layer, (list, tuple)):
            raise OptionError(f"A Net takes its layers one by one, not {describe(layer)}; write Net(*layers).")
        if not isinstance(layer, Layer):
            raise OptionError(f"A Net is made of layers, not of {describe(layer)}; activations are objects, as in Tanh().")
        if layer.in_net:
            raise OptionError(f"{layer!r} already belongs to another Net, whose theta it is a view of; use layer.copy().")


def _widths(layers: tuple[Layer, ...]) -> tuple[int | None, int | None]:
    """Numbers of inputs and outputs of a row of layers; raises a `ShapeError` where two neighbours do not fit."""
    n_in: int | None = None
    width: int | None = None
    for layer in layers:
        if width is None and n_in is None:
            n_in = layer.n_in
        width = layer.width(width)
    return n_in, width


def _rebuild(layers: tuple[Layer, ...], dtype: np.dtype[Any]) -> Net:
    return Net(*layers, seed=None, dtype=dtype)
