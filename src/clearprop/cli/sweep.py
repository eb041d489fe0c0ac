"""`clearprop sweep`: train over a grid or random search of settings, with several seeds each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from clearprop.cli import options as o
from clearprop.cli.configuration import parse_options
from clearprop.cli.console import INTERRUPTED, counted, empty_table, percent, plain, print_json, screen, show_notes
from clearprop.cli.folder import check_file
from clearprop.cli.parsing import parse_grid, parse_settings
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from rich.console import Console

Row = dict[str, Any]
SWEEP, WORKERS = "Sweep", "Workers"
SHOWN = 40  # combinations that are listed
METRICS = ("val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss")


def sweep(
    source: o.Source,
    grid: Annotated[
        list[str] | None,
        o.option(
            SWEEP,
            "Setting and its values, such as lr=0.01,0.1 or hidden=64-32,none; with --random also a range, such as"
            " lr=0.001:1:log or dropout=0:0.5. May be repeated.",
            metavar="NAME=VALUES",
        ),
    ] = None,
    fixed: Annotated[
        list[str] | None,
        o.option(SWEEP, "Setting of all trials, such as epochs=50. May be repeated.", "--set", metavar="NAME=VALUE"),
    ] = None,
    seeds: Annotated[int, o.option(SWEEP, "Trials of each combination, with different seeds.", show_default=True)] = 1,
    random: Annotated[int | None, o.option(SWEEP, "Draw N random combinations instead of trying all.", metavar="N")] = None,
    seed: Annotated[
        int, o.option(SWEEP, "Seed of the split, of the random combinations and of the trials.", show_default=True)
    ] = 0,
    metric: Annotated[
        str | None,
        o.option(SWEEP, "Metric to compare, such as val_loss; by default the accuracy or loss on the validation set."),
    ] = None,
    jobs: Annotated[int, o.option(WORKERS, "Number of workers; -1 for one per core.", show_default=True)] = -1,
    scheduler: Annotated[
        str, o.option(WORKERS, "Scheduler: threads, processes, or the address of a Dask scheduler.", show_default=True)
    ] = "threads",
    engine: o.EngineName = None,
    target: o.Target = None,
    header: o.Header = None,
    task: o.Task = None,
    scale: o.Scale = None,
    val: o.Val = None,
    test: o.Test = None,
    data_dir: o.DataDir = None,
    out: Annotated[
        Path | None,
        o.option(
            o.OUTPUT,
            "Write one row per trial to this .jsonl or .parquet file; trials that it already holds are not repeated.",
            metavar="FILE",
        ),
    ] = None,
    plot: Annotated[
        Path | None, o.option(o.OUTPUT, "Plot a heat map, or means with bands, to this .png or .svg file.", metavar="FILE")
    ] = None,
    report: o.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train with every combination of settings, over several seeds, and print the best one.

    Settings have the names of the options of clearprop train, with underscores.

    Ctrl-C keeps the finished trials in --out; the same command then continues.

    Example: clearprop sweep circles --grid lr=0.01,0.1,1 --grid batch_size=1,10,100 --seeds 5 --plot grid.png
    """
    from clearprop.cli.progress import TrialBar
    from clearprop.sweeps import run_sweep, summarise
    from clearprop.sweeps.running import as_dataset

    check_file(out, "--out", ".jsonl", ".parquet")
    check_file(plot, "--plot", ".png", ".svg")
    check_file(report, "--report")
    axes, common = parse_grid(grid or []), parse_settings(fixed or [])
    if engine is not None:
        common["engine"] = engine
    if not axes:
        raise OptionError("There is nothing to sweep; name a setting and its values, as in: --grid lr=0.01,0.1")
    data = parse_options(
        {"target": target, "header": header, "task": task, "scale": scale, "data_dir": data_dir, "val": val, "test": test}
    )
    dataset = as_dataset(source, seed, data, common)
    if not quiet:
        show_notes(dataset.notes)
    console = screen(error=json)
    bar = TrialBar(console) if console.is_terminal and not quiet else None
    try:
        with bar or nullcontext():
            rows = run_sweep(
                dataset, axes, seeds, draws=random, seed=seed, fixed=common, jobs=jobs, scheduler=scheduler, store=out,
                progress=bar,
            )  # fmt: skip
    except KeyboardInterrupt:
        kept = (
            f"The finished trials are in {out}.journal; run the same command to continue."
            if out
            else "Add --out FILE to keep trials."
        )
        screen(error=True).print(f"Interrupted. {kept}", style="yellow", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    metric = metric or headline_metric(rows)
    lines = summarise(rows, metric)
    if plot is not None:
        draw(rows, metric, plot)
    whole = {"source": source, "seed": seed, "seeds": seeds, "fixed": common, "metric": metric}
    if report is not None:
        from clearprop.report import sweep_report

        given_grid = {"grid": list(grid or []), "set": list(fixed or [])}
        words = [word for name, texts in given_grid.items() for text in texts for word in (f"--{name}", text)]
        command = shlex.join(["clearprop", "sweep", source, *words, "--seeds", str(seeds), "--seed", str(seed)])
        sweep_report(rows, metric, source, plain(whole | given_grid), command).save(report)
    if json:
        files = [str(file) for file in (out, plot, report) if file]
        print_json(plain(whole | {"notes": dataset.notes, "rows": rows, "summary": lines, "files": files}))
    elif not quiet:
        print_summary(console, rows, lines, metric)
        for file, what in ((out, "Rows written to"), (plot, "Plotted to"), (report, "Report written to")):
            if file is not None:
                console.print(f"{what} {file}.", markup=False)


def headline_metric(rows: Sequence[Row]) -> str:
    """The metric to compare by: of the validation set if there is one, else of the test set.

    Examples
    --------
    >>> headline_metric([{"lr": 0.1, "train_loss": 0.3, "test_loss": 0.5}])
    'test_loss'
    """
    return next(name for name in METRICS if name in rows[0])


def print_summary(console: Console, rows: Sequence[Row], lines: Sequence[Row], metric: str) -> None:
    """Print a table of the combinations, the best first if there are many, and the best one."""
    from clearprop.sweeps import best_of, swept_columns

    swept, accuracy = swept_columns(rows), metric.endswith("accuracy")
    shown = sorted(lines, key=lambda line: _badness(line, accuracy))[:SHOWN] if len(lines) > SHOWN else lines
    table = empty_table(right=[*swept, f"{metric.replace('_', ' ')}: mean", "std", "min", "max", "diverged"])
    for line in shown:
        figures = [in_figures(line[name], accuracy) for name in ("mean", "std", "min", "max")]
        table.add_row(*(setting(line[name]) for name in swept), *figures, str(line["n"] - line["finite"] or ""))
    console.print(table)
    if len(lines) > SHOWN:
        console.print(f"... and {len(lines) - SHOWN} more.")
    seconds = sum(row.get("seconds") or 0.0 for row in rows)
    seeds = max(line["n"] for line in lines)
    console.print(
        f"{counted(len(rows), 'trial')} in {seconds:.1f} s of training; {counted(seeds, 'seed')} for each combination."
    )
    try:
        best = best_of(rows, metric)
    except OptionError as error:
        console.print(str(error), markup=False)
        return
    chosen = ", ".join(f"{name} {setting(best[name])}" for name in swept)
    console.print(f"Best: {chosen}: {in_figures(best['mean'], accuracy)} +- {in_figures(best['std'], accuracy)}.", markup=False)


def _badness(line: Row, accuracy: bool) -> float:
    mean = float(line["mean"])
    return np.inf if not np.isfinite(mean) else -mean if accuracy else mean


def in_figures(value: float, accuracy: bool) -> str:
    """An accuracy as a percentage, or a loss.

    Examples
    --------
    >>> in_figures(0.93456, True), in_figures(0.12345, False), in_figures(float("nan"), False)
    ('93.46 %', '0.1235', 'nan')
    """
    return percent(value) if accuracy else f"{value:.4g}"


def setting(value: Any) -> str:
    """A setting as it is written on the command line.

    Examples
    --------
    >>> setting(None), setting(0.1), setting("64-32")
    ('all', '0.1', '64-32')
    """
    return "all" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def draw(rows: Sequence[Row], metric: str, file: Path) -> None:
    """Plot the sweep."""
    from clearprop.plots import save
    from clearprop.report import sweep_picture

    save(sweep_picture(rows, metric).figure(), file)
