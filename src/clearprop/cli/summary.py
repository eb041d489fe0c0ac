"""What a run is about, before it; and its figures, after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from clearprop.cli.console import percent

if TYPE_CHECKING:
    from pathlib import Path

    from clearprop.training.outcome import Outcome
    from clearprop.training.setup import Setup

SPLITS = {"train": "training", "val": "validation", "test": "test"}
SHARES = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}
NUMBERS = {"r2": "R2", "rmse": "RMSE", "mae": "MAE"}


def announce(console: Console, setup: Setup) -> None:
    """Say in three lines what is going to be trained, on what, and how."""
    settings, data, net = setup.settings, setup.data, setup.net
    sizes = ", ".join(f"{len(split):,} {SPLITS[name]}" for name, split in data.splits.items())
    what = f"{len(data.classes)} classes" if data.task == "classification" else f"target {', '.join(data.targets)}"
    console.print(f"Data      {data.name}: {sizes} examples; {data.n_in} inputs, {what}", markup=False)
    widths = [str(net.n_in), *map(str, settings.hidden), str(net.n_out)]
    hidden = f", {', '.join(settings.activation)}" if settings.hidden else ""
    drop = f", dropout {settings.dropout:g}" if settings.dropout and settings.hidden else ""
    console.print(f"Network   {'-'.join(widths)}{hidden}{drop}; {net.theta.size:,} parameters")
    batch = "all examples at once" if settings.fit.batch_size is None else f"batches of {settings.fit.batch_size}"
    rate = f"learning rate {settings.lr:g} ({settings.schedule.replace('_', '-')})"
    console.print(
        f"Training  {settings.loss.replace('_', ' ')}, {settings.optimizer}, {rate}, {batch}, {settings.fit.epochs} epochs\n"
    )


def conclude(console: Console, outcome: Outcome) -> None:
    """The table of figures on each split, and how training ended."""
    regression = outcome.data.task == "regression"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for name in outcome.metrics:
        table.add_column(SPLITS[name], justify="right")
    rows = outcome.metrics.values()
    table.add_row("examples", *(f"{row['examples']:,}" for row in rows))
    table.add_row("loss", *(f"{row['loss']:.4f}" for row in rows))
    for key, label in (NUMBERS if regression else SHARES).items():
        table.add_row(label, *(f"{row[key]:.4g}" if regression else percent(row[key]) for row in rows))
    console.print()
    console.print(table)
    for note in notes(outcome):
        console.print(note, markup=False)


def list_files(console: Console, folder: Path, files: dict[str, str]) -> None:
    """Say what is where."""
    console.print(f"\nSaved in {folder}:", markup=False)
    width = max(map(len, files))
    for name, meaning in files.items():
        console.print(f"  {name.ljust(width)}  {meaning}", markup=False)


def notes(outcome: Outcome) -> list[str]:
    """What has to be known to read the table."""
    history, settings = outcome.history, outcome.settings
    lines = []
    if outcome.data.task == "classification":
        lines.append("Precision, recall and F1 are means over the classes.")
    elif outcome.model.encoder is not None:
        lines.append(f"RMSE and MAE are in the units of {', '.join(outcome.data.targets)}.")
    if settings.weight_decay:
        lines.append("The loss contains the L2 term of --weight-decay.")
    ending = f"Trained {len(history)} epochs in {duration(outcome.seconds)}"
    if history.nonfinite is None and history.stopped is not None:
        ending += f"; stopped: {history.stopped.replace('val_loss', 'the validation loss')}"
    lines.append(ending + ".")
    if history.best_epoch not in (None, len(history)):
        lines.append(f"Kept the network of epoch {history.best_epoch}, which has the best validation loss.")
    return lines


def duration(seconds: float) -> str:
    """Seconds as people read them.

    Examples
    --------
    >>> duration(0.5), duration(75)
    ('0.5 s', '1 min 15 s')
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"
