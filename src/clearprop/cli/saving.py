"""Saving a run: its files, and the checkpoints on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.cli import output
from clearprop.cli.console import plain
from clearprop.cli.figures import draw_all
from clearprop.cli.output import FILE
from clearprop.training import Checkpoint
from clearprop.training.outcome import Outcome

if TYPE_CHECKING:
    from clearprop.doctor import Diagnosis

MEANINGS = {
    "model.safetensors": "the network: clearprop predict {folder} FILE",
    "history.jsonl": "loss, accuracy and learning rate of every epoch",
    "metrics.json": "the figures of the table",
    FILE: "to train it again: clearprop train --config {folder}/" + FILE,
    output.CHECKPOINT: "to go on: clearprop train --resume {folder}",
    "curves.png": "loss (and accuracy) by epoch",
    "boundary.png": "what the network says at every point of the plane",
    "confusion.png": "which classes are taken for which",
    "wrong.png": "the images that are most wrong",
    "doctor.json": "what is wrong with the run, with the evidence and what the remedy did",
    "fit.png": "predicted against true values",
}


@contextmanager
def checkpoints(
    folder: Path | None, config: dict[str, Any], resume: Path | None
) -> Iterator[tuple[Checkpoint | None, Path | None]]:
    """The callback that writes checkpoints, if they are wanted, and the file to go on from, if there is one.

    Until the run is complete they lie in a folder of their own, which is left there only if training was killed or failed
    after the first checkpoint.
    """
    source = output.unfinished(resume) if resume is not None else None
    start = source / output.CHECKPOINT if source is not None else None
    every = config["checkpoint_every"]
    if folder is None or every is None:
        yield None, start
        return
    checkpoint = Checkpoint(output.working(folder) / output.CHECKPOINT, every)
    place = output.open_working(folder, config, source == output.working(folder))
    try:
        yield checkpoint, start
    except BaseException:
        if not Path(checkpoint.path).exists():
            shutil.rmtree(place)
        raise
    shutil.rmtree(place)


def save_run(
    outcome: Outcome, config: dict[str, Any], folder: Path, checkpoint: Checkpoint | None, verdict: Diagnosis | None = None
) -> dict[str, str]:
    """Write everything into `folder`; the names of the files, and what each is for."""

    def fill(fresh: Path) -> None:
        outcome.model.save(fresh / "model.safetensors")
        outcome.history.to_jsonl(fresh / "history.jsonl")
        figures = {name: value for name, value in plain(outcome.to_json()).items() if name != "history"}
        output.write_json(fresh / "metrics.json", figures)
        output.write_json(fresh / FILE, config)
        if checkpoint is not None and Path(checkpoint.path).exists():
            shutil.copyfile(checkpoint.path, fresh / output.CHECKPOINT)
        draw_all(outcome, fresh)
        if verdict is not None:
            output.write_json(fresh / "doctor.json", verdict.to_json())

    output.publish(folder, fill)
    return {name: meaning.format(folder=folder) for name, meaning in MEANINGS.items() if (folder / name).exists()}
