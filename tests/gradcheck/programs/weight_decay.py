# L2 penalty lambd / (2 m) on the weights but not on the biases, one function for each step, examples in columns
import numpy as np

np.random.seed(12)
lambd = 0.7


def relu(z):
    return z * (z > 0)


def forward(X, w):
    z1 = w["W1"].dot(X) + w["b1"]
    a1 = relu(z1)
    z2 = w["W2"].dot(a1) + w["b2"]
    exps = np.exp(z2)
    a2 = exps / np.sum(exps, axis=0)
    return z1, a1, a2


def cost_function(a2, Y, w):
    m = Y.shape[1]
    cross_entropy = -np.sum(Y * np.log(a2)) / m
    penalty = lambd / (2 * m) * (np.sum(np.square(w["W1"])) + np.sum(np.square(w["W2"])))
    return cross_entropy + penalty


def backprop(X, Y, w, z1, a1, a2):
    m = Y.shape[1]
    dz2 = a2 - Y
    dW2 = 1.0 / m * dz2.dot(a1.T) + lambd / m * w["W2"]
    db2 = 1.0 / m * np.sum(dz2, axis=1, keepdims=True)
    dz1 = w["W2"].T.dot(dz2) * (z1 > 0)
    dW1 = 1.0 / m * dz1.dot(X.T) + lambd / m * w["W1"]
    db1 = 1.0 / m * np.sum(dz1, axis=1, keepdims=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


X = np.random.randn(4, 21)
classes = np.argmax(X[:3], axis=0)
Y = np.eye(3)[classes].T
w = {
    "W1": np.random.randn(6, 4) * 0.5,
    "b1": np.random.randn(6, 1) * 0.1,
    "W2": np.random.randn(3, 6) * 0.5,
    "b2": np.zeros((3, 1)),
}
for epoch in range(100):
    z1, a1, a2 = forward(X, w)
    J = cost_function(a2, Y, w)
    g = backprop(X, Y, w, z1, a1, a2)
    for name in g:
        w[name] = w[name] - 0.3 * g[name]
    if epoch % 25 == 0:
        print("J =", J)
