"""Invented data, in the place of files that the checker has not got.

A table is as wide as the program turns out to want: where a product fails for the lack of columns, the message says how
many, and the program is run again. Its first column holds classes, its other numbers are like those of pictures.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.traced import TRACE
from clearprop.gradcheck.tracing.wrappers import leaf

WIDTH: Final = 5
MOST_ROWS: Final = 5000
CLASSES: Final = 10
MISMATCH: Final = re.compile(r"size (\d+) is different from (\d+)|\((?:\d+),?(\d*)\) and \((\d+),?\d*\) not aligned")
FORMS: Final = ("rows", "columns")
"""Whether an example of invented data is a row or a column."""
SENTENCES: Final = (
    "the small net reads one letter after the other and guesses the next",
    "every morning the old teacher wrote a new question on the board",
    "a step down the hill is a step in the direction of the smaller error",
    "some answers were good and others were bad but all of them were read",
)


class InventedData:
    """Data that a program wants and nobody has.

    Parameters
    ----------
    text : str
        The program: its slices tell how many rows it wants.
    width : int
        Number of columns.
    form : {"rows", "columns"}

    Attributes
    ----------
    used : bool
        Whether anything was invented.
    """

    def __init__(self, text: str, width: int = WIDTH, form: str = "rows") -> None:
        cuts = [int(n) for pair in re.findall(r"\[\s*:?\s*(\d{2,5})\s*[:\]]|:\s*(\d{2,5})\s*[\],]", text) for n in pair if n]
        self.rows = 20 + max([n for n in cuts if n <= MOST_ROWS], default=0)
        self.width, self.form, self.used = width, form, False
        self.whole = re.search(r"/\s*=?\s*\(?25[56]", text) is not None

    def _numbers(self, *shape: int) -> Array:
        return np.random.default_rng(0).integers(0, 256, shape)

    def classes(self) -> Array:
        """A class for each row."""
        return np.arange(self.rows) % CLASSES

    def table(self) -> Array:
        """Whole numbers as of pictures, with classes in the first column."""
        self.used = True
        TRACE.note(f"A data file could not be read; a table of {self.rows} rows and {self.width} columns was invented.")
        made = self._numbers(self.rows, self.width)
        made[:, 0] = self.classes()
        return made

    def named(self, role: str, source: str) -> Any:
        """Inputs ("X") or targets ("Y") that come from a place of such a name."""
        made = self._pictures(role, source.lower())
        if made is None:
            self.used = True
            binary = np.arange(self.rows) % 2
            if role == "X":
                made = (
                    self._numbers(self.rows, self.width)
                    if self.whole
                    else np.random.default_rng(0).normal(size=(self.rows, self.width))
                )
                made = made.T if self.form == "columns" else made
            else:
                made = binary[None] if self.form == "columns" else binary
        TRACE.note(f"{source.removesuffix('()')} is not there; data of the shape {np.shape(made)} were invented.")
        return leaf(np.array(made), "data")

    def _pictures(self, role: str, source: str) -> Any:
        """Pictures and classes of a well-known collection; None if it is none."""
        shape = (28, 28) if "mnist" in source else (32, 32, 3) if "cifar" in source else None
        if shape is None:
            return None
        if role == "X":
            return self._numbers(self.rows, *shape).astype(np.uint8)
        return self.classes() if len(shape) == 2 else self.classes()[:, None]

    def text(self, name: str) -> str:
        """The lines of a text file."""
        low = name.lower()
        if "label" in low:
            return "".join(f"{('positive', 'negative')[k % 2]}\n" for k in range(self.rows))
        if low.endswith((".csv", ".data", ".dat")) or "mnist" in low:
            return "".join(",".join(str(n) for n in row) + "\n" for row in self.table())
        self.used = True
        TRACE.note(f"{name} is not there; {self.rows} lines of text were invented.")
        return "".join(f"{SENTENCES[k % len(SENTENCES)]}\n" for k in range(self.rows))

    def idx(self, name: str) -> bytes:
        """A file of pictures or of labels in the format of MNIST."""
        TRACE.note(f"{name} is not there; {self.rows} pictures of 28 x 28 numbers were invented.")
        if "label" in name.lower() or "idx1" in name.lower():
            header = np.array([0x801, self.rows], ">i4")
            return header.tobytes() + self.classes().astype(np.uint8).tobytes()
        header = np.array([0x803, self.rows, 28, 28], ">i4")
        return header.tobytes() + self._numbers(self.rows, 28, 28).astype(np.uint8).tobytes()


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
