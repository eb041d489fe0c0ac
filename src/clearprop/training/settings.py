"""Settings of a whole run: good ones for a data set.

The defaults were measured on rings, digits, MNIST and half a dozen small tables, ten seeds each: Adam under a one-cycle
learning rate, about five thousand steps (half as many in the plane), and the epoch with the best validation loss kept.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from clearprop.arguments import checked
from clearprop.data.built_in import BUILT_IN
from clearprop.data.dataset import Dataset
from clearprop.errors import OptionError
from clearprop.nn import Initialiser
from clearprop.optim import OPTIMIZERS
from clearprop.registry import choose, require, unknown_name
from clearprop.training.fit_settings import FitSettings

Effort = Literal["quick", "default", "thorough"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
STEPS = 5000  # updates that the default number of epochs amounts to
RATES = {"adam": 0.01, "adamw": 0.01, "nadam": 0.01, "lion": 0.001, "rmsprop": 0.003, "adagrad": 0.05, "sgd": 0.1}
IMAGES_RATE = 0.005  # for Adam: hundreds of units, each fed by hundreds of pixels


@checked
@dataclass(frozen=True)
class Settings:
    """Everything that decides a run apart from the data: the net, the loss, the optimizer, and the training loop.

    From outside it is a flat table of names and values, as in a grid, a config.json or on the command line: see `of`,
    `to_json` and `names`.

    Attributes
    ----------
    hidden : tuple of int
        Units of each hidden layer; empty for a model without any.
    activation : tuple of str
        One name for all hidden layers, or one for each.
    init : str, dict, Initialiser or None
        Initialiser of all weights, by its name or its `config()`; None for the one that suits each activation.
    dropout : float
        Rate after every hidden layer.
    dtype : {"float32", "float64"}
    loss, optimizer : str
        Names in their registries.
    lr : float
        The learning rate, or the highest one of the schedule.
    momentum : float or None
        For SGD.
    nesterov : bool
    weight_decay : float
    clip_norm : float or None
    schedule : str
        Course of the learning rate; its lengths follow from the number of steps.
    schedule_args : dict
        Arguments of the schedule that are to differ from those.
    patience : int or None
        Epochs without a better validation loss after which training stops; None for never.
    engine : str or None
        None for the fastest engine that can train the net.
    effort : {"quick", "default", "thorough"}
        "quick" for one network with these settings; else a search, see `clearprop.training.settings_search`.
    fixed : tuple of str
        Settings that the search must not change.
    fit : FitSettings
        Batch size, epochs, seed, order and the rest of the loop. The seed also decides the data split and the first
        parameters.
    """

    hidden: tuple[int, ...] = (64,)
    activation: tuple[str, ...] = ("relu",)
    init: str | dict[str, Any] | Initialiser | None = None
    dropout: float = 0.0
    dtype: Literal["float32", "float64"] = "float32"
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    lr: float = 0.01
    momentum: float | None = None
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    schedule: str = "one_cycle"
    schedule_args: dict[str, Any] = field(default_factory=dict)
    patience: int | None = None
    engine: str | None = None
    effort: Effort = "quick"
    fixed: tuple[str, ...] = ()
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=100))

    def __post_init__(self) -> None:
        require(0 <= self.dropout < 1, "dropout", self.dropout, "at least 0 and below 1")
        choose("effort", self.effort, EFFORTS)
        require(0 <= self.lr < math.inf, "lr", self.lr, "a finite number, zero or more")
        for units in self.hidden:
            require(units >= 1, "hidden", units, "numbers of units, each 1 or more")
        fits = len(self.activation) in (1, len(self.hidden))
        require(fits, "activation", ",".join(self.activation), f"one name, or one for each hidden layer ({len(self.hidden)})")

    @classmethod
    def names(cls) -> list[str]:
        """Names of all settings, those of the loop included."""
        return [f.name for f in fields(cls) if f.name != "fit"] + [f.name for f in fields(FitSettings)]

    @classmethod
    def of(cls, **values: Any) -> Settings:
        """Settings from one flat table of names and values; what is left out has its default.

        Raises
        ------
        OptionError
            If there is no setting of that name, or a value is out of range.

        Examples
        --------
        >>> settings = Settings.of(hidden=(10,), batch_size=20)
        >>> settings.hidden, settings.fit.batch_size
        ((10,), 20)
        """
        for name in values:
            if name not in cls.names():
                raise OptionError(unknown_name("setting", name, cls.names()))
        for name in ("hidden", "activation", "fixed"):
            if name in values and not isinstance(values[name], (list, tuple)):
                raise OptionError(f"{name} must be a list, not {values[name]!r}.")
        loop = {f.name: values.pop(f.name) for f in fields(FitSettings) if f.name in values}
        lists: dict[str, Any] = {name: tuple(values[name]) for name in ("hidden", "activation", "fixed") if name in values}
        return cls(**(values | lists), fit=FitSettings(**({"epochs": 100} | loop)))

    def to_json(self) -> dict[str, Any]:
        """The flat table as JSON-able values; `of` takes it back."""
        values = asdict(self)
        loop = values.pop("fit")
        return values | loop | {"hidden": list(self.hidden), "activation": list(self.activation), "fixed": list(self.fixed)}

    @property
    def seed(self) -> int:
        """Seed for the data split, the first parameters and the order of the examples."""
        assert isinstance(self.fit.seed, int), "a generator cannot be written down"
        return self.fit.seed


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
    >>> settings_for(cp.data.load("circles"), batch_size=10).hidden
    (10,)
    """
    n, images = len(data.train), data.image_shape is not None
    chosen: dict[str, Any] = {"loss": "mean_squared_error" if data.task == "regression" else "cross_entropy"}
    if images:
        chosen |= {"hidden": (300,) if n > 10_000 else (128,)}
    elif data.n_in <= 2 and data.name in BUILT_IN:
        chosen |= {"hidden": (10,), "activation": ("tanh",)}
    else:
        chosen |= {"hidden": (64,)}
    chosen["batch_size"] = min(128, max(8, 2 ** round(math.log2(max(n, 2) / 50))))
    chosen |= given
    steps = STEPS // 2 if data.n_in <= 2 and data.name in BUILT_IN else STEPS
    chosen.setdefault("epochs", min(200, max(10, round(steps * FitSettings(chosen["batch_size"]).size(n) / n))))
    chosen.setdefault("lr", default_rate(chosen.get("optimizer", "adam"), chosen.get("momentum") or 0.0, images))
    if "val" in data.splits:
        # Long enough for the one-cycle rate to come down, where most of the gain is.
        chosen.setdefault("patience", max(10, math.ceil(0.3 * chosen["epochs"])))
    return Settings.of(**chosen)


def default_rate(optimizer: str, momentum: float, images: bool) -> float:
    """A learning rate for an optimizer; momentum m makes every step 1 / (1 - m) times as long, so it is divided by that."""
    found = OPTIMIZERS.find(optimizer)
    name = next(name for name, entry in OPTIMIZERS.entries.items() if entry is found)
    rate = IMAGES_RATE if images and name == "adam" else RATES.get(name, 0.01)
    return float(f"{rate * (1 - momentum):.3g}") if 0 < momentum < 1 else rate
