"""The command line: `clearprop train`, `predict`, `info` and `data`."""

from clearprop.cli.app import app, main

__all__ = ["app", "main"]
