"""The outcome: what was found in a script, as plain values that go through JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clearprop.gradcheck.report import Report

UNCLEAR = "not understood"


@dataclass(frozen=True)
class Finding:
    """What became of one function or class.

    Attributes
    ----------
    name : str
    kind : str
        Which convention it was taken to follow.
    verdict : {"right", "wrong", "inconclusive", "not understood"}
    text : str
        The report, or why there is none.
    report : dict
        `Report.to_dict()`; empty if there is none.
    """

    name: str
    kind: str
    verdict: str
    text: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, kind: str, report: Report) -> Finding:
        """The finding that a report makes."""
        return cls(name, kind, report.verdict, str(report), report.to_dict())

    def graded(self) -> dict[str, Any]:
        """Verdict and hints, without the values or the answer."""
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


@dataclass(frozen=True)
class FileOutcome:
    """What became of one script.

    Attributes
    ----------
    path : str
    findings : list of Finding
    problem : str
        Why the script could not be run to its end, in one line; "" if it could.
    output : str
        The beginning of what it printed.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    problem: str = ""
    output: str = ""

    @property
    def verdict(self) -> str:
        """Either "wrong", if anything is; or "could not check", if anything else is not right, or nothing is; or "right"."""
        verdicts = {finding.verdict for finding in self.findings}
        if "wrong" in verdicts:
            return "wrong"
        fully = verdicts == {"right"} and not self.problem
        return "right" if fully else "could not check"

    @property
    def status(self) -> int:
        """The exit status: 0 right, 1 wrong, 2 could not check."""
        return {"right": 0, "wrong": 1}.get(self.verdict, 2)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able values."""
        functions = [
            {"function": f.name, "kind": f.kind, "verdict": f.verdict, "text": f.text, "report": f.report}
            for f in self.findings
        ]
        return {"file": self.path, "verdict": self.verdict, "problem": self.problem, "functions": functions}

    def graded(self) -> dict[str, Any]:
        """Verdicts and hints for each function, for those who mark and those who are marked."""
        functions = [finding.graded() for finding in self.findings]
        return {"file": self.path, "verdict": self.verdict, "problem": self.problem, "functions": functions}

    def __str__(self) -> str:
        parts = [self.problem] if self.problem else []
        parts += [f"{finding.name} ({finding.kind}): {finding.text}" for finding in self.findings]
        return "\n\n".join([f"{self.path}: {self.verdict}", *parts])
