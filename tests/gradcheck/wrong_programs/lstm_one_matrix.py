# LSTM with one matrix for all four gates, cut into slices; a batch of short sequences; the last state is read out
import numpy as np

rng = np.random.default_rng(8)
B, T, D, H = 4, 5, 3, 4
W = rng.normal(0, 0.4, (D + H, 4 * H))
b = np.zeros(4 * H)
R = rng.normal(0, 0.4, (H, 1))


def sig(z):
    return 1 / (1 + np.exp(-z))


for it in range(40):
    xs = rng.normal(size=(T, B, D))
    goal = np.tanh(xs[:, :, 0].mean(axis=0))[:, None]
    h, c, tape = np.zeros((B, H)), np.zeros((B, H)), []
    for x in xs:
        xh = np.hstack([x, h])
        a = xh @ W + b
        i, f, o, g = sig(a[:, :H]), sig(a[:, H : 2 * H]), sig(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
        c_old = c
        c = f * c_old + i * g
        h = o * np.tanh(c)
        tape.append((xh, i, f, o, g, c_old, c))
    y = h @ R
    loss = np.mean((y - goal) ** 2)
    if it % 10 == 0:
        print("it", it, "loss", loss)

    dy = 2 * (y - goal) / B
    dR = h.T @ dy
    dh, dc = dy @ R.T, np.zeros((B, H))
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for xh, i, f, o, g, c_old, c in reversed(tape):
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        da_i = dc * g * i * (1 - i)
        da_f = dc * c_old * f * (1 - f)
        da_o = dh * np.tanh(c) * i * (1 - o)
        da_g = dc * i * (1 - g**2)
        da = np.hstack([da_i, da_f, da_o, da_g])
        dW += xh.T @ da
        db += da.sum(axis=0)
        dh = (da @ W.T)[:, D:]
        dc = dc * f
    W -= 0.3 * dW
    b -= 0.3 * db
    R -= 0.3 * dR
