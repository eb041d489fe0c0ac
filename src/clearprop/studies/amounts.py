"""Studies of amounts: number of epochs, number of examples, and training against validation loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.data import Dataset
from clearprop.errors import OptionError
from clearprop.studies.study import Row, Study, better, beyond_chance, figure, headline, held_out, settings, tell, words
from clearprop.sweeps import run_sweep, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def train_against_validation(data: Dataset, epochs: int = 5, seeds: int = 5, fixed: Row | None = None, **workers: Any) -> Study:
    """Compare training and validation loss, epoch by epoch.

    Parameters
    ----------
    data : Dataset
        With validation examples.
    epochs : int
    seeds : int
        Number of runs.
    fixed : dict, optional
        Settings of all runs, in addition to plain gradient descent.
    **workers
        `jobs`, `scheduler`, `store`, `seed`, `progress` of `run_sweep`.

    Raises
    ------
    OptionError
        If there are no validation examples.
    """
    if "val" not in data.splits:
        raise OptionError(f"{data.name} has no validation examples to compare with; load it with val=0.15, say.")
    rows = run_sweep(data, {"epochs": [epochs]}, seeds, fixed=settings(fixed), every_epoch=True, **workers)
    train, val = (summarise(rows, f"{split}_loss", ["epoch"]) for split in ("train", "val"))
    lowest = better(val, "val_loss")[0]
    last_train, last_val = train[-1], val[-1]
    gap = last_val["mean"] - last_train["mean"]
    rose = lowest["epoch"] != last_val["epoch"]
    accuracy = ""
    if "val_accuracy" in rows[0]:
        accuracy = f" Validation accuracy ends at {tell(summarise(rows, 'val_accuracy', ['epoch'])[-1], 'val_accuracy')}."
    text = (
        f"After {epochs} epochs the training loss is {tell(last_train, 'train_loss')} and the validation loss"
        f" {tell(last_val, 'val_loss')}, a gap of {gap:.4g}, which is {beyond_chance(last_val, last_train)}. The validation"
        f" loss is lowest in epoch {lowest['epoch']}, at {tell(lowest, 'val_loss')}, "
        + ("and rises after it: overfitting has begun." if rose else "the last: there is no overfitting yet.")
        + " (The training loss is a running mean over the epoch, so it lags behind by about half of one.)"
        + accuracy
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        return bands({"training": train, "validation": val}, "epoch", "loss", ax=ax)

    question = "How do training and validation loss part?"
    return Study("train_against_validation", question, "val_loss", rows, val, text, draw)


@checked
def epochs(data: Dataset, epochs: int = 50, seeds: int = 5, fixed: Row | None = None, **workers: Any) -> Study:
    """Find the number of epochs after which training stops to help.

    Parameters
    ----------
    data, seeds, fixed, **workers
        As for `train_against_validation`; without validation examples, the training loss is used.
    epochs : int
        Largest number of epochs.
    """
    split = "val" if "val" in data.splits else "train"
    metric = f"{split}_loss"
    rows = run_sweep(data, {"epochs": [epochs]}, seeds, fixed=settings(fixed), every_epoch=True, **workers)
    lines = summarise(rows, metric, ["epoch"])
    best, first, last = better(lines, metric)[0], lines[0], lines[-1]
    whole = first["mean"] - best["mean"]
    nearly = next(line["epoch"] for line in lines if first["mean"] - line["mean"] >= 0.9 * whole)
    text = (
        f"The {words(metric)} falls from {tell(first, metric)} after the first epoch to its lowest, {tell(best, metric)}, in"
        f" epoch {best['epoch']}; nine tenths of that way are done by epoch {nearly}. "
        + (
            f"By epoch {last['epoch']} it has risen again to {tell(last, metric)}, {beyond_chance(last, best)}."
            if best is not last
            else "It is still falling at the end: more epochs would help."
        )
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import many_curves

        return many_curves(rows, metric, ax=ax)

    return Study("epochs", "How many epochs?", metric, rows, lines, text, draw)


@checked
def examples(
    data: Dataset, amounts: Sequence[int] | None = None, seeds: int = 5, fixed: Row | None = None, **workers: Any
) -> Study:
    """Find the effect of the number of training examples.

    Parameters
    ----------
    data, seeds, fixed, **workers
        As for `train_against_validation`.
    amounts : sequence of int, optional
        Numbers of training examples; by default all, half, a quarter, ... down to about ten.
    """
    metric, n = headline(data), len(data.train)
    if amounts is None:
        amounts = sorted(n // 2**k for k in range(8) if n // 2**k >= 10)
    # The same number of steps for all; otherwise the small sets would lack training and not examples.
    common = settings(fixed)
    steps = common.pop("steps", None) or max(1, round(common.pop("epochs", 30) * n / (common.get("batch_size") or n)))
    rows: list[Row] = []
    for amount in amounts:
        batch = min(common.get("batch_size") or amount, amount)
        each = common | {"batch_size": batch, "epochs": max(1, round(steps * batch / amount))}
        own = {**workers, "store": _beside(workers.get("store"), amount)}
        rows += run_sweep(data, {"examples": [amount]}, seeds, fixed=each, **own)
    lines = summarise(rows, metric)
    few, most = lines[0], lines[-1]
    gaps = {line["examples"]: line["mean"] for line in summarise(rows, "train_loss")}
    other = {line["examples"]: line["mean"] for line in summarise(rows, f"{held_out(data)}_loss")}
    half = lines[-2] if len(lines) > 1 else most
    text = (
        f"With {few['examples']} examples the {words(metric)} is {tell(few, metric)}; with all {most['examples']}, "
        f"{tell(most, metric)}, after the same number of steps. The gap between the losses shows the overfitting: "
        f"{gaps[few['examples']]:.3g} in training against {other[few['examples']]:.3g} outside with {few['examples']} "
        f"examples, {gaps[most['examples']]:.3g} against {other[most['examples']]:.3g} with {most['examples']}. The last "
        f"doubling, from {half['examples']}, brings {figure(abs(most['mean'] - half['mean']), metric)}, which is "
        f"{beyond_chance(most, half)}."
    )

    def draw(ax: Axes | None) -> Axes:
        from clearprop.plots import bands

        losses = {"training": summarise(rows, "train_loss"), "held out": summarise(rows, f"{held_out(data)}_loss")}
        return bands(losses, "examples", "loss", ax=ax)

    return Study("examples", "How many examples?", metric, rows, lines, text, draw)


def _beside(store: Any, amount: int) -> Any:
    """A separate file for each amount, since its other settings differ."""
    from pathlib import Path

    return None if store is None else Path(store).with_stem(f"{Path(store).stem}-{amount}")
