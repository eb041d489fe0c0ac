# One attention head with a residual and a layer norm over tokens, three matrices for queries, keys, values; squared error
import numpy as np

rng = np.random.default_rng(18)
T, d, dk = 5, 6, 5


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


params = {
    "Wq": rng.normal(size=(d, dk)) * 0.5,
    "Wk": rng.normal(size=(d, dk)) * 0.5,
    "Wv": rng.normal(size=(d, dk)) * 0.5,
    "g": np.ones(dk),
    "b": np.zeros(dk),
    "Wo": rng.normal(size=(dk, 2)) * 0.5,
}


def forward(x, p):
    q, k, v = x @ p["Wq"], x @ p["Wk"], x @ p["Wv"]
    att = softmax(q @ k.T / np.sqrt(dk))
    y = v + att @ v
    mean = y.mean(axis=1, keepdims=True)
    std = np.sqrt(y.var(axis=1, keepdims=True) + 1e-5)
    norm = (y - mean) / std
    ln = norm * p["g"] + p["b"]
    pooled = ln.mean(axis=0)
    return pooled @ p["Wo"], (x, q, k, v, att, std, norm, ln, pooled)


def backward(dout, cache, p):
    x, q, k, v, att, std, norm, ln, pooled = cache
    grads = {}
    grads["Wo"] = np.outer(pooled, dout)
    dpooled = p["Wo"] @ dout
    dln = np.tile(dpooled / T, (T, 1))
    grads["g"] = np.sum(dln * norm, axis=0)
    grads["b"] = np.sum(dln, axis=0)
    dnorm = dln * p["g"]
    dy = dnorm - dnorm.mean(axis=1, keepdims=True) - norm * np.mean(dnorm * norm, axis=1, keepdims=True)
    dy = dy / std
    datt = dy @ v.T
    dv = dy + att.T @ dy
    dscores = att * (datt - np.sum(datt * att, axis=1, keepdims=True))
    dscores = dscores / np.sqrt(dk)
    dq = dscores @ k
    dkey = dscores.T @ q
    grads["Wq"] = x.T @ dq
    grads["Wk"] = x.T @ dkey
    grads["Wv"] = x.T @ dv
    return grads


for step in range(60):
    x = rng.normal(size=(T, d))
    target = np.array([x[:, 0].max(), x[:, 1].mean()])
    out, cache = forward(x, params)
    loss = np.sum((out - target) ** 2)
    grads = backward(2 * (out - target), cache, params)
    for name in params:
        params[name] -= 0.05 * grads[name]
    if step % 20 == 0:
        print("step", step, "loss", loss)
