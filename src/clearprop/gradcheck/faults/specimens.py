"""Specimens: random problems on which faults are planted, to see whether they are named.

Depth, widths, activations, loss, reduction, batch size and penalty are drawn; some nets have a BatchNorm, a softmax layer,
square weights, as many examples as units, or a layer that is used twice, since some mistakes need that.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.problem import Problem
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


def random_problem(rng: np.random.Generator) -> Problem:
    """A small net with parameters and data of order 1, in float64."""
    make = LOSSES[rng.integers(len(LOSSES))]
    batch = int(rng.integers(3, 9))
    square = rng.random() < 0.3  # equal widths, and as many examples: many mistakes run without an error only then
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
    l2 = float(rng.choice([0.0, 0.0, 0.1, 0.01]))
    return Problem(net, loss, X, random_targets(rng, loss, batch, widths[-1]), l2)


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


def step_before(problem: Problem, rng: np.random.Generator) -> Problem:
    """The step that led to a problem: other examples, slightly other parameters."""
    net = problem.net.copy()
    net.theta += rng.normal(0, 0.05, net.theta.size)
    X = rng.normal(0, 1, problem.X.shape)
    y = random_targets(rng, problem.loss, len(X), problem.net.n_out or 1)
    return Problem(net, problem.loss, X, y, problem.l2)
