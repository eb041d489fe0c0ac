"""How a command declares its options; without the libraries behind them, so that a command that needs none starts at once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

DATA, TABLE, NETWORK, TRAINING, OUTPUT = "Data", "Table", "Network", "Training", "Output"


def listed(*names: str) -> str:
    """Names as they are typed: with hyphens."""
    return ", ".join(name.replace("_", "-") for name in names)


def option(panel: str, text: str, *flags: str, **further: Any) -> Any:
    """An option in a panel of the help, without its default value unless `show_default` is given."""
    return typer.Option(*flags, help=text, rich_help_panel=panel, **{"show_default": False, **further})


def argument(text: str, metavar: str) -> Any:
    """A positional argument, without its default value."""
    return typer.Argument(help=text, metavar=metavar, show_default=False)


Json = Annotated[bool, option(OUTPUT, "Print one JSON object and nothing else.", "--json")]
Quiet = Annotated[bool, option(OUTPUT, "Print errors only.", "--quiet", "-q")]
