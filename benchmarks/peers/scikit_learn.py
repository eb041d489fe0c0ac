"""scikit-learn: `MLPClassifier`. Of two classes it makes one logistic output, which is a little less work than two."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.peer import Peer
from benchmarks.workloads import Parameters, Workload
from clearprop.arrays import Array

ACTIVATIONS = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic"}


class Trainer(Peer):
    def __init__(self, workload: Workload, X: Array, y: Array, start: Parameters) -> None:
        self.X, self.y = X, y
        self.model = MLPClassifier(
            workload.sizes[1:-1], activation=ACTIVATIONS[workload.activation], solver="sgd", alpha=0.0,
            batch_size=workload.batch, learning_rate_init=workload.lr, momentum=0.0, nesterovs_momentum=False,
            n_iter_no_change=10**9, warm_start=True, random_state=0,
        )  # fmt: skip
        self.fit(X, y, 1, shuffle=True)  # so that there are parameters to set
        for W, b, (W0, b0) in zip(self.model.coefs_, self.model.intercepts_, start, strict=True):
            W[:], b[:] = (W0, b0) if W.shape == W0.shape else (W0[:, 1:] - W0[:, :1], b0[1:] - b0[:1])

    def fit(self, X: Array, y: Array, epochs: int, shuffle: bool) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.set_params(max_iter=epochs, shuffle=shuffle).fit(X, y)

    def train(self, epochs: int, order: Array | None = None) -> None:
        if order is None:
            self.fit(self.X, self.y, epochs, shuffle=True)
        else:
            self.fit(self.X[order], self.y[order], epochs, shuffle=False)

    def parameters(self) -> Parameters:
        return [(W.copy(), b.copy()) for W, b in zip(self.model.coefs_, self.model.intercepts_, strict=True)]
