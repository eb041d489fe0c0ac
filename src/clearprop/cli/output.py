"""The folder of a run: all of it or none, and where an unfinished one keeps its checkpoints."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clearprop.errors import OptionError

FILE = "config.json"
CHECKPOINT = "checkpoint.safetensors"


def check_free(directory: Path, force: bool) -> None:
    """Refuse, before any work is done, a folder that cannot be written or holds something else.

    Raises
    ------
    OptionError
        The message says what to do.
    """
    if directory.is_dir() and any(directory.iterdir()):
        if not is_run(directory):
            raise OptionError(f"The folder {str(directory)!r} is not empty, and not an earlier run; choose another for --out.")
        if not force:
            raise OptionError(f"{str(directory)!r} holds an earlier run; choose another folder, or replace it with --force.")
    if working(directory).exists() and not force:
        raise OptionError(
            f"{str(working(directory))!r} holds a run that was cut short: go on with --resume {directory},"
            " or replace it with --force."
        )
    if directory.exists() and not directory.is_dir():
        raise OptionError(f"{str(directory)!r} is a file; --out names a folder.")
    there = directory.absolute().parent
    while not there.exists():
        there = there.parent
    try:
        os.rmdir(tempfile.mkdtemp(dir=there, prefix=".clearprop."))  # better now than after an hour of training
    except OSError as error:
        raise OptionError(f"Cannot write in {str(there)!r} ({error.strerror}); choose another folder for --out.") from error


def is_run(directory: Path) -> bool:
    """Whether a folder was written by `clearprop train`."""
    try:
        return "clearprop" in json.loads((directory / FILE).read_text())
    except (OSError, ValueError):
        return False


def working(directory: Path) -> Path:
    """Where a run that is to end in `directory` keeps its checkpoints until then."""
    return directory.with_name(directory.name + ".unfinished")


def unfinished(directory: Path) -> Path:
    """The folder with the checkpoint of a run: the unfinished one if there is one, else the run's own.

    Raises
    ------
    OptionError
        If there is neither.
    """
    for place in (working(directory), directory):
        if (place / CHECKPOINT).is_file():
            return place
    raise OptionError(
        f"There is no checkpoint in {str(directory)!r}; a run that is to be resumed needs --out and --checkpoint-every."
    )


def open_working(directory: Path, config: dict[str, Any], going_on: bool) -> Path:
    """Make the folder for checkpoints, holding the configuration; or go on in it."""
    place = working(directory)
    if not going_on:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    write_json(place / FILE, config)
    return place


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Strict JSON, for people as well."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def publish(directory: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder beside `directory`, and put it in that place once it is complete."""
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        fill(fresh)
        os.chmod(fresh, 0o755)
        if directory.exists():
            old = fresh.with_name(fresh.name + ".old")
            os.rename(directory, old)
            os.rename(fresh, directory)
            shutil.rmtree(old)
        else:
            os.rename(fresh, directory)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
