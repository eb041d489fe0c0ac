"""The outcome of checking a script, as plain values that go through JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from clearprop.gradcheck.report import GradientReport, Verdict

UNCLEAR: Final = "not understood"


@dataclass(frozen=True)
class FunctionOutcome:
    """The outcome for one function or class.

    Attributes
    ----------
    name : str
    kind : str
        The convention that it was taken to follow.
    verdict : {"right", "wrong", "inconclusive", "not understood"}
    text : str
        The report, or the reason why there is none.
    report : dict
        `GradientReport.to_json()`; empty if there is none.
    """

    name: str
    kind: str
    verdict: Verdict | Literal["not understood"]
    text: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, kind: str, report: GradientReport) -> FunctionOutcome:
        """The outcome that a report makes."""
        return cls(name, kind, report.verdict, str(report), report.to_json())

    def graded(self) -> dict[str, Any]:
        """Verdict and hints, without the values or the answer, as JSON-able values."""
        hints = [str(suspect["hint"]) for suspect in self.report.get("suspects", [])]
        tensors = self.report.get("tensors", [])
        wrong = [str(tensor["name"]) for tensor in tensors if tensor["verdict"] == "wrong"]
        if self.verdict == "wrong" and not hints:
            hints = [f"Look at the line that computes the gradient of {name}." for name in wrong]
        found: dict[str, Any] = {
            "function": self.name,
            "verdict": self.verdict,
            "wrong": wrong,
            "hints": list(dict.fromkeys(hints)),
        }
        return found if self.report else {**found, "reason": self.text}


Case = tuple[str, str, Callable[[], FunctionOutcome]]
"""A name, its convention, and the work to do."""


@dataclass(frozen=True)
class FileOutcome:
    """The outcome for one script.

    Attributes
    ----------
    path : str
    functions : list of FunctionOutcome
    problem : str
        The reason why the script could not be run to its end, in one line; "" if it could.
    output : str
        The beginning of its output.
    """

    path: str
    functions: list[FunctionOutcome] = field(default_factory=list)
    problem: str = ""
    output: str = ""

    @property
    def verdict(self) -> Literal["right", "wrong", "could not check"]:
        """Either "wrong", if anything is; or "could not check", if anything else is not right, or nothing is; or "right"."""
        verdicts = {function.verdict for function in self.functions}
        if "wrong" in verdicts:
            return "wrong"
        fully = verdicts == {"right"} and not self.problem
        return "right" if fully else "could not check"

    @property
    def status(self) -> int:
        """The exit status: 0 right, 1 wrong, 2 could not check."""
        return {"right": 0, "wrong": 1}.get(self.verdict, 2)

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON-able values."""
        functions = [
            {"function": f.name, "kind": f.kind, "verdict": f.verdict, "text": f.text, "report": f.report}
            for f in self.functions
        ]
        return {"file": self.path, "verdict": self.verdict, "problem": self.problem, "functions": functions}

    def graded(self) -> dict[str, Any]:
        """Verdicts and hints for each function, without the answers, as JSON-able values."""
        functions = [function.graded() for function in self.functions]
        return {"file": self.path, "verdict": self.verdict, "problem": self.problem, "functions": functions}

    def __str__(self) -> str:
        parts = [self.problem] if self.problem else []
        parts += [f"{function.name} ({function.kind}): {function.text}" for function in self.functions]
        return "\n\n".join([f"{self.path}: {self.verdict}", *parts])
