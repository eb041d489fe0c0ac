# One class that keeps W1, b1, W2, b2 and the activations on self, and whose backward moves the weights itself
import numpy as np


class NeuralNetwork:
    def __init__(self, n_in, n_hidden, n_out, learning_rate):
        rng = np.random.default_rng(4)
        self.lr = learning_rate
        self.W1 = rng.normal(0, 0.6, (n_in, n_hidden))
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = rng.normal(0, 0.6, (n_hidden, n_out))
        self.b2 = np.zeros((1, n_out))

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        exps = np.exp(self.z2 - self.z2.max(axis=1, keepdims=True))
        self.out = exps / exps.sum(axis=1, keepdims=True)
        return self.out

    def loss(self, y):
        return -np.mean(np.sum(y * np.log(self.out + 1e-12), axis=1))

    def backward(self, X, y):
        n = X.shape[0]
        d2 = (self.out - y) / n
        dW2 = self.a1.T @ d2
        db2 = d2.sum(axis=0, keepdims=True)
        d1 = (d2 @ self.W2.T) * (1 - self.a1**2)
        dW1 = X.T @ d1
        db1 = d1.sum(axis=0, keepdims=True)
        # walk downhill
        self.W1 -= self.lr * dW1
        self.b1 -= self.lr * db1
        self.W2 -= self.lr * dW2
        self.b2 -= self.lr * db2

    def train(self, X, y, epochs):
        for epoch in range(epochs):
            self.forward(X)
            if epoch % 20 == 0:
                print(f"epoch {epoch}: loss {self.loss(y):.4f}")
            self.backward(X, y)


def make_rings(n):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, 2))
    labels = (np.sum(X**2, axis=1) > 1.2).astype(int)
    return X, np.eye(2)[labels]


X, y = make_rings(24)
nn = NeuralNetwork(2, 6, 2, 0.5)
nn.train(X, y, 80)
