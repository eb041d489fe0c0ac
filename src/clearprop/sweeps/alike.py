"""Trials of the same settings, which differ in their seed alone, trained in one call of `fit_many`.

While one worker's nets are in the kernel, which needs no interpreter lock, the other workers set up and measure theirs; with
a call for each net they would wait for each other more often than they train.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from clearprop.data.dataset import Dataset
from clearprop.engines.compilations import Stopwatch
from clearprop.nn import Linear
from clearprop.sweeps.trial import Row, rows_of_trial, set_up_trial, single_threaded
from clearprop.training import History, fit_many
from clearprop.training.outcome import arguments, measured
from clearprop.training.setup import Setup

MOST_MEMORY = 64 * 2**20  # bytes of the nets that are trained together


def train_alike(
    data: Dataset, seeds: Sequence[int], every_epoch: bool = False, examples: int | None = None, **given: Any
) -> Iterator[tuple[list[Row] | None, float]]:
    """`train_trial` for several seeds: the same rows, to the bit.

    Yields
    ------
    rows : list of dict or None
        None for a trial that Ctrl-C ended; those that would have been trained after it are left out.
    seconds : float
        Time that the trial took, setup and measurement included; the mean of those that were trained together.
    """
    setups = (set_up_trial(data, seed, examples, **given) for seed in seeds)
    for first in setups:
        began, at_a_time = time.perf_counter(), max(int(MOST_MEMORY / memory_of(first, data)), 1)
        together = [first, *islice(setups, at_a_time - 1)]
        found = list(rows_of_each(together, every_epoch))
        seconds = (time.perf_counter() - began) / len(together)
        yield from ((rows, seconds) for rows in found)
        if None in found:
            return


def rows_of_each(setups: Sequence[Setup], every_epoch: bool) -> Iterator[list[Row] | None]:
    """Train nets of one kind, in place; the rows of each, or None if Ctrl-C came before it was finished."""
    engine, watch = single_threaded(setups[0]), Stopwatch()
    given = [arguments(setup, validate=every_epoch) for setup in setups]
    of_each = {name: [one[name] for one in given] for name in given[0]}
    histories = fit_many([setup.net for setup in setups], threads=1, engine=engine, **of_each)
    # Alike as they are, an epoch takes all of them equally long.
    second = watch.seconds() / max(sum(map(epochs_begun, histories)), 1)
    for setup, history in zip(setups, histories, strict=True):
        outcome = measured(setup, engine, history, second * epochs_begun(history), thorough=False)
        yield None if outcome.interrupted else rows_of_trial(outcome, every_epoch)


def epochs_begun(history: History) -> int:
    """Number of epochs, with the one that went wrong, if one did."""
    return len(history) + (history.nonfinite is not None)


def memory_of(setup: Setup, data: Dataset) -> int:
    """Bytes that the training of a net takes beside the data of the sweep, roughly."""
    net, number = setup.net, setup.net.dtype.itemsize
    size = setup.settings.fit.size(len(setup.data.train))
    widths = sum(layer.n_out for layer in net.layers if isinstance(layer, Linear))
    copied = 0
    for name, split in setup.data.splits.items():
        if split.X.dtype != net.dtype or split.X is not data.splits[name].X:
            copied += split.X.size * number
        copied += split.y.size * number + 8 * len(split)
    return number * (8 * net.theta.size + 4 * size * widths) + copied
