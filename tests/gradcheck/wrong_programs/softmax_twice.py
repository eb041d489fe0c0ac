# Softmax output with sigmoid hidden units, one-hot rows, helper functions for each activation and its slope
import numpy as np

np.random.seed(7)


def sigm(z):
    return 1 / (1 + np.exp(-z))


def soft(z):
    z = z - z.max(1, keepdims=True)
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


def slope(a):
    return a * (1 - a)


X = np.random.rand(24, 5)
Y = np.eye(4)[np.argmax(X[:, :4], axis=1)]
V = np.random.randn(5, 8)
W = np.random.randn(8, 4)
for i in range(80):
    H = sigm(X @ V)
    P = soft(H @ W)
    cross_entropy = -np.sum(Y * np.log(P)) / len(Y)
    if i % 20 == 0:
        print("cross entropy", cross_entropy)
    D2 = (P - Y) / len(Y) * slope(P)
    D1 = D2 @ W.T * slope(H)
    gW = H.T @ D2
    gV = X.T @ D1
    W -= 0.8 * gW
    V -= 0.8 * gV
