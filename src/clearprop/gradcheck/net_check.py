"""Checking a net: the gradient of every parameter and of the input, against finite differences of the loss."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.data.dataset import Dataset, Split
from clearprop.errors import OptionError
from clearprop.gradcheck.comparison import TOLERANCE
from clearprop.gradcheck.naming import name_by_structure, name_in_network
from clearprop.gradcheck.net_objective import INPUT, NetObjective, label
from clearprop.gradcheck.plan import run_plan
from clearprop.gradcheck.problem import Problem
from clearprop.gradcheck.report import INCONCLUSIVE, Report, TensorResult
from clearprop.nn import LAYERS, LOSSES, Layer, Loss, Net
from clearprop.registry import require

if TYPE_CHECKING:
    from clearprop.gradcheck.faults import Suspect

Data = Dataset | Split | tuple[Array, Array]
BATCH = 16  # examples: enough to tell a sum from a mean, few enough for 238,510 parameters in seconds


def check(
    net: Net,
    data: Data,
    loss: Loss | str,
    l2: float = 0.0,
    method: str = "auto",
    batch_size: int = BATCH,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Report:
    """Compare a net's gradients with finite differences of its loss, on a copy of the net in float64.

    Parameters
    ----------
    net : Net
        With clearprop's layers or your own. Dropout is checked with its masks held fixed, BatchNorm in training mode.
    data : Dataset, Split, or (X, y)
        Of a data set, the training split.
    loss : Loss or str
    l2 : float
        As in `Problem`.
    method : {"auto", "projection", "full"}
        "full" compares every element; "projection" takes two evaluations; "auto" does what is cheap (see `run_plan`).
    batch_size : int
        How many of the examples to use, drawn at random.
    tolerance, seed
        As for `run_plan`.

    Returns
    -------
    Report
        With an entry for "W1", "b1", "W2", ..., and for "X", the input.

    Examples
    --------
    >>> import clearprop as cp
    >>> X, y = np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 2
    >>> net = cp.Net(cp.Linear(2, 3), cp.Tanh(), cp.Linear(3, 2))
    >>> check(net, (X, y), cp.CrossEntropy()).ok
    True
    """
    started = time.perf_counter()
    require(batch_size > 0, "batch_size", batch_size, "a positive number of examples")
    made = LOSSES.make(loss)
    X, y = _batch(data, batch_size, np.random.default_rng(seed))
    double = net.astype("float64")
    objective = NetObjective(double, made, X, y.astype(np.float64) if y.dtype.kind == "f" else y, l2)
    title = f"{_names(net)} with {type(made).__name__}, {len(X)} examples"
    return check_objective(objective, title, method, tolerance, seed, started)


def check_objective(objective: NetObjective, title: str, method: str, tolerance: float, seed: int, started: float) -> Report:
    """The check of a net that stands ready; `started` is when the clock was at the beginning."""
    notes, random = _odd(objective)
    if random:
        tensors = [TensorResult(name, array.shape, INCONCLUSIVE) for name, array in objective.arrays.items()]
        return Report(title, tensors, notes, [], objective.evaluations, time.perf_counter() - started)
    analytic = objective.gradient()
    assert analytic is not None
    tensors, numeric, more = run_plan(objective, analytic, method, tolerance, seed)
    suspects = explain(objective, tensors, analytic, numeric)
    return Report(title, tensors, notes + more, suspects, objective.evaluations, time.perf_counter() - started)


def explain(
    objective: NetObjective, tensors: list[TensorResult], analytic: dict[str, Array], numeric: dict[str, Array]
) -> list[Suspect]:
    """The mistakes that give what is wrong: from the catalogue if the network is of known layers, else by structure."""
    known = known_net(objective.net)
    if known is not None:
        given = {_in_catalogue(name): g for name, g in analytic.items()}
        problem = Problem(known, objective.loss, objective.X, objective.y, objective.l2)
        suspects = name_in_network(problem, tensors, given)
        if suspects:
            return suspects
    return name_by_structure(tensors, analytic, numeric, len(objective.X))


def _in_catalogue(name: str) -> str:
    """What the fault dictionary calls an array: "dX" for the input's gradient, "gamma1" for "BatchNorm1.gamma"."""
    if name == INPUT:
        return "dX"
    layer, _, own = name.rpartition(".")
    return own + layer.lstrip("".join(c for c in layer if not c.isdigit())) if layer else name


def known_net(net: Net) -> Net | None:
    """The net that was meant: clearprop's own layers in the place of subclasses of theirs that keep the forward pass.

    None if there is a layer of another kind.
    """
    layers: list[Layer] = []
    for layer in net.layers:
        kind: type[Layer] | None = next((base for base in type(layer).__mro__ if base in LAYERS.entries.values()), None)
        if kind is None or type(layer).forward is not kind.forward:
            return None
        twin = layer.copy()
        twin.__class__ = kind
        layers.append(twin)
    if len(net.unique_layers()) != len(net.layers):
        return None
    return Net(*layers, seed=None, dtype="float64")


def _odd(objective: NetObjective) -> tuple[list[str], bool]:
    """What is wrong with the net's conduct (random values, replaced gradients, a changed input), and whether it is random."""
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
        notes.append("A layer changes its input X; work on a copy, since others read it too.")
        objective.X[...] = X
    return notes, False


def _batch(data: Data, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """`size` examples (or all there are), drawn without replacement."""
    split = data.train if isinstance(data, Dataset) else data
    if not isinstance(split, Split):
        if not isinstance(split, tuple) or len(split) != 2:
            raise OptionError(f"data must be a Dataset, a Split or a pair (X, y), not {describe(split)}.")
        split = Split(np.asarray(split[0]), np.asarray(split[1]))
    rows = np.sort(rng.choice(len(split), min(size, len(split)), replace=False))
    return split.X[rows].astype(np.float64), split.y[rows]


def _names(net: Net) -> str:
    return "-".join(type(layer).__name__ for layer in net.layers)
