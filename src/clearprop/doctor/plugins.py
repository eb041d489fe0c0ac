"""Plug-ins: every concrete class of a kind that lies in the modules of a package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def instances(package: str, path: Iterable[str], base: type[T]) -> list[T]:
    """One object of each concrete subclass of `base`, in the alphabetical order of the files."""
    found: list[T] = []
    for entry in pkgutil.iter_modules(list(path)):
        module = importlib.import_module(f"{package}.{entry.name}")
        found += [
            item()
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, base)
            and item.__module__ != base.__module__
            and item.__module__ == module.__name__
            and not inspect.isabstract(item)
        ]
    return found
