"""Quantities: what is measured, of the data, of the net and its settings, and of the net at each moment of training.

A new quantity is a class in one of these files, and an entry in `QUANTITIES`.
"""

from clearprop.doctor.quantities.data_quantities import Association, Batches, Inputs, Splits, Targets
from clearprop.doctor.quantities.moment_quantities import Activations, Gradients, Movement, Outputs, Scores
from clearprop.doctor.quantities.quantity import Moment, OfCase, OfMoment, OfSample, Quantity
from clearprop.doctor.quantities.setup_quantities import Baseline, Repeatability, SettingsOfRun, Structure

QUANTITIES: tuple[Quantity, ...] = (
    Inputs(), Targets(), Splits(), Batches(), Association(),
    SettingsOfRun(), Structure(), Baseline(), Repeatability(),
    Scores(), Activations(), Gradients(), Outputs(), Movement(),
)  # fmt: skip

__all__ = ["QUANTITIES", "Moment", "OfCase", "OfMoment", "OfSample", "Quantity"]
