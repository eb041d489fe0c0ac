"""The model: a trained net, together with everything that turns raw data into its inputs and its outputs into answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from clearprop.arguments import checked, shaped
from clearprop.arrays import Array, brief
from clearprop.data.dataset import Dataset
from clearprop.data.encoder import Encoder
from clearprop.data.raw import Label, Task
from clearprop.errors import DataError, ModelFileError, OptionError
from clearprop.export.blueprint import Blueprint, head_of
from clearprop.export.exporting import EXAMPLES, Exported, export_blueprint
from clearprop.files import building_from, load_arrays, model_file, save_arrays
from clearprop.nn import LOSSES, BinaryCrossEntropy, BinaryCrossEntropyWithLogits, Loss, Net


class ModelHeader(TypedDict):
    """Schema of what the header of a model's file holds beside the net."""

    loss: dict[str, Any]
    name: str
    task: Task
    classes: list[Label]
    features: list[str]
    targets: list[str]
    encoder: dict[str, Any] | None
    image_shape: list[int] | None


@checked
@dataclass(frozen=True, eq=False)
class Model:
    """A net, and the meaning of its inputs and outputs.

    Attributes
    ----------
    net : Net
    loss : Loss
        The loss that the net was trained with; it knows whether an output is a score or a probability.
    name, task, classes, features, targets, encoder, image_shape
        Those of the data set that the net was trained on; see `clearprop.data.Dataset`.

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
    @checked
    def of(cls, net: Net, loss: Loss, data: Dataset) -> Model:
        """The model of a net that was trained with `loss` on `data`."""
        return cls(net, loss, data.name, data.task, data.classes, data.features, data.targets, data.encoder, data.image_shape)

    @checked
    def outputs(self, X: Array) -> Array:
        """Outputs of the net (N, n_y), computed in pieces to bound the memory."""
        return self.net.outputs(X)

    @checked
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

    @checked
    def predict(self, X: Array) -> Array:
        """Integer classes (N,), or real values (N, n_y) in the units of the raw targets, for encoded inputs X (N, n_x)."""
        if self.task == "classification":
            return self.probabilities(X).argmax(axis=1)
        y_hat = self.outputs(X)
        return y_hat if self.encoder is None else self.encoder.decode_target(y_hat)

    @checked
    def export(self, path: str | Path, to: str, examples: str | Path | None = None) -> Exported:
        """Write the model for somewhere else: raw values in, labels and probabilities (or values) out.

        The files are run, where what that needs is installed, and compared with `predict` on raw examples.

        Parameters
        ----------
        path : str or Path
            The file; .onnx, .py, .c, .mjs or .js. C has a header beside it, torch a .safetensors file with the parameters.
        to : {"onnx", "numpy", "c", "js", "torch"}
        examples : str or Path, optional
            A CSV file of raw rows, or the folder of a run that has kept some, to try what was written on; made-up rows are
            tried in any case.

        Returns
        -------
        Exported
            The files, the number of examples, and the largest difference.

        Raises
        ------
        DataError
            If the examples are a file that is not there, or no CSV file.
        OptionError
            If the path has an ending that does not suit the format, or the parameters are not finite.
        UnsupportedError
            If the format has no words for a layer or for the loss yet, or the answers differ.
        MissingExtraError
            If a package is needed that is not installed.

        Examples
        --------
        >>> import tempfile
        >>> import clearprop as cp
        >>> data = cp.data.load("circles", seed=0)
        >>> model = Model.of(cp.mlp([2, 10, 2], hidden="tanh"), cp.CrossEntropy(), data)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     exported = model.export(f"{folder}/circles.py", to="numpy")
        >>> exported.examples, exported.difference < 1e-6
        (12, True)
        """
        rows = None if examples is None else Path(examples)
        if rows is not None and rows.is_dir():
            rows = rows / EXAMPLES
        elif rows is not None and not rows.is_file():
            raise DataError(f"There is no file {brief(str(rows))} with examples; leave them out, or name a CSV file.")
        return export_blueprint(self._blueprint(), Path(path), to, rows)

    def _blueprint(self) -> Blueprint:
        net, classification = self.net, self.task == "classification"
        head = head_of(self.loss, self.task, net.n_out)
        n_classes = 2 if head.startswith("two") else net.n_out or 0
        return Blueprint(
            net, self.name, self.task, tuple(self.classes or range(n_classes)) if classification else (), tuple(self.targets),
            head, self.encoder, tuple(self.features or [f"x{i + 1}" for i in range(net.n_in or 0)]),
            self.probabilities if classification else self.predict,
        )  # fmt: skip

    @checked
    def save(self, path: str | Path) -> None:
        """Write a safetensors file: theta (and running means) as arrays, everything else as JSON in its header."""
        header = self.net.config() | {
            "loss": self.loss.config(),
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "features": list(self.features),
            "targets": list(self.targets),
            "encoder": None if self.encoder is None else self.encoder.to_json(),
            "image_shape": self.image_shape,
        }
        save_arrays(path, self.net.arrays(), "model", header)

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Model:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file, or the folder of a run, as `clearprop train --out` writes it.

        Raises
        ------
        ModelFileError
            If the file is truncated or no model, has an unknown layer, or arrays whose shapes do not fit its layers. A layer
            or loss of your own must be registered first: `cp.nn.LAYERS.register(Square)`.
        """
        path = model_file(path)
        arrays, header = load_arrays(path, "model")
        net = Net.from_config(header, arrays, path)
        with building_from(path):
            shaped(ModelHeader, header, "the header")
            loss = LOSSES.make(header["loss"])
            encoder = None if header["encoder"] is None else Encoder.from_json(header["encoder"])
            shape = header["image_shape"] and (header["image_shape"][0], header["image_shape"][1])
            rest = {name: header[name] for name in ("name", "task", "classes", "features", "targets")}
            model = cls(net, loss, encoder=encoder, image_shape=shape, **rest)
            check_parts(model)
        return model


def check_parts(model: Model) -> None:
    """Raise a `ModelFileError` where the parts of a model that was read do not fit together.

    A net with NaN among its parameters would answer everything with class 0.
    """
    net, n_classes = model.net, len(model.classes)
    if not np.isfinite(net.theta).all():
        raise ModelFileError("its parameters hold NaN or infinite values.")
    one = isinstance(model.loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)) and net.n_out == 1
    if model.task == "classification" and n_classes and net.n_out not in (None, n_classes) and not (one and n_classes == 2):
        raise ModelFileError(f"its net has {net.n_out} outputs for {n_classes} classes.")
    if model.encoder is None:
        return
    model.encoder.check()
    if net.n_in not in (None, len(model.encoder.features)):
        raise ModelFileError(f"its net has {net.n_in} inputs for {len(model.encoder.features)} features.")
    if len(model.encoder.classes) != n_classes or (model.task == "regression" and net.n_out != len(model.encoder.targets)):
        raise ModelFileError("its encoder has other classes or targets than the model.")
