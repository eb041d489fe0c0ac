"""Saved runs: the problem that a folder written by `clearprop train` describes."""

from __future__ import annotations

from clearprop.doctor.diagnosis import as_problem
from clearprop.doctor.problem import Problem
from clearprop.training.settings import Plan, Settings


def planned_problem(plan: Plan, settings: Settings) -> Problem:
    """The problem of a plan whose net has not been trained yet."""
    problem = as_problem(
        plan.net, plan.data, None, loss=plan.loss, optimizer=plan.optimizer, batch_size=settings.batch,
        epochs=settings.epochs, seed=settings.seed, order=settings.order, remainder=settings.remainder,
        metric="accuracy" if plan.data.task == "classification" else "r2",
    )  # fmt: skip
    return problem.but(patience=settings.patience)
