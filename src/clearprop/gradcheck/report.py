"""The report: for every tensor what was found, and what it means."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from clearprop.gradcheck.report_views import report_html, report_rich, report_text

if TYPE_CHECKING:
    from rich.table import Table

    from clearprop.gradcheck.faults import Suspect

RIGHT, WRONG, INCONCLUSIVE = "right", "wrong", "inconclusive"


@dataclass(frozen=True)
class TensorResult:
    """What was found about the gradient of one array.

    Attributes
    ----------
    name : str
    shape : tuple of int
    verdict : {"right", "wrong", "inconclusive"}
    error : float
        The largest error, relative to the larger of both values; NaN if nothing could be compared.
    index : tuple of int or None
        Where that is.
    analytic, numeric : float
        Both values there.
    checked : int
        How many elements were compared.
    kinks : int
        How many of them stand where the function has no derivative, or could not be measured.
    note : str
        What else is to be said, in a sentence; "" if nothing is.
    """

    name: str
    shape: tuple[int, ...]
    verdict: str
    error: float = float("nan")
    index: tuple[int, ...] | None = None
    analytic: float = float("nan")
    numeric: float = float("nan")
    checked: int = 0
    kinks: int = 0
    note: str = ""


@dataclass(frozen=True)
class Report:
    """The result of a check; prints as a table, shows as one in a notebook, and goes to JSON.

    Attributes
    ----------
    title : str
        What was checked.
    tensors : list of TensorResult
    notes : list of str
        What was noticed or assumed, in sentences.
    suspects : list of Suspect
        The mistakes that explain what is wrong, best first.
    evaluations : int
        How many values of the function it took.
    seconds : float
    """

    title: str
    tensors: list[TensorResult]
    notes: list[str] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    evaluations: int = 0
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
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

    def __str__(self) -> str:
        return report_text(self)

    def __rich__(self) -> Table:
        return report_rich(self)

    def _repr_html_(self) -> str:
        return report_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-able values; numbers that are not finite become None."""
        tensors = [_finite(asdict(tensor)) for tensor in self.tensors]
        suspects = [
            {"fault": s.fault, "title": s.title, "sentence": s.sentence, "remedy": s.remedy, "hint": s.hint, "error": s.error}
            for s in self.suspects
        ]
        return {
            "title": self.title,
            "verdict": self.verdict,
            "ok": self.ok,
            "tensors": tensors,
            "notes": list(self.notes),
            "suspects": [_finite(s) for s in suspects],
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 4),
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """The same row without NaN and infinities, which JSON does not have."""
    return {k: None if isinstance(v, float) and not abs(v) < float("inf") else v for k, v in row.items()}
