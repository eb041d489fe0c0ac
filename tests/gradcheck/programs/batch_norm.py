# Batch normalisation of a hidden layer, written out step by step in a script, with gamma and beta trained too
import numpy as np

np.random.seed(17)
N, D, H, C = 20, 4, 7, 3
X = np.random.randn(N, D) * 2 + 1
y = np.argmax(X[:, :3] + 0.3 * np.random.randn(N, 3), axis=1)

W1 = 0.5 * np.random.randn(D, H)
gamma = np.ones(H)
beta = np.zeros(H)
W2 = 0.5 * np.random.randn(H, C)
b2 = np.zeros(C)
eps = 1e-5
lr = 0.3

for it in range(80):
    z = X.dot(W1)
    mu = z.mean(axis=0)
    xmu = z - mu
    var = np.mean(xmu**2, axis=0)
    ivar = 1.0 / np.sqrt(var + eps)
    xhat = xmu * ivar
    out = gamma * xhat + beta
    h = np.maximum(out, 0)
    s = h.dot(W2) + b2
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).mean()
    if it % 20 == 0:
        print("it", it, "loss", loss)

    ds = p.copy()
    ds[np.arange(N), y] -= 1
    ds /= N
    dW2 = h.T.dot(ds)
    db2 = ds.sum(axis=0)
    dh = ds.dot(W2.T)
    dout = dh * (out > 0)
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dvar = divar * -0.5 * ivar**3
    dxmu = dxhat * ivar + 2 * xmu * dvar / N
    dmu = -dxmu.sum(axis=0)
    dz = dxmu + dmu / N
    dW1 = X.T.dot(dz)

    W1 -= lr * dW1
    gamma -= lr * dgamma
    beta -= lr * dbeta
    W2 -= lr * dW2
    b2 -= lr * db2
