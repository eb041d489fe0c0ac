"""The gradient report: what a check found about every array, and its views as text, as a rich table, as HTML and as JSON."""

from __future__ import annotations

import html
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from clearprop.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.table import Table

Verdict = Literal["right", "wrong", "inconclusive"]
RIGHT: Final = "right"
WRONG: Final = "wrong"
INCONCLUSIVE: Final = "inconclusive"

HEAD = ("tensor", "shape", "error", "at", "analytic", "numeric", "checked", "verdict")
COLOURS = {RIGHT: "green", WRONG: "red", INCONCLUSIVE: "yellow"}


@dataclass(frozen=True)
class TensorResult:
    """The result for the gradient of one array.

    Attributes
    ----------
    name : str
    shape : tuple of int
    verdict : {"right", "wrong", "inconclusive"}
    error : float
        The largest error, relative to the larger of both values; NaN if nothing could be compared.
    index : tuple of int or None
        The element with that error.
    analytic, numeric : float
        Both values there.
    checked : int
        Number of elements compared.
    kinks : int
        Number of those that stand where the function has no derivative, or that could not be measured.
    note : str
        A remark in one sentence; "" if there is none.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    error: float = float("nan")
    index: tuple[int, ...] | None = None
    analytic: float = float("nan")
    numeric: float = float("nan")
    checked: int = 0
    kinks: int = 0
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row of the report's table, as text."""
        known = self.index is not None
        return (
            self.name,
            str(self.shape),
            f"{self.error:.1e}" if known else "",
            f"[{', '.join(map(str, self.index))}]" if self.index is not None else "",
            f"{self.analytic:.6g}" if known else "",
            f"{self.numeric:.6g}" if known else "",
            f"{self.checked} of {math.prod(self.shape)}",
            self.verdict,
        )


@dataclass(frozen=True)
class Suspect:
    """A fault, or a pair of them, that would give exactly the gradient found, in words.

    Attributes
    ----------
    fault : str
        Its slug in the catalogue, such as "derivative-omitted"; two slugs joined by " + " for a pair.
    title : str
        The fault in a few words.
    sentence : str
        The accusation: "dW1 and db1 are what you get if the derivative of tanh is left out in layer 1."
    remedy : str
        The right line of mathematics.
    hint : str
        Where to look, without the answer, for graded work.
    error : float
        The difference left unexplained, relative to the largest number of the tensor: rounding.
    """

    fault: str
    title: str
    sentence: str
    remedy: str
    hint: str
    error: float = 0.0


@dataclass(frozen=True)
class GradientReport:
    """The result of a gradient check; prints as a table, shows as one in a notebook, and is truthy if every tensor is right.

    Attributes
    ----------
    title : str
        The gradient that was checked.
    tensors : list of TensorResult
    notes : list of str
        Observations and assumptions, in sentences.
    suspects : list of Suspect
        The faults that explain what is wrong, best first.
    evaluations : int
        Number of evaluations of the function.
    seconds : float
    """

    title: str
    tensors: list[TensorResult]
    notes: list[str] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    evaluations: int = 0
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """Either "wrong", if any tensor is; or "inconclusive", if any is, or if there is none; or "right"."""
        verdicts = {tensor.verdict for tensor in self.tensors}
        if WRONG in verdicts:
            return WRONG
        return INCONCLUSIVE if INCONCLUSIVE in verdicts or not verdicts else RIGHT

    @property
    def ok(self) -> bool:
        """Whether every tensor is right."""
        return self.verdict == RIGHT

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, name: str) -> TensorResult:
        return {tensor.name: tensor for tensor in self.tensors}[name]

    def remarks(self) -> list[str]:
        """The lines below the table: notes, then the faults that explain what is wrong."""
        lines = [f"{tensor.name}: {tensor.note}" for tensor in self.tensors if tensor.note]
        lines += self.notes
        for suspect in self.suspects:
            lines.append(f"{suspect.title}: {suspect.sentence.rstrip('.')}. Right: {suspect.remedy}")
        return lines

    def __str__(self) -> str:
        rows = [HEAD, *(tensor.cells() for tensor in self.tensors)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.title}: {self.verdict}", *table, *self.remarks()])

    def __rich__(self) -> Table:
        try:
            from rich.markup import escape
            from rich.table import Table
        except ImportError as error:
            raise MissingExtraError("Coloured tables need rich: pip install rich.") from error
        table = Table(
            *HEAD,
            title=f"{escape(self.title)}: [{COLOURS[self.verdict]}]{self.verdict}[/]",
            caption=escape("\n".join(self.remarks())) or None,
            caption_justify="left",
        )
        for tensor in self.tensors:
            table.add_row(*(escape(cell) for cell in tensor.cells()[:-1]), f"[{COLOURS[tensor.verdict]}]{tensor.verdict}[/]")
        return table

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{cell}</th>" for cell in HEAD)
        body = ""
        for tensor in self.tensors:
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in tensor.cells()[:-1])
            body += f'<tr>{cells}<td style="color:{COLOURS[tensor.verdict]}">{tensor.verdict}</td></tr>'
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.remarks())
        title = f"<p><b>{html.escape(self.title)}</b>: {self.verdict}</p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{items}</ul>"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values; numbers that are not finite become None."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "ok": self.ok,
            "tensors": [_finite(asdict(tensor)) for tensor in self.tensors],
            "notes": list(self.notes),
            "suspects": [_finite(asdict(suspect)) for suspect in self.suspects],
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 4),
        }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """The same row without NaN and infinities, which JSON does not have."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
