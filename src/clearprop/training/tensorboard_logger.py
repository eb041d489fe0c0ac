"""TensorBoard: the figures of each epoch in an event file, written by TensorBoard's own writer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from clearprop.arguments import as_path
from clearprop.errors import MissingExtraError
from clearprop.training.run import Callback, Run


class TensorBoardLogger(Callback):
    """Writes losses, accuracies and learning rate for TensorBoard (``tensorboard --logdir FOLDER``).

    Parameters
    ----------
    folder : path
        Folder of the event file, one for each run.

    Raises
    ------
    MissingExtraError
        When training begins, if tensorboard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(as_path("folder", folder))
        self.writer: Any = None

    def on_fit_start(self, run: Run) -> None:
        """Open the event file."""
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise MissingExtraError(
                "TensorBoardLogger needs tensorboard, which is not installed: pip install 'clearprop[tensorboard]'."
            ) from None
        self.writer = EventFileWriter(self.folder)

    def on_epoch_end(self, run: Run) -> None:
        """Add the figures of the epoch, under "loss/train", "accuracy/val" and the like."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        row = run.history[-1]
        figures = {"/".join(reversed(name.split("_", 1))): value for name, value in row.items() if name != "epoch"}
        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self.writer.add_event(Event(wall_time=time.time(), step=row["epoch"], summary=Summary(value=values)))

    def on_fit_end(self, run: Run) -> None:
        """Close the event file."""
        self.writer.close()
