"""Settings of a training run: good ones for a data set, and the net, loss and optimizer that they mean.

The defaults were measured on rings, digits, MNIST and half a dozen small tables, ten seeds each: Adam under a one-cycle
learning rate, about five thousand steps (half as many in the plane), and the epoch with the best validation loss kept.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from clearprop.data.batches import ORDERS, REMAINDERS
from clearprop.data.dataset import Dataset
from clearprop.engines import ENGINES
from clearprop.errors import OptionError
from clearprop.nn import (
    LOSSES,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    mlp,
)
from clearprop.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from clearprop.registry import choose, require, unknown_name
from clearprop.training.early_stopping import EarlyStopping

STEPS = 5000  # that the default number of epochs amounts to
RATES = {"adam": 0.01, "rmsprop": 0.003, "adagrad": 0.05, "sgd": 0.1}
IMAGES_RATE = 0.005  # for Adam: hundreds of units, each fed by hundreds of pixels


@dataclass(frozen=True)
class Settings:
    """Everything that decides a training run, apart from the data.

    Attributes
    ----------
    hidden : tuple of int
        Units of each hidden layer; none for a model without any.
    activation : tuple of str
        One name for all hidden layers, or one for each.
    loss, optimizer, engine : str
        Names in their registries.
    lr : float
        The learning rate, or the highest one of the schedule.
    momentum : float or None
        For SGD.
    nesterov : bool
    weight_decay : float
    clip_norm : float or None
    schedule : str
        What becomes of `lr` from step to step; its lengths follow from the number of steps.
    schedule_args : dict
        Arguments of the schedule that are to differ from those.
    batch : int or None
        Examples per step; None for all of them.
    epochs : int
    dropout : float
        Rate after every hidden layer.
    init : str or None
        The initialiser of all weights; None for the one that suits each activation.
    order, remainder : str
        As for `fit`.
    patience : int or None
        Epochs without a better validation loss after which training stops; None for never.
    seed : int
        For the data, the first parameters and the order of the examples.
    dtype : str
    """

    hidden: tuple[int, ...] = (64,)
    activation: tuple[str, ...] = ("relu",)
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    lr: float = 0.01
    momentum: float | None = None
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    schedule: str = "one_cycle"
    schedule_args: dict[str, Any] = field(default_factory=dict)
    batch: int | None = 32
    epochs: int = 100
    dropout: float = 0.0
    init: str | None = None
    order: str = "shuffle"
    remainder: str = "keep"
    patience: int | None = None
    engine: str | None = None
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        require(self.batch is None or self.batch >= 1, "batch", self.batch, "1 or more, or all")
        require(self.seed >= 0, "seed", self.seed, "a whole number, zero or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "at least 0 and below 1")
        require(0 <= self.lr < math.inf, "lr", self.lr, "a finite number, zero or more")
        for units in self.hidden:
            require(units >= 1, "hidden", units, "numbers of units, each 1 or more")

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON-able values."""
        return asdict(self) | {"hidden": list(self.hidden), "activation": list(self.activation)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """The settings that `to_json` described.

        Raises
        ------
        OptionError
            If there is a setting of another name.
        """
        known = [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                raise OptionError(unknown_name("setting", name, known))
        lists: dict[str, Any] = {name: tuple(values[name]) for name in ("hidden", "activation") if name in values}
        return cls(**(values | lists))


def settings_for(data: Dataset, **given: Any) -> Settings:
    """Good settings for a data set.

    Parameters
    ----------
    data : Dataset
    **given
        Settings that are fixed already; the others are chosen to go with them.

    Examples
    --------
    >>> import clearprop as cp
    >>> settings_for(cp.data.load("circles"), batch=10).hidden
    (10,)
    """
    n, images = len(data.train), data.image_shape is not None
    chosen: dict[str, Any] = {"loss": "mean_squared_error" if data.task == "regression" else "cross_entropy"}
    if images:
        chosen |= {"hidden": (300,) if n > 10_000 else (128,)}
    elif data.n_in <= 2:
        chosen |= {"hidden": (10,) if data.task == "classification" else (32,), "activation": ("tanh",)}
    else:
        chosen |= {"hidden": (64,)}
    chosen["batch"] = min(128, max(8, 2 ** round(math.log2(max(n, 2) / 50))))
    chosen |= given
    batch = min(chosen["batch"] or n, n)
    require(batch >= 1, "batch", chosen["batch"], "1 or more, or all")
    steps = STEPS if data.n_in > 2 else STEPS // 2
    chosen.setdefault("epochs", min(200, max(10, round(steps * batch / n))))
    chosen.setdefault("lr", default_rate(chosen.get("optimizer", "adam"), chosen.get("momentum") or 0.0, images))
    if "val" in data.splits:
        # Long enough for the one-cycle rate to come down, where most of the gain is.
        chosen.setdefault("patience", max(10, math.ceil(0.3 * chosen["epochs"])))
    return Settings(**chosen)


def default_rate(optimizer: str, momentum: float, images: bool) -> float:
    """A learning rate for an optimizer; momentum m makes every step 1 / (1 - m) times as long, so it is divided by that."""
    found = OPTIMIZERS.find(optimizer)
    name = next(name for name, entry in OPTIMIZERS.entries.items() if entry is found)
    rate = IMAGES_RATE if images and name == "adam" else RATES.get(name, 0.01)
    return float(f"{rate * (1 - momentum):.3g}") if 0 < momentum < 1 else rate


@dataclass(frozen=True, eq=False)
class Plan:
    """What `fit` is to be called with."""

    data: Dataset
    net: Net
    loss: Loss
    optimizer: Optimizer
    early_stopping: EarlyStopping | None


def plan(settings: Settings, data: Dataset) -> Plan:
    """The net, loss and optimizer that the settings mean, and the data in the form that the loss takes.

    Raises
    ------
    OptionError
        If a name or value is not known, or the loss does not suit the data.
    """
    if settings.engine is not None:
        ENGINES.find(settings.engine)
    choose("order", settings.order, ORDERS)
    choose("remainder", settings.remainder, REMAINDERS)
    if settings.patience is not None and "val" not in data.splits:
        raise OptionError(f"patience={settings.patience} needs validation examples, but {data.name} has none.")
    loss = LOSSES.make(settings.loss)
    data = _suit(loss, data)
    one = isinstance(loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits))
    activation = settings.activation
    net = mlp(
        [data.n_in, *settings.hidden, 1 if one else data.n_out],
        hidden=activation[0] if len(activation) == 1 else activation,
        output=_output(loss),
        init=settings.init,
        dropout=settings.dropout,
        seed=settings.seed,
        dtype=settings.dtype,
    )
    patience = settings.patience
    early = None if patience is None else EarlyStopping(patience)
    return Plan(data, net, loss, make_optimizer(settings, steps_in(settings, data)), early)


def steps_in(settings: Settings, data: Dataset) -> int:
    """Updates of the parameters in the whole run."""
    n = len(data.train)
    size = min(settings.batch or n, n)
    return settings.epochs * (n // size if settings.remainder == "drop" else -(-n // size))


def make_schedule(settings: Settings, steps: int) -> Schedule:
    """The schedule laid out for a run of so many steps."""
    lr, kind = settings.lr, SCHEDULES.find(settings.schedule)
    laid_out: dict[str, dict[str, Any]] = {
        "Constant": {"lr": lr},
        "TimeDecay": {"lr": lr, "decay": 9 / steps},  # down to a tenth
        "StepDecay": {"lr": lr, "every": max(steps // 4, 1), "factor": 0.5},
        "ExponentialDecay": {"lr": lr, "factor": 0.01 ** (1 / steps)},  # down to a hundredth
        "WarmUp": {"then": lr, "steps": max(steps // 10, 1)},
        "CoolDown": {"first": lr, "steps": max(steps // 5, 1), "total": steps},
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
    rest = {"weight_decay": settings.weight_decay, "clip_norm": settings.clip_norm}
    return OPTIMIZERS.make({"type": settings.optimizer, "lr": schedule, **rest, **given})


def _suit(loss: Loss, data: Dataset) -> Dataset:
    regression = isinstance(loss, MeanSquaredError)
    if regression and data.task == "classification":
        raise OptionError(
            f"mean_squared_error is a loss for numbers, but {data.name} has {len(data.classes)} classes;"
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


def _output(loss: Loss) -> str:
    """The activation of the last layer: what makes probabilities for a loss that takes them."""
    if isinstance(loss, BinaryCrossEntropy):
        return "sigmoid"
    return "softmax" if isinstance(loss, NegativeLogLikelihood) else "linear"
