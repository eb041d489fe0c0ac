# A linear softmax classifier with a ridge penalty of one half lambda, loss and gradient in one function, W only
import numpy as np

LAMBDA = 0.1


def loss_and_gradient(W, X, y):
    n = X.shape[0]
    s = X.dot(W)
    s -= s.max(axis=1, keepdims=True)
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    data_loss = -np.log(p[np.arange(n), y]).mean()
    penalty = 0.5 * LAMBDA * np.sum(W * W)
    p[np.arange(n), y] -= 1
    dW = X.T.dot(p) / n
    dW += 2 * LAMBDA * W
    return data_loss + penalty, dW


rs = np.random.RandomState(14)
y = np.arange(30) % 3
X = rs.randn(30, 5)
X[np.arange(30), y] += 1.5
X = np.hstack([X, np.ones((30, 1))])
W = rs.randn(6, 3) * 0.3
for step in range(60):
    loss, dW = loss_and_gradient(W, X, y)
    W -= 0.5 * dW
    if step % 20 == 0:
        print("loss", loss)
