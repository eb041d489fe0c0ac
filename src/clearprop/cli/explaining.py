"""`clearprop explain`: one training step in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import plain, print_json, screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.walkthrough import Walkthrough

FORMATS = ("text", "table", "html", "json")


def explain(
    source: Annotated[
        str | None,
        typer.Argument(
            help="As for clearprop train; without it, a network that can be worked out on paper.",
            metavar="SOURCE",
            show_default=False,
        ),
    ] = None,
    softmax: Annotated[
        str, typer.Option(help="fused: p - y at once. separate: the derivatives of softmax and logarithm, and their product.")
    ] = "fused",
    digits: Annotated[
        int | None,
        typer.Option(help="Significant digits; otherwise all, as long as there are few numbers.", show_default=False),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="text, table, html or json; otherwise a table on a terminal, else text.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of the screen.", show_default=False)] = None,
    target: o.Target = None,
    data_dir: o.DataDir = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    loss: o.LossName = None,
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    batch: Annotated[int, typer.Option(help="Examples in the step: the first of the training set.")] = 1,
    seed: o.Seed = None,
) -> None:
    """Show one training step: every value of forward and backward pass with its formula, and the update."""
    from clearprop.registry import choose

    if format is not None:
        choose("format", format, FORMATS)
    if digits is not None and digits < 1:
        raise OptionError(f"--digits must be 1 or more, not {digits}.")
    if source is None:
        if (hidden, activation, loss, target) != (None, None, None, None) or batch != 1:
            raise OptionError(
                "The network on paper is fixed; name a SOURCE to choose another, as in: clearprop explain circles"
            )
        step = on_paper(softmax, optimizer or "sgd", lr)
    else:
        given = {
            "target": target,
            "data_dir": data_dir,
            "seed": seed or 0,
            "loss": loss,
            "optimizer": optimizer or "sgd",
            "lr": lr,
        }
        step = on_data(source, softmax, batch, hidden, activation, given)
    show(step, format, digits, out)


def on_paper(softmax: str, optimizer: str, lr: float | None) -> Walkthrough:
    """The worked example."""
    from clearprop.optim import OPTIMIZERS
    from clearprop.walkthrough import explain as walk
    from clearprop.walkthrough import worked_example

    rate = {} if lr is None else {"lr": lr}
    return walk(*worked_example(), optimizer=OPTIMIZERS.make({"type": optimizer, **rate}), softmax=softmax)


def on_data(
    source: str, softmax: str, batch: int, hidden: str | None, activation: str | None, given: dict[str, Any]
) -> Walkthrough:
    """The first step on a data set, with the network that `clearprop train` would make for it, in float64."""
    from clearprop.cli.networks import planned
    from clearprop.registry import require
    from clearprop.walkthrough import explain as walk

    require(batch >= 1, "batch", batch, "1 or more")
    plan = planned(source, hidden, activation, batch_size=batch, **given)
    X, y = plan.data.train
    return walk(plan.net, X[:batch], y[:batch], loss=plan.loss, optimizer=plan.optimizer, softmax=softmax)


def show(step: Walkthrough, format: str | None, digits: int | None, out: Path | None) -> None:
    """Print the step, or write it to a file."""
    from rich.console import Console

    from clearprop.files import write_atomically

    console = screen()
    if format is None:
        endings = {".html": "html", ".json": "json"}
        format = endings.get(out.suffix, "text") if out is not None else "table" if console.is_terminal else "text"
    if format == "table" and out is None:
        Console(highlight=False).print(step if digits is None else step.table(digits, console.width))
        return
    if format == "json" and out is None:
        print_json(plain(step.to_json()))
        return
    text = written(step, format, digits)
    if out is None:
        print(text)
    else:
        write_atomically(out, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))
        console.print(f"Written to {out}.", markup=False)


def written(step: Walkthrough, format: str, digits: int | None) -> str:
    """The step as the contents of a file."""
    import json

    if format == "html":
        return f'<!doctype html><meta charset="utf-8"><title>clearprop: one step</title>{step.html(digits)}'
    return json.dumps(plain(step.to_json()), allow_nan=False) if format == "json" else step.text(digits)
