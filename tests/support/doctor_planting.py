"""Planting: for every finding of the doctor, random cases that have its fault and no other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clearprop.doctor.case import Case
from support import doctor_data_faults as data
from support import doctor_net_faults as net
from support import doctor_run_faults as run

PLANTERS: dict[str, Callable[[np.random.Generator], Case]] = {
    planter.__name__.replace("_", "-"): planter
    for planter in (
        data.inputs_nan, data.inputs_constant, data.inputs_unscaled, data.label_encoding, data.features_shuffled,
        data.split_overlap, data.scaler_leak, data.sorted_rows, data.imbalance,
        net.broadcast_outputs, net.one_unit_softmax, net.double_softmax, net.output_mismatch, net.wrong_metric,
        net.no_nonlinearity, net.frozen_parameter, net.dropout_at_evaluation, net.constant_predictor,
        net.constant_initialisation, net.initial_scale, net.initial_loss,
        run.saturated_units, run.exploding_gradients, run.vanishing_gradients, run.dead_relus, run.summed_gradient,
        run.nonfinite_loss, run.diverging, run.oscillating, run.rate_too_low, run.too_few_epochs,
        run.strong_regularisation, run.underfitting, run.overfitting,
    )
}  # fmt: skip


def plant(slug: str, rng: np.random.Generator) -> Case:
    """A case, drawn at random, that has the fault of this finding and no other."""
    return PLANTERS[slug](rng)
