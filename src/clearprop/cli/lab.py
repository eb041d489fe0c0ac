"""`clearprop lab`: open the lab in the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import folder as folders
from clearprop.cli import options as o
from clearprop.cli.console import screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.data.dataset import Dataset
    from clearprop.nn import Net


def lab(
    source: Annotated[
        str | None,
        o.argument("A toy (circles, xor, spirals, ...), digits, a table, or the folder of a training run.", "[SOURCE | RUN]"),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column of a table to predict.", metavar="COLUMN", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for one that is free.", metavar="N")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Open the lab in the browser: a network that one can touch, while it trains. Ctrl-C ends it.

    Example: clearprop lab spirals
    """
    from clearprop.laboratory import lab as open_lab

    net, data, state = opened(source, target)
    console = screen(error=True)

    def say(address: str) -> None:
        console.print(f"The lab is open at {address}  (Ctrl-C ends it)", markup=False, highlight=False, soft_wrap=True)

    open_lab(net, data, state=state, port=port, browser=not no_browser, say=say)


def opened(source: str | None, target: str | None) -> tuple[Net | None, Dataset | None, dict[str, Any]]:
    """Net, data and state that a source stands for."""
    from clearprop.data import load
    from clearprop.data.toys import TOYS

    if source is None or source in TOYS or source == "digits":
        if target is not None:
            raise OptionError(f"--target names a column of a table, but {source or 'circles'} is none.")
        return None, None, {} if source is None else {"data": {"source": source}}
    folder = Path(source)
    if folder.is_dir() and folders.is_training_run(folder):
        return of_run(folder)
    return None, load(source, target=target, test=0), {}


def of_run(folder: Path) -> tuple[Net, Dataset, dict[str, Any]]:
    """The net and the data of a training run.

    Raises
    ------
    OptionError
        If the run does not say which data it learned from.
    """
    from clearprop.data import load
    from clearprop.export import Model

    model = Model.load(folder)
    try:
        config = json.loads((folder / folders.CONFIG).read_text(encoding="utf-8"))
        options = {name: value for name, value in config["data"].items() if value is not None}
        source, seed = options.pop("source"), config["settings"].get("seed", 0)
    except (OSError, ValueError, KeyError):
        raise OptionError(f"{folder} holds no configuration that says which data it learned from; give a source.") from None
    return model.net, load(source, **{**options, "seed": seed}), {}
