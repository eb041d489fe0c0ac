"""The trial: one combination of settings with one seed; its identity, and its training on a data source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.data.dataset import Dataset
from clearprop.engines import ENGINES, Engine
from clearprop.errors import OptionError
from clearprop.registry import Configured, count, unknown_name
from clearprop.training import History
from clearprop.training.outcome import Outcome, train
from clearprop.training.settings import Settings, settings_for
from clearprop.training.setup import Setup, set_up

Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One training run of a sweep.

    Attributes
    ----------
    settings : dict
        Settings that the sweep varies.
    replicate : int
        0 for the first seed of these settings, 1 for the second, ...
    key : str
        Names the trial: a digest of what the sweep does (its data, fixed settings and seed), of the settings and of the
        replicate. The same key means the same numbers, in whatever order, on whatever machine.
    seed : int
        Drawn by `SeedSequence` from the sweep's seed and this trial's part of the key, so that it depends on nothing else.
    """

    settings: Row = field(hash=False)
    replicate: int
    key: str
    seed: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], replicate: int, sweep_seed: int, identity: str = "") -> Trial:
        """The trial of a sweep of this seed that does what `identity` says.

        Examples
        --------
        >>> one, other = (Trial.of({"lr": 0.1}, replicate, sweep_seed=0) for replicate in (0, 1))
        >>> one.seed == Trial.of({"lr": 0.1}, 0, sweep_seed=0).seed, one.seed == other.seed
        (True, False)
        """
        own = digest({"settings": dict(settings), "replicate": replicate})
        words = [int(own[i : i + 8], 16) for i in range(0, 32, 8)]
        seed = int(np.random.SeedSequence([sweep_seed, *words]).generate_state(1)[0])
        return cls(dict(settings), replicate, digest([identity, sweep_seed, own])[:16], seed)

    def columns(self) -> Row:
        """First columns of every row of the trial: its settings, `replicate`, `seed` and `trial`, which is its key."""
        shown = {name: plain_setting(value) for name, value in self.settings.items()}
        return {**shown, "replicate": self.replicate, "seed": self.seed, "trial": self.key}


def digest(value: Any) -> str:
    """SHA-256 of a value in terms of JSON, in hexadecimal.

    Raises
    ------
    OptionError
        If it holds what JSON cannot.
    """
    try:
        text = json.dumps(value, sort_keys=True, default=_for_json)
    except TypeError as error:
        raise OptionError(f"The settings of a sweep must be numbers, texts or lists of them: {error}.") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _for_json(value: Any) -> Any:
    if isinstance(value, Configured):
        return value.config()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def plain_setting(value: Any) -> Any:
    """A setting as a cell of a table: several units or names as one text, an object as its `repr`.

    Examples
    --------
    >>> plain_setting((64, 32)), plain_setting(0.1), plain_setting(())
    ('64-32', 0.1, 'none')
    """
    if isinstance(value, (list, tuple)):
        return "-".join(map(str, value)) or "none"
    return repr(value) if isinstance(value, (Configured, dict)) else value


@checked
def train_trial(data: Dataset, seed: int, every_epoch: bool = False, examples: int | None = None, **given: Any) -> list[Row]:
    """Train once as `clearprop train` would, and measure on every split.

    Parameters
    ----------
    data : Dataset
    seed : int
        For the first parameters, the order of the examples and, with `examples`, the choice of the examples.
    every_epoch : bool
        Whether to return the history instead of one row.
    examples : int, optional
        Train on so many examples, drawn at random, instead of on all.
    **given
        Settings of `clearprop.training.settings.Settings`; the others are chosen for the data.

    Returns
    -------
    list of dict
        `train_loss`, `train_accuracy`, and so on for `val` and `test`, measured after training on the parameters that it
        left; `epochs_done`, `best_epoch`, `stopped`, `seconds`. If the loss became NaN or infinite, the losses are NaN, the
        accuracies those of the last finite parameters.

    Examples
    --------
    >>> import clearprop as cp
    >>> rows = train_trial(cp.data.load("circles"), seed=1, lr=0.1, optimizer="sgd", epochs=2)
    >>> rows[0]["epochs_done"], rows[0]["stopped"]
    (2, None)
    """
    setup = set_up_trial(data, seed, examples, **given)
    # Validation after every epoch is worth its time only where somebody looks at it.
    outcome = train(setup, engine=single_threaded(setup), validate=every_epoch, thorough=False)
    if outcome.interrupted:
        raise KeyboardInterrupt  # `fit` keeps what was learned and returns; a sweep has to end
    return rows_of_trial(outcome, every_epoch)


def set_up_trial(data: Dataset, seed: int, examples: int | None = None, **given: Any) -> Setup:
    """The setup of a trial."""
    if examples is not None:
        data = fewer(data, examples, seed)
    return set_up(settings_for(data, **given, seed=seed), data)


def rows_of_trial(outcome: Outcome, every_epoch: bool) -> list[Row]:
    """The rows of a trial that was trained."""
    history = outcome.history
    if every_epoch:
        return epoch_rows(history)
    figures = {
        f"{split}_{name}": value
        for split, found in outcome.metrics.items()
        for name, value in found.items()
        if name != "examples"
    }
    if history.nonfinite is not None:
        figures |= {name: float("nan") for name in figures if name.endswith("_loss")}
    ending = {"epochs_done": len(history), "best_epoch": history.best_epoch, "stopped": history.stopped}
    return [{**figures, **ending, "seconds": outcome.seconds}]


def single_threaded(setup: Setup) -> Engine:
    """The engine of a trial, in one thread: workers fill the machine already, and the bits depend on no number of threads."""
    name = setup.settings.engine
    if name is None:
        return ENGINES.fastest(setup.net, setup.loss, setup.optimizer, threads=1)[0]
    return ENGINES.make({"type": name, "threads": 1} if "threads" in ENGINES.find(name).defaults() else name)


def epoch_rows(history: History) -> list[Row]:
    """The history with its ending; where training diverged, the epoch in which it did is a row of NaN."""
    rows = [dict(row) for row in history]
    if history.nonfinite is not None:
        rows.append({"epoch": len(rows) + 1, "train_loss": float("nan")})
    return [{**row, "stopped": history.stopped} for row in rows]


def fewer(data: Dataset, examples: int, seed: int) -> Dataset:
    """The data set with so many of its training examples, drawn at random."""
    n = len(data.train)
    examples = count("examples", examples)
    if examples > n:
        raise OptionError(f"examples must be at most the {n} training examples of {data.name}, not {examples}.")
    rows = np.sort(np.random.default_rng(np.random.SeedSequence([seed, 1])).permutation(n)[:examples])
    return replace(data, splits=data.splits | {"train": data.train.take(rows)})


def check_settings(data: Dataset, given: Row) -> None:
    """Raise whatever these settings would raise in a trial, now, and not after an hour."""
    given = dict(given)
    examples = given.pop("examples", None)
    if examples is not None:
        data = fewer(data, examples, 0)
    for name in given:
        if name not in Settings.names():
            raise OptionError(unknown_name("setting", name, [*Settings.names(), "examples"]))
    set_up(settings_for(data, **given), data)
