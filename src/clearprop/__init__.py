"""Neural networks you can see through.

Every derivative of a small neural network in the open, checked against the numbers, explained when it is wrong.

>>> import clearprop as cp
>>> data = cp.data.load("circles", seed=0)
>>> net = cp.Net(cp.Linear(2, 10), cp.Tanh(), cp.Linear(10, 2), seed=0)
>>> history = cp.fit(net, data, loss=cp.CrossEntropy(), optimizer=cp.SGD(lr=0.1), batch_size=10, epochs=5, seed=0)
>>> history[-1]["val_accuracy"] > 0.9
True

The names are imported when they are first used (PEP 562): `clearprop --help` passes through this file, and would otherwise wait
for NumPy, the doctor and the recipes, none of which it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what the table below says, for type checkers and editors
    from clearprop import data, descent, ladder, metrics, nn, optim, plots, recipes, sweeps
    from clearprop.doctor import Doctor, diagnose, diagnose_curves, diagnose_torch
    from clearprop.engines import ENGINES, Engine
    from clearprop.errors import ClearpropError
    from clearprop.estimator import NetClassifier, NetRegressor
    from clearprop.export import Model
    from clearprop.gradcheck import (
        GradientReport,
        assert_gradients,
        check,
        check_function,
        check_gradient,
        check_layer,
        check_program,
        check_step,
    )
    from clearprop.laboratory import lab
    from clearprop.nn import (
        ELU,
        GELU,
        SELU,
        Activation,
        BatchNorm,
        BinaryCrossEntropy,
        BinaryCrossEntropyWithLogits,
        Conv2d,
        CrossEntropy,
        Dropout,
        Embedding,
        Flatten,
        Focal,
        GELUTanh,
        He,
        Huber,
        Identity,
        Layer,
        LayerNorm,
        LeakyReLU,
        LeCun,
        Linear,
        Loss,
        MaxPool2d,
        MeanAbsoluteError,
        MeanSquaredError,
        NegativeLogLikelihood,
        Net,
        Normal,
        Quantile,
        ReLU,
        Residual,
        Sigmoid,
        SiLU,
        Softmax,
        Softplus,
        Tanh,
        Unflatten,
        Uniform,
        Xavier,
        Zeros,
        mlp,
    )
    from clearprop.optim import (
        SGD,
        Accumulated,
        AdaGrad,
        Adam,
        AdamW,
        Constant,
        CoolDown,
        Cosine,
        ExponentialDecay,
        InverseTimeDecay,
        Lion,
        Nadam,
        OneCycle,
        RMSProp,
        StepDecay,
        WarmUp,
    )
    from clearprop.training import (
        Callback,
        Checkpoint,
        CSVLogger,
        EarlyStopping,
        History,
        JSONLinesLogger,
        LivePlot,
        MLflowLogger,
        TensorBoardLogger,
        WeightAverage,
        evaluate,
        fit,
        fit_many,
        lr_find,
    )
    from clearprop.walkthrough import explain

__version__ = "0.1.0.dev0"

__all__ = [
    "ELU",
    "ENGINES",
    "GELU",
    "SELU",
    "SGD",
    "Accumulated",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "ClearpropError",
    "Constant",
    "Conv2d",
    "CoolDown",
    "Cosine",
    "CrossEntropy",
    "Doctor",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Engine",
    "ExponentialDecay",
    "Flatten",
    "Focal",
    "GELUTanh",
    "GradientReport",
    "He",
    "History",
    "Huber",
    "Identity",
    "InverseTimeDecay",
    "JSONLinesLogger",
    "Layer",
    "LayerNorm",
    "LeCun",
    "LeakyReLU",
    "Linear",
    "Lion",
    "LivePlot",
    "Loss",
    "MLflowLogger",
    "MaxPool2d",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Model",
    "Nadam",
    "NegativeLogLikelihood",
    "Net",
    "NetClassifier",
    "NetRegressor",
    "Normal",
    "OneCycle",
    "Quantile",
    "RMSProp",
    "ReLU",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "StepDecay",
    "Tanh",
    "TensorBoardLogger",
    "Unflatten",
    "Uniform",
    "WarmUp",
    "WeightAverage",
    "Xavier",
    "Zeros",
    "assert_gradients",
    "check",
    "check_function",
    "check_gradient",
    "check_layer",
    "check_program",
    "check_step",
    "data",
    "descent",
    "diagnose",
    "diagnose_curves",
    "diagnose_torch",
    "evaluate",
    "explain",
    "fit",
    "fit_many",
    "lab",
    "ladder",
    "lr_find",
    "metrics",
    "mlp",
    "nn",
    "optim",
    "plots",
    "recipes",
    "sweeps",
]

SUBPACKAGES = (
    "arguments arrays data descent doctor engines errors estimator export files gradcheck headroom ladder laboratory metrics nn"
    " optim ownership plots recipes registry report rules studies sweeps training walkthrough"
)
"""Modules that are reachable as attributes, those of `__all__` and others."""
HOMES = {
    "clearprop.laboratory": "lab",
    "clearprop.doctor": "Doctor diagnose diagnose_curves diagnose_torch",
    "clearprop.engines": "ENGINES Engine",
    "clearprop.errors": "ClearpropError",
    "clearprop.estimator": "NetClassifier NetRegressor",
    "clearprop.export": "Model",
    "clearprop.gradcheck": (
        "GradientReport assert_gradients check check_function check_gradient check_layer check_program check_step"
    ),
    "clearprop.nn": (
        "Activation BatchNorm BinaryCrossEntropy BinaryCrossEntropyWithLogits Conv2d CrossEntropy Dropout ELU Embedding"
        " Flatten Focal GELU GELUTanh He Huber Identity Layer LayerNorm LeakyReLU LeCun Linear Loss MaxPool2d"
        " MeanAbsoluteError MeanSquaredError NegativeLogLikelihood Net Normal Quantile ReLU Residual SELU Sigmoid SiLU"
        " Softmax Softplus Tanh Unflatten Uniform Xavier Zeros mlp"
    ),
    "clearprop.optim": (
        "Accumulated AdaGrad Adam AdamW Constant CoolDown Cosine ExponentialDecay InverseTimeDecay Lion Nadam OneCycle"
        " RMSProp SGD StepDecay WarmUp"
    ),
    "clearprop.training": (
        "CSVLogger Callback Checkpoint EarlyStopping History JSONLinesLogger LivePlot MLflowLogger TensorBoardLogger"
        " WeightAverage evaluate fit fit_many lr_find"
    ),
    "clearprop.walkthrough": "explain",
}
"""Module -> public names that it defines."""
_PLACES = {name: f"clearprop.{name}" for name in SUBPACKAGES.split()}
_PLACES |= {name: home for home, names in HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name, and keep it."""
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(place)
    found = globals()[name] = module if place == f"{__name__}.{name}" else getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
