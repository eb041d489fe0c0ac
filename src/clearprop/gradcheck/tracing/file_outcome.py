"""The outcome of checking a program, as plain values that go through JSON."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from clearprop.errors import printable
from clearprop.gradcheck.report import GradientReport, Verdict

UNCLEAR: Final = "not understood"
WORDS: Final = {"right": "right", "wrong": "wrong", "inconclusive": "could not check"}
COLOURS: Final = {"right": "#1a7f37", "wrong": "#c1121f", "": "#8c959f"}


@dataclass(frozen=True)
class LineFinding:
    """A mistake at a line of the program.

    Attributes
    ----------
    line : int
        0 if it belongs to no line.
    message : str
        The line, and what is wrong with it: "line 23: l1_delta = ...: the derivative of sigmoid is l1 * (1 - l1)".
    correction : str or None
        The line as it should be, if that is known.
    hint : str
        Where to look, without the answer.
    file : str
    source, reason : str
        The two parts of the message.
    names : tuple of str
        The parameters whose gradients it makes wrong.
    also : tuple of str
        Rival explanations.
    slug : str
        Kind of the mistake.
    sure : bool
        Whether an edit confirms it.
    changes : tuple of (int, str)
        Each line that changes, with the text in its place, where the correction moves lines.
    """

    line: int
    message: str
    correction: str | None = None
    hint: str = ""
    file: str = ""
    source: str = ""
    reason: str = ""
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    slug: str = ""
    sure: bool = True
    changes: tuple[tuple[int, str], ...] = ()

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> LineFinding:
        """The finding that was written as JSON."""
        texts = {name: tuple(found.get(name, ())) for name in ("names", "also")}
        return cls(**{**found, **texts, "changes": tuple((int(line), str(text)) for line, text in found.get("changes", ()))})


@dataclass(frozen=True)
class FunctionOutcome:
    """The outcome for one part of a program: its training step, or a function or class.

    Attributes
    ----------
    name : str
    kind : str
        The convention that it was taken to follow.
    verdict : {"right", "wrong", "inconclusive", "not understood"}
    text : str
        The report, or the reason why there is none.
    report : dict
        Verdicts on arrays; empty if there are none.
    findings : list of LineFinding
        Mistakes, the best explanation first.
    """

    name: str
    kind: str
    verdict: Verdict | Literal["not understood"]
    text: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    findings: list[LineFinding] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, kind: str, report: GradientReport) -> FunctionOutcome:
        """The outcome that a report makes."""
        return cls(name, kind, report.verdict, str(report), report.to_json())

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> FunctionOutcome:
        """The outcome that was written as JSON."""
        return cls(**{**found, "findings": [LineFinding.from_json(each) for each in found.get("findings", ())]})

    def graded(self) -> dict[str, Any]:
        """Verdict, lines and hints, without the values or the answer, as JSON-able values."""
        tensors = self.report.get("tensors", [])
        wrong = [str(tensor["name"]) for tensor in tensors if tensor["verdict"] == "wrong"]
        hints = [f"line {each.line}: {each.hint}" if each.line else each.hint for each in self.findings]
        hints += [str(suspect["hint"]) for suspect in self.report.get("suspects", [])] if not self.findings else []
        if self.verdict == "wrong" and not hints:
            hints = [f"Look at the line that computes the gradient of {name}." for name in wrong]
        found: dict[str, Any] = {
            "function": self.name,
            "verdict": self.verdict,
            "wrong": wrong,
            "lines": [each.line for each in self.findings if each.line],
            "hints": list(dict.fromkeys(hints)),
        }
        return found if self.report else {**found, "reason": self.text}


def status_of(verdicts: Iterable[str], problem: str) -> Literal["right", "wrong", "inconclusive"]:
    """The verdict on a program from those on its parts.

    Examples
    --------
    >>> status_of(["right", "wrong"], ""), status_of(["right"], "one function was not looked at"), status_of([], "")
    ('wrong', 'inconclusive', 'inconclusive')
    """
    found = set(verdicts)
    if "wrong" in found:
        return "wrong"
    return "right" if found == {"right"} and not problem else "inconclusive"


@dataclass(frozen=True)
class FileOutcome:
    """The outcome for one program.

    Attributes
    ----------
    path : str
    functions : list of FunctionOutcome
    problem : str
        The reason why something could not be looked at, in a line or two; "" if all was.
    output : str
        The beginning of what it printed.
    notes : list of str
        All that was skipped, replaced or assumed.
    marks : list of dict
        For each line of the program's step: "line", "text", "verdict" ("right", "wrong" or "") and "note".
    mismatches : list of (int, str)
        Lines in which shapes did not fit, with these.
    """

    path: str
    functions: list[FunctionOutcome] = field(default_factory=list)
    problem: str = ""
    output: str = ""
    notes: list[str] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    mismatches: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> FileOutcome:
        """The outcome that `dataclasses.asdict` made plain."""
        return cls(**{**found, "functions": [FunctionOutcome.from_json(each) for each in found.get("functions", ())]})

    @property
    def status(self) -> Literal["right", "wrong", "inconclusive"]:
        """Either "wrong", if anything is; or "inconclusive", if anything else is not right, or nothing is; or "right"."""
        return status_of([function.verdict for function in self.functions], self.problem)

    @property
    def verdict(self) -> str:
        """The status in words: "right", "wrong" or "could not check"."""
        return WORDS[self.status]

    @property
    def exit_status(self) -> int:
        """The exit status: 0 right, 1 wrong, 2 could not check."""
        return {"right": 0, "wrong": 1, "inconclusive": 2}[self.status]

    @property
    def findings(self) -> list[LineFinding]:
        """All mistakes, those that an edit confirms first."""
        found = [each for function in self.functions for each in function.findings]
        return sorted(found, key=lambda each: not each.sure)

    def __bool__(self) -> bool:
        return self.status == "right"

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON-able values."""
        functions = [{"function" if k == "name" else k: v for k, v in asdict(f).items()} for f in self.functions]
        return {
            "file": self.path,
            "verdict": self.verdict,
            "problem": self.problem,
            "notes": self.notes,
            "functions": functions,
            "marks": self.marks,
        }

    def graded(self) -> dict[str, Any]:
        """Verdicts, lines and hints for each part, without the answers, as JSON-able values."""
        functions = [function.graded() for function in self.functions]
        return {"file": self.path, "verdict": self.verdict, "problem": self.problem, "functions": functions}

    def __str__(self) -> str:
        parts = [self.problem] if self.problem else []
        parts += [f"{function.name} ({function.kind}): {function.text}" for function in self.functions]
        parts += ["\n".join(self.notes)] if self.notes else []
        return "\n\n".join([f"{printable(self.path)}: {self.verdict}", *parts])

    def shown(self) -> str:
        """The program's step with the verdict on each value beside its line."""
        width = min(max((len(str(mark["text"])) for mark in self.marks), default=0), 88)
        rows = [
            f"{mark['line']:>4}  {str(mark['text']).ljust(width)}  {mark['verdict']:<5}  {mark['note']}".rstrip()
            for mark in self.marks
        ]
        return "\n".join(rows or ["No step of a parameter was seen, so there are no lines to show."])

    def html(self) -> str:
        """The same as a page."""
        rows = "".join(
            f'<tr style="color:{COLOURS[str(mark["verdict"])] if mark["verdict"] else "inherit"}"><td>{mark["line"]}</td>'
            f"<td><pre>{html.escape(str(mark['text']))}</pre></td><td>{mark['verdict']}</td><td>{html.escape(str(mark['note']))}</td></tr>"
            for mark in self.marks
        )
        said = "".join(f"<p>{html.escape(part)}</p>" for part in str(self).split("\n\n"))
        style = "body{font:15px system-ui;margin:2em auto;max-width:72em}pre{margin:0}td{padding:.1em .8em;vertical-align:top}"
        head = f"<!doctype html><meta charset=utf-8><title>{html.escape(self.path)}</title><style>{style}</style>"
        return f"{head}{said}<table>{rows}</table>"
