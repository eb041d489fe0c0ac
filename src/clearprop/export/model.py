"""The model: a trained net, together with everything that turns raw data into its inputs and its outputs into answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset
from clearprop.data.encoder import Encoder
from clearprop.errors import ClearpropError, ModelFileError, OptionError
from clearprop.files import load_arrays, save_arrays
from clearprop.nn import LAYERS, LOSSES, Layer, Loss, Net
from clearprop.training.snapshot import net_arrays, restore_net

CHUNK = 4096  # examples that are predicted at a time, to bound the memory


@dataclass(frozen=True, eq=False)
class Model:
    """A net, and what its inputs and outputs mean.

    Attributes
    ----------
    net : Net
    loss : Loss
        With which the net was trained; it knows whether an output is a score or a probability.
    name, task, classes, features, targets, encoder, image_shape
        Those of the data set on which it was trained; see `clearprop.data.Dataset`.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> model = Model.of(cp.mlp([2, 10, 2]), cp.CrossEntropy(), data)
    >>> model.probabilities(data.test.X[:3]).shape
    (3, 2)
    """

    net: Net
    loss: Loss
    name: str = ""
    task: str = "classification"
    classes: Sequence[Any] = ()
    features: Sequence[str] = ()
    targets: Sequence[str] = ()
    encoder: Encoder | None = None
    image_shape: tuple[int, int] | None = None

    @classmethod
    def of(cls, net: Net, loss: Loss, data: Dataset) -> Model:
        """The model that a net became by training on `data`."""
        return cls(net, loss, data.name, data.task, data.classes, data.features, data.targets, data.encoder, data.image_shape)

    def outputs(self, X: Array) -> Array:
        """The net's outputs (N, n_y), computed in pieces."""
        return np.concatenate([self.net(X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)])

    def probabilities(self, X: Array) -> Array:
        """Probability of each class, (N, n_classes), for encoded inputs X (N, n_x).

        Raises
        ------
        OptionError
            If the model was trained with a loss that is not about classes.
        """
        found = self.loss.probabilities(self.outputs(X)) if self.task == "classification" else None
        if found is None:
            raise OptionError(f"A model trained with {self.loss!r} for {self.task} has no class probabilities.")
        return found

    def predict(self, X: Array) -> Array:
        """Integer classes (N,), or real values (N, n_y) in the units of the raw targets, for encoded inputs X (N, n_x)."""
        if self.task == "classification":
            return self.probabilities(X).argmax(axis=1)
        y_hat = self.outputs(X)
        return y_hat if self.encoder is None else self.encoder.decode_target(y_hat)

    def save(self, path: str | Path) -> None:
        """Write a safetensors file: theta (and running means) as arrays, everything else as JSON in its header."""
        unique = self.net.unique_layers()
        header = {
            "layers": [layer.config() for layer in unique],
            "order": [next(i for i, u in enumerate(unique) if u is layer) for layer in self.net.layers],
            "dtype": self.net.dtype.name,
            "loss": self.loss.config(),
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "features": list(self.features),
            "targets": list(self.targets),
            "encoder": None if self.encoder is None else self.encoder.to_json(),
            "image_shape": self.image_shape,
        }
        save_arrays(path, net_arrays(self.net), "model", header)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read what `save` wrote.

        Raises
        ------
        ModelFileError
            If the file is truncated or no model, has an unknown layer, or arrays whose shapes do not fit its layers.
        """
        arrays, header = load_arrays(path, "model")
        try:
            unique: list[Layer] = [LAYERS.make(config) for config in header["layers"]]
            net = Net(*[unique[i] for i in header["order"]], seed=None, dtype=header["dtype"])
            loss = LOSSES.make(header["loss"])
            encoder = None if header["encoder"] is None else Encoder.from_json(header["encoder"])
            shape = header["image_shape"] and tuple(header["image_shape"])
            rest = {name: header[name] for name in ("name", "task", "classes", "features", "targets")}
        except (ClearpropError, KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelFileError(f"The model in {str(path)!r} cannot be built: {_sentence(error)}") from error
        expected = {name: array.shape for name, array in net_arrays(net).items()}
        found = {name: array.shape for name, array in arrays.items()}
        if expected != found:
            raise ModelFileError(
                f"The arrays in {str(path)!r} do not fit its layers {net.layers}: expected {expected}, found {found}."
            )
        restore_net(net, arrays)
        return cls(net, loss, encoder=encoder, image_shape=shape, **rest)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, ClearpropError) else f"its header lacks or misstates {error}."
