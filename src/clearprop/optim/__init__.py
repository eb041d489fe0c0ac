"""Optimizers, and schedules for their learning rate."""

from importlib import import_module

from clearprop.optim.accumulation import Accumulated
from clearprop.optim.adagrad import AdaGrad
from clearprop.optim.adam import Adam, AdamW, Nadam
from clearprop.optim.lion import Lion
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.rmsprop import RMSProp
from clearprop.optim.schedules import (
    SCHEDULES,
    Constant,
    CoolDown,
    Cosine,
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
    "optimizer",
    Optimizer,
    {
        "sgd": SGD,
        "adagrad": AdaGrad,
        "rmsprop": RMSProp,
        "adam": Adam,
        "adamw": AdamW,
        "nadam": Nadam,
        "lion": Lion,
    },
)
"""By name, as they are chosen for a run; `Accumulated` is made of one of them."""

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Accumulated",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Constant",
    "CoolDown",
    "Cosine",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Lion",
    "Nadam",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "Schedule",
    "StepDecay",
    "WarmUp",
]

import_module("clearprop.engines")  # which takes down what these functions are, before anybody can replace one
