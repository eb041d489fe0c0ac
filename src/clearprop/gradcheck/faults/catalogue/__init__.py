"""The catalogue of known mistakes, a file for each family. A class added to one is found, named and tested automatically."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from clearprop.gradcheck.faults.fault import Fault


@functools.cache
def catalogue() -> tuple[type[Fault], ...]:
    """All faults, in the alphabetical order of their slugs."""
    found: list[type[Fault]] = []
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        found += [
            item
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, Fault)
            and item.__module__ == module.__name__
            and "slug" in vars(item)
            and not inspect.isabstract(item)
        ]
    return tuple(sorted(found, key=lambda kind: kind.slug))
