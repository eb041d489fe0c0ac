"""`clearprop ladder`: train the same network on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clearprop.cli import options as o
from clearprop.cli.console import counted, empty_table, plain, print_json, screen
from clearprop.cli.folder import check_file

if TYPE_CHECKING:
    from rich.table import Table


def ladder(
    source: o.Source,
    target: o.Target = None,
    data_dir: o.DataDir = None,
    examples: Annotated[
        int | None,
        o.option(o.DATA, "Train on the first N examples; by default as many as plain Python manages in seconds.", metavar="N"),
    ] = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    loss: o.LossName = None,
    dtype: Annotated[
        str,
        o.option(o.NETWORK, "Floating-point type: float64, in which engines agree to 1e-10, or float32.", show_default=True),
    ] = "float64",
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    batch_size: Annotated[int, o.option(o.TRAINING, "Examples per step.", show_default=True)] = 32,
    epochs: Annotated[int, o.option(o.TRAINING, "Passes over the examples.", show_default=True)] = 3,
    device: Annotated[str, o.option(o.TRAINING, "Device of the torch engines: cpu or cuda.", show_default=True)] = "cpu",
    seed: o.Seed = None,
    plot: Annotated[Path | None, o.option(o.OUTPUT, "Plot the times to this .png or .svg file.", metavar="FILE")] = None,
    json: o.Json = False,
) -> None:
    """Train the same network from the same start on every engine, and compare results and times.

    Example: clearprop ladder circles --batch-size 10
    """
    from clearprop.cli.configuration import plain_setup
    from clearprop.data.dataset import Split
    from clearprop.ladder import affordable, climb
    from clearprop.registry import require

    check_file(plot, "--plot", ".png", ".svg")
    require(batch_size >= 1, "--batch-size", batch_size, "1 or more")
    require(epochs >= 1, "--epochs", epochs, "1 or more")
    require(examples is None or examples >= 1, "--examples", examples, "1 or more")
    network = {"hidden": hidden, "activation": activation, "loss": loss, "dtype": dtype, "optimizer": optimizer, "lr": lr}
    rest = {"target": target, "data_dir": data_dir, "batch_size": batch_size, "epochs": epochs, "seed": seed}
    setup = plain_setup({"source": source, **network, **rest})
    net, train = setup.net, setup.data.train
    n = min(examples or affordable(net, len(train), epochs, batch_size), len(train))
    rows = climb(
        net, Split(train.X[:n], train.y[:n]), loss=setup.loss, optimizer=setup.optimizer, batch_size=batch_size,
        epochs=epochs, seed=setup.settings.seed, device=device,  # type: ignore[arg-type]  # the engine checks it
    )  # fmt: skip
    if plot is not None:
        draw(rows, plot)
    if json:
        facts = {"source": source, "net": repr(net), "examples": n, "batch_size": batch_size, "epochs": epochs, "dtype": dtype}
        print_json(plain({**facts, "rows": rows}))
        return
    console = screen()
    steps = f"{counted(epochs, 'epoch')}, {counted(epochs * -(-n // batch_size), 'step')} of {batch_size} examples"
    console.print(f"{source}: {n:,} of {len(train):,} training examples, {steps}", markup=False)
    console.print(f"{net!r}\n{setup.loss!r}, {setup.optimizer!r}, learning rate {setup.settings.lr:g}\n", markup=False)
    console.print(engine_table(rows))
    for row in rows:
        if "reason" in row:
            console.print(f"{row['engine']}: {row['reason']}", markup=False)
    console.print("Lines: code that computes the step. Difference: largest difference of a parameter from the engine batch.")
    if plot is not None:
        console.print(f"Plotted to {plot}.", markup=False)


def engine_table(rows: list[dict[str, Any]]) -> Table:
    """A row for each engine."""
    found = empty_table("engine", right=("lines", "final loss", "difference", "µs per step", "speed"))
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
    """Plot the times, on a logarithmic scale."""
    from matplotlib.figure import Figure

    from clearprop.plots import save, step_times
    from clearprop.plots.timings import STEP_SIZE

    save(step_times(rows, Figure(figsize=STEP_SIZE, layout="constrained").subplots()), path)
