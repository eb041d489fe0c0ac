"""Optimizers, and schedules for their learning rate."""

from importlib import import_module

from clearprop.optim.adagrad import AdaGrad
from clearprop.optim.adam import Adam
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.rmsprop import RMSProp
from clearprop.optim.schedules import (
    SCHEDULES,
    Constant,
    CoolDown,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
)
from clearprop.optim.sgd import SGD
from clearprop.registry import Registry

OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer", Optimizer, {"sgd": SGD, "adagrad": AdaGrad, "rmsprop": RMSProp, "adam": Adam}
)

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "AdaGrad",
    "Adam",
    "Constant",
    "CoolDown",
    "ExponentialDecay",
    "InverseTimeDecay",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "Schedule",
    "StepDecay",
    "WarmUp",
]

import_module("clearprop.engines")  # which takes down what these functions are, before anybody can replace one
