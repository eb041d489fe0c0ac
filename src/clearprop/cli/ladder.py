"""`clearprop ladder`: the same network on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import plain, print_json, screen


def ladder(
    source: Annotated[str, typer.Argument(help="As for clearprop train.", metavar="SOURCE", show_default=False)],
    target: o.Target = None,
    data_dir: o.DataDir = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    loss: o.LossName = None,
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    batch: Annotated[int, typer.Option(help="Examples per step.")] = 32,
    epochs: Annotated[int, typer.Option(help="Passes over the examples.")] = 3,
    examples: Annotated[
        int | None,
        typer.Option(help="Train on the first so many; otherwise on what plain Python can do in seconds.", show_default=False),
    ] = None,
    dtype: Annotated[str, typer.Option(help="float32 or float64, which shows best how well the engines agree.")] = "float64",
    device: Annotated[str, typer.Option(help="Where the torch engines compute: cpu or cuda.")] = "cpu",
    seed: o.Seed = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the times to this .png or .svg file.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Train the same network from the same start on every engine, and compare numbers and times."""
    from clearprop.cli.networks import planned
    from clearprop.data.dataset import Split
    from clearprop.ladder import affordable, climb
    from clearprop.registry import require

    require(batch >= 1, "batch", batch, "1 or more")
    require(epochs >= 1, "epochs", epochs, "1 or more")
    require(examples is None or examples >= 1, "examples", examples, "1 or more")
    given = {"target": target, "data_dir": data_dir, "seed": seed or 0, "loss": loss, "optimizer": optimizer or "sgd", "lr": lr}
    plan = planned(source, hidden, activation, batch_size=batch, epochs=epochs, dtype=dtype, **given)
    train = plan.data.train
    n = min(examples or affordable(plan.net, len(train), epochs, batch), len(train))
    rows = climb(
        plan.net, Split(train.X[:n], train.y[:n]), loss=plan.loss, optimizer=plan.optimizer, batch_size=batch, epochs=epochs,
        seed=seed or 0, device=device,
    )  # fmt: skip
    if plot is not None:
        draw(rows, plot)
    if json:
        facts = {"source": source, "net": repr(plan.net), "examples": n, "batch": batch, "epochs": epochs, "dtype": dtype}
        print_json(plain({**facts, "rows": rows}))
        return
    steps = epochs * -(-n // batch)
    console = screen()
    console.print(
        f"{source}: {n:,} of {len(train):,} training examples, {epochs} epochs, {steps:,} steps of {batch}", markup=False
    )
    rate = plan.optimizer.rate(0)
    console.print(f"{plan.net!r}\n{plan.loss!r}, {plan.optimizer!r}, learning rate {rate:g}\n", markup=False)
    console.print(table(rows))
    for row in rows:
        if "reason" in row:
            console.print(f"{row['engine']}: {row['reason']}", markup=False)
    console.print("Lines: code whose formulas the engine runs. Difference: the largest in any parameter, from batch.")
    if plot is not None:
        console.print(f"Drawn in {plot}.", markup=False)


def table(rows: list[dict[str, Any]]) -> Any:
    """A row for each engine."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    found.add_column("engine")
    for name in ("lines", "final loss", "difference", "µs per step", "speed"):
        found.add_column(name, justify="right")
    for row in rows:
        if "reason" in row:
            found.add_row(row["engine"], "", "", "", "", "", style="dim")
            continue
        speed = f"x {row['speed']:.3g}" if "speed" in row else ""
        time = f"{row['microseconds']:,.0f}" if row["microseconds"] >= 100 else f"{row['microseconds']:.3g}"
        found.add_row(
            row["engine"],
            str(row["lines"]),
            f"{row['loss']:.8f}",
            f"{row['difference']:.1e}" if row["difference"] else "0",
            time,
            speed,
        )
    return found


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """The times, on a logarithmic scale."""
    from matplotlib.figure import Figure

    from clearprop.plots import save, step_times
    from clearprop.plots.timings import STEP_SIZE

    save(step_times(rows, Figure(figsize=STEP_SIZE, layout="constrained").subplots()), path)
