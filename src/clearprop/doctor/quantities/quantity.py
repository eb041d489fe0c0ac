"""The quantity: something that is measured, of a case before training or of the net at one moment of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.nn import Layer, Net
from clearprop.training.history import Row


@dataclass(frozen=True, eq=False)
class Moment:
    """The net at one moment of training, seen through a fixed sample of the training examples.

    Attributes
    ----------
    case : Case
    net : Net
    epoch, step : int
        Counted from 1; both 0 before the first step.
    end : bool
        Whether it is the end of an epoch (or the beginning of training).
    inputs, outputs : list of array
        Input and output of each layer, for the sample.
    gradients : list of dict
        For each layer, copies of the gradients of its parameters, under their names.
    deltas : list of array or None
        dL / d output of each layer, if it was computed.
    theta_before : array (P,) or None
        The parameters one epoch earlier.
    sample, held_out : Split
        Samples of the training and validation examples; `held_out` may be None.
    """

    case: Case
    net: Net
    epoch: int
    step: int
    end: bool
    inputs: list[Array]
    outputs: list[Array]
    gradients: list[dict[str, Array]]
    deltas: list[Array]
    theta_before: Array | None
    sample: Split
    held_out: Split | None

    @property
    def stamp(self) -> Row:
        """The moment as the first entries of a row."""
        return {"epoch": self.epoch, "step": self.step, "end": self.end}

    def layers(self) -> list[tuple[int, Layer, Array, Array]]:
        """Number (from 1), layer, input and output of each."""
        return [
            (i, layer, x, a) for i, (layer, x, a) in enumerate(zip(self.net.layers, self.inputs, self.outputs, strict=True), 1)
        ]


class Quantity(ABC):
    """Something that is measured.

    Attributes
    ----------
    name : str
        Name of its rows in the chart.
    full : bool
        Whether it is measured at the full level only.
    """

    name: str
    full = False


class OfCase(Quantity):
    """Measured once, before training."""

    @abstractmethod
    def measure(self, case: Case) -> list[Row]:
        """JSON-able rows."""


class OfSample(Quantity):
    """Measured once, before training, on the sample that scores are taken from."""

    @abstractmethod
    def measure(self, case: Case, sample: Split) -> list[Row]:
        """JSON-able rows."""


class OfMoment(Quantity):
    """Measured at the start and after every epoch.

    Attributes
    ----------
    dense : bool
        Whether it is also measured after each of the first steps, where most runs are decided.
    """

    dense = False

    @abstractmethod
    def measure(self, moment: Moment) -> list[Row]:
        """JSON-able rows, each with the moment's stamp."""
