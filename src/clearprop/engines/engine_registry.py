"""The registry of engines, each of which is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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

    def _known(self, name: str) -> type[Engine] | None:
        with naming_what_is_missing():
            return super()._known(name)

    def make(self, given: str | dict[str, Any] | Engine) -> Engine:
        """An engine from its name, from its `config()`, or the engine itself.

        Raises
        ------
        MissingExtraError
            If it needs a package that is not installed.
        """
        with naming_what_is_missing():
            return super().make(given)

    def fastest(self, net: Net, loss: Loss, optimizer: Optimizer, **arguments: Any) -> tuple[Engine, str | None]:
        """The compiled engine, or `batch` where that is not installed or cannot train this combination.

        Parameters
        ----------
        net, loss, optimizer
        **arguments
            Of the compiled engine.

        Returns
        -------
        engine : Engine
        note : str or None
            A line that says why it is `batch`, if it is.
        """
        try:
            with naming_what_is_missing():
                engine = self.make({"type": "compiled", **arguments})
                reason = engine.supports(net, loss, optimizer)
        except MissingExtraError as error:
            return self.make("batch"), f"Training on the engine 'batch'. {error}"
        if reason is None:
            return engine, None
        return self.make("batch"), f"Training on the engine 'batch'; 'compiled' cannot: {reason}"

    def able(self, net: Net, loss: Loss, optimizer: Optimizer) -> list[str]:
        """Names of the engines that are installed and can train this combination.

        Examples
        --------
        >>> import clearprop as cp
        >>> cp.ENGINES.able(cp.Net(cp.Linear(2, 3), cp.BatchNorm(3)), cp.CrossEntropy(), cp.SGD())
        ['batch', 'compiled', 'torch_nn']
        """
        names = []
        for name in self:
            try:
                if self.make(name).supports(net, loss, optimizer) is None:
                    names.append(name)
            except MissingExtraError:
                continue
        return names


@contextmanager
def naming_what_is_missing() -> Iterator[None]:
    """Turn an ImportError of llvmlite into a `MissingExtraError`; those of PyTorch are such errors already."""
    try:
        yield
    except MissingExtraError:
        raise
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == "llvmlite"
        why = "is not installed" if absent else f"cannot be imported ({error})"
        raise MissingExtraError(f"The engine 'compiled' needs llvmlite, which {why}: pip install llvmlite.") from None
