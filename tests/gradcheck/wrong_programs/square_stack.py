# Three matrices of which the middle one is square; no biases; regression on two targets at once
import numpy as np

rng = np.random.default_rng(4)
x = rng.normal(size=(25, 4))
t = np.column_stack([x[:, 0] * x[:, 1], np.abs(x[:, 2])])
A = rng.normal(size=(4, 7)) / 2
B = rng.normal(size=(7, 7)) / 2.6
C = rng.normal(size=(7, 2)) / 2.6

for k in range(200):
    p = np.tanh(x @ A)
    q = np.tanh(p @ B)
    y = q @ C
    r = y - t
    loss = (r**2).mean()
    if k % 50 == 0:
        print(k, loss)
    gy = 2 * r / r.size
    gC = q.T @ gy
    gq = gy @ C.T * (1 - q**2)
    gB = p.T @ gq
    gp = gq @ B * (1 - p**2)
    gA = x.T @ gp
    A -= 0.1 * gA
    B -= 0.1 * gB
    C -= 0.1 * gC
