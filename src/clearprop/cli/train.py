"""`clearprop train`: train a network on a data set or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import FAILED, INTERRUPTED, fail, plain, print_json, screen

if TYPE_CHECKING:
    from pathlib import Path

    from clearprop.training.outcome import Outcome


def train(
    ctx: typer.Context,
    source: o.Source = None,
    target: o.Target = None,
    header: o.Header = None,
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
    engine: o.EngineName = None,
    seed: o.Seed = None,
    out: o.Out = None,
    force: o.Force = False,
    config: o.Config = None,
    checkpoint_every: o.CheckpointEvery = None,
    resume: o.Resume = None,
    doctor: Annotated[
        bool, o.option(o.OUTPUT, "Say afterwards what is wrong with the run, and what its remedy does (status 1).", "--doctor")
    ] = False,
    report: o.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a network, and say how good it is on the test examples. Options that are left out are chosen for the data.

    Ctrl-C ends training early, and what was learned so far is measured and saved (exit status 130).

    A loss that becomes NaN or infinite ends it too (exit status 1).
    """
    status = run(dict(ctx.params))
    if status:
        raise typer.Exit(status)


def run(given: dict[str, Any]) -> int:
    """Train as the options say, print, save; the exit status."""
    from clearprop.cli import output, saving, summary
    from clearprop.cli.configuration import choose, written
    from clearprop.cli.doctor import of_settings, show
    from clearprop.cli.progress import Progress
    from clearprop.cli.training import carry_out
    from clearprop.training.setup import set_up

    folder: Path | None = given["out"] or given["resume"]
    configuration = choose(given)
    if folder is not None:
        output.check_free(folder, given["force"] or folder == given["resume"])
    data = configuration.load()
    settings = configuration.settle(data)
    setup = set_up(settings, data)
    config = written(configuration, settings, given["checkpoint_every"])
    silent = given["quiet"] or given["json"]
    console = screen(error=given["json"])
    if not silent:
        summary.announce(console, setup)
    # Beside JSON on stdout, a person at a terminal still sees the bar, on stderr.
    progress = Progress(console if not silent or (given["json"] and console.is_terminal) else None)
    with saving.checkpoints(folder, config, given["resume"]) as (checkpoint, resume):
        outcome = carry_out(setup, progress, checkpoint, resume)
        verdict = of_settings(settings, data) if given["doctor"] and not outcome.interrupted else None
        del data, setup  # the training examples, which may fill most of the memory
        if not silent:
            summary.conclude(console, outcome)
        files = {} if folder is None else saving.save_run(outcome, config, folder, checkpoint, verdict)
    if given["report"] is not None:
        from clearprop.cli.reporting import write_report

        write_report(outcome, config, given)
        if not silent:
            console.print(f"Report: {given['report']}", markup=False)
    if given["json"]:
        found: dict[str, Any] = {} if verdict is None else {"doctor": verdict.to_json()}
        found |= {"files": [str(folder / name) for name in files] if folder else []}
        print_json(plain({"configuration": config} | outcome.to_json()) | found)
    elif folder is not None and not silent:
        summary.list_files(console, folder, files)
    if verdict is not None and not silent:
        console.print("\nThe doctor says:")
        show(verdict)
    found_fault = verdict is not None and verdict.findings
    return report_ending(outcome, folder) or (FAILED if found_fault else 0)


def report_ending(outcome: Outcome, folder: Path | None) -> int:
    """Say so, if training ended badly or was cut short; the exit status."""
    where = f" What was learned up to there is saved in {folder}." if folder is not None else ""
    history = outcome.history
    if history.nonfinite is not None:
        fail(f"The loss is {history.stopped}. Try a smaller learning rate, or --clip-norm 1.{where}")
        return FAILED
    if outcome.interrupted:
        kept = where or " Nothing was saved; add --out DIRECTORY to keep the network."
        screen(error=True).print(f"{(history.stopped or '').capitalize()}.{kept}", style="yellow")
        return INTERRUPTED
    return 0
