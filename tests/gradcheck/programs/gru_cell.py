# A GRU by hand: functions over a dictionary of parameters, lists of hidden states, squared error at every time step
import numpy as np

rng = np.random.default_rng(33)
n_x, n_h, T = 2, 4, 5


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


def init():
    p = {}
    for gate in ("z", "r", "c"):
        p["W" + gate] = rng.standard_normal((n_h, n_x)) * 0.5
        p["U" + gate] = rng.standard_normal((n_h, n_h)) * 0.5
        p["b" + gate] = rng.standard_normal(n_h) * 0.1
    p["Wy"] = rng.standard_normal((1, n_h)) * 0.5
    p["by"] = np.zeros(1)
    return p


def gru_forward(p, xs):
    hs, zs, rs, cs, ys = [np.zeros(n_h)], [], [], [], []
    for x in xs:
        h = hs[-1]
        z = sigm(p["Wz"] @ x + p["Uz"] @ h + p["bz"])
        r = sigm(p["Wr"] @ x + p["Ur"] @ h + p["br"])
        c = np.tanh(p["Wc"] @ x + p["Uc"] @ (r * h) + p["bc"])
        hs.append((1 - z) * h + z * c)
        ys.append(p["Wy"] @ hs[-1] + p["by"])
        zs.append(z), rs.append(r), cs.append(c)
    return hs, zs, rs, cs, ys


def gru_backward(p, xs, targets, hs, zs, rs, cs, ys):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    dh_next = np.zeros(n_h)
    for t in range(T - 1, -1, -1):
        x, h, z, r, c = xs[t], hs[t], zs[t], rs[t], cs[t]
        dy = ys[t] - targets[t]
        g["Wy"] += np.outer(dy, hs[t + 1])
        g["by"] += dy
        dh = p["Wy"].T @ dy + dh_next
        dz = dh * (c - h)
        dc = dh * z
        da_c = dc * (1 - c * c)
        drh = p["Uc"].T @ da_c
        dr = drh * h
        da_z = dz * z * (1 - z)
        da_r = dr * r * (1 - r)
        g["Wz"] += np.outer(da_z, x)
        g["Uz"] += np.outer(da_z, h)
        g["bz"] += da_z
        g["Wr"] += np.outer(da_r, x)
        g["Ur"] += np.outer(da_r, h)
        g["br"] += da_r
        g["Wc"] += np.outer(da_c, x)
        g["Uc"] += np.outer(da_c, r * h)
        g["bc"] += da_c
        dh_next = dh * (1 - z) + drh * r + p["Uz"].T @ da_z + p["Ur"].T @ da_r
    return g


params = init()
for it in range(60):
    xs = rng.standard_normal((T, n_x))
    targets = np.tanh(np.cumsum(xs[:, :1] * xs[:, 1:], axis=0))
    hs, zs, rs, cs, ys = gru_forward(params, xs)
    loss = sum(0.5 * np.sum((y - t) ** 2) for y, t in zip(ys, targets))
    grads = gru_backward(params, xs, targets, hs, zs, rs, cs, ys)
    for k in params:
        params[k] -= 0.05 * grads[k]
    if it % 20 == 0:
        print(it, loss)
