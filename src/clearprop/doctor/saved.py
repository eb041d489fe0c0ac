"""Saved runs: the problem that a folder written by `clearprop train` describes."""

from __future__ import annotations

from clearprop.doctor.diagnosis import as_problem
from clearprop.doctor.problem import Problem
from clearprop.training.setup import Setup


def problem_of(setup: Setup) -> Problem:
    """The problem of a setup whose net has not been trained yet."""
    settings = setup.settings
    problem = as_problem(
        setup.net, setup.data, None, loss=setup.loss, optimizer=setup.optimizer, batch_size=settings.fit.batch_size,
        epochs=settings.fit.epochs, seed=settings.seed, order=settings.fit.order, remainder=settings.fit.remainder,
        metric="accuracy" if setup.data.task == "classification" else "r2",
    )  # fmt: skip
    return problem.but(patience=settings.patience)
