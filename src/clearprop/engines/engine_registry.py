"""The registry of engines, each of which is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from clearprop.engines.engine import Engine
from clearprop.errors import MissingExtraError, UnknownNameError
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.registry import Registry, unknown_name


class EngineRegistry(Registry[Engine]):
    """Engines by name, from the lowest rung of the ladder to the highest.

    Parameters
    ----------
    places : dict of str to str
        Name -> "module:class".

    Examples
    --------
    >>> from clearprop.engines import ENGINES
    >>> ENGINES.make("scalar")
    Scalar()
    >>> ENGINES.make({"type": "Batch"})
    Batch()
    """

    def __init__(self, places: dict[str, str]) -> None:
        super().__init__("engine", Engine, {})
        self.places = dict(places)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def find(self, name: str) -> type[Engine]:
        """The class called `name`, whatever its case, hyphens and underscores.

        Raises
        ------
        UnknownNameError
            If there is none; the message lists the known names and suggests the nearest.
        MissingExtraError
            If the engine needs a package that is not installed.
        """
        wanted = "".join(letter for letter in str(name).lower() if letter not in "_- ")
        for known, place in self.places.items():
            if wanted == known.replace("_", ""):
                module, _, class_name = place.partition(":")
                found: type[Engine] = getattr(import_module(module), class_name)
                return found
        raise UnknownNameError(unknown_name(self.kind, name, list(self)))

    def able(self, net: Net, loss: Loss, optimizer: Optimizer) -> list[str]:
        """Names of the engines that are installed and can train this combination.

        Examples
        --------
        >>> import clearprop as cp
        >>> cp.ENGINES.able(cp.Net(cp.Linear(2, 3), cp.BatchNorm(3)), cp.CrossEntropy(), cp.SGD())
        ['batch', 'torch_nn']
        """
        names = []
        for name in self:
            try:
                if self.make(name).supports(net, loss, optimizer) is None:
                    names.append(name)
            except MissingExtraError:
                continue
        return names
