# Inverted dropout: masks D1 and D2 drawn in the forward pass, kept in a cache and used again on the way back
import numpy as np


def forward_with_dropout(X, params, keep_prob):
    W1, b1, W2, b2, W3, b3 = params
    A1 = np.tanh(X @ W1 + b1)
    D1 = np.random.rand(*A1.shape) < keep_prob
    A1d = A1 * D1 / keep_prob
    A2 = np.tanh(A1d @ W2 + b2)
    D2 = np.random.rand(*A2.shape) < keep_prob
    A2d = A2 * D2 / keep_prob
    logits = A2d @ W3 + b3
    P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return P, (A1, D1, A1d, A2, D2, A2d)


def backward_with_dropout(X, Y, P, cache, params, keep_prob):
    A1, D1, A1d, A2, D2, A2d = cache
    W1, b1, W2, b2, W3, b3 = params
    n = X.shape[0]
    dlogits = (P - Y) / n
    dW3 = A2d.T @ dlogits
    db3 = dlogits.sum(axis=0)
    dA2d = dlogits @ W3.T
    dA2 = dA2d * D2
    dA2 = dA2 / keep_prob
    dZ2 = dA2 * (1 - A2**2)
    dW2 = A1d.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dA1d = dZ2 @ W2.T
    dA1 = dA1d * D1
    dA1 = dA1 / keep_prob
    dZ1 = dA1 * (1 - A1**2)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return [dW1, db1, dW2, db2, dW3, db3]


np.random.seed(13)
X = np.random.randn(24, 4)
Y = np.eye(3)[np.random.randint(0, 3, 24)]
sizes = [4, 9, 7, 3]
params = []
for n_in, n_out in zip(sizes[:-1], sizes[1:]):
    params.append(np.random.randn(n_in, n_out) / np.sqrt(n_in))
    params.append(np.zeros(n_out))

keep_prob = 0.8
lr = 0.2
for epoch in range(80):
    P, cache = forward_with_dropout(X, params, keep_prob)
    loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    grads = backward_with_dropout(X, Y, P, cache, params, keep_prob)
    for k in range(len(params)):
        params[k] = params[k] - lr * grads[k]
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", round(loss, 4))
