"""The state of a lab that an address can hold: the data, the plane that is shown, and all settings of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data import load
from clearprop.data.dataset import Dataset
from clearprop.data.raw import Task
from clearprop.data.toys import TOYS, make_toy
from clearprop.errors import OptionError
from clearprop.laboratory.extras import Extras
from clearprop.registry import choose, count, number
from clearprop.training.settings import Settings

SOURCES = (*TOYS, "digits", "painted", "table", "given")
REGRESSIONS = ("slope", "hills")
MOST_POINTS = 5000  # that are painted
MOST_UNITS, MOST_LAYERS, MOST_EXAMPLES = 64, 8, 20_000
START: dict[str, Any] = {
    "hidden": [8], "activation": ["tanh"], "optimizer": "sgd", "lr": 0.1, "schedule": "constant", "batch_size": 10, "seed": 0,
    "loss": "cross_entropy",
}  # fmt: skip
"""Settings of a new lab that differ from the library's own defaults."""
EXTRA = ("batch_norm", "dropout")
ADJUSTABLE = ("hidden", "activation", "batch_norm", "dropout", "init", "loss", "optimizer", "lr", "momentum", "schedule",
              "batch_size", "weight_decay", "clip_norm", "seed")  # fmt: skip


@dataclass(frozen=True)
class DataChoice:
    """The data of a lab.

    Attributes
    ----------
    source : str
        One of `SOURCES`. "table" and "given" stand for what was dropped on the page, or given in Python: they are held by the
        session, not by the address.
    n : int
        Number of points that are drawn.
    noise : float
    val : float
        Share that is held out for validation.
    points : tuple of (x1, x2, class)
        Points that were painted by hand.
    """

    source: str = "circles"
    n: int = 400
    noise: float = 0.15
    val: float = 0.25
    points: tuple[tuple[float, float, int], ...] = ()

    def __post_init__(self) -> None:
        choose("source", self.source, SOURCES)
        count("n", self.n, 10)
        if self.n > MOST_EXAMPLES:
            raise OptionError(f"n must be at most {MOST_EXAMPLES:,} points, not {self.n:,}.")
        number("noise", self.noise, lambda spread: 0 <= spread <= 2, "between 0 and 2")
        number("val", self.val, lambda share: 0.05 <= share <= 0.8, "between 0.05 and 0.8")
        if len(self.points) > MOST_POINTS:
            raise OptionError(f"At most {MOST_POINTS:,} points can be painted, not {len(self.points):,}.")
        for point in self.points:
            if not (isinstance(point, (list, tuple)) and len(point) == 3 and all(_is_number(part) for part in point)):
                raise OptionError(f"A painted point must be [x1, x2, class], not {point!r}.")
            if not (abs(point[0]) <= 1e6 and abs(point[1]) <= 1e6 and point[2] in range(10)):
                raise OptionError(f"A painted point has coordinates up to a million and a class from 0 to 9, not {point!r}.")


@dataclass(frozen=True)
class LabState:
    """All that an address holds.

    Attributes
    ----------
    data : DataChoice
    settings : dict
        Settings of the run by name, of those in `ADJUSTABLE`. `batch_norm` and `dropout` hold one value for all hidden layers,
        or a list with one for each.
    plane : tuple of int
        Columns that span the plane which is shown; (-1, -1) for the two principal components.
    """

    data: DataChoice = field(default_factory=DataChoice)
    settings: Mapping[str, Any] = field(default_factory=lambda: dict(START))
    plane: tuple[int, int] = (0, 1)

    @classmethod
    def of(cls, given: Any) -> LabState:
        """The state from JSON-able values; what is left out has its default.

        Raises
        ------
        OptionError
            If a name is not known, or a value is out of range.

        Examples
        --------
        >>> LabState.of({"data": {"source": "xor"}, "settings": {"lr": 0.3}}).settings["lr"]
        0.3
        >>> LabState.of({"colour": 1})
        Traceback (most recent call last):
        clearprop.errors.OptionError: A state has data, settings and plane, not 'colour'.
        """
        if not isinstance(given, dict):
            raise OptionError(f"A state must be an object with data, settings and plane, not {type(given).__name__}.")
        for name in given:
            if name not in ("data", "settings", "plane"):
                raise OptionError(f"A state has data, settings and plane, not {str(name)[:40]!r}.")
        return cls().but(given)

    def but(self, changes: Mapping[str, Any]) -> LabState:
        """The same with some values replaced; those of `data` and `settings` one by one."""
        data, settings, plane = changes.get("data", {}), changes.get("settings", {}), changes.get("plane", self.plane)
        if not isinstance(data, dict) or not isinstance(settings, dict):
            raise OptionError("data and settings must be objects of names and values.")
        known = asdict(self.data)
        for name in data:
            if name not in known:
                raise OptionError(f"The data have {', '.join(known)}, not {str(name)[:40]!r}.")
        if "points" in data:
            data = {**data, "points": tuple(tuple(point) if isinstance(point, list) else point for point in data["points"])}
        for name in settings:
            if name not in ADJUSTABLE:
                raise OptionError(f"The settings of a lab are {', '.join(ADJUSTABLE)}, not {str(name)[:40]!r}.")
        if not (isinstance(plane, (list, tuple)) and len(plane) == 2 and all(isinstance(k, int) for k in plane)):
            raise OptionError(f"plane must be the numbers of two columns, such as [0, 1], not {plane!r}.")
        state = LabState(replace(self.data, **data), {**self.settings, **settings}, (plane[0], plane[1]))
        state.run_settings()  # refuses what is out of range
        state.extras()
        return state

    def extras(self) -> Extras:
        """Batch normalisation and dropout of each hidden layer."""
        return Extras.of(self.settings, len(self.run_settings().hidden))

    def run_settings(self) -> Settings:
        """The settings of the run, as training takes them."""
        values = {name: value for name, value in self.settings.items() if value is not None and name not in EXTRA}
        hidden = values.get("hidden", [])
        if isinstance(hidden, (list, tuple)) and (len(hidden) > MOST_LAYERS or any(_too_wide(n) for n in hidden)):
            raise OptionError(f"A lab draws at most {MOST_LAYERS} hidden layers of {MOST_UNITS} units, not {hidden!r}.")
        activation = values.get("activation", ["tanh"])
        if isinstance(activation, (list, tuple)) and isinstance(hidden, (list, tuple)):
            last = activation[-1:] or ["tanh"]
            values["activation"] = [*activation[: len(hidden)], *last * max(len(hidden) - len(activation), 0)] or ["tanh"]
        return Settings.of(**values, epochs=1)

    def to_json(self) -> dict[str, Any]:
        """JSON-able values; `of` takes them back."""
        data = asdict(self.data) | {"points": [list(point) for point in self.data.points]}
        return {"data": data, "settings": dict(self.settings), "plane": list(self.plane)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


def _too_wide(units: Any) -> bool:
    return isinstance(units, int) and units > MOST_UNITS


def dataset_of(choice: DataChoice, seed: int) -> Dataset:
    """The data set of a choice that needs nothing from outside.

    Raises
    ------
    OptionError
        If too few points, or points of one class, were painted.
    """
    if choice.source == "digits":
        return load("digits", seed=seed, val=choice.val, test=0)
    X, y, task = rows_of(choice, seed)
    val = choice.val
    if choice.source == "painted":
        small = np.bincount(y)[np.unique(y)].min()
        val = val if small * val >= 1 and small >= 4 else 0
    return load((X, y), seed=seed, val=val, test=0, task=task, scale="none")


def rows_of(choice: DataChoice, seed: int) -> tuple[Array, Array, Task]:
    """Inputs, targets and task of the points that are drawn from a seed, or were painted.

    Raises
    ------
    OptionError
        If too few points, or points of one class, were painted.
    """
    if choice.source == "painted":
        if len(choice.points) < 4 or len({point[2] for point in choice.points}) < 2:
            raise OptionError("Paint at least four points of two classes: choose a class, and click on the map.")
        points = np.array(choice.points, dtype=np.float64)
        return points[:, :2], points[:, 2].astype(np.int64), "classification"
    X, y = make_toy(choice.source, choice.n, choice.noise, seed)
    return X, y, "regression" if choice.source in REGRESSIONS else "classification"
