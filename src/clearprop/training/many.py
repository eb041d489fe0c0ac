"""Many nets at once: the same as `fit` for each, shared among the processors without returning to Python."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.engines.compilations import Stopwatch
from clearprop.errors import OptionError
from clearprop.nn import Net
from clearprop.optim import Optimizer
from clearprop.registry import count
from clearprop.training.history import History
from clearprop.training.loop import begin_run, end_run, go_on
from clearprop.training.run import Run
from clearprop.training.several_epochs import can_go_on_alone, note, task_of
from clearprop.training.snapshot import Snapshot

AT_A_TIME = 512  # nets whose memory is held at the same time
STEPS_OF_RULES = 4096  # steps whose learning rates and constants are kept for each net, where they change from step to step


@checked
def fit_many(
    nets: Sequence[Net],
    data: Dataset | Split | tuple[Array, Array] | Sequence[Any],
    *,
    threads: int | None = None,
    **settings: Any,
) -> list[History]:
    """Train many nets, in place: the same as `fit` for one after the other, to the bit, and as many at a time as can be.

    Parameters
    ----------
    nets : sequence of Net
        Of any shapes.
    data : Dataset, Split or pair (X, y), or a list of these
        For all nets, or one for each.
    threads : int, optional
        By default, one for each processor that this process may use. The bits do not depend on it: each net is trained in one
        thread, as by ``Compiled(threads=1)``.
    **settings
        As for `fit`: `loss`, `optimizer`, `batch_size`, `epochs`, `seed`, `validation`, `callbacks`, `order`, `remainder`,
        `train_metrics`, `on_nonfinite`, `sample_weight` and `keep_steps`; each a value for all nets, or a list with one for
        each. An optimizer or a callback that is given for all is copied for each.

    Returns
    -------
    list of History
        One for each net. After Ctrl-C, each net has what it had learned by then.

    Raises
    ------
    OptionError
        If a list has another length than `nets`, or a setting is unknown.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> nets = [cp.mlp([2, 10, 2], hidden="tanh", seed=seed) for seed in range(4)]
    >>> histories = fit_many(nets, data, optimizer=[cp.SGD(lr=lr) for lr in (0.01, 0.03, 0.1, 0.3)], epochs=20, seed=0)
    >>> [len(history) for history in histories]
    [20, 20, 20, 20]
    """
    n = len(nets)
    of_each = {name: for_each(name, value, n) for name, value in settings.items()}
    data_of_each = for_each("data", data, n)
    if len(set(map(id, nets))) < n:
        raise OptionError("fit_many needs each net once, but one is given several times; copy it first.")
    threads = None if threads is None else count("threads", threads)
    runs = [
        begin_run(net, data_of_each[k], **{name: given[k] for name, given in of_each.items()}) for k, net in enumerate(nets)
    ]
    carry_out_many(runs, threads)
    return [run.history for run in runs]


def carry_out_many(runs: Sequence[Run], threads: int | None = None) -> None:
    """Train all runs; those that need Python after every epoch, and what is left of one that went wrong, one by one."""
    for run in runs:
        for callback in run.callbacks:
            callback.on_fit_start(run)
    with suppress(KeyboardInterrupt):
        for kind in {type(run.engine) for run in runs}:
            together = [run for run in runs if type(run.engine) is kind and can_go_on_alone(run)]
            for first in range(0, len(together), AT_A_TIME):
                train_together(together[first : first + AT_A_TIME], threads)
        for run in runs:
            if not run.finished:
                go_on(run)
    for run in runs:
        end_run(run)


def train_together(runs: Sequence[Run], threads: int | None) -> None:
    """Train runs in one call of the engine after the other, until each is finished or has met a number that is not finite."""
    left = list(runs)
    while left:
        epochs = [epochs_of(run) for run in left]
        before, tasks, watch = [Snapshot.of(run) for run in left], [task_of(run) for run in left], Stopwatch()
        found = left[0].engine.train_many(tasks, epochs, threads)
        n_epochs = sum(len(figures.train_loss) for figures in found if figures is not None)
        seconds = watch.seconds() / max(1, n_epochs)
        going_on, interrupted = [], False
        for run, snapshot, figures in zip(left, before, found, strict=True):
            if figures is None:
                continue
            if figures.stopped == "nonfinite":
                snapshot.restore(run)  # `go_on` takes the same epochs again, and says where it went wrong
                continue
            note(run, figures, seconds)
            interrupted = interrupted or figures.stopped == "interrupted"
            if not run.finished:
                going_on.append(run)
        if interrupted:
            raise KeyboardInterrupt
        left = going_on


def epochs_of(run: Run) -> int:
    """Epochs to train in one call: all, unless the optimizer needs its rule for every step."""
    left = run.settings.epochs - run.epoch
    if isinstance(run.optimizer.lr, float) and not run.optimizer.constants_change:
        return left
    return max(1, min(left, STEPS_OF_RULES // run.settings.steps(len(run.train))))


def for_each(name: str, value: Any, n: int) -> list[Any]:
    """A value for each of n nets: those of a list, or copies of one."""
    if isinstance(value, list):
        if len(value) != n:
            raise OptionError(f"{name} is a list of {len(value)}, but there are {n} nets; give one value, or one for each net.")
        return value
    if isinstance(value, Optimizer) or name == "callbacks":
        return [copy.deepcopy(value) for _ in range(n)]
    return [value] * n
