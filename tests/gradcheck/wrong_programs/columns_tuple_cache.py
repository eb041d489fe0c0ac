# Examples in columns, a tuple as cache, one big train function, ReLU and a sigmoid output
import numpy as np


def train(X, Y, n_h=5, alpha=0.5, iterations=60):
    rng = np.random.default_rng(3)
    m = X.shape[1]
    W1, b1 = rng.normal(size=(n_h, X.shape[0])), np.zeros((n_h, 1))
    W2, b2 = rng.normal(size=(1, n_h)), np.zeros((1, 1))
    for i in range(iterations):
        Z1 = W1 @ X + b1
        A1 = np.maximum(0, Z1)
        Z2 = W2 @ A1 + b2
        A2 = 1 / (1 + np.exp(-Z2))
        cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

        dZ2 = A2 - Y
        dW2 = dZ2 @ A1.T
        db2 = np.sum(dZ2, axis=1, keepdims=True) / m
        dZ1 = W2.T @ dZ2 * (Z1 > 0)
        dW1 = dZ1 @ X.T / m
        db1 = np.sum(dZ1, axis=1, keepdims=True) / m

        W1 -= alpha * dW1
        b1 -= alpha * db1
        W2 -= alpha * dW2
        b2 -= alpha * db2
        if i % 20 == 0:
            print("cost after", i, "is", cost)
    return W1, b1, W2, b2


data = np.random.default_rng(3)
X = data.normal(size=(3, 14))
Y = (X[:1] + X[1:2] > 0).astype(float)
train(X, Y)
