"""Exporting: a model written for somewhere else, with its preprocessing, and tried before it is handed over."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from clearprop.arrays import Array, brief
from clearprop.errors import OptionError, UnsupportedError
from clearprop.export.blueprint import Blueprint, require_whole
from clearprop.export.export_format import FORMATS, ExportFormat
from clearprop.export.raw_examples import encoded, joined, made_up, read_examples_file
from clearprop.files import write_atomically

EXAMPLES = "examples.csv"
TOLERATED = {"float32": 1e-4, "float64": 1e-9}
"""Differences beyond which an export is wrong, by the dtype of the net; usual ones are a thousand times less."""


@dataclass(frozen=True, eq=False)
class Exported:
    """Files that were written, and how they did when they were tried.

    Attributes
    ----------
    files : list of Path
    examples : int
        Number of raw examples that were tried.
    difference : float or None
        Largest difference from `predict`: of a probability, or of a predicted value in standard deviations of the target. None
        if the files could not be tried.
    untried : str or None
        Name of what is not installed that trying them needs.
    """

    files: list[Path]
    examples: int = 0
    difference: float | None = None
    untried: str | None = None

    def in_words(self) -> str:
        """The outcome of the trial, in one sentence.

        Examples
        --------
        >>> Exported([], 30, 2.5e-8).in_words()
        'Tried on 30 examples: the largest difference from predict is 2.5e-08.'
        """
        if self.difference is None:
            return f"Not tried, since {self.untried} is not installed."
        return f"Tried on {self.examples} examples: the largest difference from predict is {self.difference:.2g}."


def export_blueprint(blueprint: Blueprint, path: Path, to: str, examples: Path | None = None) -> Exported:
    """Write a model in another format, try it, and only then move its files to their place.

    Parameters
    ----------
    blueprint : Blueprint
    path : Path
        The file to write; its ending must suit the format.
    to : str
        Name of the format.
    examples : Path, optional
        A CSV file with raw rows; made-up rows are tried in any case.

    Raises
    ------
    OptionError
        If the path has another ending, or the net is not finite.
    UnsupportedError
        If a layer or the loss is not known in the format, or the answers differ.
    MissingExtraError
        If a package is needed that is not installed.
    """
    form = FORMATS.make(to)
    require_whole(blueprint.net)
    if path.suffix.lower() not in form.endings:
        raise OptionError(f"A model exported to {to} is a {' or '.join(form.endings)} file, not {brief(str(path))}.")
    with tempfile.TemporaryDirectory(prefix="clearprop.") as folder:
        contents = form.write(blueprint, path)
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(as_bytes(content))
        outcome = tried(form, blueprint, Path(folder) / path.name, examples)
        files = [path.with_name(name) for name in contents]
        for file in files:
            write_atomically(file, partial(shutil.copyfile, Path(folder) / file.name))
    return Exported(files, *outcome)


def as_bytes(content: str | bytes) -> bytes:
    """A text in UTF-8, in which a letter that is none becomes a question mark; bytes as they are."""
    return content if isinstance(content, bytes) else content.encode("utf-8", errors="replace")


def tried(form: ExportFormat, blueprint: Blueprint, path: Path, examples: Path | None) -> tuple[int, float | None, str | None]:
    """Number of examples, largest difference, and what trying lacks."""
    lacking = form.lacking()
    if lacking is not None:
        return 0, None, lacking
    kept = {} if examples is None else read_examples_file(examples, blueprint)
    rows = joined(kept, made_up(blueprint))
    wanted = blueprint.predict(encoded(blueprint, rows))
    difference = largest_difference(blueprint, form.run(blueprint, path, rows), wanted)
    most = TOLERATED[blueprint.net.dtype.name]
    if not difference <= most:
        raise UnsupportedError(
            f"The exported model differs from predict by {difference:.2g}, more than {most:g}; nothing was written."
        )
    return len(wanted), difference, None


def largest_difference(blueprint: Blueprint, found: Array, wanted: Array) -> float:
    """Largest difference between answers (N, n); values of a regression in standard deviations of their target.

    Raises
    ------
    UnsupportedError
        If they are not as many.
    """
    if found.shape != wanted.shape:
        raise UnsupportedError(f"The exported model gave answers of shape {found.shape}, predict of shape {wanted.shape}.")
    spread = np.array(blueprint.target_scaling.spread) if blueprint.task != "classification" else np.ones(1)
    scale = np.maximum(np.abs(spread), np.abs(wanted) * 0.1 if blueprint.task != "classification" else 1.0)
    return float((np.abs(found - wanted) / scale).max(initial=0.0))
