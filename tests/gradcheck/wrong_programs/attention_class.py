# Self-attention as a class, a batch of sequences with einsum, residual connection, mean squared error to shifted tokens
import numpy as np


class Head:
    def __init__(self, d, dk, rng):
        self.dk = dk
        self.Q, self.K = rng.normal(size=(d, dk)) * 0.6, rng.normal(size=(d, dk)) * 0.6
        self.V = rng.normal(size=(d, d)) * 0.4

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = x @ self.Q, x @ self.K, x @ self.V
        s = np.einsum("btd,bsd->bts", self.q, self.k) / np.sqrt(self.dk)
        e = np.exp(s - s.max(axis=2, keepdims=True))
        self.w = e / e.sum(axis=2, keepdims=True)
        return x + np.einsum("bts,bsd->btd", self.w, self.v)

    def backward(self, g):
        dw = np.einsum("btd,bsd->bts", g, self.v)
        dv = np.einsum("bts,btd->bsd", self.w, g)
        ds = self.w * (dw - np.sum(dw * self.w, axis=2, keepdims=True))
        dq = np.einsum("bts,bsd->btd", ds, self.k)
        dk = np.einsum("bts,btd->bsd", ds, self.q)
        self.gQ = np.einsum("btd,bte->de", self.x, dq)
        self.gK = np.einsum("btd,bte->de", self.x, dk)
        self.gV = np.einsum("btd,bte->de", self.x, dv)


rng = np.random.default_rng(12)
head = Head(4, 3, rng)
x = rng.normal(size=(5, 6, 4))
goal = np.roll(x, 1, axis=1)
for step in range(60):
    out = head.forward(x)
    loss = np.mean((out - goal) ** 2)
    head.backward(2 * (out - goal) / out.size)
    head.Q -= 1.0 * head.gQ
    head.K -= 1.0 * head.gK
    head.V -= 1.0 * head.gV
    if step % 20 == 0:
        print("loss", loss)
