"""The catalogue of known mistakes, one file each. A new file here is a new fault: it is found, named and tested by itself."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from clearprop.gradcheck.faults.fault import Fault


@functools.cache
def catalogue() -> tuple[type[Fault], ...]:
    """All faults, in the alphabetical order of their files."""
    found: list[type[Fault]] = []
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        found += [
            item
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, Fault)
            and item.__module__ == module.__name__
            and not inspect.isabstract(item)
        ]
    return tuple(found)
