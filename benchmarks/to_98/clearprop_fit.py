"""clearprop: `load`, `fit`, and a callback that stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import clearprop as cp
from benchmarks.to_98 import BATCH, LR, SIZES
from clearprop.engines import ENGINES
from clearprop.training import Run

ENGINES.make("compiled")  # the other libraries are imported before the clock starts as well


class Stop(cp.Callback):
    """Ends the training at an accuracy.

    Parameters
    ----------
    goal : float
    """

    def __init__(self, goal: float) -> None:
        self.goal = goal

    def on_epoch_end(self, run: Run) -> None:
        if run.history.rows[-1]["val_accuracy"] >= self.goal:
            run.stop("the goal is reached")


def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    data = cp.data.load("mnist", data_dir=folder, val=0)
    net = cp.mlp(list(SIZES), hidden="relu", seed=seed)
    history = cp.fit(
        net, data.train, optimizer=cp.Adam(lr=LR), batch_size=BATCH, epochs=cap, seed=seed, engine="compiled",
        validation=data.test, callbacks=[Stop(goal)],
    )  # fmt: skip
    yield from history["val_accuracy"]
