# batchnorm_forward and batchnorm_backward in the short form, between two affine layers, hinge-free: squared error
import numpy as np

np.random.seed(11)


def batchnorm_forward(x, gamma, beta):
    mean, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)
    x_norm = (x - mean) / std
    return gamma * x_norm + beta, (x_norm, std, gamma)


def batchnorm_backward(dout, cache):
    x_norm, std, gamma = cache
    dgamma = np.sum(dout * x_norm, axis=0)
    dbeta = np.sum(dout, axis=0)
    dnorm = dout * gamma
    dx = (dnorm - x_norm * np.mean(dnorm * x_norm, axis=0)) / std
    return dx, dgamma, dbeta


x = np.random.randn(16, 3) * [1, 3, 0.2] + 2
t = np.sin(x[:, :1]) + x[:, 2:]
W1, W2 = np.random.randn(3, 6) * 0.5, np.random.randn(6, 1) * 0.5
gamma, beta = np.ones(6), np.zeros(6)
for i in range(100):
    z = x @ W1
    n, cache = batchnorm_forward(z, gamma, beta)
    h = 1 / (1 + np.exp(-n))
    y = h @ W2
    loss = np.mean((y - t) ** 2)
    if i % 25 == 0:
        print(loss)
    dy = 2 * (y - t) / 16
    dW2 = h.T @ dy
    dn = dy @ W2.T * h * (1 - h)
    dz, dgamma, dbeta = batchnorm_backward(dn, cache)
    dW1 = x.T @ dz
    for p, g in ((W1, dW1), (W2, dW2), (gamma, dgamma), (beta, dbeta)):
        p -= 0.2 * g
