"""Checking a net: the gradient of every parameter and of the input, against finite differences of the loss."""

from __future__ import annotations

import time

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.data.dataset import Dataset, Split
from clearprop.errors import OptionError
from clearprop.gradcheck.numeric.comparator import TOLERANCE
from clearprop.gradcheck.numeric.methods import Method, compare_gradients, inconclusive
from clearprop.gradcheck.numeric.net_objective import NetObjective, label
from clearprop.gradcheck.report import GradientReport
from clearprop.gradcheck.suspects import find_suspects
from clearprop.nn import LOSSES, Loss, Net
from clearprop.registry import require

BATCH = 16  # examples: enough to tell a sum from a mean, few enough for 238,510 parameters in seconds


@checked
def check(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    loss: Loss | str = "cross_entropy",
    weight_decay: float = 0.0,
    method: Method = "auto",
    batch_size: int = BATCH,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> GradientReport:
    """Compare a net's gradients with finite differences of its loss, on a copy of the net in float64.

    Parameters
    ----------
    net : Net
        With clearprop's layers or your own. Dropout is checked with its masks held fixed, BatchNorm in training mode.
    data : Dataset, Split, or (X, y)
        The training split of a data set.
    loss : Loss or str
    weight_decay : float
        Weight of the penalty: weight_decay / 2 times the sum of the squared weights (not biases) is added to the loss.
    method : {"auto", "projection", "full"}
        "full" compares every element; "projection" takes two evaluations of the loss; "auto" compares every element of a
        small net, and otherwise projects and compares a sample of every array (see `compare_gradients`).
    batch_size : int
        Number of examples to use, drawn at random.
    tolerance : float
        Relative error up to which a gradient is right.
    seed : int
        Seed for the examples, directions and samples.

    Returns
    -------
    GradientReport
        With an entry for "W1", "b1", "W2", ..., and for "X", the input.

    Examples
    --------
    >>> import clearprop as cp
    >>> X, y = np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 2
    >>> net = cp.Net(cp.Linear(2, 3), cp.Tanh(), cp.Linear(3, 2))
    >>> check(net, (X, y)).ok
    True
    """
    started = time.perf_counter()
    require(batch_size > 0, "batch_size", batch_size, "a positive number of examples")
    made = LOSSES.make(loss)
    X, y = _batch(data, batch_size, np.random.default_rng(seed))
    double = net.astype("float64")
    objective = NetObjective(double, made, X, y.astype(np.float64) if y.dtype.kind == "f" else y, weight_decay)
    names = "-".join(type(layer).__name__ for layer in net.layers)
    title = f"{names} with {type(made).__name__}, {len(X)} examples"
    return check_objective(objective, title, method, tolerance, seed, started)


def check_objective(
    objective: NetObjective, title: str, method: Method, tolerance: float, seed: int, started: float
) -> GradientReport:
    """The check of a net and a batch; `started` is the time at which it began."""
    notes, random = _conduct(objective)
    if random:
        seconds = time.perf_counter() - started
        return GradientReport(title, inconclusive(objective), notes, [], objective.evaluations, seconds)
    analytic = objective.gradient()
    assert analytic is not None
    tensors, numeric, more = compare_gradients(objective, analytic, method, tolerance, seed)
    suspects = find_suspects(objective, tensors, analytic, numeric)
    return GradientReport(title, tensors, notes + more, suspects, objective.evaluations, time.perf_counter() - started)


def _conduct(objective: NetObjective) -> tuple[list[str], bool]:
    """Notes about the net's conduct (random values, replaced gradients, a changed input), and whether it is random."""
    X = objective.X.copy()
    first, saved, kept = objective.run()
    second = objective.run()[0]
    if first != second and not (np.isnan(first) and np.isnan(second)):
        return [
            f"The net is not deterministic: two calls with the same input gave the losses {first!r} and {second!r}. Draw from"
            " the layer's own generator `rng`, which the check holds fixed, as Dropout does."
        ], True
    notes = []
    objective.net.zero_grad()
    rounds = []
    for _ in range(2):
        objective.net.backward(saved, objective.loss.backward(kept))
        rounds.append({(tag, name): g.copy() for tag, layer in objective.layers for name, g in layer.gradients().items()})
    for (tag, name), once in rounds[0].items():
        if once.any() and np.array_equal(rounds[1][tag, name], once):
            what = label(tag, name)
            notes.append(f"backward puts the gradient of {what} in place of the last one; it must add to it: d{name} += ...")
    if not np.array_equal(X, objective.X):
        notes.append("A layer changes its input X, which other layers read too; work on a copy of it.")
        objective.X[...] = X
    return notes, False


def _batch(data: Dataset | Split | tuple[Array, Array], size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """`size` examples (or all there are), drawn without replacement."""
    split = data.train if isinstance(data, Dataset) else data
    if not isinstance(split, Split):
        if not isinstance(split, tuple) or len(split) != 2:
            raise OptionError(f"data must be a Dataset, a Split or a pair (X, y), not {describe(split)}.")
        split = Split(np.asarray(split[0]), np.asarray(split[1]))
    rows = np.sort(rng.choice(len(split), min(size, len(split)), replace=False))
    return split.X[rows].astype(np.float64), split.y[rows]
