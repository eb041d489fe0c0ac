# Binary cross-entropy over (1, m) rows, with the derivative of the loss and of the activations kept apart (dA, then dZ), L layers
import numpy as np

np.random.seed(9)


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def leaky(Z):
    return np.where(Z > 0, Z, 0.1 * Z)


def sigmoid_backward(dA, Z):
    s = sigmoid(Z)
    return dA * s * (1 - s)


def leaky_backward(dA, Z):
    return dA * np.where(Z > 0, 1.0, 0.1)


def init(dims):
    params = {}
    for l in range(1, len(dims)):
        params["W" + str(l)] = np.random.randn(dims[l], dims[l - 1]) * np.sqrt(1 / dims[l - 1])
        params["b" + str(l)] = np.zeros((dims[l], 1))
    return params


def model_forward(X, params, L):
    caches = []
    A = X
    for l in range(1, L + 1):
        A_prev = A
        W, b = params["W" + str(l)], params["b" + str(l)]
        Z = W @ A_prev + b
        A = sigmoid(Z) if l == L else leaky(Z)
        caches.append((A_prev, W, Z))
    return A, caches


def model_backward(AL, Y, caches, L):
    grads = {}
    m = AL.shape[1]
    dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in reversed(range(1, L + 1)):
        A_prev, W, Z = caches[l - 1]
        dZ = sigmoid_backward(dA, Z) if l == L else leaky_backward(dA, Z)
        grads["dW" + str(l)] = np.dot(dZ, A_prev.T) / m
        grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = np.dot(W.T, dZ)
    return grads


X = np.random.randn(3, 16)
Y = (X[0:1] - X[1:2] ** 2 > -0.5) * 1.0
L = 3
params = init([3, 5, 4, 1])
for i in range(100):
    AL, caches = model_forward(X, params, L)
    cost = -np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))
    grads = model_backward(AL, Y, caches, L)
    for l in range(1, L + 1):
        params["W" + str(l)] -= 0.3 * grads["dW" + str(l)]
        params["b" + str(l)] -= 0.3 * grads["db" + str(l)]
    if i % 25 == 0:
        print("cost", i, cost)
