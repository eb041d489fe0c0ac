# Dropout on the hidden units of a class with train and evaluate modes; leaky ReLU; squared error
import numpy as np


class NoisyNet:
    def __init__(self, seed=19):
        self.rng = np.random.default_rng(seed)
        self.w1 = self.rng.normal(size=(3, 10)) * 0.6
        self.w2 = self.rng.normal(size=(10, 1)) * 0.3
        self.keep = 0.7

    def forward(self, x, training=True):
        self.x = x
        self.pre = x @ self.w1
        self.act = np.where(self.pre > 0, self.pre, 0.1 * self.pre)
        self.mask = (self.rng.random(self.act.shape) < self.keep) / self.keep if training else 1.0
        self.kept = self.act * self.mask
        return self.kept @ self.w2

    def backward(self, g):
        self.g2 = self.kept.T @ g
        g_act = g @ self.w2.T
        g_pre = g_act * np.where(self.pre > 0, 1, 0.1)
        self.g1 = self.x.T @ g_pre

    def update(self, lr):
        self.w1 -= lr * self.g1
        self.w2 -= lr * self.g2


data = np.random.default_rng(19)
x = data.normal(size=(32, 3))
t = x[:, :1] + 0.5 * np.abs(x[:, 1:2])
net = NoisyNet()
for epoch in range(60):
    out = net.forward(x)
    loss = np.mean((out - t) ** 2)
    net.backward(2 * (out - t) / len(t))
    net.update(0.05)
    if epoch % 20 == 0:
        print("train", loss, "without noise", np.mean((net.forward(x, False) - t) ** 2))
