# Layer normalisation over the features, leaky ReLU, two outputs with the mean squared error, Nesterov momentum, one main()
import numpy as np

EPS = 1e-5
SLOPE = 0.1


def layernorm_forward(x, gain, shift):
    mu = x.mean(axis=1, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=1, keepdims=True) + EPS)
    x_hat = (x - mu) * inv_std
    return gain * x_hat + shift, (x_hat, inv_std, gain)


def layernorm_backward(dout, cache):
    x_hat, inv_std, gain = cache
    d = dout.shape[1]
    dgain = (dout * x_hat).sum(axis=0)
    dshift = dout.sum(axis=0)
    dx_hat = dout * gain
    total = dx_hat.sum(axis=1, keepdims=True)
    along = (dx_hat * x_hat).sum(axis=1, keepdims=True)
    dx = (inv_std / d) * (d * dx_hat - total - x_hat * along)
    return dx, dgain, dshift


def leaky(x):
    return np.where(x > 0, x, SLOPE * x)


def leaky_backward(dout, x):
    return dout * np.where(x > 0, 1.0, SLOPE)


def step(theta, X, T):
    W1, b1, gain, shift, W2, b2 = theta
    z = X @ W1 + b1
    normed, cache = layernorm_forward(z, gain, shift)
    a = leaky(normed)
    out = a @ W2 + b2
    error = out - T
    loss = np.mean(error**2)
    dout = 2 * error / error.size
    dW2 = a.T @ dout
    db2 = dout.sum(axis=0)
    da = dout @ W2.T
    dnormed = leaky_backward(da, normed)
    dz, dgain, dshift = layernorm_backward(dnormed, cache)
    dW1 = X.T @ dz
    db1 = dz.sum(axis=0)
    return loss, [dW1, db1, dgain, dshift, dW2, db2]


def main():
    rng = np.random.default_rng(34)
    X = rng.normal(size=(20, 3))
    T = np.stack([np.sin(X[:, 0]) + X[:, 1], X[:, 1] * X[:, 2]], axis=1)
    theta = [rng.normal(0, 0.6, (3, 7)), np.zeros(7), np.ones(7), np.zeros(7), rng.normal(0, 0.4, (7, 2)), np.zeros(2)]
    velocity = [np.zeros_like(p) for p in theta]
    for epoch in range(60):
        loss, grads = step(theta, X, T)
        for k in range(len(theta)):
            velocity[k] = 0.8 * velocity[k] - 0.05 * grads[k]
            theta[k] = theta[k] + 0.8 * velocity[k] - 0.05 * grads[k]
        if epoch % 20 == 0:
            print(epoch, loss)


if __name__ == "__main__":
    main()
