"""Influence of each column of the source on the predictions of a model: permutation importance and partial dependence.

A column of words is several columns of X, and they are moved together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.dataset import Split
from clearprop.data.scaling import Scaling
from clearprop.export.model import Model
from clearprop.metrics import regression_metrics
from clearprop.nn.loss import classes_of

ROWS = 2000  # examples that are looked at
MOST_COLUMNS = 200  # of more, such as pixels, the importance of each says nothing
OUTPUTS = 6  # classes of which a curve is drawn


class SourceColumn(NamedTuple):
    """A column of the source, and where it stands in X.

    Attributes
    ----------
    name : str
    start, stop : int
        The first of its columns of X, and the one behind the last.
    column : Column or None
        Its encoding, in a table.
    scaling : Scaling
        That of its first column of X.
    """

    name: str
    start: int
    stop: int
    column: Column | None
    scaling: Scaling


def places_of(model: Model) -> list[SourceColumn]:
    """The columns of the source from which a model's X was made."""
    encoder = model.encoder
    if encoder is not None and encoder.columns:
        found, start = [], 0
        for column in encoder.columns:
            stop = start + len(column.features)
            found.append(SourceColumn(column.name, start, stop, column, column.scaling or Scaling()))
            start = stop
        return found
    scaling = encoder.inputs if encoder is not None and isinstance(encoder.inputs, Scaling) else Scaling()
    n, names = model.net.n_in or len(model.features), list(model.features)
    names = names if len(names) == n else [f"x{i}" for i in range(n)]
    shifts = list(scaling.shift) * (n if len(scaling.shift) == 1 else 1)
    spreads = list(scaling.spread) * (n if len(scaling.spread) == 1 else 1)
    return [SourceColumn(name, i, i + 1, None, Scaling((shifts[i],), (spreads[i],))) for i, name in enumerate(names)]


def score_of(model: Model) -> tuple[str, Callable[[Array, Array], float]]:
    """The name of the score of a model, and the function of X and y that measures it."""
    if model.task == "classification":
        return "accuracy", lambda X, y: float((model.predict(X) == classes_of(y)).mean())

    def r2(X: Array, y: Array) -> float:
        true = y if model.encoder is None else model.encoder.decode_target(y)
        return regression_metrics(np.asarray(true, np.float64), np.asarray(model.predict(X), np.float64))["r2"]

    return "R2", r2


def permutation_importance(model: Model, split: Split, repeats: int = 5, seed: int = 0) -> list[dict[str, Any]]:
    """The loss of score when the values of a column are shuffled among the examples (Breiman, Random forests, 2001).

    Parameters
    ----------
    model : Model
    split : Split
        Encoded examples that were not learned from; at most 2,000 of them are used.
    repeats : int
        Shuffles of each column.
    seed : int

    Returns
    -------
    list of dict
        `column`, `mean` and `std` over the shuffles, the most important first; empty for more than 200 columns.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> model = cp.Model.of(cp.mlp([2, 2], seed=0), cp.CrossEntropy(), data)
    >>> [row["column"] for row in permutation_importance(model, data.test)] != []
    True
    """
    rng, places = np.random.default_rng(seed), places_of(model)
    if len(places) > MOST_COLUMNS:
        return []
    rows = rng.permutation(len(split))[:ROWS]
    X, y = np.asarray(split.X[rows]), split.y[rows]
    score = score_of(model)[1]
    whole = score(X, y)
    found = []
    for place in places:
        lost = []
        for _ in range(repeats):
            shuffled = X.copy()
            shuffled[:, place.start : place.stop] = X[rng.permutation(len(X)), place.start : place.stop]
            lost.append(whole - score(shuffled, y))
        found.append({"column": place.name, "mean": float(np.mean(lost)), "std": float(np.std(lost))})
    return sorted(found, key=lambda row: -row["mean"])


def partial_dependence(model: Model, split: Split, column: str, points: int = 20) -> list[dict[str, Any]]:
    """The mean prediction over the examples when one column has the same value in all (Friedman, 2001, section 8.2).

    Parameters
    ----------
    model : Model
    split : Split
        Encoded examples; at most 2,000 of them are used.
    column : str
        Of the source.
    points : int
        Values of a column of numbers, from its 2nd to its 98th percentile.

    Returns
    -------
    list of dict
        `column`, `output` (a class, or a target), `value` in the units of the source, `mean`; empty for dates.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> model = cp.Model.of(cp.mlp([2, 2], seed=0), cp.CrossEntropy(), data)
    >>> len(partial_dependence(model, data.test, data.features[0]))
    20
    """
    place = next(place for place in places_of(model) if place.name == column)
    X = np.asarray(split.X[:ROWS])
    found = []
    for value, block in _values(place, X, points):
        changed = X.copy()
        changed[:, place.start : place.stop] = block
        for output, mean in _mean_outputs(model, changed).items():
            found.append({"column": column, "output": output, "value": value, "mean": mean})
    return found


def _values(place: SourceColumn, X: Array, points: int) -> list[tuple[Any, Array]]:
    """Values of a column, and the columns of X that stand for each."""
    width = place.stop - place.start
    if place.column is not None and place.column.kind == "date":
        return []
    if place.column is not None and place.column.kind == "categorical":
        return [(name, np.eye(width)[i]) for i, name in enumerate(place.column.categories[:30])]
    x = X[:, place.start].astype(np.float64)
    grid = np.unique(x) if len(np.unique(x)) <= points else np.linspace(np.quantile(x, 0.02), np.quantile(x, 0.98), points)
    units = place.scaling.undo(grid[:, np.newaxis])[:, 0]
    return [(float(unit), np.concatenate([[scaled], np.zeros(width - 1)])) for unit, scaled in zip(units, grid, strict=True)]


def _mean_outputs(model: Model, X: Array) -> dict[Any, float]:
    """The mean probability of each class (of two, of the second; of many, of the first six), or the mean of each target."""
    if model.task == "classification":
        means = model.probabilities(X).mean(axis=0).tolist()
        named = list(zip(model.classes or range(len(means)), means, strict=True))
        return dict(named[1:] if len(named) == 2 else named[:OUTPUTS])
    values = np.asarray(model.predict(X), np.float64).mean(axis=0)
    names = list(model.targets) if len(model.targets) == len(values) else [f"y{i}" for i in range(len(values))]
    return dict(zip(names, values.tolist(), strict=True))
