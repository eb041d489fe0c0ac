"""Readers of files that never fail: of NumPy, pandas, gzip, pickle and scikit-learn, and `open`."""

from __future__ import annotations

import builtins
import gzip
import importlib
import io
import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from clearprop.gradcheck.tracing.invented_data import InventedData
from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.wrappers import leaf

PICTURES: Final = re.compile(r"ubyte|idx[13]", re.IGNORECASE)


class DataReaders:
    """The functions that read files, for one program.

    Parameters
    ----------
    data : InventedData
    """

    def __init__(self, data: InventedData) -> None:
        self.data = data

    def of_numpy(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A reader of NumPy's."""

        def read(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except OSError:
                return leaf(self.data.table() * 1.0, "data")

        return read

    def open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """The built-in open; a file that is not there has invented contents."""
        try:
            return builtins.open(file, mode, *args, **kwargs)
        except FileNotFoundError:
            name = str(file).rsplit("/", 1)[-1]
            if "r" not in mode:
                raise
            if "b" not in mode:
                return io.StringIO(self.data.text(name))
            return io.BytesIO(self.data.idx(name)) if PICTURES.search(name) else Nothing(name=f"{name}.read()")

    def pandas(self) -> ModuleType:
        """The module pandas.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        true = importlib.import_module("pandas")
        module = copied(true)

        def read_csv(*args: Any, **kwargs: Any) -> Any:
            try:
                return true.read_csv(*args, **kwargs)
            except OSError:
                made = self.data.table()
                return true.DataFrame(made, columns=["label", *(f"column{k}" for k in range(1, self.data.width))])

        for name in ("read_csv", "read_table", "read_excel"):
            setattr(module, name, read_csv)
        return module

    def gzip(self) -> ModuleType:
        """The module gzip."""
        module: Any = copied(gzip)

        def open(file: Any, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
            try:
                return gzip.open(file, mode, *args, **kwargs)
            except OSError:
                name = str(file).rsplit("/", 1)[-1]
                return io.BytesIO(self.data.idx(name)) if PICTURES.search(name) else Nothing(name=f"{name}.read()")

        module.open = module.GzipFile = open
        return module

    def pickle(self) -> ModuleType:
        """The module pickle."""
        true = importlib.import_module("pickle")  # the person's program may; clearprop itself never does
        module: Any = copied(true)
        module.load = lambda file, *a, **k: file if isinstance(file, Nothing) else true.load(file, *a, **k)
        module.loads = lambda text, *a, **k: text if isinstance(text, Nothing) else true.loads(text, *a, **k)
        return module

    def sklearn_datasets(self) -> ModuleType:
        """The module sklearn.datasets, whose downloads are invented.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        module: Any = copied(importlib.import_module("sklearn.datasets"))

        def fetch(name: str = "", *args: Any, return_X_y: bool = False, **kwargs: Any) -> Any:
            X = self.data.named("X", f"{name}.fetch()").reshape(self.data.rows, -1)
            y = self.data.named("Y", f"{name}.fetch()")
            return (X, y) if return_X_y else SimpleNamespace(data=X, target=y)

        for each in ("fetch_openml", "fetch_mldata"):
            setattr(module, each, fetch)
        return module


def copied(module: ModuleType) -> ModuleType:
    """A module with the same contents, some of which can then be replaced."""
    made = ModuleType(module.__name__)
    for name in dir(module):
        setattr(made, name, getattr(module, name))
    return made
