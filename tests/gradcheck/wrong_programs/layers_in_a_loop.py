# A network of any depth as a list of (W, b) pairs, examples in rows, sigmoid everywhere, squared error
import numpy as np

np.random.seed(1)


def f(z):
    return 1.0 / (1.0 + np.exp(-z))


def df(z):
    return f(z) * (1.0 - f(z))


sizes = [3, 5, 4, 2]
Ws = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
bs = [np.random.randn(b) * 0.1 for b in sizes[1:]]
X = np.random.randn(15, 3)
T = np.stack([X[:, 0] > 0, X[:, 1] > X[:, 2]], axis=1).astype(float)

for step in range(100):
    acts, pre = [X], []
    for W, b in zip(Ws, bs):
        pre.append(acts[-1] @ W + b)
        acts.append(f(pre[-1]))
    J = 0.5 * np.sum((acts[-1] - T) ** 2) / len(X)
    delta = (acts[-1] - T) / len(X) * df(pre[-1])
    dWs, dbs = [None] * 3, [None] * 3
    for k in (2, 1, 0):
        dWs[k] = acts[k].T @ delta
        dbs[k] = delta.sum(axis=0)
        if k > 0:
            delta = (delta @ Ws[k].T) * df(acts[k])
    for k in range(3):
        Ws[k] = Ws[k] - 2.0 * dWs[k]
        bs[k] = bs[k] - 2.0 * dbs[k]
    if step % 25 == 0:
        print("J", J)
