"""Planting: the experiment that every fault must pass. A mistake is put into a random net; is it named?

The tests and `benchmarks/fault_recognition.py` share it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from clearprop.arrays import Array, FloatName
from clearprop.gradcheck.faults.dictionary import find_faults
from clearprop.gradcheck.faults.fault import Fault
from clearprop.gradcheck.faults.search import Search
from clearprop.gradcheck.faults.specimens import random_problem, step_before
from clearprop.gradcheck.problem import Problem

Answer = tuple[Fault, ...]


class Specimen:
    """A random problem, ready for faults: with the step before it for one seed in three, in float32 for one in four.

    Attributes
    ----------
    problem : Problem
    previous : Problem or None
    search : Search
        With no claim, for its passes.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.problem = random_problem(self.rng)
        self.previous = step_before(self.problem, self.rng) if seed % 3 == 0 else None
        self.dtype = "float32" if seed % 4 == 0 else "float64"
        self.search = Search(self.problem, {}, self.previous)

    def draw(self, kind: type[Fault]) -> Fault | None:
        """The fault at a random site; None if it cannot be made in this net."""
        sites = kind.sites(self.search.right)
        if not sites:
            return None
        rng = np.random.default_rng([self.seed, *kind.slug().encode()])
        fault = kind(sites[rng.integers(len(sites))], amount=kind.draw(self.search.right, rng))
        return fault if self.search.attempt(fault) is not None else None

    def gradients(self, *faults: Fault) -> dict[str, Array]:
        """What the faults produce, without dX."""
        tape = self.search.planted(*faults)
        with np.errstate(over="ignore"):
            return {name: np.asarray(tape.gradients[name]).astype(self.dtype) for name in tape.parameters}

    def claim(self, *faults: Fault) -> Search:
        """The search that starts from what the faults produce."""
        return Search(self.problem, self.gradients(*faults), self.previous)

    def changes(self, *faults: Fault) -> bool:
        """Whether the gradient is wrong, by more than the rounding of its dtype."""
        return bool(self.claim(*faults).wrong)

    def is_pair(self, f: Fault, g: Fault) -> bool:
        """Whether both faults matter: together they give neither the right gradient, nor that of one of them alone."""
        if self.search.attempt(f, g) is None:
            return False
        claim = self.claim(f, g)
        return bool(claim.wrong) and not any(claim.claim.agrees(claim.planted(fault)) for fault in (f, g))

    def answers(self, *faults: Fault) -> list[Answer]:
        """Which mistakes the dictionary finds in what these faults produce."""
        return find_faults(self.claim(*faults))


def names(answer: Answer) -> frozenset[str]:
    """The slugs of the faults of an answer."""
    return frozenset(fault.slug() for fault in answer)


def right_gradients(problem: Problem, dtype: FloatName) -> tuple[Problem, dict[str, Array]]:
    """The gradients that the layers themselves compute in `dtype`, and the problem with the numbers that they saw."""
    net = problem.net.astype(dtype)
    X = problem.X.astype(dtype)
    y = problem.y.astype(dtype) if problem.y.dtype.kind == "f" else problem.y
    net.zero_grad()
    y_hat, saved = net.forward(X, training=True)
    net.backward(saved, problem.loss.backward(problem.loss.forward(y_hat, y)[1]))
    seen = replace(
        problem, net=net.astype("float64"), X=X.astype("float64"), y=y.astype("float64") if y.dtype.kind == "f" else y
    )
    numbers: Counter[str] = Counter()
    gradients: dict[str, Array] = {}
    for layer in net.unique_layers():
        for name, gradient in layer.gradients().items():
            numbers[name] += 1
            penalty = problem.l2 * layer.parameters()[name] if name == "W" else np.zeros(())
            gradients[f"{name}{numbers[name]}"] = (gradient + penalty).astype(dtype)
    return seen, gradients
