# Regression on a sine with np.mean of the squares as the loss, a script with top-level variables and ReLU units
import numpy as np

np.random.seed(8)
N = 30
x = np.linspace(-2, 2, N).reshape(N, 1)
t = np.sin(2 * x) + 0.05 * np.random.randn(N, 1)

H = 12
w1 = np.random.randn(1, H)
b1 = np.random.randn(H) * 0.5
w2 = np.random.randn(H, H) / np.sqrt(H)
b2 = np.zeros(H)
w3 = np.random.randn(H, 1) / np.sqrt(H)
b3 = np.zeros(1)
learning_rate = 0.02

for step in range(150):
    # forward
    z1 = x.dot(w1) + b1
    h1 = np.maximum(z1, 0)
    z2 = h1.dot(w2) + b2
    h2 = np.maximum(z2, 0)
    y_pred = h2.dot(w3) + b3
    loss = np.mean((y_pred - t) ** 2)
    if step % 50 == 0:
        print(step, loss)

    # backward
    grad_y_pred = 2.0 * (y_pred - t) / N
    grad_w3 = h2.T.dot(grad_y_pred)
    grad_b3 = grad_y_pred.sum(axis=0)
    grad_h2 = grad_y_pred.dot(w3.T)
    grad_z2 = grad_h2 * (z2 > 0)
    grad_w2 = h1.T.dot(grad_z2)
    grad_b2 = grad_z2.sum(axis=0)
    grad_h1 = grad_z2.dot(w2.T)
    grad_z1 = grad_h1 * (z1 > 0)
    grad_w1 = x.T.dot(grad_z1)
    grad_b1 = grad_z1.sum(axis=0)

    # update
    w1 -= learning_rate * grad_w1
    b1 -= learning_rate * grad_b1
    w2 -= learning_rate * grad_w2
    b2 -= learning_rate * grad_b2
    w3 -= learning_rate * grad_w3
    b3 -= learning_rate * grad_b3
