# Regression with two layers, gradients cut off at a threshold before each step so that nothing explodes
import numpy as np

np.random.seed(17)
X = np.random.randn(30, 4)
t = X.sum(axis=1, keepdims=True) ** 2
W = np.random.randn(4, 9) * 0.7
b = np.zeros(9)
V = np.random.randn(9, 1) * 0.7
c = np.zeros(1)
limit = 0.5
for i in range(80):
    z = X @ W + b
    h = np.maximum(z, 0)
    y = h @ V + c
    loss = np.mean((y - t) ** 2)
    if i % 20 == 0:
        print("loss", loss)
    gy = 2 * (y - t) / len(X)
    gV, gc = h.T @ gy, gy.sum(axis=0)
    gz = (gy @ V.T) * (z > 0)
    gW, gb = X.T @ gz, gz.sum(axis=0)
    W -= 0.05 * np.clip(gW, -limit, limit)
    b -= 0.05 * np.clip(gb, -limit, limit)
    V -= 0.05 * np.clip(gV, -limit, limit)
    c -= 0.05 * np.clip(gc, -limit, limit)
