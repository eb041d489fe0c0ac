# Definitions only, to be imported: init_params, forward, compute_loss, backward, update; nothing is trained here
import numpy as np


def init_params(n_x, n_h, n_y, seed=21):
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(0, 0.5, (n_x, n_h)),
        "b1": np.zeros(n_h),
        "W2": rng.normal(0, 0.5, (n_h, n_y)),
        "b2": np.zeros(n_y),
    }


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(params, X):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = sigmoid(Z1)
    Z2 = A1 @ params["W2"] + params["b2"]
    A2 = softmax(Z2)
    return A2, {"X": X, "A1": A1, "A2": A2}


def compute_loss(A2, Y):
    return -np.mean(np.sum(Y * np.log(A2), axis=1))


def backward(params, cache, Y):
    m = len(Y)
    dZ2 = (cache["A2"] - Y) / m
    dW2 = cache["A1"].T @ dZ2
    db2 = np.sum(dZ2, axis=0)
    dA1 = dZ2 @ params["W2"].T
    dZ1 = dA1 * cache["A1"] * (1 - cache["A1"])
    dW1 = cache["X"].T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def update(params, grads, lr=0.1):
    return {name: params[name] - lr * grads[name] for name in params}


def accuracy(A2, Y):
    return np.mean(A2.argmax(axis=1) == Y.argmax(axis=1))
