"""Invented data, in the place of files that the checker has not got.

A table is as wide as the program turns out to want: where a product fails for the lack of columns, the message says how
many, and the program is run again. Its first column holds classes, its other numbers are small, or like those of pictures
where the program scales those.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.traced import TRACE
from clearprop.gradcheck.tracing.wrappers import leaf

WIDTH: Final = 5
MOST_ROWS: Final = 5000
CLASSES: Final = 10
MOST_WIDE: Final = 5000
MANY_ROWS: Final = 2000
MORE_ROWS: Final = 300
MOST_NAMES: Final = 24
TOO_FEW: Final = (
    r"larger (sample )?than population|empty range (for|in) rand|low >= high|high <= 0|larger than the maximum"
    r"|modulo by zero|division by zero|equal division"
)
NO_NUMBER: Final = r"could not convert string to float|invalid literal for int\(\) with base 10: '[a-z]"
BATCH: Final = re.compile(r"batch_?size\w*\s*=\s*(\d{1,3})\b", re.IGNORECASE)
UNIT: Final = 100  # of which the number of rows is a multiple, where many are wanted and no batch size is said
NO_COLUMN: Final = re.compile(r"(?<!dtype=)['\"]([^'\"\[\]]{1,40})['\"]")
UNFLATTENED: Final = re.compile(
    r"\(\d+,28,28\) and \((?:\d+,)?784|\(\d+,\d+\) and \(\d+,28,28\)|size 28 is different from 784|784 is different from 28"
    r"|shapes \(\d+,28,\d+\) \(\d+,\d+\)"
)
"""What a product says that wants rows of numbers, and gets pictures."""
COLLECTION: Final = re.compile(
    r"^([ \t]*(?:m|n|N|(?:m|n|num|N)_?(?:train|training|samples|examples|data|images)\w*|\w*(?:samples|examples|train_size))"
    r"[ \t]*=[ \t]*)(?:60000|50000|55000|70000|42000|10000)(?=[ \t]*(?:#.*)?$)",
    re.MULTILINE,
)
"""An assignment of the number of examples of a well-known collection."""
OUTSIDE: Final = re.compile(r"index (\d+) is out of bounds for axis 1 with size (\d+)")
MISMATCH: Final = re.compile(r"size (\d+) is different from (\d+)|\((?:\d+),?(\d*)\) and \((\d+),?\d*\) not aligned")
PIXELS: Final = re.compile(r"/\s*=?\s*\(?25[56]|[<>]=?\s*12[78]")
"""A program that scales the numbers of pictures, or cuts them in the middle."""
ROWS_ENDED: Final = re.compile(r"index (\d+) is out of bounds for axis 0 with size \1(?!\d)")
RESHAPED: Final = re.compile(r"cannot reshape array of size (\d+) into shape \((\d+)((?:,\d+)+)\)")
FORMS: Final = ("rows", "columns")
"""Whether an example of invented data is a row or a column."""
SENTENCES: Final = (
    "the small net reads one letter after the other and guesses the next",
    "every morning the old teacher wrote a new question on the board",
    "a step down the hill is a step in the direction of the smaller error",
    "some answers were good and others were bad but all of them were read",
)


@dataclass(frozen=True)
class DataForm:
    """The form of invented data.

    Attributes
    ----------
    width : int
        Number of columns of a table.
    example : {"rows", "columns"}
        Whether an example is a row or a column.
    rows : int
        Number of rows besides those that the slices of the program ask for.
    names : tuple of str
        Names of columns.
    flat : bool
        Whether pictures are rows of numbers.
    counted : bool
        Whether the program is told how many rows there are, where it says `m = 60000`.
    found : bool
        Whether data files are said to exist, where the program asks.
    numbers : bool
        Whether lines of text are rows of numbers.
    column : bool
        Whether targets have an axis of length one.
    fewer : bool
        Whether the program is told a small number of examples wherever it says a large one.
    """

    width: int = WIDTH
    example: str = "rows"
    rows: int = 20
    names: tuple[str, ...] = ()
    flat: bool = False
    counted: bool = False
    found: bool = False
    numbers: bool = False
    column: bool = False
    fewer: bool = False

    def for_a_batch(self, text: str) -> DataForm:
        """The form with as many rows as a batch has, where the program says how many these are."""
        sizes = [int(size) for size in BATCH.findall(text)]
        return replace(self, rows=MORE_ROWS) if self.rows < max(sizes, default=0) else self

    def wanted(self, reasons: list[str], text: str = "") -> DataForm:
        """The form that would let statements run which failed for these reasons; the same if none of them says so.

        Parameters
        ----------
        reasons : list of str
        text : str
            The program, in which the number of rows that it wants may stand.
        """
        width = wanted_width(reasons, self.width)
        if width is not None and 1 < width < MOST_WIDE:
            return replace(self, width=width)
        if self.rows < MORE_ROWS and any(re.search(TOO_FEW, reason) for reason in reasons):
            return replace(self, rows=MORE_ROWS)
        ended = [int(found.group(1)) for reason in reasons if (found := ROWS_ENDED.search(reason))]
        if ended and ended[0] >= self.rows:
            numbers = [int(n) for n in re.findall(r"(?<![\w.])\d{2,4}(?![\w.])", text)]
            return replace(self, rows=max([n for n in numbers if ended[0] < n <= MANY_ROWS], default=self.rows))
        if not self.numbers and any(re.search(NO_NUMBER, reason) for reason in reasons):
            return replace(self, numbers=True)
        missing = [name for reason in reasons if reason.startswith("KeyError: ") for name in NO_COLUMN.findall(reason)]
        names = tuple(dict.fromkeys((*self.names, *missing)))[:MOST_NAMES]
        if names != self.names:
            return replace(self, names=names, width=max(self.width, len(names) + 3))
        if not self.column and any(re.search(r"^IndexError: tuple index out of range", reason) for reason in reasons):
            return replace(self, column=True)
        if not self.flat and any(UNFLATTENED.search(reason) for reason in reasons):
            return replace(self, flat=True)
        return self


class InventedData:
    """Data that a program wants and nobody has.

    Parameters
    ----------
    text : str
        The program: its slices tell how many rows it wants.
    form : DataForm

    Attributes
    ----------
    used : bool
        Whether anything was invented.
    """

    def __init__(self, text: str, form: DataForm) -> None:
        cuts = [int(n) for pair in re.findall(r"\[\s*:?\s*(\d{2,5})\s*[:\]]|:\s*(\d{2,5})\s*[\],]", text) for n in pair if n]
        self.rows = form.rows + max([n for n in cuts if n <= MOST_ROWS], default=0)
        if form.rows >= MORE_ROWS:
            sizes = [int(size) for size in BATCH.findall(text) if int(size)]
            unit = max(sizes, default=UNIT)
            self.rows = -(-self.rows // unit) * unit
        self.width, self.form, self.used = form.width, form, False
        self.whole = PIXELS.search(text) is not None

    def _numbers(self, *shape: int) -> Array:
        return np.random.default_rng(0).integers(0, 256, shape)

    def classes(self) -> Array:
        """A class for each row."""
        return np.arange(self.rows) % CLASSES

    def table(self, width: int | None = None) -> Array:
        """Whole numbers, with classes in the first column, and two of them in the last.

        Numbers as of pictures saturate every unit of a program that does not scale them, and nothing is learned of it.
        """
        width = width or self.width
        self.used = TRACE.invented = True
        TRACE.note(f"A data file could not be read; a table of {self.rows} rows and {width} columns was invented.")
        made = self._numbers(self.rows, width) // (1 if self.whole else 64)
        made[:, 0] = self.classes()
        made[:, -1] = np.arange(self.rows) % 2
        return made

    def named(self, role: str, source: str) -> Any:
        """Inputs ("X") or targets ("Y") that come from a place of such a name, or one "picture"."""
        made = self._numbers(28, 28).astype(np.uint8) if role == "picture" else self._pictures(role, source.lower())
        if made is None:
            self.used = TRACE.invented = True
            binary = np.arange(self.rows) % 2
            if role == "X":
                made = (
                    self._numbers(self.rows, self.width)
                    if self.whole
                    else np.random.default_rng(0).normal(size=(self.rows, self.width))
                )
                made = made.T if self.form.example == "columns" else made
            elif self.form.example == "columns":
                made = binary[None]
            else:
                made = binary[:, None] if self.form.column else binary
        if role == "picture":
            TRACE.note("Pictures that are not there were invented, of 28 x 28 points.")
        else:
            TRACE.note(f"{source.removesuffix('()')} is not there; data of the shape {np.shape(made)} were invented.")
        return leaf(np.array(made), "data")

    def digits(self, name: str) -> tuple[Any, ...]:
        """Three pairs of pictures of 784 numbers between 0 and 1, and of classes: to train, to validate, and to test."""
        self.used = TRACE.invented = True
        TRACE.note(f"{name} is not there; {self.rows} pictures of 784 numbers were invented, for each of three sets.")
        pairs = [(self._numbers(self.rows, 784) / 256.0, self.classes()) for _ in range(3)]
        return tuple((leaf(pictures, "data"), leaf(classes, "data")) for pictures, classes in pairs)

    def _pictures(self, role: str, source: str) -> Any:
        """Pictures and classes of a well-known collection; None if it is none."""
        shape = (28, 28) if re.search("mnist|idx|ubyte", source) else (32, 32, 3) if "cifar" in source else None
        if shape is None:
            return None
        TRACE.invented = True
        if role == "X":
            made = self._numbers(self.rows, *shape).astype(np.uint8)
            return made.reshape(self.rows, -1) if self.form.flat else made
        return self.classes() if len(shape) == 2 else self.classes()[:, None]

    def text(self, name: str) -> str:
        """The lines of a text file."""
        low = name.lower()
        if "label" in low:
            return "".join(f"{('positive', 'negative')[k % 2]}\n" for k in range(self.rows))
        if low.endswith((".csv", ".data", ".dat")) or "mnist" in low:
            return "".join(",".join(str(n) for n in row) + "\n" for row in self.table())
        if self.form.numbers:
            return "".join(" ".join(str(n) for n in row) + "\n" for row in self.table())
        self.used = TRACE.invented = True
        TRACE.note(f"{name} is not there; {self.rows} lines of text were invented.")
        return "".join(f"{SENTENCES[k % len(SENTENCES)]}\n" for k in range(self.rows))

    def idx(self, name: str) -> bytes:
        """A file of pictures or of labels in the format of MNIST."""
        TRACE.invented = True
        TRACE.note(f"{name} is not there; {self.rows} pictures of 28 x 28 numbers were invented.")
        if "label" in name.lower() or "idx1" in name.lower():
            header = np.array([0x801, self.rows], ">i4")
            return header.tobytes() + self.classes().astype(np.uint8).tobytes()
        header = np.array([0x803, self.rows, 28, 28], ">i4")
        return header.tobytes() + self._numbers(self.rows, 28, 28).astype(np.uint8).tobytes()


def counted(text: str, rows: int) -> str:
    """The program with the number of rows that were invented, where a name gets the number of a well-known collection.

    Examples
    --------
    >>> counted("m_train = 60000", 20)
    'm_train = 20   '
    """
    return COLLECTION.sub(lambda found: f"{found.group(1)}{rows}".ljust(len(found.group(0))), text)


def wanted_width(reasons: list[str], width: int) -> int | None:
    """The number of columns that would let failed products run; None if none of them says so."""
    for reason in reasons:
        outside = OUTSIDE.search(reason)
        if outside and width - 1 <= int(outside.group(2)) <= width:
            return width + int(outside.group(1)) + 1 - int(outside.group(2))
        rows = RESHAPED.search(reason)
        if rows and int(rows.group(2)) and not int(rows.group(1)) % int(rows.group(2)):
            own = int(rows.group(1)) // int(rows.group(2))
            if width - 2 <= own <= width:
                return width + math.prod(int(n) for n in re.findall(r"\d+", rows.group(3))) - own
        found = MISMATCH.search(reason)
        sizes = [int(n) for n in found.groups() if n] if found else []
        if len(sizes) == 2:
            first, second = sizes
            for own, other in ((first, second), (second, first)):
                if width - 2 <= own <= width + 1 and other != own:  # without labels; with a 1 for the bias
                    return width + other - own
    return None
