"""The blueprint: all of a model that is written in another language, and the page on which its layers are laid out.

A format (`numpy_source`, `c_source`, ...) has one short function for each layer that it knows, in a table by class. It is given
a `LayerStep` (the layer, the names of its input and output, their widths) and returns a line of source.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.encoder import Encoder
from clearprop.data.scaling import Scaling
from clearprop.errors import OptionError, UnsupportedError
from clearprop.export.spelling import comment
from clearprop.nn import (
    BatchNorm,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    Conv2d,
    CrossEntropy,
    Dropout,
    Embedding,
    Flatten,
    Focal,
    Identity,
    Layer,
    LayerNorm,
    Linear,
    Loss,
    NegativeLogLikelihood,
    Net,
    Residual,
    Unflatten,
)

HEADS: dict[type[Loss], str] = {
    CrossEntropy: "softmax",  # of the scores
    Focal: "softmax",
    NegativeLogLikelihood: "as they are",
    BinaryCrossEntropy: "two columns",  # 1 - p and p
    BinaryCrossEntropyWithLogits: "two columns of a sigmoid",
}
"""From the outputs of a net to the probabilities of the classes, by the loss that it was trained with."""
ALIKE: tuple[type[Layer], ...] = (Dropout, Identity)
"""Layers that change nothing after training."""
FLAT: tuple[type[Layer], ...] = (*ALIKE, Unflatten, Flatten)
"""Layers that change nothing where an image is one row of numbers too."""
BEARING: tuple[type[Layer], ...] = (Linear, Conv2d, Embedding)
"""Layers whose weights are numbered."""
LETTERS: dict[type[Layer], str] = {Linear: "z", Conv2d: "z", Embedding: "e", BatchNorm: "n", LayerNorm: "n", Residual: "r"}
"""Letter for the output of a layer; "a" for all others."""


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A model, as far as other languages need it.

    Attributes
    ----------
    net : Net
    title : str
        Name of the data.
    task : str
    labels : tuple
        The label of each class; empty for regression.
    targets : tuple of str
    head : str
        The way from outputs to probabilities, one of `HEADS`; "values" for regression.
    encoder : Encoder or None
        None if the inputs are taken as they are.
    features : tuple of str
        Name of each input of the net.
    predict : callable
        Probabilities (N, C), or values (N, n_y) in the units of the targets, for encoded inputs.
    """

    net: Net
    title: str
    task: str
    labels: tuple[Any, ...]
    targets: tuple[str, ...]
    head: str
    encoder: Encoder | None
    features: tuple[str, ...]
    predict: Callable[[Array], Array]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the table; none if the model takes an array."""
        return () if self.encoder is None else self.encoder.columns

    @property
    def scaling(self) -> Scaling:
        """Scaling of an array's columns."""
        inputs = None if self.encoder is None else self.encoder.inputs
        return inputs if isinstance(inputs, Scaling) else Scaling()

    @property
    def target_scaling(self) -> Scaling:
        """Scaling of the targets of a regression."""
        return Scaling() if self.encoder is None else self.encoder.target_scaling

    @property
    def raw_names(self) -> list[str]:
        """Names of the raw values of an example."""
        return [column.name for column in self.columns] or list(self.features)

    @property
    def kinds(self) -> set[str]:
        """Kinds of columns that there are."""
        return {column.kind for column in self.columns}

    @property
    def categories(self) -> list[str]:
        """The categories of all columns."""
        return [category for column in self.columns for category in column.categories]

    def in_words(self) -> str:
        """The layers on one line.

        Examples
        --------
        "7 inputs -> Linear 32 -> ReLU -> Linear 3"
        """
        parts, width = [f"{self.net.n_in} inputs"], self.net.n_in
        for layer in self.net.layers:
            before, width = width, layer.width(width)
            name = type(layer).__name__
            parts += (
                []
                if type(layer) in ALIKE
                else [f"{name} {width}" if width is not None and (width != before or layer.names) else name]
            )
        return " -> ".join(parts)

    def target_words(self) -> str:
        """The targets, in a sentence that is safe in a comment."""
        names = comment(", ".join(self.targets) or "a class")
        if self.task == "classification":
            return f"Predicts {names}: one of {len(self.labels)} classes, and the probability of each."
        return f"Predicts the values of {names}."

    @property
    def target_headings(self) -> list[str]:
        """Heading of each column of predicted values, as `clearprop predict` writes them."""
        return [f"predicted_{name}" for name in self.targets] if len(self.targets) > 1 else ["predicted"]


def head_of(loss: Loss, task: str, n_out: int | None) -> str:
    """The way from the outputs of a net to probabilities, or "values" for regression.

    Raises
    ------
    UnsupportedError
        If the loss says nothing about classes, or is not known.
    """
    if task != "classification":
        return "values"
    head = HEADS.get(type(loss))
    if head is None or (head.startswith("two") and n_out != 1):
        raise UnsupportedError(
            f"{loss!r} with {n_out} outputs gives no class probabilities that can be exported; known are"
            f" {', '.join(kind.__name__ for kind in HEADS)} (the binary ones with one output)."
        )
    return head


@dataclass(frozen=True, eq=False)
class LayerStep:
    """One layer on a page.

    Attributes
    ----------
    page : Page
    layer : Layer
    x, y : str
        Names of its input and its output.
    shape_x, shape_y : tuple of int
        Their shapes, for one example: (n,), or (C, H, W) for an image.
    k : int
        Number of the layer with parameters that it belongs to, from 1.
    """

    page: Page
    layer: Any
    x: str
    y: str
    shape_x: tuple[int, ...]
    shape_y: tuple[int, ...]
    k: int

    @property
    def n_x(self) -> int:
        """Count of the numbers in the input of one example."""
        return prod(self.shape_x)

    @property
    def n_y(self) -> int:
        """Count of the numbers in the output of one example."""
        return prod(self.shape_y)

    def array(self, letter: str, values: Array) -> str:
        """Name of an array of the layer, such as W1, which the page then holds; an array that two layers share has one name."""
        return self.page.hold(f"{letter}{self.k}", values)


Writer = Callable[[LayerStep], str]


@dataclass(eq=False)
class Page:
    """Arrays and lines of a net in one language.

    Attributes
    ----------
    language : str
        For messages.
    writers : dict of class to function
        The function that writes each kind of layer.
    alike : tuple of classes
        Layers that need no line.
    arrays : dict of str to array
        Parameters, by name.
    variables : list of str
        Names of the values on the way.
    helpers : list of str
        Names of the functions that the lines call, each once, in the order of their first call.
    k : int
        Number of layers with parameters so far.
    """

    language: str
    writers: Mapping[type[Layer], Writer]
    alike: tuple[type[Layer], ...] = ALIKE
    arrays: dict[str, Array] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)
    k: int = 0

    def hold(self, name: str, values: Array) -> str:
        """Keep an array under `name`, or the name under which it is kept already."""
        for known, array in self.arrays.items():
            if array is values:
                return known
        name = self._free(name, self.arrays)
        self.arrays[name] = values
        return name

    def call(self, helper: str) -> str:
        """Note that a line calls a function; its name."""
        if helper not in self.helpers:
            self.helpers.append(helper)
        return helper

    def lines(self, layers: Sequence[Layer], shape: tuple[int, ...], x: str = "x", y: str = "y_hat") -> list[str]:
        """Lines for each layer, from the variable `x` of this shape (for one example) to `y`, a name that is free or kept.

        Raises
        ------
        UnsupportedError
            If there is no writer for a layer.
        """
        last, found = max((i for i, layer in enumerate(layers) if type(layer) not in self.alike), default=-1), []
        for i, layer in enumerate(layers):
            made = layer.forward(np.zeros((1, *shape), np.float32))[0].shape[1:]
            if type(layer) not in self.alike:
                writer = self._writer(layer)
                self.k += isinstance(layer, BEARING)
                k = max(self.k, 1)
                name = y if i == last else self.name(f"{LETTERS.get(type(layer), 'a')}{k}")
                found += writer(LayerStep(self, layer, x, name, shape, made, k)).split("\n")
                x = name
            shape = made
        return found

    def name(self, wanted: str) -> str:
        """A name for a variable that no other one bears."""
        self.variables.append(self._free(wanted, self.variables))
        return self.variables[-1]

    def _writer(self, layer: Layer) -> Writer:
        writer = self.writers.get(type(layer))
        if writer is None:
            raise UnsupportedError(
                f"{layer!r} cannot be written in {self.language} yet; known are"
                f" {', '.join(kind.__name__ for kind in (*self.writers, *self.alike))}."
            )
        return writer

    @staticmethod
    def _free(name: str, taken: Collection[str]) -> str:
        found, i = name, 1
        while found in taken:
            i += 1
            found = f"{name}_{i}"
        return found


def residual(step: LayerStep, total: str) -> str:
    """The lines of a residual block, with `total` for the sum of {x} and {f}, as {y}."""
    inner = step.page.name(f"f{step.k}")
    lines = step.page.lines(step.layer.layers, step.shape_x, step.x, inner)
    given = inner if lines else step.x
    return "\n".join([*lines, total.format(x=step.x, f=given, y=step.y, n=step.n_y)])


def require_whole(net: Net) -> None:
    """Raise an `OptionError` unless the net has a known number of inputs, and only finite parameters."""
    if net.n_in is None:
        raise OptionError(f"{net!r} does not say how many inputs it takes, so it cannot be exported; begin it with a Linear.")
    if not np.isfinite(net.theta).all():
        raise OptionError("The net has NaN or infinite values among its parameters; train it before it is exported.")
