"""Running a sweep: every trial once, on as many workers as there are, each stored as soon as it is finished."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import brief
from clearprop.data import Dataset, load
from clearprop.data.dataset import Split
from clearprop.errors import OptionError
from clearprop.headroom import require_memory
from clearprop.ownership import writing
from clearprop.registry import count
from clearprop.sweeps.grid import Axis, expand_grid
from clearprop.sweeps.store import Store
from clearprop.sweeps.trial import Row, Trial, check_settings, digest, train_trial
from clearprop.sweeps.workers import in_parallel

Progress = Callable[[int, int], None]
Source = str | Path | Dataset | Split | tuple[Any, Any]


@checked
def run_sweep(
    make: Callable[..., Row | list[Row]] | Source,
    grid: Mapping[str, Axis],
    seeds: int = 1,
    *,
    draws: int | None = None,
    seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
    shared: Any = None,
    data: Mapping[str, Any] | None = None,
    every_epoch: bool = False,
    jobs: int = 1,
    scheduler: str = "threads",
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Train with every combination of settings, several times, and return tidy rows.

    The rows do not depend on the number of workers, on where those run, or on whether the sweep was killed and taken up
    again: each trial has its own seed, drawn by `numpy.random.SeedSequence` from the sweep's seed and from the trial.
    (`seconds` is a measurement, and does.)

    Parameters
    ----------
    make : data source, or callable
        Anything that `clearprop.data.load` takes, or a `Dataset`: every trial trains as `clearprop train` would, and the grid
        holds its settings (`lr`, `batch_size`, `hidden`, `init`, ...), or `examples`, the number of training examples. Or a
        function of your own, called as `make(seed=..., **settings)` or, with `shared`, `make(shared, seed=..., **settings)`;
        it returns one row of figures, or a list of rows. Processes and clusters need one that can be pickled.
    grid : dict of str to sequence or Between
        Values to try of each setting.
    seeds : int
        Replicates of each combination.
    draws : int, optional
        Random search: draw so many combinations, in place of all.
    seed : int
        Seed of the sweep and of the data split, which is the same in all trials.
    fixed : dict, optional
        Settings that are the same in all trials. They are not columns of the rows.
    shared : object, optional
        Data for a function of your own. It is sent to each worker once.
    data : dict, optional
        Further arguments of `clearprop.data.load`.
    every_epoch : bool
        For a data source: whether to return a row for each epoch, with `epoch`, instead of one for each trial.
    jobs : int
        Workers; -1 for one on each core. On a cluster, they are all used.
    scheduler : str
        "threads", "processes", or the address of a Dask scheduler, such as "tcp://10.0.0.1:8786".
    store : path, optional
        A .jsonl or .parquet file. Rows that it holds already are not computed again; a function of your own is identified by
        its name and by a `Dataset` that it shares, so remove the file when anything else about it has changed.
    progress : callable, optional
        Called as progress(done, total) at the start and after each trial.

    Returns
    -------
    list of dict
        In the order of the grid; the replicates of one combination follow each other. The settings, `replicate`, `seed`,
        `trial`, then the figures. A trial that diverged is a row as well: its loss is NaN, and `stopped` says where.

    Examples
    --------
    >>> rows = run_sweep(lambda seed, lr: {"lowest": 1 / lr}, {"lr": [0.5, 0.25]})
    >>> [row["lowest"] for row in rows]
    [2.0, 4.0]
    """
    seeds, fixed = count("seeds", seeds), dict(fixed or {})
    combinations = expand_grid(grid, draws, seed)
    _no_overlap(grid, fixed)
    if isinstance(make, (str, Path, Dataset, Split, tuple)):
        dataset = as_dataset(make, seed, dict(data or {}), fixed)
        for settings in combinations:
            check_settings(dataset, fixed | settings)
        work: Callable[..., Row | list[Row]] = train_trial
        shared, fixed = dataset, fixed | {"every_epoch": every_epoch}
        identity = digest([fingerprint(dataset), fixed])
    elif callable(make):
        work = make
        identity = digest([name_of(make), fingerprint(shared) if isinstance(shared, Dataset) else None, fixed])
    else:
        raise OptionError(f"A sweep needs a data source or a function that trains, not {brief(make)}.")
    require_memory(f"{len(combinations) * seeds:,} trials", 1000 * len(combinations) * seeds, "take fewer seeds")
    trials = [Trial.of(settings, k, seed, identity) for settings in combinations for k in range(seeds)]
    own = list({trial.key: trial for trial in trials}.values())
    if store is not None:
        Store(store)  # which refuses a file of another kind before the lock is made
    with writing(None if store is None else Path(store)):
        return _run(work, shared, fixed, own, jobs, scheduler, store, progress)


def _run(
    work: Callable[..., Any],
    shared: Any,
    fixed: Row,
    trials: list[Trial],
    jobs: int,
    scheduler: str,
    store: str | Path | None,
    progress: Progress | None,
) -> list[Row]:
    """The rows of the trials: those that are stored, and the others computed."""
    kept = Store(store) if store is not None else None
    found = {} if kept is None else kept.load()
    todo = [trial for trial in trials if trial.key not in found]
    done = len(trials) - len(todo)
    if progress is not None:
        progress(done, len(trials))
    for rows in in_parallel(work, shared, fixed, todo, jobs, scheduler):
        found[rows[0]["trial"]] = rows
        if kept is not None:
            kept.add(rows)
        done += 1
        if progress is not None:
            progress(done, len(trials))
    ordered = [row for trial in trials for row in found[trial.key]]
    if kept is not None:
        wanted = {trial.key for trial in trials}
        others = [row for key, rows in found.items() if key not in wanted for row in rows]  # of an earlier, other grid
        kept.finish([*ordered, *others])
    return ordered


def _no_overlap(grid: Mapping[str, Axis], fixed: Row) -> None:
    both = [name for name in grid if name in fixed]
    if both:
        raise OptionError(f"{', '.join(both)} cannot be both fixed and in the grid; leave it out of one of them.")
    for name in ("seed", "replicate", "trial"):
        if name in grid or name in fixed:
            raise OptionError(f"{name} is drawn for each trial, so it cannot be given; ask for several seeds.")


def as_dataset(source: Source, seed: int, arguments: Row, fixed: Row) -> Dataset:
    """The data of a sweep."""
    if isinstance(source, Dataset):
        return source
    given = tuple(source) if isinstance(source, Split) else source
    return load(given, seed=seed, dtype=fixed.get("dtype", "float32"), **arguments)


def name_of(function: Callable[..., Any]) -> str:
    """Name of a function in a store: where it is defined, and for a partial one its arguments.

    Examples
    --------
    >>> name_of(partial(int, base=2))
    "builtins.int {'base': 2}"
    """
    if isinstance(function, partial):
        return f"{name_of(function.func)} {function.keywords}"
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def fingerprint(data: Dataset) -> str:
    """A digest of all examples, so that rows of other data are never taken for rows of these."""
    found = hashlib.sha256()
    for name, split in data.splits.items():
        for array in split:
            found.update(f"{name} {array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
