# GRU, one sequence at a time, six matrices in a dict, trained to tell the sign of a sum
import numpy as np

np.random.seed(21)
n_x, n_h = 2, 4
P = {k: np.random.randn(n_h, n_x if k.startswith("W") else n_h) * 0.5 for k in ("Wz", "Wr", "Wh", "Uz", "Ur", "Uh")}
P["v"] = np.random.randn(n_h) * 0.5


def s(a):
    return 1 / (1 + np.exp(-a))


for n in range(60):
    xs = np.random.randn(5, n_x)
    label = float(xs[:, 0].sum() > 0)
    h, saved = np.zeros(n_h), []
    for x in xs:
        z = s(P["Wz"] @ x + P["Uz"] @ h)
        r = s(P["Wr"] @ x + P["Ur"] @ h)
        c = np.tanh(P["Wh"] @ x + P["Uh"] @ (r * h))
        saved.append((x, h, z, r, c))
        h = (1 - z) * h + z * c
    y = s(P["v"] @ h)
    loss = -label * np.log(y) - (1 - label) * np.log(1 - y)
    if n % 20 == 0:
        print("sequence", n, "loss", loss)
    G = {k: np.zeros_like(w) for k, w in P.items()}
    G["v"] = (y - label) * h
    dh = (y - label) * P["v"]
    for x, h_old, z, r, c in reversed(saved):
        ac = dh * z * (1 - c * c)
        drh = P["Uh"].T @ ac
        az = dh * (c - h_old) * z * (1 - z)
        ar = drh * h_old * r * (1 - r)
        for gate, a in (("z", az), ("r", ar)):
            G["W" + gate] += np.outer(a, x)
            G["U" + gate] += np.outer(a, h_old)
        G["Wh"] += np.outer(ac, x)
        G["Uh"] += np.outer(ac, r * h_old)
        dh = dh * (1 - z) + drh + P["Uz"].T @ az + P["Ur"].T @ ar
    for k in P:
        P[k] -= 0.2 * G[k]
