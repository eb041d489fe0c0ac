"""Pairs of faults: found without trying all of them.

Let f and g together give the claimed gradient. A tensor that g leaves alone is explained by f alone; so either one of the two
explains some wrong tensor by itself, and the other is looked for beside it; or both change every wrong tensor. In both cases
few candidates are left. Faults that give the same gradient on this step are tried once, and listed together.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.search import Candidate, Fingerprint, Search

BUDGET = 2e10
"""Multiplications that a search may spend; it tries between `FEWEST` and `MOST` pairs."""
FEWEST, MOST = 250, 5000
LISTED = 24
"""Number of pairs with one and the same gradient that are tried and listed."""


class PairSearch:
    """The search for two faults at once."""

    def __init__(self, search: Search, candidates: list[Candidate]) -> None:
        self.search = search
        self.groups: dict[Fingerprint, list[Candidate]] = {}
        for candidate in candidates:
            self.groups.setdefault(candidate.fingerprint, []).append(candidate)
        cost = 6 * search.right.batch * search.step.net.theta.size
        self.left = int(min(max(BUDGET / max(cost, 1), FEWEST), MOST))

    def find(self) -> list[tuple[Fault, ...]]:
        """All pairs with exactly the claimed gradient that the first successful stage finds; stages are ordered by cost."""
        tried: set[tuple[Fingerprint, Fingerprint]] = set()
        for stage in (self.beside, self.masking, self.everywhere):
            found: list[tuple[Fault, ...]] = []
            for f, g in stage():
                key = (f.fingerprint, g.fingerprint)
                if key in tried or key[::-1] in tried:
                    continue
                tried.add(key)
                self.left -= 1
                if self.left < 0:
                    break
                if self.explains(f.fault, g.fault) is not None:
                    found += self.expand(f, g)
            if found:
                return found
        return []

    def firsts(self) -> list[Candidate]:
        """One candidate of each group with the same gradient."""
        return [group[0] for group in self.groups.values()]

    def helpers(self) -> list[Candidate]:
        """The faults that explain a wrong tensor alone, those that explain most first."""
        wrong = self.search.wrong
        found = [candidate for candidate in self.firsts() if candidate.explained & wrong]
        return sorted(found, key=lambda candidate: -len(candidate.explained))

    def beside(self) -> Iterator[tuple[Candidate, Candidate]]:
        """f explains some tensors; g changes the others, and not these."""
        wrong = self.search.wrong
        for f in self.helpers():
            missing = wrong - f.explained
            for g in self.firsts():
                if g.changed & missing and not g.changed & f.explained and (g.fault.fitted or g.changed <= wrong):
                    yield f, g

    def masking(self) -> Iterator[tuple[Candidate, Candidate]]:
        """f explains some tensors, even if g changes them too; g changes the others."""
        wrong = self.search.wrong
        for f in self.helpers():
            missing = wrong - f.explained
            for g in self.firsts():
                if g.changed & missing:
                    yield f, g

    def everywhere(self) -> Iterator[tuple[Candidate, Candidate]]:
        """Neither explains anything, as both change every wrong tensor."""
        wrong = self.search.wrong
        both = [candidate for candidate in self.firsts() if candidate.changed >= wrong]
        yield from combinations(both, 2)

    def explains(self, f: Fault, g: Fault) -> tuple[Fault, Fault] | None:
        """The two in the order of the catalogue, amounts fitted, if together they give the claimed gradient."""
        if type(f) is type(g) and set(f.site) & set(g.site):
            return None
        f, g = ordered(f, g)
        if f.fitted or g.fitted:
            fitted_f = self.search.fit(f, g)
            fitted_g = self.search.fit(g, fitted_f) if fitted_f is not None else None
            if fitted_f is None or fitted_g is None:
                return None
            f, g = fitted_f, fitted_g
        tape = self.search.attempt(f, g)
        return (f, g) if tape is not None and self.search.claim.agrees(tape) else None

    def expand(self, f: Candidate, g: Candidate) -> list[tuple[Fault, ...]]:
        """The pair, and those with the same gradients that explain the claim too."""
        found: dict[tuple[str, ...], tuple[Fault, ...]] = {}
        pairs = product(self.groups[f.fingerprint], self.groups[g.fingerprint])
        for (a, b), _ in zip(pairs, range(LISTED), strict=False):
            pair = self.explains(a.fault, b.fault)
            if pair is not None:
                found.setdefault(tuple(fault.slug for fault in pair), pair)
        return list(found.values())


def ordered(f: Fault, g: Fault) -> tuple[Fault, Fault]:
    """Two faults in the order of the catalogue, in which they are planted."""
    kinds = catalogue()
    return (f, g) if kinds.index(type(f)) <= kinds.index(type(g)) else (g, f)
