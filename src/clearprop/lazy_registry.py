"""A registry whose entries are imported when they are first asked for, as engines and recipes are."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from clearprop.registry import Registry, T, name_key


class LazyRegistry(Registry[T]):
    """The classes of one kind by name, each in a module that is not imported before it is needed.

    Parameters
    ----------
    kind, base
        As for `Registry`.
    places : dict of str to str
        Name -> "module:class".

    Examples
    --------
    >>> from clearprop.registry import Configured
    >>> optimizers = LazyRegistry("optimizer", Configured, {"adam": "clearprop.optim.adam:Adam"})
    >>> list(optimizers), optimizers.find("Adam")
    (['adam'], <class 'clearprop.optim.adam.Adam'>)
    """

    def __init__(self, kind: str, base: type[T], places: dict[str, str]) -> None:
        super().__init__(kind, base, {})
        self.places = dict(places)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.places, *self.entries])

    def _known(self, name: str) -> type[T] | None:
        # Imports the entry; raises a MissingExtraError if that needs a package that is not installed.
        for known, place in self.places.items():
            if name_key(name) == name_key(known):
                module, _, class_name = place.partition(":")
                found: type[T] = getattr(import_module(module), class_name)
                return found
        return super()._known(name)
