"""Stand-ins for modules of the standard library whose answers depend on the machine: arguments, files, clocks."""

from __future__ import annotations

import argparse
import glob
import importlib
import json
import os
import pathlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.data_readers import copied
from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.traced import TRACE

WHOLE: Final = 3
REAL: Final = 0.1
MANY: Final = 12  # files of a folder that is not there
FILES: Final = (".csv", ".txt", ".data", ".dat", ".npy", ".npz", ".gz", ".pkl", ".pickle", ".mat", ".json", ".tsv", "ubyte")


def time_standin() -> ModuleType:
    """The module time, in which nobody sleeps, with the clock that Python had before 3.8."""
    module: Any = copied(time)
    module.sleep, module.clock = (lambda seconds: None), time.process_time
    return module


def argparse_standin() -> ModuleType:
    """The module argparse, in which arguments that must be given have been."""
    module: Any = copied(argparse)
    module.ArgumentParser = LenientParser
    return module


class LenientParser(argparse.ArgumentParser):
    """A parser that nobody gave any arguments, and that does not miss them."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        for action in self._actions:
            if action.required and not isinstance(action, argparse._SubParsersAction):
                action.required, action.default = False, _invented(action)
                if not action.option_strings and action.nargs is None:
                    action.nargs = "?"
                TRACE.note(f"It wants the argument {action.dest}; it was taken to be {action.default}.")
        for group in self._mutually_exclusive_groups:
            group.required = False
        return super().parse_known_args([] if args is None else args, namespace)


def _invented(action: argparse.Action) -> Any:
    """A value for an argument."""
    if action.choices:
        one: Any = next(iter(action.choices))
    else:
        one = WHOLE if action.type is int else REAL if action.type is float else action.dest
    return [one] if isinstance(action.nargs, int) or action.nargs in ("+", "*") else one


class FileSystem:
    """Questions after files, some of which are data that are invented when they are opened.

    Parameters
    ----------
    found : bool
        Whether data files that are not there are said to be.

    Attributes
    ----------
    missed : bool
        Whether the program asked for a data file that is not there.
    """

    def __init__(self, found: bool) -> None:
        self.found, self.missed = found, False

    def os(self) -> ModuleType:
        """The module os."""
        module: Any = copied(os)
        module.path = copied(os.path)
        for name in ("exists", "isfile"):
            setattr(module.path, name, self._asked(getattr(os.path, name)))

        def listdir(path: Any = ".") -> list[str]:
            try:
                return os.listdir(path)
            except OSError:
                return self._listed("*.png")

        module.listdir = listdir
        return module

    def glob(self) -> ModuleType:
        """The module glob."""
        module: Any = copied(glob)
        module.glob = lambda pattern, *args, **kwargs: glob.glob(pattern, *args, **kwargs) or self._listed(str(pattern))
        return module

    def json(self) -> ModuleType:
        """The module json, which reads something from a file that was invented."""
        module: Any = copied(json)

        def load(file: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return json.load(file, *args, **kwargs)
            except ValueError:
                if TRACE.invented:
                    return Nothing(name="json.load()")
                raise

        module.load = load
        return module

    def pictures(self) -> ModuleType:
        """The package PIL, in which pictures that are not there are invented.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        true = importlib.import_module("PIL.Image")
        module: Any = copied(importlib.import_module("PIL"))
        module.Image = copied(true)

        def open(file: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return true.open(file, *args, **kwargs)
            except OSError:
                pixels = np.random.default_rng(len(str(file))).integers(0, 256, (28, 28, 3)).astype(np.uint8)
                TRACE.invented = True
                TRACE.note("Pictures that are not there were invented, of 28 x 28 points.")
                return true.fromarray(pixels)

        module.Image.open = open
        return module

    def _listed(self, pattern: str) -> list[str]:
        """Names of files that a pattern fits, of two kinds, for a folder that is not there."""
        TRACE.invented = True
        TRACE.note(f"No file is there for {pattern}; {MANY} names were invented.")
        return [pattern.replace("**", "*").replace("*", f"{'ab'[k % 2]}{k}") for k in range(MANY)]

    def pathlib(self) -> ModuleType:
        """The module pathlib."""
        module: Any = copied(pathlib)
        kind = type(pathlib.Path())
        answers = {name: self._asked(getattr(kind, name)) for name in ("exists", "is_file")}
        module.Path = type("Path", (kind,), answers)
        return module

    def _asked(self, function: Callable[..., bool]) -> Callable[..., bool]:
        def answer(path: Any, *args: Any, **kwargs: Any) -> bool:
            there = function(path, *args, **kwargs)
            if there or not str(path).lower().endswith(FILES):
                return there
            self.missed = True
            return self.found

        return answer
