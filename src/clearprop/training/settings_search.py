"""A search for good settings: several networks are trained at once, held-out rows decide, and the best few are averaged.

The training and validation rows are dealt into folds. Each setting (the widths of the hidden layers, the weight decay) is
trained with some of the folds held out in turn, and judged by its loss, and for classes its errors too, on the rows that it has
not seen. From the best of a first handful the search goes on to its neighbours: wider, more decay, less. Of the winner one
network is trained for each fold, and their average is the result. So every row is learned from, and every row has judged.

Each network runs through the whole one-cycle schedule: the weight decay, not an early stop, keeps it from overfitting, so that
the last part of the cycle, in which the rate comes down, does its work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES
from clearprop.nn import Net
from clearprop.training.averaging import average
from clearprop.training.evaluation import as_split, figures
from clearprop.training.history import History
from clearprop.training.loop import choose_engine
from clearprop.training.many import fit_many
from clearprop.training.settings import Settings
from clearprop.training.setup import Setup, set_up

FOLDS = 5
STEPS = 3000  # updates of each network
MOST_EPOCHS = 200
BUDGETS = {"default": (1e11, 2e7, 4e11), "thorough": (2e12, 1e8, 1e13)}
"""Multiplications and additions that a search may cost: a constant, so many for each row, and at most. The first is about ten
seconds of one core."""
SLOW = 0.05  # share of the budget without the compiled engine
ENOUGH = 1e-3  # score that need not be improved
WAVES = {"default": 3, "thorough": 7}
WIDTHS: tuple[tuple[int, ...], ...] = ((64,), (64, 64))
DECAYS = (1e-3, 1e-2)
MORE, LESS = 3.0, 0.2
"""Factors from a weight decay to its neighbours."""
RANGE = (1e-6, 1.0)
AT_LEAST = 4  # networks that are trained at once
STEPS_SHOWN = 20  # parts of the budget after which the progress is told, about
Choice = tuple[tuple[int, ...], float]
"""Units of the hidden layers, and the weight decay."""


@dataclass(frozen=True)
class SearchProgress:
    """Progress of a search.

    Attributes
    ----------
    done, planned : int
        Networks that are trained, and that will be as far as is known: each round of settings adds some.
    best : Choice or None
        The best setting so far.
    score : float
        Its score.
    """

    done: int
    planned: int
    best: Choice | None = None
    score: float = np.inf


Told = Callable[[SearchProgress], None]


@dataclass(frozen=True, eq=False)
class Member:
    """One network of the search, trained without one fold."""

    net: Net
    history: History
    score: float

    @property
    def whole(self) -> bool:
        """Whether it was trained to the end."""
        return not (self.history.stopped or "").startswith("interrupted")


@dataclass(eq=False)
class SettingsSearch:
    """The state of a search.

    Attributes
    ----------
    setup : Setup
        As chosen without a search.
    data : Dataset
        With training and validation rows in one split, "train", and the others as they are.
    folds : list of (rows, rows)
        To learn from, and held out.
    judges : int
        Number of folds that judge a setting.
    members : dict of Choice to dict of int to Member
        The networks that are trained, by the fold that is held out.
    cost : float
        Multiplications and additions spent.
    fast : bool
        Whether the compiled engine can train the networks.
    interrupted : bool
    told : callable or None
        Called as told(progress) again and again.
    """

    setup: Setup
    data: Dataset
    folds: list[tuple[Array, Array]]
    judges: int
    members: dict[Choice, dict[int, Member]] = field(default_factory=dict)
    cost: float = 0.0
    fast: bool = True
    interrupted: bool = False
    told: Told | None = None

    def settings(self, choice: Choice, fold: int) -> Settings:
        """The settings of one network."""
        given = self.setup.settings
        n = len(self.folds[0][0])
        fit = given.fit
        if "batch_size" not in given.fixed and fit.batch_size is not None:
            fit = replace(fit, batch_size=max(16, fit.batch_size))
        if "epochs" not in given.fixed:
            fit = replace(fit, epochs=max(10, min(MOST_EPOCHS, round(STEPS * fit.size(n) / n))))
        fit = replace(fit, seed=given.seed + fold)
        kept = "activation" in given.fixed and len(given.activation) in (1, len(choice[0]))
        activation = given.activation if kept else ("relu",)
        return replace(
            given, hidden=choice[0], weight_decay=choice[1], activation=activation, patience=None, fit=fit, effort="quick"
        )

    def cost_of(self, choice: Choice) -> float:
        """Multiplications and additions for one network of that choice."""
        sizes = [self.data.n_in, *choice[0], self.data.n_out]
        n_parameters = sum((a + 1) * b for a, b in pairwise(sizes))
        return 6.0 * n_parameters * len(self.folds[0][0]) * self.settings(choice, 0).fit.epochs

    def train(self, wanted: Iterable[tuple[Choice, int]]) -> None:
        """Train the networks of some choices and folds that are not trained yet, several at once; Ctrl-C ends that."""
        pairs = [pair for pair in dict.fromkeys(wanted) if pair[1] not in self.members.get(pair[0], {})]
        planned = self.n_trained + len(pairs)
        try:
            while pairs and not self.interrupted:
                n = self._at_once(pairs)
                self._tell(planned)
                self._train_together(pairs[:n])
                pairs = pairs[n:]
            self._tell(planned)
        except KeyboardInterrupt:
            self.interrupted = True

    @property
    def n_trained(self) -> int:
        """Number of networks that are trained."""
        return sum(map(len, self.members.values()))

    def _at_once(self, pairs: list[tuple[Choice, int]]) -> int:
        """Number of networks that are trained before the progress is told again: all where nobody is told."""
        if self.told is None:
            return len(pairs)
        part, cost, n = BUDGETS[self.setup.settings.effort][0] / STEPS_SHOWN, 0.0, 0
        while n < len(pairs) and (n < AT_LEAST or cost < part):
            cost += self.cost_of(pairs[n][0])
            n += 1
        return n

    def _tell(self, planned: int) -> None:
        if self.told is None:
            return
        known = [choice for choice in self.members if 0 in self.members[choice]]
        best = self.best() if known else None
        self.told(SearchProgress(self.n_trained, planned, best, np.inf if best is None else self.score(best)))

    def _train_together(self, pairs: list[tuple[Choice, int]]) -> None:
        held_out = {fold: self._fold(fold) for fold in {fold for _, fold in pairs}}
        setups = [set_up(self.settings(choice, fold), held_out[fold]) for choice, fold in pairs]
        keywords = [setup.settings.fit.keywords() for setup in setups]
        each: dict[str, Any] = {name: [given[name] for given in keywords] for name in keywords[0]}
        histories = fit_many(
            [setup.net for setup in setups], [setup.data for setup in setups], loss=self.setup.loss,
            optimizer=[setup.optimizer for setup in setups], engine=self.setup.settings.engine,
            **each,
        )  # fmt: skip
        for (choice, fold), setup, history in zip(pairs, setups, histories, strict=True):
            self.cost += self.cost_of(choice)
            score = self._score(setup) if history.nonfinite is None and len(history) else np.inf
            self.members.setdefault(choice, {})[fold] = Member(setup.net, history, score)
            self.interrupted |= (history.stopped or "").startswith("interrupted")

    def _fold(self, fold: int) -> Dataset:
        rows, rest = self.folds[fold]
        return replace(self.data, splits={"train": self.data.train.take(rows), "val": self.data.train.take(rest)})

    def _score(self, setup: Setup) -> float:
        """Loss on the held-out rows, without the penalty; for classes without weights, and the share of wrong answers."""
        with np.errstate(all="ignore"):
            found = figures(setup.net, as_split(setup.data.val, setup.net), setup.loss, ENGINES.make("batch"), 0.0)
        alike = setup.data.train.weights is None
        wrong = 1.0 - found["accuracy"] if setup.data.task == "classification" and alike else 0.0
        return found["loss"] + wrong if np.isfinite(found["loss"]) else np.inf

    def score(self, choice: Choice) -> float:
        """Mean score over the folds that judge."""
        members = self.members[choice]
        return float(np.mean([members[fold].score for fold in range(self.judges) if fold in members]))

    def best(self) -> Choice:
        """The choice with the best score; of equal ones, the one that was tried first."""
        known = [choice for choice in self.members if 0 in self.members[choice]]
        return min([choice for choice in known if self._is_whole(choice)] or known, key=self.score)

    def _is_whole(self, choice: Choice) -> bool:
        """Whether Ctrl-C has left the networks that judge it alone."""
        members = self.members[choice]
        return all(fold in members and members[fold].whole for fold in range(self.judges))

    def affordable(self, choices: Iterable[Choice]) -> list[Choice]:
        """The choices, cheapest first, until the budget is spent, with what the winner still needs set aside."""
        least, for_each, most = BUDGETS[self.setup.settings.effort]
        budget = min(most, least + for_each * len(self.data.train)) * (1.0 if self.fast else SLOW) - self.cost
        kept: list[Choice] = []
        for choice in sorted(choices, key=self.cost_of):
            budget -= self.judges * self.cost_of(choice)
            if budget - (len(self.folds) - self.judges) * self.cost_of(choice) < 0 and (kept or self.members):
                break
            kept.append(choice)
        return kept

    def first_choices(self) -> list[Choice]:
        """The choices to begin with; what a person has fixed stays."""
        given = self.setup.settings
        widths = (given.hidden,) if "hidden" in given.fixed else WIDTHS
        decays = (given.weight_decay,) if "weight_decay" in given.fixed else DECAYS
        return [(hidden, decay) for hidden in widths for decay in decays]

    def neighbours(self, choice: Choice) -> list[Choice]:
        """Choices beside one: wider, more decay, less decay."""
        fixed = self.setup.settings.fixed
        hidden, decay = choice
        found: list[Choice] = []
        if "hidden" not in fixed:
            found.append((tuple(2 * units for units in hidden), decay))
        if "weight_decay" not in fixed:
            beside = [float(f"{decay * factor:.1g}") for factor in (MORE, LESS)]
            found += [(hidden, other) for other in beside if RANGE[0] <= other <= RANGE[1]]
        return [near for near in found if near not in self.members]


@dataclass(frozen=True, eq=False)
class Searched:
    """The result of a search.

    Attributes
    ----------
    net : Net
        The average of the networks of the best choice.
    settings : Settings
        Those of the networks.
    history : History
        Of the first network.
    data : Dataset
        With training and validation rows in one split.
    members : int
        Number of networks in the average.
    tried : list of dict
        The settings that were tried, with their scores, best first.
    held_out : tuple of arrays
        Rows of the training split, and the outputs for each from the network that has not seen it.
    """

    net: Net
    settings: Settings
    history: History
    data: Dataset
    members: int
    tried: list[dict[str, Any]]
    held_out: tuple[Array, Array]


def search(setup: Setup, told: Told | None = None) -> Searched:
    """Search for good settings, and average the networks of the best.

    Ctrl-C ends the search with the best that there is by then.

    Parameters
    ----------
    setup : Setup
    told : callable, optional
        Called as told(progress) again and again.

    Raises
    ------
    KeyboardInterrupt
        If it comes before any network was trained.
    """
    state = begin_search(setup)
    state.told = told
    try:
        explore(state)
    except KeyboardInterrupt:
        state.interrupted = True
    if not state.members:
        raise KeyboardInterrupt
    return result_of(state, state.best())


def explore(state: SettingsSearch) -> None:
    """Train the networks of a first handful of choices, of the neighbours of the best, and so on; and all of the winner."""
    state.train((choice, fold) for choice in state.affordable(state.first_choices()) for fold in range(state.judges))
    for _ in range(WAVES[state.setup.settings.effort] - 1):
        if state.interrupted or not state.members:
            return
        before = state.best()
        state.train((choice, fold) for choice in state.affordable(state.neighbours(before)) for fold in range(state.judges))
        if state.best() == before or state.score(before) < ENOUGH:
            break
    best = state.best()
    state.train((best, fold) for fold in range(len(state.folds)))


def begin_search(setup: Setup) -> SettingsSearch:
    """The state of a search before its first network."""
    data = setup.data
    parts = [data.splits[name] for name in ("train", "val") if name in data.splits]
    X, y = np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts])
    weights = [np.ones(len(part)) if part.weights is None else part.weights for part in parts]
    alike = all(part.weights is None for part in parts)
    every = Split(X, y, None if alike else np.concatenate(weights))
    rest = {name: split for name, split in data.splits.items() if name == "test"}
    whole = replace(data, splits={"train": every, **rest})
    if data.independent or len(parts) == 1:
        folds = deal(y, FOLDS, np.random.default_rng(setup.settings.seed))
    else:  # the validation rows were chosen with care: they judge alone
        n = len(parts[0])
        folds = [(np.arange(n), np.arange(n, len(X)))] * FOLDS
    n = len(X)
    judges = 1 if not data.independent else 4 if n <= 400 else 3 if n <= 2000 else 2 if n <= 5000 else 1
    engine = choose_engine(setup.settings.engine, setup.net, setup.loss, setup.optimizer)
    return SettingsSearch(setup, whole, folds, min(judges, len(folds)), fast=type(engine).__name__ == "Compiled")


def deal(y: Array, k: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Deal the rows into k folds, each class evenly; for each fold, the other rows and its own.

    Examples
    --------
    >>> [held_out.tolist() for _, held_out in deal(np.array([0, 0, 1, 1]), 2, np.random.default_rng(0))]
    [[0, 2], [1, 3]]
    """
    n = len(y)
    k = min(k, n)
    rows = rng.permutation(n)
    labels = y.ravel() if y.size == n and (y.dtype.kind in "iu" or len(np.unique(y)) == 2) else np.zeros(n)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[rows] = np.arange(n) % k
    return [(np.flatnonzero(fold != j), np.flatnonzero(fold == j)) for j in range(k)]


def result_of(state: SettingsSearch, best: Choice) -> Searched:
    """The average of the networks of the best choice."""
    members = dict(sorted(state.members[best].items()))
    whole = {fold: member for fold, member in members.items() if member.whole} or members
    good = {fold: member for fold, member in whole.items() if np.isfinite(member.score)} or whole
    X = state.data.train.X
    rows = np.concatenate([state.folds[fold][1] for fold in good])
    outputs = np.concatenate([member.net.outputs(X[state.folds[fold][1]]) for fold, member in good.items()])
    once = np.unique(rows, return_index=True)[1]
    tried = [
        {"hidden": list(choice[0]), "weight_decay": choice[1], "score": state.score(choice)}
        for choice in sorted((c for c in state.members if 0 in state.members[c]), key=state.score)
    ]
    first = next(iter(good.values()))
    if state.interrupted and not (first.history.stopped or "").startswith("interrupted"):
        first.history.stopped = "interrupted while other settings were tried"
    net = average([member.net for member in good.values()])
    return Searched(net, state.settings(best, 0), first.history, state.data, len(good), tried, (rows[once], outputs[once]))
