# Data standardised in place, a validation part, a learning rate that decays, Nesterov momentum, the best weights kept
import numpy as np

np.random.seed(25)
X = np.random.randn(40, 4) * np.array([1.0, 5.0, 0.1, 2.0]) + 3
t = np.tanh(X[:, :1] - 3) + 0.1 * X[:, 1:2]
X -= X.mean(axis=0)
X /= X.std(axis=0)
t = (t - t.mean()) / t.std()
X_train, X_val, t_train, t_val = X[:30], X[30:], t[:30], t[30:]

W = np.random.randn(4, 6) * np.sqrt(2 / 4)
c = np.zeros(6)
V = np.random.randn(6, 1) * np.sqrt(2 / 6)
d = np.zeros(1)
vW, vc, vV, vd = 0 * W, 0 * c, 0 * V, 0 * d
lr, mu = 0.05, 0.8
best, best_weights = np.inf, None


def predict(X):
    return np.maximum(0, X @ W + c) @ V + d


for epoch in range(60):
    z = X_train @ W + c
    h = np.maximum(0, z)
    out = h @ V + d
    loss = 0.5 * np.mean((out - t_train) ** 2)

    dout = (out - t_train) / len(t_train)
    dV = h.T @ dout
    dd = dout.sum(axis=0)
    dz = (dout @ V.T) * (z > 0)
    dW = X_train.T @ dz
    dc = dz.sum(axis=0)

    for p, v, g in ((W, vW, dW), (c, vc, dc), (V, vV, dV), (d, vd, dd)):
        v_before = v.copy()
        v *= mu
        v -= lr * g
        p += -mu * v_before + (1 + mu) * v
    lr *= 0.98
    val_loss = 0.5 * np.mean((predict(X_val) - t_val) ** 2)
    if val_loss < best:
        best, best_weights = val_loss, [W.copy(), c.copy(), V.copy(), d.copy()]
    if epoch % 20 == 0:
        print(f"epoch {epoch} train {loss:.4f} validation {val_loss:.4f} lr {lr:.4f}")
