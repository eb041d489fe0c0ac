"""Stand-ins for modules of the standard library whose answers depend on the machine: arguments, files, clocks."""

from __future__ import annotations

import argparse
import os
import pathlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from clearprop.gradcheck.tracing.data_readers import copied
from clearprop.gradcheck.tracing.traced import TRACE

WHOLE: Final = 3
REAL: Final = 0.1
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
        return module

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
