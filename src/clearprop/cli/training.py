"""One training run from the command line: with a progress bar and checkpoints, and without warnings in between."""

from __future__ import annotations

import warnings
from pathlib import Path

from clearprop.cli.progress import Progress
from clearprop.errors import NonFiniteWarning
from clearprop.training import Callback, Checkpoint
from clearprop.training.outcome import Outcome, train
from clearprop.training.setup import Setup


def carry_out(setup: Setup, progress: Progress, checkpoint: Checkpoint | None = None, resume: Path | None = None) -> Outcome:
    """Train as set up, and measure; the training examples are let go."""
    callbacks: list[Callback] = [progress, *([] if checkpoint is None else [checkpoint])]
    with warnings.catch_warnings(), progress.live():
        warnings.simplefilter("ignore", NonFiniteWarning)  # it is in the history, and printed from there
        return train(setup, callbacks, resume=resume).reduced()
