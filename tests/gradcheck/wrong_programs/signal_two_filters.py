# Two one-dimensional convolutions by loops, one after the other, tanh between them, fitted to a smoothed signal
import numpy as np

np.random.seed(9)


def conv(x, w):
    n = len(x) - len(w) + 1
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sum(x[i : i + len(w)] * w)
    return out


def conv_back(x, w, dout):
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(len(dout)):
        dx[i : i + len(w)] += dout[i] * w[::-1]
        dw += dout[i] * x[i : i + len(w)]
    return dx, dw


signal = np.cumsum(np.random.randn(24)) * 0.3
wanted = np.convolve(signal, [0.2, 0.5, 0.2, 0.1, 0.3], mode="valid")
first = np.random.randn(3) * 0.5
second = np.random.randn(3) * 0.5
for step in range(100):
    u = conv(signal, first)
    v = np.tanh(u)
    y = conv(v, second)
    loss = 0.5 * np.mean((y - wanted) ** 2)
    if step % 25 == 0:
        print("step", step, "loss", loss)
    dy = (y - wanted) / len(y)
    dv, dsecond = conv_back(v, second, dy)
    du = dv * (1 - v * v)
    _, dfirst = conv_back(signal, first, du)
    first -= 0.2 * dfirst
    second -= 0.2 * dsecond
