"""Several epochs in one call of the engine, as long as nobody needs to look at the run in between.

The same epochs one by one would give the same bits; what is saved is the way back to Python after each, which takes longer than
an epoch of a small net. Early stopping goes along; any other callback has to be told of every epoch.
"""

from __future__ import annotations

import math

import numpy as np

from clearprop.engines.compilations import Stopwatch
from clearprop.engines.engine import EpochFigures, Task, Watch
from clearprop.training.early_stopping import EarlyStopping
from clearprop.training.history import Row
from clearprop.training.run import Run
from clearprop.training.snapshot import Snapshot

AT_A_TIME = 0.1  # seconds: Ctrl-C is heard after at most so long
STEP, OPERATIONS = 1e-6, 2e9  # a cautious guess: seconds for a step of the smallest net, operations per second
WATCHED = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")


def train_several_epochs(run: Run) -> bool:
    """As many epochs as take a tenth of a second; False if the run has to be trained one by one."""
    if not can_go_on_alone(run):
        return False
    before, task = Snapshot.of(run), task_of(run)
    watch = Stopwatch()
    figures = run.engine.train_epochs(task, epochs_at_a_time(run))
    if figures is not None and figures.stopped == "nonfinite":
        # The last of them went wrong: the others once more, so that the one-by-one way finds out where.
        done = len(figures.train_loss)
        before.restore(run)
        figures = run.engine.train_epochs(task_of(run), done) if done else None
    if figures is None:
        return False
    note(run, figures, watch.seconds() / max(len(figures.train_loss), 1))
    if figures.stopped == "interrupted":
        raise KeyboardInterrupt
    return len(figures.train_loss) > 0


def note(run: Run, figures: EpochFigures, seconds: float) -> None:
    """Write down the epochs that were done, of so many seconds each, and what early stopping has to know of them."""
    run.history.rows.extend(rows_of(run, figures, seconds))
    early = early_stopping(run)
    if early is not None and figures.watch is not None:
        early.best, early.best_epoch = figures.watch.score, figures.watch.epoch
        early.arrays = {"theta": figures.watch.theta} if early.best_epoch else {}
        if figures.stopped == "patience":
            early.end(run)


def can_go_on_alone(run: Run) -> bool:
    """Whether nothing but early stopping has to see each epoch."""
    early = early_stopping(run)
    callbacks_left = len(run.callbacks) - (early is not None)
    if callbacks_left or run.keep_steps or run.settings.order == "replacement" or run.settings.train_metrics == "after":
        return False
    if early is None:
        return True
    if early.monitor.endswith("accuracy") and not has_accuracy(run):
        return False  # which is an error that the callback raises
    return early.monitor in WATCHED and early.mode == "auto" and (run.val is not None or early.monitor.startswith("train"))


def has_accuracy(run: Run) -> bool:
    """Whether the loss tells right predictions from wrong ones."""
    return not math.isnan(run.loss.n_correct(run.net(run.train.X[:1]), run.train.y[:1]))


def early_stopping(run: Run) -> EarlyStopping | None:
    """The run's early stopping, if it has one."""
    found = [callback for callback in run.callbacks if type(callback) is EarlyStopping]
    return found[0] if len(found) == 1 else None


def task_of(run: Run) -> Task:
    """The run as the engine has to know it."""
    settings, n, early = run.settings, len(run.train), early_stopping(run)
    watch = None
    if early is not None:
        theta = early.arrays["theta"].copy() if early.arrays else run.net.theta.copy()
        watch = Watch(early.monitor, early.min_delta, early.patience, early.best, early.best_epoch, theta)
    return Task(
        run.net, run.loss, run.optimizer, run.train.X, run.train.y,
        None if run.val is None else run.val.X, None if run.val is None else run.val.y,
        settings.size(n), settings.used(n), run.rng if settings.order == "shuffle" else None,
        settings.on_nonfinite == "stop", watch, run.epoch,
        run.train.weights, None if run.val is None else run.val.weights,
    )  # fmt: skip


def epochs_at_a_time(run: Run) -> int:
    """Number of epochs that take about a tenth of a second: as those before did, or, at first, guessed."""
    if run.history.rows:
        seconds = max(run.history.rows[-1]["seconds"], 1e-7)
    else:
        n = len(run.train)
        seconds = run.settings.steps(n) * STEP + 6.0 * n * run.net.theta.size / OPERATIONS
    return max(1, min(run.settings.epochs - run.epoch, int(AT_A_TIME / seconds)))


def rows_of(run: Run, figures: EpochFigures, seconds: float) -> list[Row]:
    """The rows of the history for some epochs."""
    settings, n, done = run.settings, len(run.train), len(figures.train_loss)
    used = settings.used(n)
    decay = 0.0 if run.optimizer.decoupled else run.optimizer.weight_decay
    penalty = 0.5 * decay * figures.squared_theta
    if run.loss.reduction == "sum":
        penalty = penalty / settings.size(n)
    columns = {
        "train_loss": figures.train_loss / used + penalty,
        "train_accuracy": figures.train_correct / used,
    }
    if run.val is not None:
        columns["val_loss"] = figures.val_loss / len(run.val) + penalty
        columns["val_accuracy"] = figures.val_correct / len(run.val)
    columns = {name: values for name, values in columns.items() if not (name.endswith("accuracy") and np.isnan(values).all())}
    steps, t = settings.steps(n), run.optimizer.t
    rates = [run.optimizer.rate(t - 1 - steps * (done - 1 - k)) for k in range(done)]
    table = zip(*(values.tolist() for values in columns.values()), strict=True)
    first = run.epoch + 1
    return [
        {"epoch": first + k, **dict(zip(columns, values, strict=True)), "lr": rate, "seconds": seconds}
        for k, (values, rate) in enumerate(zip(table, rates, strict=True))
    ]
