"""Evaluation: loss and accuracy of a net on examples, without changing it."""

from __future__ import annotations

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe, pair_of
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES, Engine
from clearprop.errors import DataError, OptionError
from clearprop.metrics import calibration_metrics, reliability
from clearprop.nn import LOSSES, Loss, Net
from clearprop.nn.loss import classes_of
from clearprop.training.history import Row


@checked
def evaluate(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    loss: Loss | str = "cross_entropy",
    engine: Engine | str = "batch",
    penalty: float = 0.0,
    calibration: bool = False,
) -> Row:
    """Loss and accuracy of a net, without changing it.

    Parameters
    ----------
    net : Net
    data : Dataset, Split or pair (X, y)
        A Dataset is measured on its test examples; for others, give `data.val` or `data.train`. The weights of a split
        enter the loss; the accuracy counts every example once.
    loss : Loss or str
    engine : Engine or str
    penalty : float
        Added to the loss: the L2 term, in the figures of training.
    calibration : bool
        Whether to add `brier`, `ece` and the rows of `reliability`: see `clearprop.metrics`.

    Returns
    -------
    dict
        `loss`, per example, and `accuracy`, which is NaN for a loss without classes.

    Raises
    ------
    DataError
        If there are no examples.
    OptionError
        If the calibration of a net without class probabilities is asked for.

    Examples
    --------
    >>> import clearprop as cp
    >>> net = cp.mlp([2, 2], init="zeros")
    >>> evaluate(net, (np.ones((4, 2)), np.array([0, 1, 0, 0])))
    {'loss': 0.6931471824645996, 'accuracy': 0.75}
    """
    if isinstance(data, Dataset):
        if "test" not in data.splits:
            raise DataError(f"{data.name} has no test examples; give evaluate one of its splits, such as data.train.")
        data = data.test
    loss, split = LOSSES.make(loss), as_split(data, net)
    found = figures(net, split, loss, ENGINES.make(engine), penalty)
    return found | calibration_figures(net, split, loss) if calibration else found


def calibration_figures(net: Net, split: Split, loss: Loss) -> Row:
    """Brier score, expected calibration error and reliability curve."""
    p = loss.probabilities(net.outputs(split.X))
    if p is None:
        raise OptionError(f"Calibration is of class probabilities, but {loss!r} with {net.n_out} outputs has none.")
    y = classes_of(split.y).astype(np.int64)
    return {**calibration_metrics(y, p), "reliability": reliability(y, p)}


def figures(net: Net, split: Split, loss: Loss, engine: Engine, penalty: float) -> Row:
    """`evaluate` for data in the dtype of the net."""
    weights = () if split.weights is None else (split.weights,)
    value, n_correct = engine.loss_and_correct(net, loss, split.X, split.y, *weights)
    return {"loss": value / len(split) + penalty, "accuracy": n_correct / len(split)}


def as_split(given: Split | tuple[Array, Array], net: Net) -> Split:
    """X, and y unless it holds integer classes (N,), in the dtype of the net; weights as well, and with mean 1.

    Arrays already in that dtype are not copied; memory-mapped files never are.
    """
    X, y = given if isinstance(given, Split) else pair_of("data", given)
    weights = given.weights if isinstance(given, Split) else None
    mapped = isinstance(X, np.memmap)
    if len(X) == 0:
        raise DataError(f"There are no examples to train or measure on: X is {describe(X)}.")
    return Split(
        X if mapped else X.astype(net.dtype, copy=False),
        y if y.ndim == 1 else y.astype(net.dtype, copy=False),
        None if weights is None else (weights / weights.mean(dtype=np.float64)).astype(net.dtype),
    )
