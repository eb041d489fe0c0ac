"""Workers: threads, processes or a Dask cluster, all through joblib, and how trials are handed to them.

Fits of a millisecond are handed out in groups that take about a fifth of a second, so that the cost of handing out is small
beside them, and little is lost with a worker. Those of a group that differ in their seed alone are trained in one call of the
engine (`alike`).
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import groupby
from typing import Any

from clearprop.arrays import brief
from clearprop.errors import ClearpropError, MissingExtraError, NonFiniteWarning, OptionError
from clearprop.registry import choose
from clearprop.sweeps.alike import train_alike
from clearprop.sweeps.trial import Row, Trial, train_trial

GROUP_SECONDS = 0.2
MOST_JOBS = 1024
SCHEDULERS = ("threads", "processes")
JOBLIB = {"threads": "threading", "processes": "loky"}
Result = tuple[Trial, list[Row], float]
Failure = BaseException | None


def in_parallel(
    work: Callable[..., Any], shared: Any, fixed: Row, trials: list[Trial], jobs: int = 1, scheduler: str = "threads"
) -> Iterator[list[Row]]:
    """The rows of each trial, as soon as it is finished, in whatever order that is.

    Parameters
    ----------
    work : callable
        (shared, seed=..., **settings), or without `shared` if that is None, -> row or list of rows.
    shared, fixed
        Data and settings of all trials.
    trials : list of Trial
    jobs, scheduler
        As for `run_sweep`.

    Yields
    ------
    list of dict
    """
    from joblib import delayed

    check_workers(jobs, scheduler)
    queue = Groups(trials)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", NonFiniteWarning)  # it is in the row; done here, since threads share their filters
        stack.enter_context(one_thread())
        parallel, queue.workers = _open(stack, shared, jobs, scheduler)
        tasks = (delayed(run_group)(work, shared, fixed, group, scheduler != "threads") for group in queue)
        for results, error in parallel(tasks):
            for trial, rows, seconds in results:
                queue.learn(trial, seconds)
                yield rows
            if error is not None:
                raise error


def check_workers(jobs: int, scheduler: str) -> None:
    """Raise an `OptionError` unless there can be such workers."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0 or jobs < -1:
        raise OptionError(f"jobs must be the number of workers, 1 or more, or -1 for one on each core, not {brief(jobs)}.")
    if jobs > MOST_JOBS:
        raise OptionError(f"jobs must be at most {MOST_JOBS}, not {brief(jobs)}; -1 is one on each core.")
    if "://" not in scheduler:
        choose("scheduler", scheduler, (*SCHEDULERS, "tcp://HOST:PORT"))
        if scheduler not in SCHEDULERS:
            raise OptionError("scheduler takes the address of a Dask scheduler, such as tcp://10.0.0.1:8786.")


def _open(stack: ExitStack, shared: Any, jobs: int, scheduler: str) -> tuple[Any, int]:
    """joblib's `Parallel` on these workers, and how many they are."""
    from joblib import Parallel, effective_n_jobs, parallel_config

    options: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
    if scheduler in SCHEDULERS:
        return Parallel(n_jobs=jobs, backend=JOBLIB[scheduler], **options), effective_n_jobs(jobs)
    client = stack.enter_context(_client(scheduler))
    scatter = None if shared is None else [shared]  # sent once, to every worker, and not with each group
    with parallel_config(backend="dask", client=client, scatter=scatter, n_jobs=-1):
        return Parallel(**options), max(effective_n_jobs(), 1)


def _client(address: str) -> Any:
    """A connection to a Dask scheduler.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    OptionError
        If nobody answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError(f"The scheduler {address} needs Dask: pip install 'clearprop[dask]'.") from None
    try:
        connect: Any = Client
        return connect(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OptionError(
            f"No Dask scheduler answers at {address!r} ({type(error).__name__}); start one with: dask scheduler."
        ) from None


class Groups:
    """The trials in groups of about `GROUP_SECONDS`, made up while earlier ones run and show how long they take.

    The first replicate of every combination goes first, alone unless all is known to be fast: then it is known how long the
    others take.

    Parameters
    ----------
    trials : list of Trial
    workers : int
    """

    def __init__(self, trials: list[Trial], workers: int = 1) -> None:
        self.workers = workers
        self.trials = sorted(trials, key=lambda trial: trial.replicate > 0)
        self.seconds: dict[str, float] = {}

    def __iter__(self) -> Iterator[list[Trial]]:
        group: list[Trial] = []
        expected = 0.0
        for place, trial in enumerate(self.trials):
            group.append(trial)
            expected += self.expect(trial)
            share = (len(self.trials) - place) / (2 * self.workers)  # nobody is to be left without work at the end
            if expected >= GROUP_SECONDS or len(group) >= share:
                yield group
                group, expected = [], 0.0
        if group:
            yield group

    def expect(self, trial: Trial) -> float:
        """Seconds that a trial will take: those of the same settings; else of the slowest; a whole group's if none is known."""
        known = self.seconds.get(str(trial.settings))
        return known if known is not None else max(self.seconds.values(), default=GROUP_SECONDS)

    def learn(self, trial: Trial, seconds: float) -> None:
        """Record the seconds of a trial; the fastest counts, since the first of all may have compiled something."""
        name = str(trial.settings)
        self.seconds = {**self.seconds, name: min(seconds, self.seconds.get(name, seconds))}  # read by other threads


def run_group(
    work: Callable[..., Any], shared: Any, fixed: Row, trials: list[Trial], apart: bool
) -> tuple[list[Result], Failure]:
    """Run some trials, one after the other; `apart` from the process that asks for them, or in a thread of it.

    An error comes back beside the trials that were finished before it, which are not lost.
    """
    if not apart:
        return _run_all(work, shared, fixed, trials)
    warnings.simplefilter("ignore", NonFiniteWarning)
    with one_thread():
        results, error = _run_all(work, shared, fixed, trials)
    if error is not None:
        error.add_note("".join(traceback.format_exception(error)))  # a traceback does not travel by itself
    return results, error


def _run_all(work: Callable[..., Any], shared: Any, fixed: Row, trials: list[Trial]) -> tuple[list[Result], Failure]:
    results: list[Result] = []
    try:
        for _, alike in groupby(trials, key=lambda trial: str(trial.settings)):
            for result in run_alike(work, shared, fixed, list(alike)):
                results.append(result)  # at once: what is finished when an error comes is kept
    except (Exception, KeyboardInterrupt) as error:  # raised again by `in_parallel`
        return results, error
    return results, None


def one_thread() -> AbstractContextManager[Any]:
    """Matrix products of this process in one thread: the workers fill the machine, and the bits are the same everywhere."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def run_one(work: Callable[..., Any], shared: Any, fixed: Row, trial: Trial) -> Result:
    """The rows of a trial, each beginning with its settings, and the seconds that it took."""
    began = time.perf_counter()
    first = () if shared is None else (shared,)
    with naming(trial):
        figures = work(*first, seed=trial.seed, **fixed, **trial.settings)
    rows = [figures] if isinstance(figures, dict) else figures
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise OptionError(f"A trial must return a row of figures, or a list of at least one, not {brief(figures)}.")
    return trial, [{**trial.columns(), **row} for row in rows], time.perf_counter() - began


def run_alike(work: Callable[..., Any], shared: Any, fixed: Row, trials: list[Trial]) -> Iterator[Result]:
    """The same for each of several trials of the same settings, which are trained together if that can be."""
    if work is not train_trial or len(trials) == 1:
        yield from (run_one(work, shared, fixed, trial) for trial in trials)
        return
    with naming(trials[0]):
        found = train_alike(shared, [trial.seed for trial in trials], **fixed, **trials[0].settings)
        interrupted = False
        for trial, (rows, seconds) in zip(trials, found, strict=False):
            interrupted = interrupted or rows is None
            if rows is not None:
                yield trial, [{**trial.columns(), **row} for row in rows], seconds
        if interrupted:
            raise KeyboardInterrupt


@contextmanager
def naming(trial: Trial) -> Iterator[None]:
    """Say in an error in which trial it was."""
    try:
        yield
    except ClearpropError as error:
        raise type(error)(f"{error} (In the trial {brief(trial.settings)}.)") from None
