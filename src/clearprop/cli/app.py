"""The application: its commands, and how it reports errors.

`clearprop --help` imports Typer and this file, neither NumPy nor Rich: the commands stand below, each with the sentence that
describes it, and the file of one is imported when it is run. The help of the application is plain text, laid out in a third of
the time that Rich takes for panels; the commands have their options in panels.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from clearprop.cli import console
from clearprop.cli.interrupts import end_like_ctrl_c
from clearprop.cli.parsing import current_spelling
from clearprop.errors import ClearpropError, cannot_access

UsageError: Any = typer.BadParameter.__base__  # an unknown command or option, a missing argument, "ten" for a number

PANELS = {
    "Train": {
        "train": "Train a network and measure it on the test set. Settings that are not given are chosen for the data.",
        "predict": "Predict with a trained network, and print a CSV with one row per example.",
        "export": "Write a trained network for somewhere else: raw values in, labels and probabilities (or values) out.",
        "info": "Describe a trained network: layers, parameters, classes, inputs, loss and scaling.",
        "data": "Describe a data set as clearprop train would use it: splits, classes, inputs and their scaling.",
    },
    "Look inside": {
        "explain": "Show one training step in full: every value of the forward and backward pass with its formula, and the"
        " update.",
        "check": "Check the gradients in a program by watching it run, and name the mistake in a wrong one, at its line.",
        "doctor": "Diagnose a training run: name the root cause of what is wrong, and try its remedy.",
        "ladder": "Train the same network from the same start on every engine, and compare results and times.",
        "cost": "Time one gradient by forward differences, central differences and back-propagation, on growing networks.",
    },
    "Experiment": {
        "sweep": "Train with every combination of settings, over several seeds, and print the best one.",
        "descend": "Minimise a function of two variables by gradient descent, with one or several optimizers.",
        "recipes": "List the published experiments that clearprop run reproduces.",
        "run": "Run a published experiment, and print the published figures beside those obtained.",
    },
}
"""The commands, each with the opening of its function's docstring."""


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
        except ModuleNotFoundError as error:
            package = (error.name or "clearprop").partition(".")[0]
            if package == "clearprop":
                raise
            name = {"sklearn": "scikit-learn"}.get(package, package)
            console.fail(f"This needs {name}, which is not installed: pip install {name}.")
            raise typer.Exit(console.USAGE) from error
        except OSError as error:
            console.fail(str(cannot_access(error)))
            raise typer.Exit(console.USAGE) from error
        except MemoryError as error:
            detail = f" ({error})" if str(error) else ""
            console.fail(f"This needs more memory than there is{detail}; ask for less.")
            raise typer.Exit(console.USAGE) from error
        except RecursionError as error:
            console.fail("What was given is nested too deeply to be read.")
            raise typer.Exit(console.USAGE) from error
        except KeyboardInterrupt as error:
            console.fail("Interrupted; nothing was saved.")
            raise typer.Exit(console.INTERRUPTED) from error

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands panel by panel, each with its whole sentence."""
        panels: dict[str, list[tuple[str, str]]] = {}
        commands: dict[str, Any] = dict(self.commands)
        for name, command in commands.items():
            panels.setdefault(command.rich_help_panel or "Commands", []).append((name, command.help or ""))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


class OnDemand(typer.core.TyperCommand):
    """Command in the file of its name, which is imported when it is run."""

    def loaded(self) -> Any:
        """The command itself, with its options."""
        name = str(self.name)
        alone = typer.Typer(add_completion=False)
        alone.command(name)(getattr(import_module(f"clearprop.cli.{name}"), name))
        return typer.main.get_command(alone)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself."""
        return self.loaded().make_context(info_name, args, parent, **extra)


app = typer.Typer(
    cls=Commands,
    help="Train, inspect and check small neural networks.",
    epilog="Start with: clearprop train circles",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": current_spelling},
)
for panel, sentences in PANELS.items():
    for name, sentence in sentences.items():
        app.command(name, cls=OnDemand, help=sentence, rich_help_panel=panel)(lambda: None)


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
    end_like_ctrl_c()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that has no µ shows a question mark
    os.environ["MPLBACKEND"] = "agg"  # figures are written to files, whatever the variable says
    try:
        app(prog_name="clearprop")
    except BrokenPipeError:  # the reader of a pipe has gone, as in `clearprop predict ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        console.fail("Interrupted; nothing was saved.")
        sys.exit(console.INTERRUPTED)
    except Exception as error:
        if "--debug" in sys.argv or os.environ.get("CLEARPROP_DEBUG"):
            raise
        console.fail(
            f"clearprop made a mistake of its own ({type(error).__name__}: {' '.join(str(error).split())[:200]});"
            " please report it, with the traceback that clearprop --debug shows."
        )
        sys.exit(console.USAGE)
