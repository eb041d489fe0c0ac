"""The registry of engines, each of which is imported when it is first asked for."""

from __future__ import annotations

from clearprop.engines.engine import Engine
from clearprop.errors import MissingExtraError
from clearprop.lazy_registry import LazyRegistry
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer


class EngineRegistry(LazyRegistry[Engine]):
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
        super().__init__("engine", Engine, places)

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
