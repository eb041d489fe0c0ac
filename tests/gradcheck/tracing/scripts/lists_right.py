"""2-3-2 in plain Python, one example at a time, one scalar at a time."""

import math
import random


def init_params():
    return {
        "W": [[random.gauss(0, 1) for _ in range(3)] for _ in range(2)],
        "b": [0.0, 0.0, 0.0],
        "V": [[random.gauss(0, 1) for _ in range(2)] for _ in range(3)],
        "c": [0.0, 0.0],
    }


def forward(params, x):
    h = [0.0] * 3
    for j in range(3):
        k = params["b"][j]
        for i in range(2):
            k += params["W"][i][j] * x[i]
        h[j] = 1 / (1 + math.exp(-k))
    o = [params["c"][j] + sum(params["V"][i][j] * h[i] for i in range(3)) for j in range(2)]
    e = [math.exp(value) for value in o]
    y = [value / sum(e) for value in e]
    return y, {"x": x, "h": h, "y": y}


def loss(y, t):
    return -math.log(y[t])


def backward(params, cache, t):
    h, x = cache["h"], cache["x"]
    do = [cache["y"][j] - (1 if j == t else 0) for j in range(2)]
    dV = [[do[j] * h[i] for j in range(2)] for i in range(3)]
    dk = [0.0] * 3
    for i in range(3):
        dh = sum(do[j] * params["V"][i][j] for j in range(2))
        dk[i] = dh * h[i] * (1 - h[i])
    dW = [[dk[j] * x[i] for j in range(3)] for i in range(2)]
    return {"W": dW, "b": dk, "V": dV, "c": do}
