# Two moons with sigmoid units; functions that hand tuples to each other, whole batch
import numpy as np

rng = np.random.default_rng(0)
n = 30
t = rng.uniform(0, np.pi, n)
top = np.arange(n) % 2
X = np.stack([np.cos(t) + top, np.sin(t) * (1 - 2 * top)], 1) + 0.1 * rng.normal(size=(n, 2))
Y = np.eye(2)[top]


def logistic(v):
    return 1 / (1 + np.exp(-v))


def run(weights):
    U, u, V, v = weights
    hidden = logistic(X @ U + u)
    e = np.exp(hidden @ V + v)
    return hidden, e / e.sum(1, keepdims=True)


def slopes(weights, hidden, prob):
    U, u, V, v = weights
    err_out = (prob - Y) / n
    err_hid = err_out @ V.T
    return X.T @ err_hid, err_hid.sum(0), hidden.T @ err_out, err_out.sum(0)


weights = [rng.normal(size=(2, 6)), np.zeros(6), rng.normal(size=(6, 2)), np.zeros(2)]
for epoch in range(50):
    hidden, prob = run(weights)
    g = slopes(weights, hidden, prob)
    weights = [w - 0.5 * s for w, s in zip(weights, g)]
    if epoch % 10 == 0:
        print(epoch, -np.mean(np.log(prob[Y == 1])))
