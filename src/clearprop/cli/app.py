"""The application: its commands, and what becomes of errors.

Whatever is imported here is paid for by `clearprop --help`; commands import the heavier parts of the library themselves.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
import typer.core

from clearprop.cli import console
from clearprop.cli.checking import check
from clearprop.cli.cost import cost
from clearprop.cli.data import data
from clearprop.cli.descend import descend
from clearprop.cli.doctor import doctor
from clearprop.cli.explaining import explain
from clearprop.cli.info import info
from clearprop.cli.ladder import ladder
from clearprop.cli.predict import predict
from clearprop.cli.reproducing import recipes, run
from clearprop.cli.sweep import sweep
from clearprop.cli.train import train
from clearprop.errors import ClearpropError

USAGE = 2  # exit status of anything that the user can mend
UsageError: Any = typer.BadParameter.__base__  # an unknown command or option, a missing argument, "ten" for a number


class Commands(typer.core.TyperGroup):
    """The commands, whose errors become one sentence on stderr."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a mistake of the user's ends it with exit status 2, Ctrl-C with 130."""
        if ctx.params.get("debug") or os.environ.get("CLEARPROP_DEBUG"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except ClearpropError as error:
            console.fail(str(error))
            raise typer.Exit(USAGE) from error
        except UsageError as error:
            where = error.ctx.command_path if error.ctx else "clearprop"
            message = error.format_message()
            console.fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} See {where} --help.")
            raise typer.Exit(USAGE) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f" {error.filename!r}" if error.filename is not None else ""
            console.fail(f"Cannot read or write{place}: {error.strerror or error}.")
            raise typer.Exit(USAGE) from error
        except KeyboardInterrupt as error:
            console.fail("Interrupted before there was anything to keep.")
            raise typer.Exit(console.INTERRUPTED) from error


app = typer.Typer(
    cls=Commands,
    help="Train small neural networks that you can see through.",
    epilog="Start with: clearprop train circles",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(predict)
app.command()(info)
app.command()(data)
app.command()(explain)
app.command()(ladder)
app.command()(cost)
app.command()(check)
app.command()(doctor)
app.command()(descend)
app.command()(sweep)
app.command()(recipes)
app.command()(run)


def show_version(wanted: bool) -> None:
    """Print the version, and end there."""
    if wanted:
        from clearprop import __version__

        print(f"clearprop {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version, and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (or set CLEARPROP_DEBUG).")] = False,
) -> None:
    """Train small neural networks that you can see through."""


def main() -> None:
    """The console script `clearprop`."""
    try:
        app(prog_name="clearprop")
    except BrokenPipeError:  # the reader of a pipe has gone, as in `clearprop predict ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
