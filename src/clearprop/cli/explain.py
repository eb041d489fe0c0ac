"""`clearprop explain`: show one training step in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clearprop.cli import options as o
from clearprop.cli.console import plain, plain_console, print_json, screen
from clearprop.cli.folder import check_file
from clearprop.errors import OptionError, printable

if TYPE_CHECKING:
    from clearprop.walkthrough import Derivation, Walkthrough

FORMATS = ("text", "table", "html", "json")


def explain(
    source: Annotated[
        str | None,
        o.argument(
            f"{o.SOURCE} Without it, an example small enough to work out on paper; vu-scalar for the published one.", "SOURCE"
        ),
    ] = None,
    target: o.Target = None,
    data_dir: o.DataDir = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    loss: o.LossName = None,
    softmax: Annotated[
        str,
        o.option(
            o.NETWORK,
            "Derivative of softmax and cross-entropy: fused (p - y), or separate (both Jacobians and their product).",
            show_default=True,
        ),
    ] = "fused",
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    batch_size: Annotated[
        int, o.option(o.TRAINING, "Examples in the step, taken from the start of the training set.", show_default=True)
    ] = 1,
    seed: o.Seed = None,
    digits: Annotated[
        int | None, o.option(o.OUTPUT, "Significant digits; full precision by default if there are few numbers.")
    ] = None,
    format: Annotated[
        str | None,
        o.option(o.OUTPUT, "Format: text, table, html or json; by default a table on a terminal, otherwise text."),
    ] = None,
    out: Annotated[Path | None, o.option(o.OUTPUT, "Write to this file instead of the screen.", metavar="FILE")] = None,
) -> None:
    """Show one training step in full: every value of the forward and backward pass with its formula, and the update.

    Example: clearprop explain circles --batch-size 2 --digits 4
    """
    from clearprop.registry import choose, require
    from clearprop.walkthrough import DERIVATIONS, PUBLISHED

    check_file(out, "--out")
    if format is not None:
        choose("format", format, FORMATS)
    require(digits is None or digits >= 1, "--digits", digits, "1 or more")
    require(batch_size >= 1, "--batch-size", batch_size, "1 or more")
    way = choose("softmax", softmax, DERIVATIONS)
    network = {"target": target, "hidden": hidden, "activation": activation, "loss": loss}
    if source in (None, PUBLISHED):
        if set(network.values()) != {None} or batch_size != 1:
            raise OptionError(
                "The network on paper is fixed; name another SOURCE to choose one, as in: clearprop explain circles"
            )
        step = on_paper(source, way, optimizer or "sgd", lr)
    else:
        rest = {"data_dir": data_dir, "seed": seed, "optimizer": optimizer, "lr": lr}
        step = on_data({"source": source, **network, **rest}, batch_size, way)
    show(step, format, digits, out)


def on_paper(source: str | None, softmax: Derivation, optimizer: str, lr: float | None) -> Walkthrough:
    """The step of an example that can be worked out on paper: the published one by its name, else one without zeros."""
    from clearprop.optim import OPTIMIZERS
    from clearprop.walkthrough import explain as walk
    from clearprop.walkthrough import published_example, worked_example

    example = worked_example() if source is None else published_example()
    rate = {} if lr is None else {"lr": lr}
    return walk(*example, optimizer=OPTIMIZERS.make({"type": optimizer, **rate}), softmax=softmax)


def on_data(given: dict[str, Any], batch_size: int, softmax: Derivation) -> Walkthrough:
    """The first step on a data set, with the network that `clearprop train` would make for it, in float64."""
    from clearprop.cli.configuration import plain_setup
    from clearprop.walkthrough import explain as walk

    setup = plain_setup(given | {"batch_size": batch_size})
    X, y = setup.data.train
    return walk(setup.net, X[:batch_size], y[:batch_size], loss=setup.loss, optimizer=setup.optimizer, softmax=softmax)


def show(step: Walkthrough, format: str | None, digits: int | None, out: Path | None) -> None:
    """Print the step, or write it to a file."""
    from clearprop.files import write_atomically

    console = screen()
    if format is None:
        endings = {".html": "html", ".json": "json"}
        format = endings.get(out.suffix, "text") if out is not None else "table" if console.is_terminal else "text"
    if format == "table" and out is None:
        plain_console()(highlight=False).print(step if digits is None else step.table(digits, console.width))
        return
    if format == "json" and out is None:
        print_json(plain(step.to_json()))
        return
    text = written(step, format, digits)
    if out is None:
        print(printable(text))
    else:
        write_atomically(out, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))
        console.print(f"Written to {out}.", markup=False)


def written(step: Walkthrough, format: str, digits: int | None) -> str:
    """The step as the text of a file."""
    import json

    if format == "html":
        return f'<!doctype html><meta charset="utf-8"><title>clearprop: one step</title>{step.html(digits)}'
    return json.dumps(plain(step.to_json()), allow_nan=False) if format == "json" else step.text(digits)
