# self.params and self.grads as dictionaries keyed "W1", "b1", ..., a generator of mini-batches, RMSprop, one-hot cross-entropy
import numpy as np


def one_hot(labels, classes):
    out = np.zeros((labels.size, classes))
    out[np.arange(labels.size), labels] = 1
    return out


def iterate_minibatches(inputs, targets, batchsize, rng):
    indices = rng.permutation(len(inputs))
    for start in range(0, len(inputs) - batchsize + 1, batchsize):
        excerpt = indices[start : start + batchsize]
        yield inputs[excerpt], targets[excerpt]


class Network:
    def __init__(self, dims, rng):
        self.depth = len(dims) - 1
        self.params, self.grads, self.cache = {}, {}, {}
        for i in range(1, len(dims)):
            self.params["W%d" % i] = rng.normal(0, np.sqrt(2 / dims[i - 1]), (dims[i - 1], dims[i]))
            self.params["b%d" % i] = np.zeros(dims[i])

    def forward(self, X):
        self.cache["A0"] = X
        for i in range(1, self.depth + 1):
            Z = self.cache["A%d" % (i - 1)].dot(self.params["W%d" % i]) + self.params["b%d" % i]
            self.cache["Z%d" % i] = Z
            self.cache["A%d" % i] = np.maximum(Z, 0)
        shifted = np.exp(Z - Z.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def loss(self, probs, Y):
        return -np.mean(np.sum(Y * np.log(probs), axis=1))

    def backward(self, probs, Y):
        dZ = (probs - Y) / Y.shape[0]
        for i in range(self.depth, 0, -1):
            self.grads["W%d" % i] = self.cache["A%d" % (i - 1)].T.dot(dZ)
            self.grads["b%d" % i] = np.sum(dZ, axis=0)
            if i > 1:
                dA = dZ.dot(self.params["W%d" % i].T)
                dZ = dA * (self.cache["Z%d" % (i - 1)] > 0)


class RMSprop:
    def __init__(self, params, lr=0.01, beta=0.9, eps=1e-8):
        self.lr, self.beta, self.eps = lr, beta, eps
        self.s = {k: np.zeros_like(v) for k, v in params.items()}

    def update(self, params, grads):
        for k in params:
            self.s[k] = self.beta * self.s[k] + (1 - self.beta) * grads[k] ** 2
            params[k] -= self.lr * grads[k] / (np.sqrt(self.s[k]) + self.eps)


rng = np.random.RandomState(32)
X = rng.randn(48, 4)
labels = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
Y = one_hot(labels, 3)
net = Network([4, 10, 8, 3], rng)
optimizer = RMSprop(net.params)
for epoch in range(20):
    for xb, yb in iterate_minibatches(X, Y, 12, rng):
        probs = net.forward(xb)
        loss = net.loss(probs, yb)
        net.backward(probs, yb)
        optimizer.update(net.params, net.grads)
    if epoch % 5 == 0:
        print("Epoch %d, loss %.4f" % (epoch, loss))
