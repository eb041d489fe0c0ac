"""Checking one step of any training code, given its arrays alone."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck.faults import name_faults
from clearprop.gradcheck.layout import Layout, layouts, target_forms
from clearprop.gradcheck.numeric.comparator import TOLERANCE
from clearprop.gradcheck.numeric.methods import Method, compare_gradients
from clearprop.gradcheck.numeric.net_objective import NetObjective
from clearprop.gradcheck.numeric.trees import flatten, to_array
from clearprop.gradcheck.report import RIGHT, WRONG, GradientReport, TensorResult
from clearprop.gradcheck.step import Step
from clearprop.gradcheck.suspects import find_suspects, known_net
from clearprop.gradcheck.unused_parameter import find_unused
from clearprop.nn import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError, NegativeLogLikelihood
from clearprop.nn.loss import REDUCTIONS, Reduction
from clearprop.registry import choose

TRIED = 12  # readings among which a known fault chooses
PREFIX = re.compile(r"^(dL_d|dl_d|dL/d|dl/d|grad_|g_|d_|grad|d|g)(?=.)")
SUFFIX = re.compile(r"(_grad|\.grad|_gradient)$")


@checked
def check_step(
    X: Any,
    y: Any,
    parameters: Any,
    gradients: Any,
    activation: str | Sequence[str] = ("sigmoid", "tanh", "relu"),
    loss: str | Loss = "cross_entropy",
    output: str | None = None,
    reduction: Reduction | None = None,
    weight_decay: float = 0.0,
    method: Method = "auto",
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> GradientReport:
    """Check the gradients of one training step of any code, given the arrays alone.

    The layout of the arrays is inferred from their shapes and, where these leave a choice, taken to be the one under which
    the gradients come nearest to right. The report says which layout that is.

    Parameters
    ----------
    X : array (B, n_x) or (n_x, B)
        The batch. Arrays may be NumPy's, torch's or lists throughout.
    y : array
        Integer classes, one-hot rows or columns, or real targets.
    parameters : dict or list
        Weights, (n_in, n_out) or (n_out, n_in), and biases.
    gradients : dict or list
        One for each parameter: under the same names, or "dW1", "grad_W1", "W1_grad" for "W1"; or in the same order.
    activation : str or sequence of str
        Activation of the hidden layers, or several: one for each layer, or candidates, among which the values choose.
    loss : str or Loss
    output : str, optional
        Activation after the last linear layer. By default that which the loss needs: softmax for cross-entropy and negative
        log-likelihood, sigmoid for binary cross-entropy; for the squared error none, or whichever fits best.
    reduction : {"mean", "sum"}, optional
        Whether the loss is the mean or the sum over the batch; by default inferred.
    weight_decay : float
        Weight of the penalty: weight_decay / 2 times the sum of the squared weights (not biases) is added to the loss.
    method, tolerance, seed
        As for `check`.

    Returns
    -------
    GradientReport

    Raises
    ------
    ShapeError
        If no layout fits the shapes.

    Examples
    --------
    >>> X, W = np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[0.1, 0.2, 0.3], [0.0, -0.1, 0.4]])
    >>> p = np.exp(X @ W) / np.exp(X @ W).sum(axis=1, keepdims=True)
    >>> check_step(X, [2, 0], {"W": W}, {"dW": X.T @ (p - np.eye(3)[[2, 0]]) / 2}).ok
    True
    """
    started = time.perf_counter()
    known = {name: a.astype(np.float64) for name, a in flatten(parameters).items()}
    given = match_names(flatten(gradients), list(known))
    X, y = to_array(X).astype(np.float64), to_array(y)
    if X.ndim != 2:
        raise ShapeError(f"X must be a batch of shape (B, n_x) or (n_x, B), not of shape {X.shape}.")
    objective, layout, words = _best(X, y, parameters, given, activation, loss, output, reduction, weight_decay)
    analytic = layout.canonical(given)
    analytic, convention = _convention(objective, analytic, reduction is None)
    words += convention
    missing = [name for name in objective.arrays if name not in analytic]
    for name in missing:  # biases that the network does not have, or an input gradient that was not asked for
        del objective.arrays[name]
    tensors, numeric, notes = compare_gradients(objective, analytic, method, tolerance, seed)
    compared = {name: analytic[name] for name in numeric}
    wrong = any(tensor.verdict == WRONG for tensor in tensors)
    unused = find_unused(objective, compared, layout.names) if wrong else None
    suspects = [unused] if unused is not None else find_suspects(objective, tensors, compared, numeric)
    shown = [_shape_checked(_renamed(tensor, layout), known, given) for tensor in tensors]
    title = f"gradients of {', '.join(known)}"
    return GradientReport(title, shown, [*words, *notes], suspects, objective.evaluations, time.perf_counter() - started)


def _convention(objective: NetObjective, analytic: dict[str, Array], free: bool) -> tuple[dict[str, Array], list[str]]:
    """Gradients in the units of our loss, where all differ from it by the factor of a usual convention; and that in words."""
    objective.backward = True
    right = objective.gradient() or {}
    objective.backward = False
    outputs = objective.net.forward(objective.X)[0].shape[1]
    known = {
        "MeanSquaredError": {
            0.5: "half the squared error",
            outputs / 2: "half the squared error, summed over the outputs",
            float(outputs): "the squared error, summed over the outputs",
        },
        "BinaryCrossEntropy": {float(outputs): "the binary cross-entropy, summed over the outputs"},
    }.get(type(objective.loss).__name__, {})  # fmt: skip
    for factor, words in known.items() if free and right else ():
        if factor != 1.0 and all(
            a.size == right[name].size and np.allclose(a.reshape(right[name].shape), factor * right[name], rtol=1e-5, atol=1e-9)
            for name, a in analytic.items()
            if name in right
        ):
            return {name: a / factor for name, a in analytic.items()}, [f"The loss is read as {words}."]
    return analytic, []


def _shape_checked(tensor: TensorResult, known: dict[str, Array], given: dict[str, Array]) -> TensorResult:
    """The result, wrong if the gradient is the transpose of what its parameter needs: the step would be broadcast."""
    if tensor.name not in known or tensor.name not in given or tensor.verdict != RIGHT:
        return tensor
    own, theirs = known[tensor.name].shape, given[tensor.name].shape
    if len(own) == len(theirs) == 2 and own != theirs:
        made = np.broadcast_shapes(own, theirs)
        note = (
            f"the numbers are right, but the gradient has the shape {theirs} and the array {own}: a step makes {made} of it;"
            " transpose it"
        )  # fmt: skip
        return replace(tensor, verdict=WRONG, note=note)
    return tensor


def match_names(gradients: dict[str, Array], names: list[str]) -> dict[str, Array]:
    """Gradients under the names of the parameters; "dX" as "X".

    Raises
    ------
    ShapeError
        If a parameter has none, and their number does not allow to match them by order.
    """
    stripped = {SUFFIX.sub("", PREFIX.sub("", name) if name not in names else name): g for name, g in gradients.items()}
    found = {name: stripped[name] if name in stripped else gradients[name] for name in names if name in stripped | gradients}
    lower = {name.lower(): g for name, g in stripped.items()}
    if "x" in lower and "X" not in names and "x" not in names:
        found["X"] = lower["x"]
    if set(names) <= set(found):
        return found
    if len(gradients) == len(names):
        return dict(zip(names, gradients.values(), strict=True))
    missing = ", ".join(name for name in names if name not in found)
    raise ShapeError(
        f"No gradient was found for {missing} among {', '.join(gradients)}; name it like the parameter, or like 'd{names[0]}'."
    )


def _best(
    X: Array,
    y: Array,
    parameters: Any,
    given: dict[str, Array],
    activation: str | Sequence[str],
    loss: str | Loss,
    output: str | None,
    reduction: Reduction | None,
    weight_decay: float,
) -> tuple[NetObjective, Layout, list[str]]:
    """The layout under which most gradients are right or explained, with its objective and a description."""
    activations = [activation] if isinstance(activation, str) else list(activation)
    each = "/".join(activations)  # one for each layer
    made, outputs = _loss_and_outputs(loss, output, activations)
    reductions = [choose("reduction", reduction, REDUCTIONS)] if reduction else list(REDUCTIONS)
    found: list[Reading] = []
    for layout in layouts(X, parameters, [*activations, each] if len(activations) > 1 else activations, outputs):
        n_out = layout.net.forward(layout.X)[0].shape[1]
        for (targets, form), how in itertools.product(target_forms(y, n_out, len(layout.X), made), reductions):
            fixed = LOSSES.make({**made.config(), "reduction": how})
            objective = NetObjective(layout.net, fixed, layout.X, targets, weight_decay)
            said = "the mean" if how == "mean" else "the sum"
            tail = " (inferred)" if reduction is None and len(layout.X) > 1 else ""
            words = [layout.describe(), f"Targets: {form}. The loss is {said} over the batch{tail}."]
            found.append(Reading(_fit(objective, layout.canonical(given)), objective, layout, words))
    if not found:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in flatten(parameters).items())
        raise ShapeError(
            f"No network fits X of shape {X.shape}, y of shape {y.shape} and parameters {shapes}; weights must chain from the"
            " inputs to the outputs, as (n_in, n_out) or (n_out, n_in), and y needs one target for each example."
        )
    best = _explained(sorted(found, key=lambda reading: reading.fit), given)
    best.objective.backward = False  # the gradients under test are known at this point only
    return best.objective, best.layout, best.words


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read arrays as a step of training.

    Attributes
    ----------
    fit : (float, float)
        Number of arrays that are off, then the sum of their relative distances.
    objective : NetObjective
    layout : Layout
    words : list of str
        The reading in words.
    """

    fit: tuple[float, float]
    objective: NetObjective
    layout: Layout
    words: list[str]


def _explained(readings: list[Reading], given: dict[str, Array]) -> Reading:
    """The nearest reading; where all arrays are off under it, the first one under which a known fault gives exactly them."""
    nearest = readings[0]
    if nearest.fit[0] < len(nearest.layout.canonical(given)):
        return nearest
    for reading in readings[:TRIED]:
        known = known_net(reading.objective.net)
        if known is not None:
            objective = reading.objective
            step = Step(known, objective.loss, objective.X, objective.y, objective.weight_decay)
            if name_faults(step, reading.layout.canonical(given)):
                return reading
    return nearest


def _fit(objective: NetObjective, analytic: dict[str, Array]) -> tuple[float, float]:
    """The misfit of gradients: the number of arrays that are off, then the sum of their relative distances."""
    right = objective.gradient() or {}
    errors = []
    for name, a in analytic.items():
        g = right[name]
        if a.size != g.size or not np.isfinite(a).all():
            errors.append(2.0)
            continue
        size = max(float(np.linalg.norm(a)), float(np.linalg.norm(g)))
        errors.append(float(np.linalg.norm(a.reshape(g.shape) - g)) / size if size else 0.0)
    return float(sum(e > 1e-4 for e in errors)), float(sum(errors))


def _loss_and_outputs(loss: str | Loss, output: str | None, activations: list[str]) -> tuple[Loss, list[str]]:
    """The loss, and candidates for the output activation; softmax and cross-entropy together are clearprop's loss on scores."""
    made = LOSSES.make(loss)
    if isinstance(made, CrossEntropy):
        if output not in (None, "softmax", "linear"):
            raise OptionError(f"Cross-entropy comes after a softmax, not after {output!r}; omit output.")
        return made, ["linear"]
    if output is not None:
        return made, [output]
    if isinstance(made, NegativeLogLikelihood):
        return made, ["softmax"]
    if isinstance(made, BinaryCrossEntropy):
        return made, ["sigmoid"]
    if isinstance(made, MeanSquaredError):
        return made, ["linear", *dict.fromkeys([*activations, "sigmoid", "softmax"])]
    return made, ["linear"]


def _renamed(tensor: TensorResult, layout: Layout) -> TensorResult:
    """The result under the name and in the orientation in which the array was given."""
    name = layout.names.get(tensor.name, tensor.name)
    turned = (tensor.name[0] == "W" and name in layout.flipped) or (not layout.rows and tensor.name == "X")
    if not turned:
        return replace(tensor, name=name)
    return replace(tensor, name=name, shape=tensor.shape[::-1], index=tensor.index and tensor.index[::-1])
