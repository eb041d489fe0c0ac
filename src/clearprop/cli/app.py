"""The application: its commands, and how it reports errors.

Every import here slows down `clearprop --help`; commands import the heavier parts of the library themselves.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
import typer.core

from clearprop.cli import console
from clearprop.cli.check import check
from clearprop.cli.cost import cost
from clearprop.cli.data import data
from clearprop.cli.descend import descend
from clearprop.cli.doctor import doctor
from clearprop.cli.explain import explain
from clearprop.cli.info import info
from clearprop.cli.ladder import ladder
from clearprop.cli.parsing import current_spelling
from clearprop.cli.predict import predict
from clearprop.cli.recipes import recipes
from clearprop.cli.run import run
from clearprop.cli.sweep import sweep
from clearprop.cli.train import train
from clearprop.errors import ClearpropError

UsageError: Any = typer.BadParameter.__base__  # an unknown command or option, a missing argument, "ten" for a number


class Commands(typer.core.TyperGroup):
    """Group of commands that prints an error as one sentence on stderr."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a mistake of the user ends it with exit status 2, Ctrl-C with 130."""
        if ctx.params.get("debug") or os.environ.get("CLEARPROP_DEBUG"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except ClearpropError as error:
            console.fail(str(error))
            raise typer.Exit(console.USAGE) from error
        except UsageError as error:
            where = error.ctx.command_path if error.ctx else "clearprop"
            message = error.format_message()
            console.fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See {where} --help.")
            raise typer.Exit(console.USAGE) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f" {error.filename!r}" if error.filename is not None else ""
            console.fail(f"Cannot read or write{place}: {error.strerror or error}.")
            raise typer.Exit(console.USAGE) from error
        except KeyboardInterrupt as error:
            console.fail("Interrupted; nothing was saved.")
            raise typer.Exit(console.INTERRUPTED) from error


app = typer.Typer(
    cls=Commands,
    help="Train, inspect and check small neural networks.",
    epilog="Start with: clearprop train circles",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": current_spelling},
)
PANELS = {
    "Train": (train, predict, info, data),
    "Look inside": (explain, check, doctor, ladder, cost),
    "Experiment": (sweep, descend, recipes, run),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        from clearprop import __version__

        print(f"clearprop {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (or set CLEARPROP_DEBUG).")] = False,
) -> None:
    """Train, inspect and check small neural networks."""


def main() -> None:
    """The console script `clearprop`."""
    try:
        app(prog_name="clearprop")
    except BrokenPipeError:  # the reader of a pipe has gone, as in `clearprop predict ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
