"""The registry of engines, each of which is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from clearprop.engines.engine import Engine
from clearprop.errors import MissingExtraError
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.registry import Registry, name_key


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
        return iter([*self.places, *self.entries])

    def _known(self, name: str) -> type[Engine] | None:
        # Imports the engine; raises a MissingExtraError if it needs a package that is not installed.
        for known, place in self.places.items():
            if name_key(name) == name_key(known):
                module, _, class_name = place.partition(":")
                found: type[Engine] = getattr(import_module(module), class_name)
                return found
        return super()._known(name)

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
