# Functions in pairs, affine_forward and affine_backward, each forward returning its output and a cache
import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    x = cache
    return dout * (x > 0)


def sigmoid_forward(x):
    s = 1 / (1 + np.exp(-x))
    return s, s


def sigmoid_backward(dout, cache):
    s = cache
    return dout * s * (1 - s)


def softmax_loss(x, y):
    shifted = x - x.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n = x.shape[0]
    loss = -log_probs[np.arange(n), y].mean()
    dx = np.exp(log_probs)
    dx[np.arange(n), y] -= 1
    return loss, dx / n


def main():
    rng = np.random.default_rng(6)
    images = rng.normal(size=(12, 2, 3))
    y = rng.integers(0, 3, size=12)
    w1, b1 = 0.5 * rng.normal(size=(6, 7)), np.zeros(7)
    w2, b2 = 0.5 * rng.normal(size=(7, 5)), np.zeros(5)
    w3, b3 = 0.5 * rng.normal(size=(5, 3)), np.zeros(3)
    lr = 0.3
    for step in range(60):
        h, fc1 = affine_forward(images, w1, b1)
        h, act1 = relu_forward(h)
        h, fc2 = affine_forward(h, w2, b2)
        h, act2 = sigmoid_forward(h)
        scores, fc3 = affine_forward(h, w3, b3)
        loss, dscores = softmax_loss(scores, y)

        dh, dw3, db3 = affine_backward(dscores, fc3)
        dh = sigmoid_backward(dh, act2)
        dh, dw2, db2 = affine_backward(dh, fc2)
        dh = relu_backward(dh, act1)
        _, dw1, db1 = affine_backward(dh, fc1)

        for p, dp in [(w1, dw1), (b1, db1), (w2, dw2), (b2, db2), (w3, dw3), (b3, db3)]:
            p -= lr * dp
        if step % 20 == 0:
            print("step", step, "loss", loss)


if __name__ == "__main__":
    main()
