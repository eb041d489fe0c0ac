# ruff: noqa: NPY002  (as such scripts are written)
"""Layer classes in three styles, and a loss class."""

import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class DictDense:
    def __init__(self, n_in, n_out):
        self.params = {"w": np.random.randn(n_in, n_out), "b": np.random.randn(n_out)}
        self.grads = {}

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] = self.inputs.T @ grad
        return grad @ self.params["w"].T


class Relu:
    def forward(self, x):
        return np.maximum(x, 0), x

    def backward(self, saved, dout):
        return dout * (saved > 0)


class SoftmaxLayer:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dp):
        return self.p * (dp - (dp * self.p).sum(axis=1, keepdims=True))


class CrossEntropyLoss:
    def forward(self, p, y):
        self.p, self.y = p, y
        return -np.sum(y * np.log(p)) / len(p)

    def backward(self):
        return -self.y / self.p / len(self.p)
