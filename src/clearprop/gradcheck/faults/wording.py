"""The faults that explain a gradient, put into sentences."""

from __future__ import annotations

from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.search import Search
from clearprop.gradcheck.faults.suspect import Suspect


def accuse(search: Search, faults: tuple[Fault, ...]) -> Suspect:
    """One suspect from the fault, or the pair of faults, that gives the claimed gradient."""
    clauses = [fault.clause(search.right) for fault in faults]
    tape = search.planted(*faults)
    return Suspect(
        fault=" + ".join(fault.slug() for fault in faults),
        title="; and ".join(fault.title for fault in faults),
        sentence=f"{_subject(search)} what you get if {', and '.join(clauses)}.",
        remedy="; ".join(dict.fromkeys(fault.remedy for fault in faults)),
        hint=" ".join(dict.fromkeys(fault.hint for fault in faults)),
        error=search.claim.worst(tape),
    )


def _subject(search: Search) -> str:
    """The wrong gradients, with their verb."""
    names = [f"d{name}" if name != "dX" else name for name in search.claim.names if name in search.wrong]
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) == len(search.claim.names) > 2:
        return "All gradients are"
    return f"{', '.join(names[:-1])} and {names[-1]} are"
