"""The blueprint: all of a model that is written in another language, and the page on which its layers are laid out.

A format (`numpy_source`, `c_source`, ...) has one short function for each layer that it knows, in a table by class. It is given
a `LayerStep` (the layer, the names of its input and output, their widths) and returns a line of source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    CrossEntropy,
    Dropout,
    Layer,
    Linear,
    Loss,
    NegativeLogLikelihood,
    Net,
)

HEADS: dict[type[Loss], str] = {
    CrossEntropy: "softmax",  # of the scores
    NegativeLogLikelihood: "as they are",
    BinaryCrossEntropy: "two columns",  # 1 - p and p
    BinaryCrossEntropyWithLogits: "two columns of a sigmoid",
}
"""From the outputs of a net to the probabilities of the classes, by the loss that it was trained with."""
ALIKE: tuple[type[Layer], ...] = (Dropout,)
"""Layers that change nothing after training."""
LETTERS: dict[type[Layer], str] = {Linear: "z", BatchNorm: "n"}
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
            parts += [] if type(layer) in ALIKE else [f"{name} {width}" if width != before or layer.names else name]
        return " -> ".join(parts)

    def target_words(self) -> str:
        """The target, in a sentence that is safe in a comment."""
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
    n_x, n_y : int
        Their widths.
    k : int
        Number of the Linear that it belongs to, from 1.
    """

    page: Page
    layer: Any
    x: str
    y: str
    n_x: int
    n_y: int
    k: int

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
    arrays : dict of str to array
        Parameters, by name.
    variables : list of (str, int)
        Names of the values on the way, with their widths.
    helpers : list of str
        Names of the functions that the lines call, each once, in the order of their first call.
    """

    language: str
    writers: Mapping[type[Layer], Writer]
    arrays: dict[str, Array] = field(default_factory=dict)
    variables: list[tuple[str, int]] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

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

    def lines(self, layers: Sequence[Layer], n_in: int, x: str = "x", y: str = "y_hat") -> list[str]:
        """A line for each layer, from the variable `x` of width `n_in` to the variable `y`.

        Raises
        ------
        UnsupportedError
            If there is no writer for a layer.
        """
        steps = [layer for layer in layers if type(layer) not in ALIKE]
        found, k, last = [], 0, x
        for i, layer in enumerate(steps):
            writer = self.writers.get(type(layer))
            if writer is None:
                raise UnsupportedError(
                    f"{layer!r} cannot be written in {self.language} yet; known are"
                    f" {', '.join(kind.__name__ for kind in (*self.writers, *ALIKE))}."
                )
            k += isinstance(layer, Linear)
            width = layer.width(n_in) or n_in
            final = i == len(steps) - 1
            name = y if final else self._free(f"{LETTERS.get(type(layer), 'a')}{max(k, 1)}", dict(self.variables))
            self.variables.append((name, width))
            found.append(writer(LayerStep(self, layer, last, name, n_in, width, max(k, 1))))
            last, n_in = name, width
        return found or [""]

    @staticmethod
    def _free(name: str, taken: Mapping[str, Any]) -> str:
        found, i = name, 1
        while found in taken:
            i += 1
            found = f"{name}_{i}"
        return found


def require_whole(net: Net) -> None:
    """Raise an `OptionError` unless the net has a known number of inputs, and only finite parameters."""
    if net.n_in is None:
        raise OptionError(f"{net!r} does not say how many inputs it takes, so it cannot be exported; begin it with a Linear.")
    if not np.isfinite(net.theta).all():
        raise OptionError("The net has NaN or infinite values among its parameters; train it before it is exported.")
