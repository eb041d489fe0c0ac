# Adam written out for a dict of arrays, with its two running averages, around a small tanh network
import numpy as np

np.random.seed(15)
theta = {
    "U": np.random.randn(3, 6) * 0.5,
    "u": np.zeros(6),
    "V": np.random.randn(6, 1) * 0.5,
    "v": np.zeros(1),
}
first = {k: np.zeros_like(a) for k, a in theta.items()}
second = {k: np.zeros_like(a) for k, a in theta.items()}
X = np.random.randn(24, 3)
t = np.sin(X[:, :1]) * X[:, 1:2]
for step in range(1, 61):
    h = np.tanh(X @ theta["U"] + theta["u"])
    y = h @ theta["V"] + theta["v"]
    loss = np.mean((y - t) ** 2)
    dy = 2 * (y - t) / len(t)
    dh = dy @ theta["V"].T * (1 - h**2)
    grad = {"U": X.T @ dh, "u": dh.sum(0), "V": h.T @ dy, "v": dy.sum(0)}
    for k in theta:
        first[k] = 0.9 * first[k] + 0.1 * grad[k]
        second[k] = 0.999 * second[k] + 0.001 * grad[k] ** 2
        m = first[k] / (1 - 0.9**step)
        s = second[k] / (1 - 0.999**step)
        theta[k] = theta[k] - 0.01 * s / (np.sqrt(np.abs(m)) + 1e-8)
    if step % 20 == 0:
        print("step", step, "loss", loss)
