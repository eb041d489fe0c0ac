"""The setup of a run: the net, loss and optimizer that the settings stand for, before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clearprop.data.dataset import Dataset
from clearprop.engines import ENGINES
from clearprop.errors import OptionError
from clearprop.nn import (
    LOSSES,
    NUMBER_LOSSES,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    Loss,
    NegativeLogLikelihood,
    Net,
    mlp,
)
from clearprop.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from clearprop.registry import unknown_name
from clearprop.training.early_stopping import EarlyStopping
from clearprop.training.settings import Settings


@dataclass(frozen=True, eq=False)
class Setup:
    """A run that is ready to start.

    Attributes
    ----------
    settings : Settings
    data : Dataset
        In the form that the loss takes.
    net : Net
        With its first parameters.
    loss : Loss
    optimizer : Optimizer
    early_stopping : EarlyStopping or None
    """

    settings: Settings
    data: Dataset
    net: Net
    loss: Loss
    optimizer: Optimizer
    early_stopping: EarlyStopping | None


def set_up(settings: Settings, data: Dataset) -> Setup:
    """Make the net, loss and optimizer, and bring the data into the form that the loss takes.

    Raises
    ------
    OptionError
        If a name or value is not known, or the loss does not suit the data.

    Examples
    --------
    >>> import clearprop as cp
    >>> from clearprop.training.settings import settings_for
    >>> data = cp.data.load("circles", seed=0)
    >>> set_up(settings_for(data), data).net
    Net(Linear(2, 10), Tanh(), Linear(10, 2), dtype='float32')
    """
    if settings.engine is not None:
        ENGINES.find(settings.engine)
    if settings.patience is not None and "val" not in data.splits:
        raise OptionError(f"patience={settings.patience} needs validation examples, but {data.name} has none.")
    loss = LOSSES.make(settings.loss)
    data = suited(data, loss)
    one = isinstance(loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits))
    activation = settings.activation
    net = mlp(
        [data.n_in, *settings.hidden, 1 if one else data.n_out],
        hidden=activation[0] if len(activation) == 1 else activation,
        output=output_activation(loss),
        init=settings.init,
        dropout=settings.dropout,
        seed=settings.seed,
        dtype=settings.dtype,
    )
    early = None if settings.patience is None else EarlyStopping(settings.patience)
    optimizer = make_optimizer(settings, settings.fit.epochs * settings.fit.steps(len(data.train)))
    return Setup(settings, data, net, loss, optimizer, early)


def make_schedule(settings: Settings, steps: int) -> Schedule:
    """The schedule laid out for a run of so many steps."""
    lr, kind = settings.lr, SCHEDULES.find(settings.schedule)
    laid_out: dict[str, dict[str, Any]] = {
        "Constant": {"lr": lr},
        "InverseTimeDecay": {"lr": lr, "decay": 9 / steps},  # down to a tenth
        "StepDecay": {"lr": lr, "every": max(steps // 4, 1), "factor": 0.5},
        "ExponentialDecay": {"lr": lr, "factor": 0.01 ** (1 / steps)},  # down to a hundredth
        "WarmUp": {"then": lr, "steps": max(steps // 10, 1)},
        "CoolDown": {"first": lr, "steps": max(steps // 5, 1), "total": steps},
        "Cosine": {"lr": lr, "total": steps},
        "OneCycle": {"max_lr": lr, "total": steps},
    }
    for name in settings.schedule_args:
        if name not in kind.defaults():
            raise OptionError(unknown_name(f"argument of the schedule {settings.schedule}", name, list(kind.defaults())))
    return SCHEDULES.make({"type": kind.__name__, **laid_out.get(kind.__name__, {}), **settings.schedule_args})


def make_optimizer(settings: Settings, steps: int) -> Optimizer:
    """The optimizer, with its schedule laid out for a run of so many steps."""
    known = OPTIMIZERS.find(settings.optimizer).defaults()
    special = {"momentum": settings.momentum, "nesterov": settings.nesterov or None}
    given = {name: value for name, value in special.items() if value is not None}
    for name in given:
        if name not in known:
            able = [other for other, entry in OPTIMIZERS.entries.items() if name in entry.defaults()]
            raise OptionError(f"The optimizer {settings.optimizer!r} has no {name}; {', '.join(able)} has.")
    schedule = make_schedule(settings, steps)
    own = known["weight_decay"] if not settings.weight_decay and "weight_decay" not in settings.fixed else settings.weight_decay
    rest = {"weight_decay": own, "clip_norm": settings.clip_norm}
    return OPTIMIZERS.make({"type": settings.optimizer, "lr": schedule, **rest, **given})


def suited(data: Dataset, loss: Loss) -> Dataset:
    """The data in the form that the loss takes.

    Raises
    ------
    OptionError
        If the loss is for numbers and the data for classes, or the other way round.
    """
    regression = isinstance(loss, NUMBER_LOSSES)
    if regression and data.task == "classification":
        raise OptionError(
            f"{type(loss).__name__} is a loss for numbers, but {data.name} has {len(data.classes)} classes;"
            " use cross_entropy, or the task regression."
        )
    if not regression and data.task == "regression":
        raise OptionError(
            f"{type(loss).__name__} is a loss for classes, but the target of {data.name} is a number;"
            " use mean_squared_error, or the task classification."
        )
    if isinstance(loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)):
        if len(data.classes) != 2:
            raise OptionError(
                f"{type(loss).__name__} needs two classes; {data.name} has {len(data.classes)}: use cross_entropy."
            )
        return data.as_column()
    return data


def output_activation(loss: Loss) -> str:
    """The activation of the last layer: probabilities for a loss that takes them."""
    if isinstance(loss, BinaryCrossEntropy):
        return "sigmoid"
    return "softmax" if isinstance(loss, NegativeLogLikelihood) else "linear"
