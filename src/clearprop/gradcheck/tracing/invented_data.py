"""Invented data, in the place of files that the checker has not got.

A table is as wide as the program turns out to want: where a product fails for the lack of columns, the message says how
many, and the program is run again. Its first column holds classes, its other numbers are like those of pictures.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.wrappers import TRACE, leaf

WIDTH: Final = 5
MOST_ROWS: Final = 5000
MISMATCH: Final = re.compile(r"size (\d+) is different from (\d+)|\((?:\d+),?(\d*)\) and \((\d+),?\d*\) not aligned")


class InventedData:
    """Readers of tables that never fail.

    Parameters
    ----------
    text : str
        The program: its slices tell how many rows it wants.
    width : int
        Number of columns.

    Attributes
    ----------
    used : bool
        Whether a table was invented.
    """

    def __init__(self, text: str, width: int = WIDTH) -> None:
        cuts = [int(n) for pair in re.findall(r"\[\s*:?\s*(\d{2,5})\s*[:\]]|:\s*(\d{2,5})\s*[\],]", text) for n in pair if n]
        self.rows = 20 + max([n for n in cuts if n <= MOST_ROWS], default=0)
        self.width, self.used = width, False

    def table(self) -> Any:
        """Whole numbers as of pictures, with classes in the first column."""
        self.used = True
        TRACE.note(f"A data file could not be read; a table of {self.rows} rows and {self.width} columns was invented.")
        made = np.random.default_rng(0).integers(0, 256, (self.rows, self.width))
        made[:, 0] = np.arange(self.rows) % 10
        return made

    def reader(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A reader of NumPy's."""

        def read(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except OSError:
                return leaf(self.table() * 1.0, "data")

        return read

    def pandas(self) -> ModuleType:
        """The module pandas, with a reader that never fails.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        true, module = importlib.import_module("pandas"), ModuleType("pandas")
        for name in dir(true):
            setattr(module, name, getattr(true, name))

        def read_csv(*args: Any, **kwargs: Any) -> Any:
            try:
                return true.read_csv(*args, **kwargs)
            except OSError:
                made = self.table()
                return true.DataFrame(made, columns=["label", *(f"column{k}" for k in range(1, self.width))])

        for name in ("read_csv", "read_table", "read_excel"):
            setattr(module, name, read_csv)
        return module


def wanted_width(reasons: list[str], width: int) -> int | None:
    """The number of columns that would let failed products run; None if none of them says so."""
    for reason in reasons:
        found = MISMATCH.search(reason)
        sizes = [int(n) for n in found.groups() if n] if found else []
        if len(sizes) == 2:
            first, second = sizes
            for own, other in ((first, second), (second, first)):
                if width - 2 <= own <= width and other != own:
                    return width + other - own
    return None
