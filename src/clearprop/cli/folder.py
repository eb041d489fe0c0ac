"""Folders of results: refused before any work if they are taken, then written as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clearprop.arrays import brief
from clearprop.errors import DataError, OptionError
from clearprop.files import parse_json, read_text
from clearprop.ownership import own_prefix, remove_leftovers

CONFIG = "config.json"
CHECKPOINT = "checkpoint.safetensors"


def check_free(directory: Path, force: bool, is_earlier_run: Callable[[Path], bool]) -> None:
    """Refuse, before any work is done, a folder that cannot be written or that holds something else.

    Raises
    ------
    OptionError
        If it is a file, holds something other than an earlier run, or an earlier run without `force`.
    """
    remove_leftovers(directory.absolute())
    if directory.exists() and not directory.is_dir():
        raise OptionError(f"{str(directory)!r} is a file; --out names a folder.")
    if directory.is_dir() and any(directory.iterdir()):
        if not is_earlier_run(directory):
            raise OptionError(f"The folder {str(directory)!r} is not empty, and not an earlier run; choose another for --out.")
        if not force:
            raise OptionError(f"{str(directory)!r} holds an earlier run; choose another folder, or replace it with --force.")
    check_writable(directory, "--out")


def check_writable(path: Path, option: str) -> None:
    """Refuse, before any work is done, a file or folder that cannot be made.

    Raises
    ------
    OptionError
        If it cannot.
    """
    there = path.absolute().parent
    try:
        while not there.exists():
            there = there.parent
        os.rmdir(tempfile.mkdtemp(dir=there, prefix=own_prefix("clearprop")))  # better now than after an hour of training
    except OSError as error:
        place, why = brief(str(there)), error.strerror
        raise OptionError(f"Cannot write in {place} ({why}); choose another place for {option}.") from None


def check_file(path: Path | None, option: str, *endings: str) -> None:
    """The same for a file, which may have to end in one of several ways.

    Raises
    ------
    OptionError
        If it cannot be written, is a folder, or ends otherwise.
    """
    if path is None:
        return
    if endings and path.suffix not in endings:
        raise OptionError(f"{option} takes a {' or '.join(endings)} file, not {brief(str(path))}.")
    check_writable(path, option)
    if path.is_dir():
        raise OptionError(f"{brief(str(path))} is a folder; {option} names a file.")


def is_training_run(directory: Path) -> bool:
    """Whether a folder was written by `clearprop train`."""
    try:
        return "clearprop" in parse_json(read_text(directory / CONFIG, "the configuration"), "it")
    except DataError:
        return False


def is_recipe_run(directory: Path) -> bool:
    """Whether a folder was written by `clearprop run`."""
    return (directory / "result.json").is_file()


def publish(directory: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder beside `directory`, and move it there once it is complete."""
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(directory)
    fresh = Path(tempfile.mkdtemp(dir=directory.parent, prefix=own_prefix(directory.name)))
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


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write strict JSON, indented."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def working(directory: Path) -> Path:
    """The folder of the checkpoints of a run that will end up in `directory`, until it is complete."""
    directory = directory if directory.name not in ("", "..") else directory.resolve()
    if not directory.name:
        raise OptionError(f"{str(directory)!r} is the root of the file system; name a folder in it.")
    return directory.with_name(directory.name + ".unfinished")


def check_finished(directory: Path) -> None:
    """Refuse to start again a run that left checkpoints.

    Raises
    ------
    OptionError
        If there are any.
    """
    place = working(directory)
    if (place / CHECKPOINT).is_file():
        raise OptionError(
            f"{str(place)!r} holds a run that was cut short: continue it with --resume {directory}, or replace it with --force."
        )
    if place.is_dir() and {entry.name for entry in place.iterdir()} <= {CONFIG}:
        shutil.rmtree(place)  # of a run that was killed before its first checkpoint: there is nothing to continue


def unfinished(directory: Path) -> Path:
    """The folder with the checkpoint of a run: that of the unfinished run if there is one, else the run's own.

    Raises
    ------
    OptionError
        If there is neither.
    """
    for place in (working(directory), directory):
        if (place / CHECKPOINT).is_file():
            return place
    if (working(directory) / CONFIG).is_file():
        raise OptionError(
            f"The run in {str(directory)!r} ended before its first checkpoint, so there is nothing to continue; start it again"
            f" with: clearprop train --config {working(directory) / CONFIG} --out {directory}"
        )
    raise OptionError(
        f"There is no checkpoint in {str(directory)!r}; a run can be resumed if it had --out and --checkpoint-every."
    )


def open_working(directory: Path, config: dict[str, Any], resumed: bool) -> Path:
    """Make the folder of the checkpoints, with the configuration in it; a resumed run keeps what is there."""
    place = working(directory)
    if not resumed:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    write_json(place / CONFIG, config)
    return place
