"""The configuration of a run: from options, from a config.json or from both, and back to a config.json or a command line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from clearprop.arguments import shaped
from clearprop.cli import parsing
from clearprop.cli.folder import CONFIG, unfinished
from clearprop.errors import ClearpropError, DataError, OptionError
from clearprop.files import parse_json, read_text
from clearprop.registry import count, require

if TYPE_CHECKING:
    from clearprop.data import Dataset
    from clearprop.training.settings import Effort, Settings
    from clearprop.training.setup import Setup

FREE = {"seed", "dtype", "engine", "effort"}
"""Settings that leave the choice of the network open."""
MOST_ROWS, MOST_INPUTS, FEWEST_ROWS = 100_000, 2000, 20
"""Sizes of a table for which several networks are trained by default."""
TABLE = (
    "header", "delimiter", "decimal", "encoding", "skip", "na", "missing", "drop", "only", "categorical", "id", "group", "time",
    "weight", "test_file", "class_weight", "outliers",
)  # fmt: skip
"""Options that say how a table is read, and what its columns are for."""
DATA = ("source", "target", *TABLE, "task", "scale", "val", "test", "data_dir")


class DataSource(TypedDict):
    """The part of `DataSettings` that must be there."""

    source: str


class DataSettings(DataSource, total=False):
    """Schema of the data in a config.json; `clearprop.data.load` checks their values."""

    target: Any
    header: Any
    task: str | None
    scale: str | None
    val: float | int | None
    test: float | int | None
    data_dir: str | None


class Course(TypedDict):
    """The part of `RunSettings` that must be there."""

    epochs: int
    schedule: str


class RunSettings(Course, total=False):
    """Schema of those settings in a config.json that are needed as they stand; `Settings` has the rules of all."""

    hidden: list[int]
    activation: list[str]
    schedule_args: dict[str, Any]


class ConfigFile(TypedDict):
    """Schema of a config.json."""

    data: dict[str, Any]
    settings: dict[str, Any]


PARSERS: dict[str, Callable[[Any], Any]] = {
    "val": lambda text: parsing.parse_size("--val", text),
    "test": lambda text: parsing.parse_size("--test", text),
    "data_dir": lambda path: str(path.resolve()),
    "test_file": lambda path: str(Path(path).expanduser().resolve()),
    "hidden": parsing.parse_hidden,
    "activation": parsing.parse_activation,
    "schedule_args": parsing.parse_pairs,
    "batch_size": lambda text: parsing.parse_count_or("all", "--batch-size", text),
    "patience": lambda text: parsing.parse_count_or("none", "--patience", text),
}
"""Options whose text is not yet the value."""
APART = ("source", "report", "json", "quiet", "force", "resume", "doctor")
"""Options that do not change what is trained, or are written otherwise."""


@dataclass(frozen=True)
class Configuration:
    """Arguments of `clearprop.data.load`, and settings of the run.

    Attributes
    ----------
    data : dict
    settings : dict
        Those that are given; `settings_for` chooses the others for the data.
    complete : bool
        Whether all are given, as in a config.json; what is missing then has its default.
    every : int or None
        Epochs from one checkpoint to the next.
    single : bool
        Whether one network has to be trained, to be looked at.
    """

    data: dict[str, Any]
    settings: dict[str, Any]
    complete: bool = False
    every: int | None = None
    single: bool = False

    def load(self) -> Dataset:
        """Load the data set."""
        from clearprop.data import load

        data = {name: value for name, value in self.data.items() if value is not None}
        seed, dtype = self.settings.get("seed", 0), self.settings.get("dtype", "float32")
        return load(data.pop("source"), seed=seed, dtype=dtype, **data)

    def settle(self, data: Dataset) -> Settings:
        """All settings, for these data."""
        from clearprop.training.settings import Settings, settings_for

        if self.complete:
            return Settings.of(**self.settings)
        given = dict(self.settings)
        effort = given.pop("effort", None) or self._effort(data)
        if given.get("patience", 0) is None and "val" in data.splits and "epochs" not in given:
            given["patience"] = settings_for(data, **given).fit.epochs  # to the last epoch, and then the best one
        elif given.get("patience", 0) is None and "val" in data.splits:
            given["patience"] = given["epochs"]
        fixed = tuple(name for name in given if name not in FREE)
        return settings_for(data, **given, effort=effort, **({} if effort == "quick" else {"fixed": fixed}))

    def _effort(self, data: Dataset) -> Effort:
        """A search, for a table of moderate size about whose network nothing is said; else one network."""
        from clearprop.data import BUILT_IN

        plain = set(self.settings) <= FREE and self.every is None and not self.single
        small = len(data.train) <= MOST_ROWS and data.n_in <= MOST_INPUTS and len(data.train) >= FEWEST_ROWS
        return "default" if plain and small and data.name not in BUILT_IN and data.image_shape is None else "quick"


def parse_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, with their texts turned into values."""
    return {
        name: PARSERS[name](value) if name in PARSERS and not isinstance(value, int) else value
        for name, value in given.items()
        if value is not None and value not in ((), [])  # an option that may be repeated, and was not given
    }


def from_options(given: dict[str, Any]) -> Configuration:
    """The configuration that the options of `clearprop train` stand for."""
    from clearprop.training.settings import Settings

    parsed = parse_options({name: given.get(name) for name in (*DATA, *Settings.names())})
    data = {name: parsed[name] for name in DATA if name in parsed}
    source = data.get("source", "")
    if Path(source).is_file() or ("/" in source and "://" not in source):
        data["source"] = str(Path(source).expanduser().resolve())  # to be found again from any folder
    settings = {name: value for name, value in parsed.items() if name not in DATA}
    single = bool(given.get("doctor") or given.get("checkpoint_every"))
    return Configuration(data, settings, single=single)


def from_file(path: Path, given: Configuration) -> Configuration:
    """The configuration in a config.json, overridden by the options that are given.

    Raises
    ------
    DataError
        If the file cannot be read, or is no config.json.
    """
    from clearprop.training.settings import Settings

    text, what = read_text(path, "the configuration"), f"{str(path)!r} is not the config.json of a clearprop run"
    try:
        found = shaped(ConfigFile, parse_json(text, "it"), "it")
        data, settings = shaped(DataSettings, found["data"], "data"), shaped(RunSettings, found["settings"], "settings")
        require(set(data) <= set(DATA), "data", ", ".join(data), f"a table of {', '.join(DATA)}")
        Settings.of(**settings)
        every = found.get("checkpoint_every")
        every = every if every is None else count("checkpoint_every", every)
    except ClearpropError as error:
        raise DataError(f"{what}: {error}") from None
    return Configuration(data | given.data, settings | given.settings, complete=True, every=every)


def choose(given: dict[str, Any]) -> Configuration:
    """The configuration of `clearprop train`: from options, from --config, or from the run that --resume names.

    Raises
    ------
    OptionError
        If there is nothing to train on, or options contradict each other.
    """
    asked = from_options(given)
    every = given["checkpoint_every"]
    require(every is None or every >= 1, "--checkpoint-every", every, "a number of epochs, 1 or more")
    if given["resume"] and given["config"]:
        raise OptionError("--resume takes the configuration from the run that it continues; leave out --config.")
    if every is not None and not (given["out"] or given["resume"]):
        raise OptionError("--checkpoint-every needs a folder to write to; add --out DIRECTORY.")
    if every is not None and asked.settings.get("effort", "quick") != "quick":
        raise OptionError("--checkpoint-every is for one network; leave out --effort, or say --effort quick.")
    if given["resume"]:
        return resumed(from_file(unfinished(given["resume"]) / CONFIG, Configuration({}, {})), asked, given)
    if given["config"]:
        return from_file(given["config"], asked)
    if "source" not in asked.data:
        raise OptionError("There is nothing to train on; name a data set or a file, as in: clearprop train circles")
    return asked


def resumed(saved: Configuration, asked: Configuration, given: dict[str, Any]) -> Configuration:
    """The saved configuration, with more epochs if they are asked for.

    Raises
    ------
    OptionError
        If anything else is asked for, or the learning rate was laid out for the old number of epochs.
    """
    other = [name for name in (*asked.data, *asked.settings) if name not in ("epochs", "data_dir")]
    if other:
        raise OptionError(f"--resume keeps the settings of the run; only --epochs may change, not {', '.join(other)}.")
    epochs = asked.settings.get("epochs", saved.settings["epochs"])
    schedule = saved.settings["schedule"]
    if epochs != saved.settings["epochs"] and schedule != "constant" and not saved.settings.get("schedule_args"):
        raise OptionError(
            f"The learning rate of this run ({schedule.replace('_', '-')}) was laid out for {saved.settings['epochs']} epochs,"
            " so their number cannot change; only a run with --schedule constant can be given more."
        )
    every = given["checkpoint_every"] or saved.every
    return Configuration(saved.data | asked.data, saved.settings | {"epochs": epochs}, complete=True, every=every)


def plain_setup(given: dict[str, Any]) -> Setup:
    """The setup of `clearprop explain` and `ladder`: that of `train`, but with a fixed learning rate and without dropout.

    Notes about the data are printed on stderr.

    Parameters
    ----------
    given : dict
        Options of `clearprop train`; dtype is float64 and the optimizer sgd unless they are given.
    """
    from clearprop.cli.console import show_notes
    from clearprop.training.setup import set_up

    asked = from_options(given)
    defaults = {"dtype": "float64", "optimizer": "sgd"}
    fixed = {"dropout": 0.0, "schedule": "constant", "patience": None, "effort": "quick"}
    configuration = replace(asked, settings=defaults | asked.settings | fixed)
    data = configuration.load()
    show_notes(data.notes)
    setup = set_up(configuration.settle(data), data)
    setup.optimizer.lr = setup.settings.lr  # the number itself reads better than a constant schedule
    return setup


def written(configuration: Configuration, settings: Settings, every: int | None) -> dict[str, Any]:
    """The contents of config.json: everything needed to repeat the run, and the versions that ran it."""
    return {
        "clearprop": versions()["clearprop"],
        "data": configuration.data,
        "settings": settings.to_json(),
        "checkpoint_every": configuration.every if every is None else every,
        "command": ["clearprop", *sys.argv[1:]],
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of everything that may change the numbers."""
    import platform

    import numpy as np

    from clearprop import __version__

    return {"clearprop": __version__, "numpy": np.__version__, "python": platform.python_version()}


def command_line(given: dict[str, Any]) -> str:
    """The `clearprop train` command with these options.

    Examples
    --------
    >>> command_line({"source": "my data.csv", "lr": 0.1, "nesterov": False, "schedule_args": ["rise=0.1"]})
    "clearprop train 'my data.csv' --lr 0.1 --no-nesterov --schedule-arg rise=0.1"
    """
    words = ["clearprop", "train", *([str(given["source"])] if given.get("source") else [])]
    for name, value in given.items():
        flag = name.replace("_", "-")
        if value is None or name in APART:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in ("--" + flag.removesuffix("s"), str(item))]
        else:
            words += [f"--{flag}", str(value)]
    return shlex.join(words)
