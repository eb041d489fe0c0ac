"""`clearprop train`: train a network on a data set or a file."""

from __future__ import annotations

import warnings
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import (
    FAILED,
    INTERRUPTED,
    counted,
    duration,
    empty_table,
    fail,
    percent,
    plain,
    print_json,
    screen,
    show_notes,
)
from clearprop.data.dataset import SPLITS
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from clearprop.cli.configuration import Configuration
    from clearprop.cli.progress import Progress
    from clearprop.ownership import Lock
    from clearprop.training import Checkpoint
    from clearprop.training.outcome import Outcome
    from clearprop.training.setup import Setup

FRACTIONS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}
FEW_CLASSES = 10  # of more, no recall is printed for each
NUMBERS = {"r2": "R2", "rmse": "RMSE", "mae": "MAE"}


def train(
    ctx: typer.Context,
    source: o.OptionalSource = None,
    target: o.Target = None,
    header: o.Header = None,
    delimiter: o.Delimiter = None,
    decimal: o.Decimal = None,
    encoding: o.Encoding = None,
    skip: o.Skip = None,
    na: o.Na = None,
    missing: o.Missing = None,
    drop: o.Drop = None,
    only: o.Only = None,
    categorical: o.Categorical = None,
    id: o.Id = None,
    group: o.Group = None,
    time: o.Time = None,
    weight: o.Weight = None,
    test_file: o.TestFile = None,
    class_weight: o.ClassWeight = None,
    outliers: o.OutlierRule = None,
    task: o.Task = None,
    scale: o.Scale = None,
    val: o.Val = None,
    test: o.Test = None,
    data_dir: o.DataDir = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    loss: o.LossName = None,
    init: o.Init = None,
    dropout: o.Dropout = None,
    dtype: o.Dtype = None,
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    momentum: o.Momentum = None,
    nesterov: o.Nesterov = None,
    weight_decay: o.WeightDecay = None,
    clip_norm: o.ClipNorm = None,
    schedule: o.ScheduleName = None,
    schedule_args: o.ScheduleArgs = None,
    batch_size: o.BatchSize = None,
    epochs: o.Epochs = None,
    order: o.Order = None,
    remainder: o.Remainder = None,
    patience: o.Patience = None,
    effort: o.EffortName = None,
    engine: o.EngineName = None,
    seed: o.Seed = None,
    out: o.Out = None,
    force: o.Force = False,
    config: o.Config = None,
    checkpoint_every: o.CheckpointEvery = None,
    resume: o.Resume = None,
    doctor: Annotated[
        bool,
        o.option(o.OUTPUT, "Diagnose the run afterwards and try the remedy; exit status 1 if something is wrong.", "--doctor"),
    ] = False,
    report: o.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a network and measure it on the test set. Settings that are not given are chosen for the data.

    Ctrl-C stops training; the network is then measured and saved as it is (exit status 130).

    A loss that becomes NaN or infinite stops training too (exit status 1).

    Example: clearprop train circles --out runs/circles
    """
    status = execute(dict(ctx.params))
    if status:
        raise typer.Exit(status)


def execute(given: dict[str, Any]) -> int:
    """Train, print and save as the options say; the exit status."""
    from clearprop.cli import folder as folders
    from clearprop.cli.configuration import choose
    from clearprop.ownership import writing
    from clearprop.training.setup import set_up

    folder: Path | None = given["out"] or given["resume"]
    configuration = choose(given)
    folders.check_file(given["report"], "--report")
    force = bool(given["force"] or (folder is not None and folder == given["resume"]))
    if folder is not None:
        folders.check_free(folder, force, folders.is_training_run)
    data = configuration.load()
    if not given["quiet"]:
        show_notes(data.notes)
    settings = configuration.settle(data)
    setup = set_up(settings, data)
    with writing(folder) as lock:
        if folder is not None:
            folders.check_free(folder, force, folders.is_training_run)  # it may have been taken meanwhile
            if not force:
                folders.check_finished(folder)
        return carry_through(given, configuration, setup, folder, force, lock)


def carry_through(
    given: dict[str, Any], configuration: Configuration, setup: Setup, folder: Path | None, force: bool, lock: Lock | None
) -> int:
    """The same for a run that is set up, with the right to write to the folder."""
    from clearprop.cli import saving
    from clearprop.cli.configuration import command_line, written
    from clearprop.cli.doctor import of_settings, show
    from clearprop.cli.interrupts import Interrupts
    from clearprop.cli.progress import Progress

    data, settings = setup.data, setup.settings
    config = written(configuration, settings, given["checkpoint_every"])
    silent = given["quiet"] or given["json"]
    console = screen(error=given["json"])
    if not silent:
        announce(console, setup)
    # Beside JSON on stdout, a person at a terminal still sees the bar, on stderr.
    shown = console if not silent or (given["json"] and console.is_terminal) else None
    progress = Progress(shown, "epoch" if settings.effort == "quick" else "network")
    with Interrupts() as interrupts, saving.checkpoints(folder, config, given["resume"]) as (checkpoint, resume):
        outcome = carry_out(setup, progress, checkpoint, resume)
        if folder is not None:
            with interrupts.waited_out():
                place = still_free(folder, force, lock)
                folder = saving.save_run(outcome, config, place, checkpoint)
    if not silent:
        print_metrics(console, outcome)
    diagnosis = of_settings(settings, data) if given["doctor"] and not outcome.interrupted else None
    del data, setup  # the training examples, which may fill most of the memory
    files: dict[str, str] = {}
    if folder is not None:
        saving.save_rest(outcome, folder, diagnosis)
        files = saving.contents(folder)
    if given["report"] is not None:
        from clearprop.report import training_report

        training_report(outcome, config, command_line(given)).save(given["report"])
    if given["json"]:
        found: dict[str, Any] = {} if diagnosis is None else {"doctor": diagnosis.to_json()}
        found |= {"files": [str(folder / name) for name in files] if folder else []}
        print_json(plain({"configuration": config, "notes": list(outcome.data.notes)} | outcome.to_json()) | found)
    elif not silent:
        list_files(console, folder, files, given["report"])
    if diagnosis is not None and not silent:
        console.print("\nDiagnosis:")
        show(diagnosis)
    return report_ending(outcome, folder) or (FAILED if diagnosis is not None and diagnosis.findings else 0)


def still_free(folder: Path, force: bool, lock: Lock | None) -> Path:
    """The folder, if nobody else has come to write in it meanwhile; else another one beside it, and a line that says so."""
    from clearprop.cli import folder as folders

    with suppress(OptionError):  # somebody may have put something there without asking for the lock
        folders.check_free(folder, force, folders.is_training_run)
        if lock is None or lock.held:
            return folder
    other = next(path for k in count(2) if not (path := folder.with_name(f"{folder.name}-{k}")).exists())
    fail(f"Another process is writing to {str(folder)!r}; this run is saved in {str(other)!r}.")
    return other


def carry_out(setup: Setup, progress: Progress, checkpoint: Checkpoint | None, resume: Path | None) -> Outcome:
    """Train as set up, and measure; the training examples are let go."""
    from clearprop.errors import NonFiniteWarning
    from clearprop.training.outcome import train

    callbacks = [progress] if checkpoint is None else [progress, checkpoint]
    with warnings.catch_warnings(), progress.live():
        warnings.simplefilter("ignore", NonFiniteWarning)  # it is in the history, and printed from there
        return train(setup, callbacks, resume=resume, told=progress.searched).reduced()


def announce(console: Console, setup: Setup) -> None:
    """Print in three lines the data, the network and the settings of the training."""
    settings, data, net = setup.settings, setup.data, setup.net
    sizes = ", ".join(f"{len(split):,} {SPLITS[name]}" for name, split in data.splits.items())
    what = f"{len(data.classes)} classes" if data.task == "classification" else f"target {', '.join(data.targets)}"
    console.print(f"Data      {data.name}: {sizes} examples; {data.n_in} inputs, {what}", markup=False)
    if settings.effort != "quick":
        console.print(f"Network   the average of the best of several (effort {settings.effort}; quick for one network)")
        console.print(f"Training  {settings.loss.replace('_', ' ')}, {settings.optimizer}\n")
        return
    widths = [str(net.n_in), *map(str, settings.hidden), str(net.n_out)]
    hidden = f", {', '.join(settings.activation)}" if settings.hidden else ""
    drop = f", dropout {settings.dropout:g}" if settings.dropout and settings.hidden else ""
    console.print(f"Network   {'-'.join(widths)}{hidden}{drop}; {net.theta.size:,} parameters")
    batch_size = "all" if settings.fit.batch_size is None else settings.fit.batch_size
    rate = f"learning rate {settings.lr:g} ({settings.schedule.replace('_', '-')})"
    console.print(
        f"Training  {settings.loss.replace('_', ' ')}, {settings.optimizer}, {rate}, batch size {batch_size},"
        f" {counted(settings.fit.epochs, 'epoch')}\n"
    )


def print_metrics(console: Console, outcome: Outcome) -> None:
    """Print the metrics of each split, and how training ended."""
    regression = outcome.data.task == "regression"
    table = empty_table("", right=[SPLITS[name] for name in outcome.metrics])
    rows = outcome.metrics.values()
    table.add_row("examples", *(f"{row['examples']:,}" for row in rows))
    table.add_row("loss", *(f"{row['loss']:.4f}" for row in rows))
    if not regression:
        add_rare_classes(table, outcome)
    for key, label in (NUMBERS if regression else FRACTIONS).items():
        table.add_row(label, *(f"{row[key]:.4g}" if regression else percent(row[key]) for row in rows))
    console.print()
    console.print(table)
    for note in notes(outcome):
        console.print(note, markup=False)


def add_rare_classes(table: Table, outcome: Outcome) -> None:
    """If a class is rare, begin with the recall of each class, since a high accuracy says little then."""
    import numpy as np

    from clearprop.data.task import is_uneven

    rows, classes = list(outcome.metrics.values()), outcome.data.classes
    counts = [sum(row) for row in rows[0]["confusion"]]
    if len(classes) > FEW_CLASSES or not is_uneven(np.array(counts)):
        return
    for i, label in enumerate(classes):
        shares = [(row["confusion"][i][i], sum(row["confusion"][i])) for row in rows]
        table.add_row(f"recall of {label}", *(percent(hit / of) if of else "-" for hit, of in shares))
    if any("average_precision" in row for row in rows):
        table.add_row(
            "average precision", *(percent(row["average_precision"]) if "average_precision" in row else "-" for row in rows)
        )


def notes(outcome: Outcome) -> list[str]:
    """Remarks on the table: averages, units, the penalty, the end of training, and the epoch that was kept."""
    history, settings = outcome.history, outcome.settings
    lines = []
    if outcome.data.task == "classification":
        lines.append("Precision, recall and F1 are averages over the classes.")
    elif outcome.model.encoder is not None:
        lines.append(f"RMSE and MAE are in the units of {', '.join(outcome.data.targets)}.")
    if settings.weight_decay and not outcome.tried:
        lines.append("The loss includes the L2 penalty of --weight-decay.")
    ending = f"Trained {counted(len(history), 'epoch')} in {duration(outcome.seconds)}"
    if history.nonfinite is None and history.stopped is not None:
        ending += f"; stopped: {history.stopped.replace('val_loss', 'the validation loss')}"
    lines.append(ending + ".")
    if outcome.tried:
        widths = "-".join(map(str, settings.hidden)) or "none"
        n_tried, folds = len(outcome.tried), f"{outcome.members} networks" if outcome.members > 1 else "one network"
        lines[-1] = (
            f"Tried {counted(n_tried, 'setting')} in {duration(outcome.seconds)}. Kept the average of {folds} with hidden units"
            f" {widths} and weight decay {settings.weight_decay:g}."
        )
        lines.append("Training includes the validation rows; each was validated by a network that had not seen it.")
    if history.best_epoch not in (None, len(history)):
        lines.append(f"Kept the network of epoch {history.best_epoch}, which has the best validation loss.")
    return lines


def list_files(console: Console, folder: Path | None, files: dict[str, str], report: Path | None) -> None:
    """Print the names of the files that were written, with a description of each."""
    if report is not None:
        console.print(f"Report: {report}", markup=False)
    if not files:
        return
    console.print(f"\nSaved in {folder}:", markup=False)
    width = max(map(len, files))
    for name, description in files.items():
        console.print(f"  {name.ljust(width)}  {description}", markup=False)


def report_ending(outcome: Outcome, folder: Path | None) -> int:
    """Print an error if training failed or was interrupted; the exit status."""
    where = f" The network up to that point is saved in {folder}." if folder is not None else ""
    history = outcome.history
    if history.nonfinite is not None:
        fail(f"The loss is {history.stopped}. Try a smaller learning rate, or --clip-norm 1.{where}")
        return FAILED
    if outcome.interrupted:
        kept = where or " Nothing was saved; add --out DIRECTORY to keep the network."
        screen(error=True).print(f"{(history.stopped or '').capitalize()}.{kept}", style="yellow")
        return INTERRUPTED
    return 0
