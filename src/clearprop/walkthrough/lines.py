"""Lines of a walkthrough, each with one value, gathered in stages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import Array


@dataclass(frozen=True, eq=False)
class Line:
    """One value.

    Attributes
    ----------
    symbol : str
        Name of the value: "dW1".
    formula : str
        Formula of the value: "x^T dz1"; empty for what is given.
    value : array or float
        A copy.
    note : str
        Remark on the value, if there is one.
    sign : str
        "=", or "<-" where the value replaces an earlier one of that name.
    """

    symbol: str
    formula: str
    value: Array | float
    note: str = ""
    sign: str = "="

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value; () for a number."""
        return np.shape(self.value)

    @property
    def statement(self) -> str:
        """Symbol and formula: "dW1 = x^T dz1"."""
        return f"{self.symbol} {self.sign} {self.formula}" if self.formula else self.symbol


@dataclass(eq=False)
class Stage:
    """Lines that belong together: the forward pass, the backward pass, the update.

    Attributes
    ----------
    title : str
    sign : str
        Sign of its lines.
    lines : list of Line
    """

    title: str
    sign: str = "="
    lines: list[Line] = field(default_factory=list)

    def add(self, symbol: str, formula: str, value: Array | float, note: str = "") -> None:
        """Add a line with a copy of the value."""
        self.lines.append(Line(symbol, formula, np.array(value) if np.ndim(value) else float(value), note, self.sign))
