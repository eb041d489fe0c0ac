"""The birth of a NaN or an infinity: its epoch, step and layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.engines import Steps
from clearprop.nn import Net
from clearprop.training.run import Run
from clearprop.training.snapshot import Snapshot


def first_bad_step(steps: Steps, net: Net) -> int | None:
    """Index of the first step whose batch had a non-finite loss; one past the last if only its update was bad; or None."""
    bad = ~np.isfinite(steps.losses)
    if bad.any():
        return int(bad.argmax())
    return None if np.isfinite(net.theta).all() else len(steps.losses)


def recover(run: Run, before: Snapshot, order: Array, batch_size: int, step: int) -> dict[str, Any]:
    """Return to the last finite parameters of an epoch that went wrong at `step`, and say where it did.

    The epoch is trained once more from its beginning, up to the step in question: that costs nothing while all is well,
    and gives the same numbers.

    Returns
    -------
    dict
        epoch, step (both from 1), and place: the layer, loss or gradient in which the first non-finite number appeared.
    """
    replay(run, before, order[: step * batch_size], batch_size)
    place = ""
    if not np.isfinite(run.net.theta).all():  # the step before was the bad one: its update, not this batch
        step -= 1
        replay(run, before, order[: step * batch_size], batch_size)
        place = "the update of "
    rows = order[step * batch_size : (step + 1) * batch_size]
    here = Snapshot.of(run)
    place += locate(run, Split(run.train.X[rows], run.train.y[rows]))
    here.restore(run)  # a forward pass in training mode moves running means and draws masks
    return {"epoch": run.epoch + 1, "step": step + 1, "place": place}


def replay(run: Run, before: Snapshot, order: Array, batch_size: int) -> None:
    """Train the first steps of an epoch again, from the snapshot taken before it."""
    before.restore(run)
    if len(order):
        run.train_in(order, batch_size)


def locate(run: Run, batch: Split) -> str:
    """The first place of one training step in which a number is not finite, in the order of the computation."""
    net = run.net
    a: Array = np.asarray(batch.X, dtype=net.dtype)
    if not np.isfinite(a).all():
        return "the input"
    saved = []
    for i, layer in enumerate(net.layers, 1):
        a, kept = layer.forward(a, training=True)
        saved.append(kept)
        if not np.isfinite(a).all():
            return f"the output of layer {i}, {layer!r}"
    value, kept = run.loss.forward(a, batch.y)
    if not np.isfinite(value):
        return f"the loss, {run.loss!r}, of finite predictions between {a.min():.6g} and {a.max():.6g}"
    dy = run.loss.backward(kept)
    if not np.isfinite(dy).all():
        return f"the derivative of the loss, {run.loss!r}"
    net.zero_grad()
    for i, layer in reversed(list(enumerate(net.layers, 1))):
        dy = layer.backward(saved[i - 1], dy)
        if not all(np.isfinite(g).all() for g in (dy, *layer.gradients().values())):
            return f"the gradient of layer {i}, {layer!r}"
    return f"the parameters, {run.optimizer!r}"
