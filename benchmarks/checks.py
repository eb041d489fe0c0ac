"""The check that all libraries do the same work: the same steps from the same start as a float64 reference.

Two numbers are compared. `loss`: the relative difference of the training loss. `theta`: the distance between the two ends,
relative to the distance that the reference travelled. In 100 steps, rounding to float32 leaves about 1e-6 of it, on every
workload and in every library; a learning rate wrong by 1 % leaves 7e-3 or more, a forgotten bias 2e-2. The tolerance lies
between, and every run proves it: the `mutants` must fail by far.

Two libraries train a slightly different net, and are compared with a reference that does the same: scikit-learn makes one
logistic output of two classes, and FANN has linear outputs and half the squared error, summed over the outputs.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks.peers import SQUARED
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

TOLERANCE = 1e-4
LOSS_TOLERANCE = 1e-5
MOST_STEPS = 100
Ending = Literal["softmax", "logistic", "squared"]


def ending(peer: str, params: Parameters) -> Ending:
    """The outputs and the loss that a library trains, by its name and its number of outputs."""
    if peer in SQUARED:
        return "squared"
    return "logistic" if params[-1][1].size == 1 else "softmax"


def steps_to_check(workload: Workload) -> int:
    return min(workload.steps, MOST_STEPS)


class Reference:
    """The same steps in float64.

    Parameters
    ----------
    workload : Workload
    ending : {"softmax", "logistic", "squared"}
        Softmax and cross-entropy; a single logistic output in place of two; linear outputs and half the squared error.
    start : list of (W, b), optional
        First parameters, instead of the workload's.
    """

    def __init__(self, workload: Workload, ending: Ending = "softmax", start: Parameters | None = None) -> None:
        X, y = workload.data()
        self.workload, self.X, self.y, self.ending = workload, X.astype(float), y, ending
        self.start = [(W.astype(float), b.astype(float)) for W, b in start or workload.start()]
        if ending == "logistic":
            W, b = self.start[-1]
            self.start[-1] = W[:, 1:] - W[:, :1], b[1:] - b[:1]
        self.lr = workload.squared_lr if ending == "squared" else workload.lr
        self.end = self.train(self.lr)

    def train(self, lr: float, with_bias: bool = True) -> Parameters:
        params = [(W.copy(), b.copy()) for W, b in self.start]
        for rows in self.workload.order(steps_to_check(self.workload)).reshape(-1, self.workload.batch):
            a, p = self.forward(params, self.X[rows])
            dz = (p - self.targets(rows, p.shape[1])) / len(rows)
            (W1, b1), (W2, b2) = params
            dz1 = dz @ W2.T * {"tanh": 1 - a * a, "sigmoid": a * (1 - a), "relu": a > 0}[self.workload.activation]
            for W, b, x, d in ((W1, b1, self.X[rows], dz1), (W2, b2, a, dz)):
                W -= lr * x.T @ d
                b -= lr * d.sum(axis=0) * with_bias
        return params

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        (W1, b1), (W2, b2) = params
        z = x @ W1 + b1
        a = {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: np.maximum(z, 0)}[
            self.workload.activation
        ](z)
        z = a @ W2 + b2
        if self.ending == "squared":
            return a, z
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return a, 1 / (1 + np.exp(-z)) if self.ending == "logistic" else e / e.sum(axis=1, keepdims=True)

    def targets(self, rows: Array, n_out: int) -> Array:
        return self.y[rows, np.newaxis].astype(float) if n_out == 1 else np.eye(n_out)[self.y[rows]]

    def loss(self, params: Parameters) -> float:
        rows = np.arange(min(len(self.X), 10000))
        p = self.forward(params, self.X[rows])[1]
        if self.ending == "squared":
            return float(0.5 * ((p - self.targets(rows, p.shape[1])) ** 2).sum(axis=1).mean())
        p = np.hstack([1 - p, p]) if p.shape[1] == 1 else p
        return float(-np.log(p[rows, self.y[rows]]).mean())

    def compare(self, params: Parameters) -> dict[str, float]:
        """`loss` and `theta`, as above, for the parameters at which a library arrived."""
        end, start, other = (np.concatenate([np.ravel(q) for pair in p for q in pair]) for p in (self.end, self.start, params))
        true = self.loss(self.end)
        distance = np.linalg.norm(other - end) / np.linalg.norm(end - start)
        return {"loss": abs(self.loss(params) - true) / true, "theta": float(distance)}

    def mutants(self) -> dict[str, dict[str, float]]:
        """The same for loops with a planted fault, which the tolerance must reject."""
        return {
            "lr 1 % too large": self.compare(self.train(1.01 * self.lr)),
            "b not updated": self.compare(self.train(self.lr, False)),
        }
