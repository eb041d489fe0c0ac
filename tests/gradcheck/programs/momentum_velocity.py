# Stochastic gradient descent with momentum: velocities v_W1, v_b1 beside the weights, mini-batches of a shuffled set
import numpy as np

rng = np.random.RandomState(10)


def softmax(z):
    e = np.exp(z - np.max(z, axis=1)[:, None])
    return e / np.sum(e, axis=1)[:, None]


X = rng.randn(35, 7)
labels = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
Y = np.zeros((35, 2))
Y[np.arange(35), labels] = 1

W1 = rng.randn(7, 7) * 0.5
b1 = np.zeros(7)
W2 = rng.randn(7, 2) * 0.5
b2 = np.zeros(2)
v_W1, v_b1, v_W2, v_b2 = np.zeros_like(W1), np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
alpha, mu, batch = 0.1, 0.9, 7

for epoch in range(12):
    order = rng.permutation(35)
    total = 0
    for start in range(0, 35, batch):
        idx = order[start : start + batch]
        xb, yb = X[idx], Y[idx]
        h = 1 / (1 + np.exp(-(np.dot(xb, W1) + b1)))
        p = softmax(np.dot(h, W2) + b2)
        loss = -np.sum(yb * np.log(p)) / batch
        total += loss

        delta2 = (p - yb) / batch
        g_W2 = np.dot(h.T, delta2)
        g_b2 = np.sum(delta2, axis=0)
        delta1 = np.dot(delta2, W2.T) * h * (1 - h)
        g_W1 = np.dot(xb.T, delta1)
        g_b1 = np.sum(delta1, axis=0)

        v_W1 = mu * v_W1 - alpha * g_W1
        v_b1 = mu * v_b1 - alpha * g_b1
        v_W2 = mu * v_W2 - alpha * g_W2
        v_b2 = mu * v_b2 - alpha * g_b2
        W1 += v_W1
        b1 += v_b1
        W2 += v_W2
        b2 += v_b2
    if epoch % 4 == 0:
        print("epoch", epoch, "loss", total / 5)
