# Adam with its own class over a dict of parameters; two hidden layers of tanh, mean squared error over all entries
import numpy as np


class Adam:
    def __init__(self, params, lr=0.02, beta1=0.9, beta2=0.999, eps=1e-8):
        self.params, self.lr, self.beta1, self.beta2, self.eps = params, lr, beta1, beta2, eps
        self.m = {k: np.zeros_like(v) for k, v in params.items()}
        self.v = {k: np.zeros_like(v) for k, v in params.items()}
        self.t = 0

    def step(self, grads):
        self.t += 1
        for k in self.params:
            g = grads[k]
            self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * g
            self.v[k] = self.beta2 * self.v[k] + (1 - self.beta2) * g**2
            m_hat = self.m[k] / (1 - self.beta1**self.t)
            v_hat = self.v[k] / (1 - self.beta2**self.t)
            self.params[k] -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


class Net:
    def __init__(self, rng):
        self.p = {
            "W1": rng.normal(size=(3, 6)) * 0.5,
            "b1": np.zeros(6),
            "W2": rng.normal(size=(6, 6)) * 0.4,
            "b2": np.zeros(6),
            "W3": rng.normal(size=(6, 2)) * 0.4,
            "b3": np.zeros(2),
        }

    def forward(self, X):
        self.X = X
        self.h1 = np.tanh(X @ self.p["W1"] + self.p["b1"])
        self.h2 = np.tanh(self.h1 @ self.p["W2"] + self.p["b2"])
        self.out = self.h2 @ self.p["W3"] + self.p["b3"]
        return self.out

    def backward(self, target):
        g = {}
        d3 = 2 * (self.out - target) / target.size
        g["W3"] = self.h2.T @ d3
        g["b3"] = d3.sum(axis=0)
        d2 = d3 @ self.p["W3"].T * (1 - self.h2**2)
        g["W2"] = self.h1.T @ d2
        g["b2"] = d2.sum(axis=0)
        d1 = d2 @ self.p["W2"].T * (1 - self.h1**2)
        g["W1"] = self.X.T @ d1
        g["b1"] = d1.sum(axis=0)
        return g


rng = np.random.default_rng(11)
X = rng.normal(size=(20, 3))
T = np.stack([np.sin(X[:, 0]) + X[:, 1], X[:, 1] * X[:, 2]], axis=1)
net = Net(rng)
opt = Adam(net.p)
for i in range(100):
    out = net.forward(X)
    mse = np.mean(np.square(out - T))
    grads = net.backward(T)
    opt.step(grads)
    if i % 25 == 0:
        print(f"{i:4d}  mse {mse:.4f}")
