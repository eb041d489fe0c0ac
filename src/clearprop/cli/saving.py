"""A training run on disk: its files, its pictures, and the checkpoints on the way."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.cli import folder as folders
from clearprop.cli.console import plain
from clearprop.data.kept_rows import as_csv
from clearprop.errors import ClearpropError, FileAccessError, cannot_access
from clearprop.training import Checkpoint, History
from clearprop.training.outcome import Outcome

if TYPE_CHECKING:
    from clearprop.doctor import Diagnosis

LOG = logging.getLogger("clearprop")
RESOLUTION = 160  # grid points along each side of the decision boundary, between which the colours are interpolated
CONTENTS = {
    "model.safetensors": "the network: clearprop predict {folder} FILE",
    "history.jsonl": "loss, accuracy and learning rate of every epoch",
    "metrics.json": "the metrics in the table above",
    "examples.csv": "a few raw rows, by which clearprop export tries what it writes",
    folders.CONFIG: "to repeat the run: clearprop train --config {folder}/" + folders.CONFIG,
    folders.CHECKPOINT: "to continue the run: clearprop train --resume {folder}",
    "card.md": "data, figures by class, limits and versions, for people who use the network",
    "manifest.json": "versions, engine, threads, processor and checksums of the data",
    "curves.png": "loss (and accuracy) by epoch",
    "boundary.png": "decision boundary",
    "confusion.png": "confusion matrix",
    "wrong.png": "images with the largest errors",
    "doctor.json": "diagnosis, with evidence and the effect of the remedy",
    "fit.png": "predicted against true values",
}


@contextmanager
def checkpoints(
    folder: Path | None, config: dict[str, Any], resume: Path | None
) -> Iterator[tuple[Checkpoint | None, Path | None]]:
    """The callback that writes checkpoints, or None, and the checkpoint to start from, or None.

    Until the run is complete, checkpoints are kept in a folder of their own. It stays only if training was killed or failed
    after the first of them.
    """
    source = folders.unfinished(resume) if resume is not None else None
    start = source / folders.CHECKPOINT if source is not None else None
    every = config["checkpoint_every"]
    if folder is None or every is None:
        yield None, start
        return
    checkpoint = Checkpoint(folders.working(folder) / folders.CHECKPOINT, every)
    place = folders.open_working(folder, config, source == folders.working(folder))
    try:
        yield checkpoint, start
    except BaseException:
        if not Path(checkpoint.path).exists():
            shutil.rmtree(place)
        raise
    shutil.rmtree(place)


def save_run(outcome: Outcome, config: dict[str, Any], folder: Path, checkpoint: Checkpoint | None) -> Path:
    """Write what a run cannot be had again without: the network, the history, the metrics and the configuration.

    Where the disk is full, the network alone is written, or else all is written to the folder of temporary files.

    Returns
    -------
    Path
        The folder that holds it.

    Raises
    ------
    FileAccessError
        If nothing could be written anywhere.
    """
    from clearprop.report.card import model_card

    metrics = {name: value for name, value in plain(outcome.to_json()).items() if name != "history"}

    def fill(fresh: Path) -> None:
        outcome.model.save(fresh / "model.safetensors")
        with tolerated("the history"):
            outcome.history.to_jsonl(fresh / "history.jsonl")
        with tolerated("the metrics"):
            folders.write_json(fresh / "metrics.json", metrics)
        with tolerated("the configuration"):
            folders.write_json(fresh / folders.CONFIG, config)
        with tolerated("the manifest and the card"):
            folders.write_json(fresh / "manifest.json", outcome.manifest)
            (fresh / "card.md").write_text(model_card(outcome, config), encoding="utf-8")
        if outcome.data.examples:
            with tolerated("its examples"):
                (fresh / "examples.csv").write_text(as_csv(outcome.data.examples), encoding="utf-8", newline="")
        if checkpoint is not None and Path(checkpoint.path).exists():
            with tolerated("the checkpoint"):
                shutil.copyfile(checkpoint.path, fresh / folders.CHECKPOINT)

    try:
        folders.publish(folder, fill)
        return folder
    except OSError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix=f"clearprop.{folder.name}.")) / "run"
        try:
            folders.publish(elsewhere, fill)
        except OSError:
            shutil.rmtree(elsewhere.parent, ignore_errors=True)
            why = str(cannot_access(error)).rstrip(".")
            raise FileAccessError(f"The network could not be saved, neither in {str(folder)!r} nor elsewhere: {why}.") from None
        LOG.warning("%s The run is saved in %s instead.", cannot_access(error), elsewhere)
        return elsewhere


@contextmanager
def tolerated(what: str) -> Iterator[None]:
    """Go on without what cannot be written, and say so."""
    try:
        yield
    except (OSError, MemoryError) as error:
        why = cannot_access(error) if isinstance(error, OSError) and not isinstance(error, ClearpropError) else error
        LOG.warning("The run is kept without %s: %s", what, why)


def save_rest(outcome: Outcome, folder: Path, diagnosis: Diagnosis | None = None) -> None:
    """Add the figures and the diagnosis to a run that is saved; what goes wrong here costs no more than them."""
    try:
        if diagnosis is not None:
            with tolerated("the diagnosis"):
                folders.write_json(folder / "doctor.json", diagnosis.to_json())
        with tolerated("all of its figures"):
            save_pictures(outcome, folder)
    except KeyboardInterrupt:
        LOG.warning("Interrupted while figures were drawn; the run itself is saved in %s.", folder)


def contents(folder: Path) -> dict[str, str]:
    """Names of the files of a run, with a description of each."""
    return {name: text.format(folder=folder) for name, text in CONTENTS.items() if (folder / name).exists()}


def save_pictures(outcome: Outcome, folder: Path) -> None:
    """Save the pictures that the report of the run has too, but for the curves, which are one figure here.

    Without Matplotlib there are none, and a line says so: the run is worth keeping all the same.
    """
    try:
        import_matplotlib()
    except ImportError as error:
        why = "is not installed" if error.name == "matplotlib" else f"cannot be imported ({error})"
        LOG.warning("The run is kept without pictures: these need matplotlib, which %s: pip install matplotlib.", why)
        return
    from clearprop.plots import save
    from clearprop.report.of_training import pictures

    if len(outcome.history):
        save_curves(outcome.history, folder / "curves.png")
    for picture in pictures(outcome, RESOLUTION):
        path = folder / f"{picture.name}.png"
        if path.name in CONTENTS:
            save(picture.figure(), path)


def import_matplotlib() -> None:
    """Import what all pictures need, without the lists of properties that Matplotlib writes into its own docstrings.

    These take a third of the time of the import, and nobody reads a docstring in the process of a command.
    """
    from matplotlib import artist

    listed = artist.kwdoc
    artist.kwdoc = lambda artist: ""
    try:
        import matplotlib.figure  # noqa: F401
    finally:
        artist.kwdoc = listed


def save_curves(history: History, path: Path) -> None:
    """Save loss and, if there is one, accuracy by epoch, side by side."""
    from matplotlib.figure import Figure

    from clearprop import plots
    from clearprop.plots.training_curves import METRICS

    metrics = [name for name in METRICS if f"train_{name}" in history.columns()]
    figure = Figure(figsize=(6.2 * len(metrics), 4.2))
    for metric, ax in zip(metrics, figure.subplots(1, len(metrics), squeeze=False)[0], strict=True):
        plots.learning_curves(history, ax, metric, history.best_epoch)
    plots.save(figure, path)
