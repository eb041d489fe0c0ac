"""Specimens: random training steps on which faults are planted, to see whether they are named.

Depth, widths, activations, loss, reduction, batch size and penalty are drawn; some nets have a BatchNorm, a softmax layer,
square weights, as many examples as units, or a layer that is used twice, since some faults need that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck import Step
from clearprop.gradcheck.faults import Fault, Tape
from clearprop.gradcheck.faults.dictionary import find_faults
from clearprop.gradcheck.faults.search import Search
from clearprop.nn import (
    BatchNorm,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Layer,
    Linear,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

ACTIVATIONS: tuple[type[Layer], ...] = (Sigmoid, Tanh, ReLU)
LOSSES: tuple[type[Loss], ...] = (
    CrossEntropy,
    CrossEntropy,
    NegativeLogLikelihood,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    MeanSquaredError,
)


class Specimen:
    """A random step, ready for faults: with the step before it for one seed in three, in float32 for one in four.

    Attributes
    ----------
    step : Step
    previous : Step or None
    search : Search
        With no claim, for its tapes.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.step = random_step(self.rng)
        self.previous = step_before(self.step, self.rng) if seed % 3 == 0 else None
        self.dtype = "float32" if seed % 4 == 0 else "float64"
        self.search = Search(self.step, {}, self.previous)

    def draw(self, kind: type[Fault]) -> Fault | None:
        """The fault at a random site; None if it cannot be made in this net."""
        sites = kind.sites(self.search.right)
        if not sites:
            return None
        rng = np.random.default_rng([self.seed, *kind.slug.encode()])
        fault = kind(sites[rng.integers(len(sites))], amount=draw_amount(kind, self.search.right, rng))
        return fault if self.search.attempt(fault) is not None else None

    def gradients(self, *faults: Fault) -> dict[str, Array]:
        """The gradients that the faults produce, without dX."""
        tape = self.search.planted(*faults)
        with np.errstate(over="ignore"):
            return {name: np.asarray(tape.gradients[name]).astype(self.dtype) for name in tape.parameters}

    def claim(self, *faults: Fault) -> Search:
        """The search that starts from the gradients that the faults produce."""
        return Search(self.step, self.gradients(*faults), self.previous)

    def changes(self, *faults: Fault) -> bool:
        """Whether the gradient is wrong, by more than the rounding of its dtype."""
        return bool(self.claim(*faults).wrong)

    def is_pair(self, f: Fault, g: Fault) -> bool:
        """Whether both faults matter: together they give neither the right gradient, nor that of one of them alone."""
        if self.search.attempt(f, g) is None:
            return False
        claim = self.claim(f, g)
        return bool(claim.wrong) and not any(claim.claim.agrees(claim.planted(fault)) for fault in (f, g))

    def answers(self, *faults: Fault) -> list[tuple[Fault, ...]]:
        """The faults, or pairs, that the dictionary finds in the gradients that these faults produce."""
        return find_faults(self.claim(*faults))


def draw_amount(kind: type[Fault], right: Tape, rng: np.random.Generator) -> float:
    """An amount such as people choose."""
    if kind.slug == "updated-weights":
        return float(rng.choice([0.01, 0.03, 0.1, 0.5, 1.0]))
    if kind.slug == "wrong-divisor":
        return right.batch / float(rng.integers(right.batch + 1, 5 * right.batch + 2)) - 1.0
    assert not kind.fitted, f"give {kind.slug} amounts to draw from"
    return 0.0


def slugs(answer: tuple[Fault, ...]) -> frozenset[str]:
    """The slugs of the faults of an answer."""
    return frozenset(fault.slug for fault in answer)


def random_step(rng: np.random.Generator) -> Step:
    """A small net with parameters and data of order 1, in float64."""
    make = LOSSES[rng.integers(len(LOSSES))]
    batch = int(rng.integers(3, 9))
    square = rng.random() < 0.3  # equal widths, and as many examples: many faults run without an error only then
    depth = int(rng.integers(1, 4))
    widths = [batch] * (depth + 1) if square else [int(n) for n in rng.integers(2, 7, depth + 1)]
    if make in (BinaryCrossEntropy, BinaryCrossEntropyWithLogits, MeanSquaredError) and rng.random() < 0.5:
        widths[-1] = 1
    layers = _layers(rng, widths, make)
    net = Net(*layers, seed=None, dtype="float64")
    net.theta[:] = rng.normal(0, 0.8, net.theta.size)
    loss = make(reduction="sum" if rng.choice(["mean", "mean", "sum"]) == "sum" else "mean")
    scale = float(rng.choice([1.0, 1.0, 1.0, 400.0]))  # far-off rows, where a shift of the softmax matters
    X = rng.normal(0, 1, (batch, widths[0])) * (scale if make is CrossEntropy else 1.0)
    weight_decay = float(rng.choice([0.0, 0.0, 0.1, 0.01]))
    return Step(net, loss, X, random_targets(rng, loss, batch, widths[-1]), weight_decay)


def _layers(rng: np.random.Generator, widths: list[int], make: type[Loss]) -> list[Layer]:
    """Linear layers and activations, now and then a BatchNorm or a repeated layer, and what the loss expects at the end."""
    layers: list[Layer] = []
    for k, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(Linear(n_in, n_out))
        if k < len(widths) - 2:
            if rng.random() < 0.15:
                layers.append(BatchNorm(n_out))
            layers.append(ACTIVATIONS[rng.integers(3)]())
            if n_in == n_out and rng.random() < 0.25:
                layers += [layers[-2], layers[-1]] if isinstance(layers[-2], Linear) else []
    if make is NegativeLogLikelihood:
        layers.append(Softmax())
    elif make is BinaryCrossEntropy or (make is MeanSquaredError and rng.random() < 0.4):
        layers.append(Sigmoid())
    return layers


def random_targets(rng: np.random.Generator, loss: Loss, batch: int, n_out: int) -> Array:
    """Classes, zeros and ones, or real numbers, as the loss takes them."""
    if isinstance(loss, (CrossEntropy, NegativeLogLikelihood)):
        return rng.integers(0, n_out, batch)
    if isinstance(loss, MeanSquaredError):
        return rng.normal(0, 1, (batch, n_out))
    return rng.integers(0, 2, (batch, n_out)).astype(np.float64)


def step_before(step: Step, rng: np.random.Generator) -> Step:
    """The step that led to this one: other examples, slightly other parameters."""
    net = step.net.copy()
    net.theta += rng.normal(0, 0.05, net.theta.size)
    X = rng.normal(0, 1, step.X.shape)
    y = random_targets(rng, step.loss, len(X), step.net.n_out or 1)
    return Step(net, step.loss, X, y, step.weight_decay)


def right_gradients(step: Step, dtype: str) -> tuple[Step, dict[str, Array]]:
    """The gradients that the layers themselves compute in `dtype`, and the step with the numbers that they saw."""
    net = step.net.astype(dtype)
    X = step.X.astype(dtype)
    y = step.y.astype(dtype) if step.y.dtype.kind == "f" else step.y
    net.zero_grad()
    y_hat, saved = net.forward(X, training=True)
    net.backward(saved, step.loss.backward(step.loss.forward(y_hat, y)[1]))
    seen = replace(step, net=net.astype("float64"), X=X.astype("float64"), y=y.astype("float64") if y.dtype.kind == "f" else y)
    numbers: Counter[str] = Counter()
    gradients: dict[str, Array] = {}
    for layer in net.unique_layers():
        for name, gradient in layer.gradients().items():
            numbers[name] += 1
            penalty = step.weight_decay * layer.parameters()[name] if name == "W" else np.zeros(())
            gradients[f"{name}{numbers[name]}"] = (gradient + penalty).astype(dtype)
    return seen, gradients
