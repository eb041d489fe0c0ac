"""A hearing: the judge's side of the channel, from the first recording to the last word of the program's process."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import printable
from clearprop.gradcheck.tracing.agreement import Agreement
from clearprop.gradcheck.tracing.channel import Channel, ChannelError
from clearprop.gradcheck.tracing.evidence import Codes, Packer, replayed_trace, unpacked
from clearprop.gradcheck.tracing.file_outcome import UNCLEAR, FileOutcome, FunctionOutcome
from clearprop.gradcheck.tracing.function_classes import Function
from clearprop.gradcheck.tracing.judge import Judge, JudgedUnit, NothingClaimedError, Ruling
from clearprop.gradcheck.tracing.traced import Traced, wrap

LONGEST = 4000  # characters of a sentence from the program's process
MOST = 200  # parts and notes


class Hearing:
    """Answers the process that runs a program, and keeps what it is told and what was judged.

    Parameters
    ----------
    channel : Channel
    judge : Judge
    codes : Codes
    names : list of str
        Functions and classes that were asked for: each gets a verdict, or the reason why there is none.

    Attributes
    ----------
    stage : str
        The last that is known of the program's process, in words.
    done : bool
        Whether it came to its end.
    units, problem, notes : list of JudgedUnit, str, list of str
        The parts of the program, by its own account.
    failed : str
        Why its steps could not be judged; "" if they could.
    """

    def __init__(self, channel: Channel, judge: Judge, codes: Codes, names: list[str]) -> None:
        self.channel, self.judge, self.codes, self.names = channel, judge, codes, names
        self.stage, self.done, self.problem, self.failed = "before it could be run", False, "", ""
        self.units: list[JudgedUnit] = []
        self.notes: list[str] = []
        self.mismatches: list[tuple[int, str]] = []
        self.lock = threading.Lock()
        self.agreement = Agreement(codes.lines)

    def run(self) -> None:
        """Answer until the end of the channel, or the last message."""
        try:
            while not self.done:
                message, data = self.channel.receive()
                self._take(message, data)
        except (ChannelError, OSError) as error:
            if not isinstance(error, ChannelError) or "closed" not in str(error):
                self.failed = f"Its process broke off the check: {error}"

    def _take(self, message: dict[str, Any], data: memoryview) -> None:
        what = message.get("do")
        if what == "stage":
            self.stage = clean(message.get("said"))[:200]
        elif what == "done":
            self._finish(message)
        elif what in ("steps", "claims", "function"):
            work = {"steps": self._steps, "claims": self._claims, "function": self._function}[what]
            self.channel.send(self._judged(work, message, data))
        else:
            raise ChannelError("a message asks for nothing that is known")

    def _judged(self, work: Any, message: dict[str, Any], data: memoryview) -> dict[str, Any]:
        """The answer to a recording; whatever is wrong with it is said, and never counts as right."""
        try:
            with self.lock:
                found: dict[str, Any] = work(message, data)
            return found
        except NothingClaimedError as error:
            return {"nothing": str(error)}
        except MemoryError:
            said = "there is not enough memory to judge it; raise --memory"
        except ChannelError as error:
            said = str(error)
        except Exception as error:  # a recording that nobody foresaw, or that was made up
            said = f"what it recorded cannot be judged ({type(error).__name__}: {str(error)[:200]})"
        if message.get("do") == "steps":
            self.failed = f"Its steps could not be judged: {said}."
        return {"failed": said}

    def _steps(self, message: dict[str, Any], data: memoryview) -> dict[str, Any]:
        trace, _ = replayed_trace(message["trace"], data, self.codes)
        self.agreement.demand(trace, trace.steps)
        found = self.judge.steps(trace)
        return {"name": found.name, "kind": found.kind, **_told(found.rulings[0])} if found else {"none": True}

    def _claims(self, message: dict[str, Any], data: memoryview) -> dict[str, Any]:
        trace, vertices = replayed_trace(message["trace"], data, self.codes)

        def thing(tree: Any) -> Any:
            return wrap(vertices[tree["v"]]) if isinstance(tree, dict) and "v" in tree else unpacked(tree, data, vertices)

        given = message["triples"]
        triples = [(clean(n), thing(p), thing(g)) for n, p, g in given] if given is not None else None
        loss = unpacked(message["loss"], data, vertices)
        claimed = [g.vertex for _, _, g in triples if isinstance(g, Traced)] if triples is not None else trace.steps
        self.agreement.demand(trace, claimed)
        layer, exact, signed = (bool(message[name]) for name in ("layer", "exact", "signed"))
        return _told(self.judge.claims(trace, triples, loss, layer, exact, signed))

    def _function(self, message: dict[str, Any], data: memoryview) -> dict[str, Any]:
        start = unpacked(message["start"], data, {})
        function = CalledFunction(
            self.channel, clean(message["name"]), arrays_by_name(start), clean(message["file"]), int(message["line"])
        )
        return _told(self.judge.function(function))

    def _finish(self, message: dict[str, Any]) -> None:
        """Take down what the program is made of; verdicts are only those that were given here."""
        self.problem, self.notes = clean(message.get("problem")), [clean(note) for note in message.get("notes", [])[:MOST]]
        self.mismatches = [(int(line), clean(shapes)) for line, shapes in message.get("mismatches", [])[:MOST]]
        for told in message.get("units", [])[:MOST]:
            unit = JudgedUnit(clean(told["name"])[:200], clean(told["kind"])[:200], [], clean(told["text"]))
            for number, notes in told["rulings"][:1]:
                if not isinstance(number, int) or not 0 <= number < len(self.judge.rounds):
                    raise ChannelError("it speaks of a verdict that was never given")
                unit.rulings.append(Ruling(number, "inconclusive", [clean(note) for note in notes[:MOST]]))
            self.units.append(unit)
        self.stage, self.done = "done", True

    def outcome(self, path: str, problem: str, output: str) -> FileOutcome:
        """The outcome, with one line about a premature end."""
        functions, marks = self.judge.outcomes(self.units)
        said = {function.name for function in functions}
        missing = [name for name in self.names if name not in said] if self.done else []
        functions += [FunctionOutcome(name, "unknown", UNCLEAR, "It was not looked at.") for name in missing]
        problem = problem or self.failed or self.problem
        return FileOutcome(path, functions, problem, output, self.notes, marks, self.mismatches)


class CalledFunction(Function):
    """A function in the program's process, which is called through the channel."""

    def __init__(self, channel: Channel, name: str, start: dict[str, Array], file: str, line: int) -> None:
        super().__init__(name, start, file, line)
        self.channel = channel

    def value(self, inputs: dict[str, Array]) -> Array:
        found = self._ask({"ask": "value"}, inputs)
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiub":
            raise ChannelError(f"{self.name} gives no array")
        return np.asarray(found, dtype=np.float64)

    def gradients(self, inputs: dict[str, Array], upstream: Array) -> dict[str, Array]:
        found = arrays_by_name(self._ask({"ask": "gradients"}, inputs, upstream))
        if found.keys() != inputs.keys() or any(found[n].shape != a.shape for n, a in inputs.items()):
            raise ChannelError(f"the gradients of {self.name} have other names or shapes than its inputs")
        return found

    def _ask(self, question: dict[str, Any], inputs: dict[str, Array], upstream: Array | None = None) -> Any:
        packer = Packer()
        arrays = {name: np.asarray(array, dtype=np.float64) for name, array in inputs.items()}
        message = {**question, "inputs": packer.tree(arrays), "upstream": packer.tree(upstream)}
        self.channel.send(message, packer.arrays)
        answer, data = self.channel.receive()
        return unpacked(answer.get("value"), data, {})


def arrays_by_name(found: Any) -> dict[str, Array]:
    """A dictionary of real arrays.

    Raises
    ------
    ChannelError
        If it is anything else.
    """
    if not isinstance(found, dict) or not all(isinstance(a, np.ndarray) and a.dtype.kind in "fiub" for a in found.values()):
        raise ChannelError("what should be arrays by their names is something else")
    return {clean(name): np.asarray(array, dtype=np.float64) for name, array in found.items()}


def _told(ruling: Ruling) -> dict[str, Any]:
    return {"number": ruling.number, "verdict": ruling.verdict, "sure": ruling.sure}


def clean(text: Any) -> str:
    """A sentence from the program's process: a string, not too long, without control characters."""
    return printable(text[:LONGEST]) if isinstance(text, str) else ""
