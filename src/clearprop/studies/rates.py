"""Studies of the step: the learning rate, alone and together with the batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.data import Dataset
from clearprop.recipes import rdfia_circles_runs, vu_studies
from clearprop.studies.study import Row, Study, better, beyond_chance, headline, settings, tell, words
from clearprop.sweeps import pivot, run_sweep, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def learning_rates(
    data: Dataset, rates: Sequence[float] = vu_studies.RATES, seeds: int = 5, fixed: Row | None = None, **workers: Any
) -> Study:
    """Find the best learning rate, and the effect of smaller and larger ones.

    Parameters
    ----------
    data : Dataset
    rates : sequence of float
        By default, those of the Amsterdam practical.
    seeds : int
        Number of trials of each.
    fixed : dict, optional
        Settings of all trials, in addition to plain gradient descent.
    **workers
        `jobs`, `scheduler`, `store`, `seed`, `progress` of `run_sweep`.
    """
    metric = headline(data)
    rows = run_sweep(data, {"lr": list(rates)}, seeds, fixed=settings(fixed), **workers)
    lines = summarise(rows, metric)
    ranked = better(lines, metric)
    best, second = ranked[0], ranked[min(1, len(ranked) - 1)]
    diverged = [f"{line['lr']:g}" for line in lines if line["finite"] < line["n"]]
    train = summarise(rows, "train_loss")
    smallest = min(train, key=lambda line: float(line["lr"]))
    text = (
        f"Of the learning rates {', '.join(f'{rate:g}' for rate in rates)}, {best['lr']:g} is best: {words(metric)}"
        f" {tell(best, metric)}. The next, {second['lr']:g}, has {tell(second, metric)}, {beyond_chance(best, second)}."
        f" With the smallest, {smallest['lr']:g}, the training loss is {tell(smallest, 'train_loss')} at the end."
        + (f" Runs diverge with {', '.join(diverged)}." if diverged else " No run diverges.")
        + _edge(best["lr"], rates)
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        return bands({"": lines}, "lr", words(metric), percent=metric.endswith("accuracy"), ax=ax)

    return Study("learning_rates", "Which learning rate?", metric, rows, lines, text, draw)


@checked
def batch_and_rate(
    data: Dataset,
    batches: Sequence[int | None] = rdfia_circles_runs.BATCHES,
    rates: Sequence[float] = rdfia_circles_runs.RATES,
    seeds: int = 5,
    fixed: Row | None = None,
    **workers: Any,
) -> Study:
    """Find the best learning rate for each batch size, and the time of a run.

    Parameters
    ----------
    data, seeds, fixed, **workers
        As for `learning_rates`.
    batches : sequence of int or None
        None for all examples at once. By default, those of the Sorbonne practical, as are the rates.
    rates : sequence of float
    """
    metric = headline(data)
    rows = run_sweep(data, {"batch_size": list(batches), "lr": list(rates)}, seeds, fixed=settings(fixed), **workers)
    lines = summarise(rows, metric)
    tops = [better([line for line in lines if line["batch_size"] == batch], metric)[0] for batch in batches]
    times = summarise(rows, "seconds", ["batch_size"])
    best = better(tops, metric)[0]
    slow, fast = times[0], times[-1]
    parts = "; ".join(f"batch {_size(top['batch_size'])}: lr {top['lr']:g}, {tell(top, metric)}" for top in tops)
    moved = len({top["lr"] for top in tops}) > 1
    text = (
        f"The best {words(metric)} of each batch size: {parts}. "
        + ("Larger batches take fewer steps, and need longer ones. " if _rises(tops) and moved else "")
        + f"Best of all is batch {_size(best['batch_size'])} with lr {best['lr']:g}."
        f" A run with batch {_size(slow['batch_size'])} takes {slow['median']:.3g} s,"
        f" with batch {_size(fast['batch_size'])} {fast['median']:.3g} s. " + _divergence(lines)
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots.heatmap import heat_map

        table: dict[str, Any] = {}
        shares = [{**line, "share": line["finite"] / line["n"]} for line in lines]
        for key in ("mean", "std", "share"):
            down, across, table[key] = pivot(shares, "lr", "batch_size", key)
        return heat_map(
            table["mean"], down, across, names=("batch size", "learning rate"), value=words(metric), finite=table["share"],
            spread=table["std"] if seeds > 1 else None, percent=metric.endswith("accuracy"), ax=ax,
        )  # fmt: skip

    return Study("batch_and_rate", "Which batch size with which learning rate?", metric, rows, lines, text, draw)


def _divergence(lines: Sequence[Row]) -> str:
    diverged = [line for line in lines if line["finite"] < line["n"]]
    if not diverged:
        return "No run diverges to NaN."
    cases = (
        f"batch {_size(line['batch_size'])} at lr {line['lr']:g} ({line['n'] - line['finite']} of {line['n']})"
        for line in diverged
    )
    return f"Runs diverge with {', '.join(cases)}."


def _size(batch: int | None) -> str:
    return "of all examples" if batch is None else str(batch)


def _rises(tops: Sequence[Row]) -> bool:
    rates = [top["lr"] for top in tops]
    return rates == sorted(rates)


def _edge(best: float, rates: Sequence[float]) -> str:
    """A warning if the best value is at the edge of those tried."""
    if len(rates) > 1 and best in (min(rates), max(rates)):
        side = "largest" if best == max(rates) else "smallest"
        return f" It is the {side} of those tried: a {'larger' if side == 'largest' else 'smaller'} one may be better still."
    return ""
