"""The command line: one file for each command, bearing its name, and what the commands share."""

from clearprop.cli.interrupts import starting

with starting():  # Ctrl-C while Typer is imported
    from clearprop.cli.app import app, main

__all__ = ["app", "main"]
