"""The dictionary: from a wrong gradient, and the network it belongs to, to the faults that produce it."""

from __future__ import annotations

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.pairs import PairSearch
from clearprop.gradcheck.faults.search import Search
from clearprop.gradcheck.report import Suspect
from clearprop.gradcheck.step import Step


def name_faults(step: Step, analytic: dict[str, Array], previous: Step | None = None) -> list[Suspect]:
    """Name the faults that give exactly this gradient.

    Parameters
    ----------
    step : Step
        The network, the loss and the batch.
    analytic : dict of str to array
        The gradients under test: "W1", "b1", ... by linear layer, "gamma1", "beta1", ... by BatchNorm, and "dX" for that of
        the inputs. Gradients that are left out are not compared.
    previous : Step, optional
        The step before, if it is known, for faults that carry something over from it.

    Returns
    -------
    list of Suspect
        All single faults that match to rounding; if there are none, all pairs that do. Empty if no pair does either, or if
        nothing is wrong. The suspects of one list all give the same gradient here; only another batch can tell them apart.
    """
    search = Search(step, analytic, previous)
    return [accuse(search, faults) for faults in find_faults(search)]


def find_faults(search: Search) -> list[tuple[Fault, ...]]:
    """The same as planted faults, instead of words."""
    if not search.wrong:
        return []
    candidates = search.singles()
    return search.complete(candidates) or PairSearch(search, candidates).find()


def accuse(search: Search, faults: tuple[Fault, ...]) -> Suspect:
    """The suspect that a fault, or a pair of faults, with the claimed gradient makes."""
    clauses = [fault.sentence(search.right) for fault in faults]
    return Suspect(
        fault=" + ".join(fault.slug for fault in faults),
        title="; and ".join(fault.title for fault in faults),
        sentence=f"{_subject(search)} what you get if {', and '.join(clauses)}.",
        remedy="; ".join(dict.fromkeys(fault.remedy for fault in faults)),
        hint=" ".join(dict.fromkeys(fault.hint for fault in faults)),
        error=search.claim.worst(search.planted(*faults)),
    )


def _subject(search: Search) -> str:
    """The wrong gradients, with their verb."""
    names = [f"d{name}" if name != "dX" else name for name in search.claim.names if name in search.wrong]
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) == len(search.claim.names) > 2:
        return "All gradients are"
    return f"{', '.join(names[:-1])} and {names[-1]} are"
