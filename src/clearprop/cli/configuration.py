"""The configuration of a run: what the options and a config.json say together, and how it is written down."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.cli import options
from clearprop.cli.output import FILE, unfinished
from clearprop.errors import DataError, OptionError
from clearprop.registry import require

if TYPE_CHECKING:
    from clearprop.data import Dataset
    from clearprop.training.settings import Settings

DATA = ("source", "target", "header", "task", "scale", "val", "test", "data_dir")


@dataclass(frozen=True)
class Configuration:
    """Arguments of `clearprop.data.load`, and settings of the run.

    Attributes
    ----------
    data : dict
    settings : dict
        Those that are fixed; once there are data, `settings_for` chooses the others.
    complete : bool
        Whether they all are, as they come from a config.json.
    """

    data: dict[str, Any]
    settings: dict[str, Any]
    complete: bool = False
    every: int | None = None

    def load(self) -> Dataset:
        """The data set."""
        from clearprop.data import load

        data = {name: value for name, value in self.data.items() if value is not None}
        seed, dtype = self.settings.get("seed", 0), self.settings.get("dtype", "float32")
        return load(data.pop("source"), seed=seed, dtype=dtype, **data)

    def settle(self, data: Dataset) -> Settings:
        """All settings, for these data."""
        from clearprop.training.settings import Settings, settings_for

        return Settings.of(**self.settings) if self.complete else settings_for(data, **self.settings)


def from_options(given: dict[str, Any]) -> Configuration:
    """The configuration that the options of `clearprop train` mean; None stands for an option that was not given."""
    from clearprop.training.settings import Settings

    data = {name: given[name] for name in DATA if given.get(name) is not None}
    for name in ("val", "test"):
        if name in data:
            data[name] = options.parse_share(name, data[name])
    if "data_dir" in data:
        data["data_dir"] = str(data["data_dir"].resolve())
    if Path(data.get("source", "")).is_file() or "/" in data.get("source", ""):
        data["source"] = str(Path(data["source"]).expanduser().resolve())  # to be found again from any folder
    settings = {name: given[name] for name in Settings.names() if given.get(name) is not None}
    parsers: dict[str, Callable[[Any], Any]] = {
        "hidden": options.parse_hidden,
        "activation": lambda text: tuple(name.strip() for name in text.split(",")),
        "schedule_args": options.parse_pairs,
        "batch_size": lambda text: options.parse_count("batch-size", text, "all"),
        "patience": lambda text: options.parse_count("patience", text, "none"),
    }
    settings = {name: parsers[name](value) if name in parsers else value for name, value in settings.items()}
    if settings.get("schedule_args") == {}:
        del settings["schedule_args"]
    return Configuration(data, settings)


def from_file(path: Path, given: Configuration) -> Configuration:
    """The configuration in a config.json, changed by the options given besides.

    Raises
    ------
    DataError
        If the file cannot be read, or is none.
    """
    try:
        found = json.loads(path.read_text())
        data, settings, every = dict(found["data"]), dict(found["settings"]), found.get("checkpoint_every")
    except OSError as error:
        raise DataError(f"Cannot read the configuration {str(path)!r}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{str(path)!r} is not the config.json of a clearprop run.") from error
    return Configuration(data | given.data, settings | given.settings, complete=True, every=every)


def choose(given: dict[str, Any]) -> Configuration:
    """The configuration of the run, from a file or from options.

    Raises
    ------
    OptionError
        If there is nothing to train on, or options contradict each other.
    """
    asked = from_options(given)
    every = given["checkpoint_every"]
    require(every is None or every >= 1, "checkpoint-every", every, "a number of epochs, 1 or more")
    if given["resume"] and given["config"]:
        raise OptionError("--resume takes the configuration of the run it goes on with; leave out --config.")
    if every is not None and not (given["out"] or given["resume"]):
        raise OptionError("--checkpoint-every needs a folder to write to: add --out DIRECTORY.")
    if given["resume"]:
        return resumed(from_file(unfinished(given["resume"]) / FILE, Configuration({}, {})), asked, given)
    if given["config"]:
        return from_file(given["config"], asked)
    if "source" not in asked.data:
        raise OptionError("What is there to train on? Name a data set or a file, as in: clearprop train circles")
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
        raise OptionError(f"--resume goes on with the settings of the run; only --epochs may change, not {', '.join(other)}.")
    epochs = asked.settings.get("epochs", saved.settings["epochs"])
    schedule = saved.settings["schedule"]
    if epochs != saved.settings["epochs"] and schedule != "constant" and not saved.settings["schedule_args"]:
        raise OptionError(
            f"The learning rate of this run ({schedule.replace('_', '-')}) was laid out for {saved.settings['epochs']} epochs,"
            " so their number cannot change; only a run with --schedule constant can be given more."
        )
    every = given["checkpoint_every"] or saved.every
    return Configuration(saved.data | asked.data, saved.settings | {"epochs": epochs}, complete=True, every=every)


def written(configuration: Configuration, settings: Settings, every: int | None) -> dict[str, Any]:
    """The contents of config.json: all that is needed to run again, and what ran."""
    return {
        "clearprop": versions()["clearprop"],
        "data": configuration.data,
        "settings": settings.to_json(),
        "checkpoint_every": configuration.every if every is None else every,
        "command": ["clearprop", *sys.argv[1:]],
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of everything that may change the numbers."""
    import platform

    import numpy as np

    from clearprop import __version__

    return {"clearprop": __version__, "numpy": np.__version__, "python": platform.python_version()}
