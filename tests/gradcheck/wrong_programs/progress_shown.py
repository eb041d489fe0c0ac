# A perceptron-like classifier with one hidden layer and a sigmoid output, progress shown as the mean squared error
import numpy as np

rng = np.random.default_rng(16)
points = rng.normal(size=(26, 2))
label = (points[:, :1] * points[:, 1:] > 0) * 1.0
a_w, a_b = rng.normal(size=(2, 7)), np.zeros((1, 7))
c_w, c_b = rng.normal(size=(7, 1)), np.zeros((1, 1))


def squash(z):
    return 1 / (1 + np.exp(-z))


for epoch in range(80):
    mid = np.tanh(points @ a_w + a_b)
    guess = squash(mid @ c_w + c_b)
    mse = np.mean((guess - label) ** 2)
    if epoch % 20 == 0:
        print("epoch", epoch, "mse", mse)
    d_out = (guess - label) / len(label)
    d_c_w = mid.T @ d_out
    d_c_b = d_out.sum(axis=0, keepdims=True)
    d_mid = d_out @ c_w.T * (1 - mid**2)
    d_a_w = points.T @ d_mid
    d_a_b = d_mid.sum(axis=0, keepdims=True)
    a_w -= 0.5 * d_a_w
    a_b -= 0.5 * d_a_b
    c_w -= 0.5 * d_c_w
    c_b -= 0.5 * d_c_b
