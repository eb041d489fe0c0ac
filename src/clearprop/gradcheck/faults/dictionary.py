"""The dictionary: from a wrong gradient, and the network it belongs to, to the mistakes that produce it."""

from __future__ import annotations

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.pairs import PairSearch
from clearprop.gradcheck.faults.search import Search
from clearprop.gradcheck.faults.suspect import Suspect
from clearprop.gradcheck.faults.wording import accuse
from clearprop.gradcheck.problem import Problem


def name_faults(problem: Problem, analytic: dict[str, Array], previous: Problem | None = None) -> list[Suspect]:
    """Which mistakes give just this gradient.

    Parameters
    ----------
    problem : Problem
        The network, the loss and the batch.
    analytic : dict of str to array
        The gradients that somebody computed: "W1", "b1", ... by linear layer, "gamma1", "beta1", ... by BatchNorm, and "dX"
        for that of the inputs. Those that are left out are not compared.
    previous : Problem, optional
        The step before, if it is known: what may have been carried over from it.

    Returns
    -------
    list of Suspect
        All single mistakes that match to rounding; if there are none, all pairs that do; if there are none, or nothing is
        wrong, nothing. Those that are listed together give the same gradient here, so nothing can tell them apart but
        another batch.
    """
    search = Search(problem, analytic, previous)
    return [accuse(search, faults) for faults in find_faults(search)]


def find_faults(search: Search) -> list[tuple[Fault, ...]]:
    """The same as planted faults instead of words."""
    if not search.wrong:
        return []
    trials = search.singles()
    return search.complete(trials) or PairSearch(search, trials).find()
