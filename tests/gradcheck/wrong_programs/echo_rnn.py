# Recurrent network that echoes its input two steps later; a batch of sequences, back-propagation through time in a function
import numpy as np

rng = np.random.default_rng(20)
B, T, H = 6, 7, 5
p = {"in": rng.normal(size=(1, H)), "rec": rng.normal(size=(H, H)) * 0.4, "out": rng.normal(size=(H, 1)) * 0.5, "b": np.zeros(H)}


def unroll(x):
    h = [np.zeros((B, H))]
    y = []
    for t in range(T):
        h.append(np.tanh(x[:, t : t + 1] @ p["in"] + h[-1] @ p["rec"] + p["b"]))
        y.append(h[-1] @ p["out"])
    return h, y


def through_time(x, target, h, y):
    g = {name: np.zeros_like(value) for name, value in p.items()}
    dnext = np.zeros((B, H))
    for t in reversed(range(T)):
        dy = 2 * (y[t] - target[:, t : t + 1]) / (B * T)
        g["out"] += h[t + 1].T @ dy
        dh = dy @ p["out"].T
        dz = dh * (1 - h[t + 1] ** 2)
        g["in"] += x[:, t : t + 1].T @ dz
        g["rec"] += h[t].T @ dz
        g["b"] += dz.sum(axis=0)
        dnext = dz @ p["rec"].T
    return g


for step in range(60):
    x = rng.normal(size=(B, T))
    target = np.hstack([np.zeros((B, 2)), x[:, :-2]])
    h, y = unroll(x)
    loss = np.mean((np.hstack(y) - target) ** 2)
    g = through_time(x, target, h, y)
    for name in p:
        p[name] -= 0.3 * g[name]
    if step % 20 == 0:
        print("loss", loss)
