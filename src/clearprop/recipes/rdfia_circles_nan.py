"""The circles of the Sorbonne in the write-ups' own arithmetic: float32, log of a softmax; where its first NaN is born."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.nn import Net


@dataclass(frozen=True)
class Birth:
    """The first number that is not finite.

    Attributes
    ----------
    where : {"score", "probability", "loss", "parameter"}
        First of these, in the order of the computation, that holds it.
    epoch, step : int
        Counted from 1.
    score : float
        Largest absolute score of the step.
    probability : float
        Smallest probability of the step.
    """

    where: str
    epoch: int
    step: int
    score: float
    probability: float


def first_nonfinite(net: Net, train: Split, lr: float, epochs: int, seed: int, shifted: bool) -> Birth | None:
    """Train one example at a time, from the parameters of a 2-10-2 net, until a number is not finite.

    Parameters
    ----------
    net : Net
        Linear, Tanh, Linear; it is not changed.
    train : Split
        Points (N, 2) with classes (N,).
    lr : float
    epochs : int
    seed : int
        Seed of the order of the examples.
    shifted : bool
        Whether the softmax subtracts the largest score first. The loss is Y log Y_hat either way.

    Returns
    -------
    Birth or None
        None if every number stayed finite.
    """
    W1, b1, W2, b2 = (p.astype(np.float32) for layer in net.layers for p in layer.parameters().values())
    X, Y = train.X.astype(np.float32), np.eye(2, dtype=np.float32)[train.y]
    rng, rate = np.random.default_rng(seed), np.float32(lr)
    with np.errstate(all="ignore"):
        for epoch in range(1, epochs + 1):
            for step, i in enumerate(rng.permutation(len(X)), 1):
                x, y = X[i : i + 1], Y[i : i + 1]
                h = np.tanh(x @ W1 + b1)
                z = h @ W2 + b2
                e = np.exp(z - z.max() if shifted else z)
                y_hat = e / e.sum()
                loss = -(y * np.log(y_hat)).sum()
                dz = y_hat - y
                dh = (dz @ W2.T) * (1 - h**2)
                W2, b2, W1, b1 = W2 - rate * h.T @ dz, b2 - rate * dz[0], W1 - rate * x.T @ dh, b1 - rate * dh[0]
                where = first_of({"score": [z], "probability": [y_hat], "loss": [loss], "parameter": [W1, b1, W2, b2]})
                if where is not None:
                    return Birth(where, epoch, step, float(np.abs(z).max()), float(y_hat.min()))
    return None


def first_of(stages: dict[str, list[Array]]) -> str | None:
    """The first stage that holds a number that is not finite."""
    return next((name for name, arrays in stages.items() if not all(np.isfinite(a).all() for a in arrays)), None)
