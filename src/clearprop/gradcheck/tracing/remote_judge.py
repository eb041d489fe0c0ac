"""The judge as the program's process sees it: what was recorded is sent to the process that judges, and a word comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.channel import Channel
from clearprop.gradcheck.tracing.evidence import Packer, packed_trace, unpacked
from clearprop.gradcheck.tracing.function_classes import Function
from clearprop.gradcheck.tracing.judge import Bench, JudgedUnit, NothingClaimedError, Ruling, Triple
from clearprop.gradcheck.tracing.trace import Trace
from clearprop.gradcheck.tracing.traced import Traced


class NotJudgedError(Exception):
    """The judge could do nothing with a recording."""


class RemoteJudge(Bench):
    """Sends recordings to the judge.

    Parameters
    ----------
    channel : Channel
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def stage(self, said: str) -> None:
        """Tell what comes next, for the case that it does not end."""
        self.channel.send({"do": "stage", "said": said})

    def steps(self, trace: Trace) -> JudgedUnit | None:
        packer = Packer()
        answer = self._answer({"do": "steps", "trace": packed_trace(trace, packer)}, packer)
        if "name" not in answer:
            return None
        return JudgedUnit(str(answer["name"]), str(answer["kind"]), [_ruling(answer)])

    def claims(
        self, trace: Trace, triples: Sequence[Triple] | None, loss: Any, layer: bool, exact: bool, signed: bool = False
    ) -> Ruling:
        packer, given = Packer(), list(triples) if triples is not None else None
        spoken_of = [each.vertex for triple in given or () for each in triple[1:] if isinstance(each, Traced)]
        trace_sent = packed_trace(trace, packer, [*spoken_of, *([loss] if loss is not None else [])])
        pairs = [[name, _sent(p, packer), _sent(g, packer)] for name, p, g in given] if given is not None else None
        message = {"do": "claims", "trace": trace_sent, "triples": pairs}
        asked = {"layer": layer, "exact": exact, "signed": signed}
        return _ruling(self._answer({**message, **asked, "loss": packer.tree(loss)}, packer))

    def function(self, function: Function) -> Ruling:
        packer = Packer()
        start = packer.tree(dict(function.start))
        message = {"do": "function", "name": function.name, "file": function.file, "line": function.line, "start": start}
        self.channel.send(message, packer.arrays)
        while True:
            answer, data = self.channel.receive()
            if "ask" not in answer:
                return _ruling(_accepted(answer))
            packer = Packer()
            reply = {"value": packer.tree(_asked(function, answer, data))}
            self.channel.send(reply, packer.arrays)

    def done(
        self, units: Sequence[JudgedUnit], problem: str, notes: Sequence[str], mismatches: Sequence[tuple[int, str]] = ()
    ) -> None:
        """Send what the program was found to be made of."""
        told = [
            {"name": u.name, "kind": u.kind, "rulings": [[r.number, r.notes] for r in u.rulings], "text": u.text} for u in units
        ]
        message = {"do": "done", "units": told, "problem": problem, "notes": list(notes), "mismatches": list(mismatches)}
        self.channel.send(message)

    def _answer(self, message: dict[str, Any], packer: Packer) -> dict[str, Any]:
        self.channel.send(message, packer.arrays)
        return _accepted(self.channel.receive()[0])


def _asked(function: Function, answer: dict[str, Any], data: memoryview) -> Any:
    """The value or the gradients that the judge asks for; None where the function fails."""
    inputs = unpacked(answer["inputs"], data, {})
    try:
        if answer["ask"] == "value":
            return np.asarray(function.value(inputs))
        return {n: np.asarray(g) for n, g in function.gradients(inputs, unpacked(answer["upstream"], data, {})).items()}
    except Exception:  # the program's own: the judge says that it failed
        return None


def _sent(thing: Any, packer: Packer) -> Any:
    return packer.tree(thing.vertex) if isinstance(thing, Traced) else packer.tree(np.asarray(thing, dtype=np.float64))


def _ruling(answer: dict[str, Any]) -> Ruling:
    return Ruling(answer["number"], answer["verdict"], sure=answer["sure"])


def _accepted(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that says something.

    Raises
    ------
    NothingClaimedError
    NotJudgedError
    """
    if "nothing" in answer:
        raise NothingClaimedError(answer["nothing"])
    if "failed" in answer:
        raise NotJudgedError(answer["failed"])
    return answer
