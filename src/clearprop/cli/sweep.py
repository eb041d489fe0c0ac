"""`clearprop sweep`: grids and random searches, times seeds."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import INTERRUPTED, plain, print_json, screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearprop.sweeps import Between

SWEEP = "Sweep"


def sweep(
    source: Annotated[str, typer.Argument(help="As for clearprop train.", metavar="SOURCE", show_default=False)],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting and its values: lr=0.01,0.1. A range, lr=0.001:1:log or dropout=0:0.5, is for --random. Several units"
            " are written hidden=64-32.",
            metavar="NAME=VALUES", show_default=False, rich_help_panel=SWEEP,
        ),
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A setting of all trials: epochs=50.", metavar="NAME=VALUE", show_default=False, rich_help_panel=SWEEP
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trials of each combination.", rich_help_panel=SWEEP)] = 1,
    random: Annotated[
        int | None, typer.Option(help="Draw so many combinations.", show_default=False, rich_help_panel=SWEEP)
    ] = None,
    seed: Annotated[int, typer.Option(help="For the split, and for every trial's own seed.", rich_help_panel=SWEEP)] = 0,
    metric: Annotated[
        str | None, typer.Option(help="What is compared; by default the accuracy or loss in validation, or else in the test.",
                                 show_default=False, rich_help_panel=SWEEP),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Workers; -1 for one on each core.", rich_help_panel="Workers")] = -1,
    scheduler: Annotated[
        str, typer.Option(help="threads, processes, or the address of a Dask scheduler.", rich_help_panel="Workers")
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
        typer.Option(help="Rows go to this .jsonl or .parquet file; what is in it is not computed again.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a heat map, or means with bands, to this .png or .svg file.", show_default=False)
    ] = None,
    report: o.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:  # fmt: skip
    """Train with every combination of settings, over several seeds, and say which is best.

    Ctrl-C keeps the finished trials in --out; the same command goes on.

    Example: clearprop sweep circles --grid lr=0.01,0.1,1 --grid batch_size=1,10,100 --seeds 5 --plot grid.png
    """
    from clearprop.cli.sweeping import Bar, conclude, draw, headline_metric
    from clearprop.sweeps import best_of, run_sweep, summarise

    axes, common = read_grid(grid or []), read_settings(fixed or [])
    if engine is not None:
        common["engine"] = engine
    if not axes:
        raise OptionError("What is there to try? Name a setting and its values, as in: --grid lr=0.01,0.1")
    given = {"target": target, "header": header, "task": task, "scale": scale, "data_dir": data_dir}
    shares = {name: o.parse_share(name, text) for name, text in (("val", val), ("test", test)) if text is not None}
    data = {name: value for name, value in given.items() if value is not None} | shares
    console = screen(error=json)
    bar = Bar(console) if console.is_terminal and not quiet else None
    try:
        with bar or nullcontext():
            rows = run_sweep(
                source, axes, seeds, draws=random, seed=seed, fixed=common, data=data, jobs=jobs, scheduler=scheduler,
                store=out, progress=bar,
            )  # fmt: skip
    except KeyboardInterrupt:
        kept = (
            f" The finished trials are in {out}.journal; the same command goes on."
            if out
            else " Add --out FILE to keep trials."
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
        print_json(plain(whole | {"rows": rows, "summary": lines, "files": files}))
    elif not quiet:
        conclude(console, rows, lines, metric, best_of)
        for file, what in ((out, "Rows are in"), (plot, "Drawn in"), (report, "Report:")):
            if file is not None:
                console.print(f"{what} {file}.", markup=False)


def read_grid(texts: Sequence[str]) -> dict[str, list[Any] | Between]:
    """The axes of a grid, from texts such as "lr=0.01,0.1" or "lr=0.001:1:log".

    Examples
    --------
    >>> read_grid(["batch_size=1,10,all", "hidden=64-32,none", "dropout=0:0.5"])
    {'batch_size': [1, 10, None], 'hidden': [(64, 32), ()], 'dropout': Between(low=0.0, high=0.5, log=False)}
    """
    from clearprop.sweeps import Between

    axes: dict[str, list[Any] | Between] = {}
    for text in texts:
        name, values = _pair(text, "--grid lr=0.01,0.1")
        if name in axes:
            raise OptionError(f"--grid names {name} twice; give all its values at once.")
        parts = values.split(":")
        if len(parts) in (2, 3) and name not in WORDS:
            if parts[2:] not in ([], ["log"]):
                raise OptionError(f"A range is written low:high or low:high:log, not {values!r}.")
            low, high = (o.parse_share(name, part) for part in parts[:2])
            whole = isinstance(low, int) and isinstance(high, int) and name in COUNTS
            axes[name] = Between(*((low, high) if whole else (float(low), float(high))), log=parts[2:] == ["log"])
        else:
            axes[name] = [read_value(name, part) for part in values.split(",")]
    return axes


def read_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Settings by name, from texts such as "epochs=50".

    Examples
    --------
    >>> read_settings(["epochs=50", "optimizer=sgd", "patience=none"])
    {'epochs': 50, 'optimizer': 'sgd', 'patience': None}
    """
    pairs = (_pair(text, "--set epochs=50") for text in texts)
    return {name: read_value(name, value) for name, value in pairs}


COUNTS = ("batch_size", "epochs", "patience", "examples")
WORDS = ("loss", "optimizer", "schedule", "init", "order", "remainder", "engine", "dtype", "activation")


def read_value(name: str, text: str) -> Any:
    """One value of a setting."""
    text = text.strip()
    if name == "hidden":
        return o.parse_hidden(text.replace("-", ","))
    if name == "activation":
        return tuple(text.split("-"))
    if name in WORDS:
        return None if name == "init" and text == "default" else text
    if name in COUNTS:
        return o.parse_count(name, text, "all" if name == "batch_size" else "none")
    if name == "nesterov":
        return text.lower() in ("yes", "true", "1")
    return None if text == "none" else float(o.parse_share(name, text))


def _pair(text: str, example: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name or not values.strip():
        raise OptionError(f"A setting is written as in {example}, not {text!r}.")
    return name, values
