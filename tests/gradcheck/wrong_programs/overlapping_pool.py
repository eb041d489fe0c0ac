# Max pooling with windows of three and stride one above a dense layer; layers as small classes with forward and backward
import numpy as np

rng = np.random.default_rng(10)


class Dense:
    def __init__(self, a, b):
        self.W, self.b = rng.normal(size=(a, b)) / np.sqrt(a), np.zeros(b)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.gW, self.gb = self.x.T @ g, g.sum(axis=0)
        return g @ self.W.T


class SlidingMax:
    def forward(self, x):
        self.x = x
        return np.stack([x[:, k : k + 3].max(axis=1) for k in range(x.shape[1] - 2)], axis=1)

    def backward(self, g):
        out = np.zeros_like(self.x)
        for n in range(len(g)):
            for k in range(g.shape[1]):
                best = k + np.argmax(self.x[n, k : k + 3])
                out[n, best] = g[n, k]
        return out


lower, pool, upper = Dense(4, 8), SlidingMax(), Dense(6, 1)
X = rng.normal(size=(12, 4))
t = X[:, :1] - 0.5 * X[:, 1:2]
for epoch in range(80):
    y = upper.forward(pool.forward(lower.forward(X)))
    loss = np.mean((y - t) ** 2)
    lower.backward(pool.backward(upper.backward(2 * (y - t) / len(t))))
    for layer in (lower, upper):
        layer.W -= 0.05 * layer.gW
        layer.b -= 0.05 * layer.gb
    if epoch % 20 == 0:
        print("mse", loss)
