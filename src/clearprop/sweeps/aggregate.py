"""Aggregates of rows: mean, spread and best over the seeds of each combination."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError, UnknownNameError
from clearprop.registry import choose, unknown_name
from clearprop.sweeps.trial import Row

INTERVAL = (5, 95)  # percentiles


@checked
def swept_columns(rows: Sequence[Row]) -> list[str]:
    """Names of the settings: the columns before `replicate`.

    Examples
    --------
    >>> swept_columns([{"lr": 0.1, "replicate": 0, "seed": 5, "loss": 0.3}])
    ['lr']
    """
    names = list(rows[0]) if rows else []
    return names[: names.index("replicate")] if "replicate" in names else []


@checked
def summarise(rows: Sequence[Row], metric: str = "val_loss", by: Sequence[str] | None = None) -> list[Row]:
    """One row for each combination of settings, in the order of their first appearance.

    Parameters
    ----------
    rows : list of dict
    metric : str
        Column to aggregate.
    by : sequence of str, optional
        The columns that make a combination; by default, the settings that the sweep varied.

    Returns
    -------
    list of dict
        The settings; `n`, the number of rows; `finite`, how many of them have a finite metric; and over these `mean`, `std`
        (with n - 1), `low` and `high` (5 % and 95 % percentile), `median`, `min` and `max`; NaN where there is none.

    Raises
    ------
    UnknownNameError
        If no row has such a column.

    Examples
    --------
    >>> rows = [{"lr": 0.1, "loss": 1.0}, {"lr": 0.1, "loss": 3.0}, {"lr": 9.0, "loss": float("nan")}]
    >>> [(line["lr"], line["mean"], line["finite"]) for line in summarise(rows, "loss", by=["lr"])]
    [(0.1, 2.0, 2), (9.0, nan, 0)]
    """
    by = swept_columns(rows) if by is None else list(by)
    _require_column(rows, [metric, *by])
    groups: dict[tuple[object, ...], list[float]] = {}
    for row in rows:
        value = row.get(metric)
        groups.setdefault(tuple(row.get(name) for name in by), []).append(math.nan if value is None else float(value))
    return [dict(zip(by, key, strict=True)) | _figures(values) for key, values in groups.items()]


def _figures(values: list[float]) -> Row:
    finite = np.array([value for value in values if math.isfinite(value)])
    counts = {"n": len(values), "finite": len(finite)}
    if not len(finite):
        return counts | dict.fromkeys(("mean", "std", "low", "median", "high", "min", "max"), math.nan)
    low, median, high = np.percentile(finite, [INTERVAL[0], 50, INTERVAL[1]]).tolist()
    spread = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    return counts | {
        "mean": float(finite.mean()), "std": spread, "low": low, "median": median, "high": high,
        "min": float(finite.min()), "max": float(finite.max()),
    }  # fmt: skip


@checked
def best_of(rows: Sequence[Row], metric: str = "val_loss", mode: str = "auto", by: Sequence[str] | None = None) -> Row:
    """The line of `summarise` with the best mean, among those of which every run ended finite.

    Parameters
    ----------
    rows, metric, by
        As for `summarise`.
    mode : {"auto", "min", "max"}
        Whether small or large is good; "auto" takes large for accuracies.

    Raises
    ------
    OptionError
        If there is no such combination.

    Examples
    --------
    >>> rows = [{"lr": 0.1, "loss": 1.0}, {"lr": 0.5, "loss": 0.5}, {"lr": 9.0, "loss": float("nan")}]
    >>> best_of(rows, "loss", by=["lr"])["lr"]
    0.5
    """
    choose("mode", mode, ("auto", "min", "max"))
    lines = [line for line in summarise(rows, metric, by) if line["finite"] == line["n"]]
    if not lines:
        raise OptionError(f"No combination has a finite {metric} with every seed; look for smaller learning rates.")
    larger = mode == "max" or (mode == "auto" and metric.endswith("accuracy"))
    return max(lines, key=lambda line: line["mean"] if larger else -line["mean"])


@checked
def pivot(lines: Sequence[Row], across: str, down: str, value: str = "mean") -> tuple[list[object], list[object], Array]:
    """A table from tidy rows.

    Returns
    -------
    down, across : list
        The values of the two settings, numbers in ascending order.
    table : array (n_down, n_across)
        NaN where there is no row; the mean where there are several.

    Examples
    --------
    >>> lines = [{"lr": lr, "batch_size": size, "mean": lr * size} for lr in (1, 2) for size in (10, 1)]
    >>> pivot(lines, across="lr", down="batch_size")[2]
    array([[ 1.,  2.],
           [10., 20.]])
    """
    _require_column(lines, [across, down, value])
    rows, columns = _values(lines, down), _values(lines, across)
    total, n = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    for line in lines:
        cell = rows.index(line[down]), columns.index(line[across])
        total[cell] += float(line[value])
        n[cell] += 1
    with np.errstate(invalid="ignore"):
        return rows, columns, total / n


def _values(lines: Sequence[Row], name: str) -> list[object]:
    found = list(dict.fromkeys(line[name] for line in lines))
    numbers = [value for value in found if isinstance(value, (int, float))]
    return [*sorted(numbers), *(value for value in found if not isinstance(value, (int, float)))]


def _require_column(rows: Sequence[Row], names: Sequence[str]) -> None:
    known = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        if name not in known:
            raise UnknownNameError(unknown_name("column", name, known) if known else f"There are no rows to find {name} in.")
