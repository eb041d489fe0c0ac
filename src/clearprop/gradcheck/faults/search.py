"""The search: the faults that give exactly the gradient found.

Every fault is planted at every site, one at a time. If none explains all tensors, pairs are tried; see `pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.matching import Claim, residual
from clearprop.gradcheck.faults.recording import record
from clearprop.gradcheck.faults.tape import Tape
from clearprop.gradcheck.step import Step

Fingerprint = tuple[object, ...]
"""Shapes and a few digits that tell two gradients apart."""

STAND_IN = -0.01
"""The amount of a fault before it is fitted, to see which tensors it changes."""


@dataclass(frozen=True)
class Candidate:
    """One fault, planted alone.

    Attributes
    ----------
    fault : Fault
    changed : frozenset of str
        The tensors that it makes wrong.
    explained : frozenset of str
        The tensors that it gives exactly as they are claimed.
    fingerprint : tuple
    """

    fault: Fault
    changed: frozenset[str]
    explained: frozenset[str]
    fingerprint: Fingerprint


class Search:
    """One wrong gradient, and the faults that could have produced it.

    Attributes
    ----------
    right : Tape
        The tape without any fault.
    wrong : frozenset of str
        The tensors that differ from the right ones.
    """

    def __init__(self, step: Step, analytic: dict[str, Array], previous: Step | None = None) -> None:
        self.step, self.previous = step, previous
        self.inputs = "dX" in analytic
        self.right = record(step, previous=previous, inputs=self.inputs)
        self.claim = Claim(analytic, self.right)
        self.wrong = frozenset(self.claim.names) - self.claim.explained(self.right)
        self._probes: dict[int, Array] = {}

    def planted(self, *faults: Fault) -> Tape:
        """The tape with these faults."""
        return record(self.step, faults, self.previous, self.right, self.inputs)

    def attempt(self, *faults: Fault) -> Tape | None:
        """The same; None if the faults give shapes that do not fit, where their author would have seen an error."""
        try:
            return self.planted(*faults)
        except (ValueError, IndexError):
            return None

    def faults(self) -> list[Fault]:
        """Every fault of the catalogue at every site of this net, amounts not yet fitted."""
        return [kind(site) for kind in catalogue() for site in kind.sites(self.right)]

    def singles(self) -> list[Candidate]:
        """Every fault, planted alone, without those that change nothing.

        A fault whose amount cannot be fitted alone may still be one of a pair: it stays, with a stand-in for its amount.
        """
        found = []
        for fault in self.faults():
            fitted = self.fit(fault)
            tape = self.attempt(fitted or replace(fault, amount=STAND_IN))
            changed = self.changed(tape) if tape is not None else frozenset()
            if tape is None or not changed:
                continue
            if fitted is None:
                found.append(Candidate(fault, changed, frozenset(), (fault.slug, fault.site)))
            else:
                found.append(Candidate(fitted, changed, self.claim.explained(tape), self.fingerprint(tape)))
        return found

    def complete(self, candidates: list[Candidate]) -> list[tuple[Fault, ...]]:
        """The faults that explain every tensor alone: each kind once, at the simplest of its sites that do."""
        found: dict[tuple[str, Fingerprint], Fault] = {}
        for candidate in candidates:
            if candidate.explained >= set(self.claim.names):
                found.setdefault((candidate.fault.slug, candidate.fingerprint), candidate.fault)
        return [(fault,) for fault in found.values()]

    def changed(self, tape: Tape) -> frozenset[str]:
        """The tensors in which a tape differs from the right one, by more than rounding."""
        right = self.right.gradients
        with np.errstate(all="ignore"):
            return frozenset(
                name
                for name in self.claim.names
                if residual(right[name], np.asarray(tape.gradients[name]), self.claim.floors[name])
                > self.claim.tolerances[name]
            )

    def fingerprint(self, tape: Tape) -> Fingerprint:
        """Shape and one random projection of every tensor, to eight digits."""
        parts: list[object] = []
        with np.errstate(all="ignore"):
            for name in self.claim.names:
                array = np.asarray(tape.gradients[name])
                value = float(array.ravel() @ self._probe(array.size))
                parts += [array.shape, f"{value:.7e}"]
        return tuple(parts)

    def _probe(self, size: int) -> Array:
        if size not in self._probes:
            self._probes[size] = np.random.default_rng(size).standard_normal(size)
        return self._probes[size]

    def fit(self, fault: Fault, *others: Fault) -> Fault | None:
        """The fault with the amount that explains most, beside others; the fault itself if it needs none; None if none fits.

        Near the right step a gradient is nearly linear in the amount, and the topmost tensor that the amount reaches is
        exactly so; three Gauss-Newton steps on one tensor therefore find it.
        """
        if not fault.fitted:
            return fault
        best: Fault | None = None
        count = 0
        for name in self._reached(fault, *others):
            amount = self._solve(fault, others, name)
            tried = replace(fault, amount=amount) if amount is not None else None
            if tried is None or not np.isfinite(tried.amount) or not tried.admits(self.right):
                continue
            tried = replace(tried, amount=tried.settled(self.right))
            tape = self.attempt(*others, tried)
            explained = len(self.claim.explained(tape)) if tape is not None else -1
            if best is None or explained > count:
                best, count = tried, explained
        return best

    def _reached(self, fault: Fault, *others: Fault) -> list[str]:
        """The wrong tensors that depend on the fault's amount, at most three, the last layer's first."""
        start, moved = self.attempt(*others), self.attempt(*others, replace(fault, amount=1e-3))
        if start is None or moved is None:
            return []
        names = [name for name in reversed(self.claim.names) if name in self.wrong]
        return [name for name in names if _differ(start.gradients[name], moved.gradients[name], 1e-9)][:3]

    def _solve(self, fault: Fault, others: tuple[Fault, ...], name: str) -> float | None:
        """The amount that brings one tensor nearest to the claimed one; None if shapes or numbers do not allow it."""
        target, amount, step = self.claim.arrays[name], 0.0, 1e-3
        with np.errstate(all="ignore"):
            for _ in range(3):
                here = self.planted(*others, replace(fault, amount=amount)).gradients[name]
                there = self.planted(*others, replace(fault, amount=amount + step)).gradients[name]
                if here.shape != target.shape or there.shape != target.shape:
                    return None
                slope = ((there - here) / step).ravel()
                move = float(slope @ (target - here).ravel() / (slope @ slope))
                amount += move
                if not np.isfinite(amount):
                    return None
                if abs(move) <= 1e-12 * abs(amount):
                    break
        return amount


def _differ(a: Array, b: Array, tolerance: float) -> bool:
    return residual(np.asarray(a), np.asarray(b)) > tolerance
