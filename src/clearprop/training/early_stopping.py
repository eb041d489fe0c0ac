"""Early stopping: end a run that no longer improves, and keep its best parameters."""

from __future__ import annotations

import math
from typing import Any

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.registry import choose, count, number, text, unknown_name
from clearprop.training.run import Callback, Run


class EarlyStopping(Callback):
    """Stop when a figure has not improved for `patience` epochs, and leave the net with its best parameters.

    The best parameters are restored however training ends, also if its last epoch came first.

    Parameters
    ----------
    patience : int
        Epochs without improvement after which training stops.
    monitor : str
        A column of the history.
    min_delta : float
        Smallest change that counts as an improvement.
    mode : {"auto", "min", "max"}
        Whether small or large is good; "auto" takes large for accuracies.

    Raises
    ------
    OptionError
        In the first epoch, if the history has no such column.
    """

    def __init__(self, patience: int = 10, monitor: str = "val_loss", min_delta: float = 0.0, mode: str = "auto") -> None:
        self.patience, self.monitor = count("patience", patience), text("monitor", monitor)
        self.min_delta = number("min_delta", min_delta, lambda x: x >= 0, "zero or more")
        self.mode = choose("mode", mode, ("auto", "min", "max"))
        self.best, self.best_epoch = math.inf, 0
        self.arrays: dict[str, Array] = {}

    def on_fit_start(self, run: Run) -> None:
        """Forget an earlier run."""
        self.best, self.best_epoch, self.arrays = math.inf, 0, {}

    def on_epoch_end(self, run: Run) -> None:
        """Keep the parameters if they are the best so far; stop if that was too long ago."""
        row = run.history[-1]
        if self.monitor not in row:
            hint = " It needs validation data." if self.monitor.startswith("val_") else ""
            raise OptionError(f"EarlyStopping: {unknown_name('history column', self.monitor, list(row))}{hint}")
        larger_is_better = self.mode == "max" or (self.mode == "auto" and self.monitor.endswith("accuracy"))
        score = -row[self.monitor] if larger_is_better else row[self.monitor]
        if score < self.best - self.min_delta:
            self.best, self.best_epoch, self.arrays = score, run.epoch, run.net.arrays()
        elif run.epoch - self.best_epoch >= self.patience:
            self.end(run)

    def end(self, run: Run) -> None:
        """Stop the run, with the reason."""
        waited = "1 epoch" if self.patience == 1 else f"{self.patience} epochs"
        run.stop(f"{self.monitor} has not improved for {waited}")

    def on_fit_end(self, run: Run) -> None:
        """Restore the best parameters."""
        if self.arrays:
            run.net.restore(self.arrays)
            run.history.best_epoch = self.best_epoch

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {"best": self.best if self.arrays else None, "best_epoch": self.best_epoch}, self.arrays

    def set_state(self, values: dict[str, Any], arrays: dict[str, Array]) -> None:
        self.best = math.inf if values["best"] is None else float(values["best"])
        self.best_epoch, self.arrays = int(values["best_epoch"]), arrays
