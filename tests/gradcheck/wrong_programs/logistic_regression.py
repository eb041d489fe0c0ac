# Logistic regression as in a first course: weights, bias, cost history, predict
import numpy as np


class LogisticRegression:
    def __init__(self, lr=0.3, n_iters=80):
        self.lr = lr
        self.n_iters = n_iters
        self.costs = []

    def fit(self, X, y):
        n_samples, n_features = X.shape
        self.weights = np.random.randn(n_features) * 0.5
        self.bias = np.zeros(1)
        for _ in range(self.n_iters):
            linear = np.dot(X, self.weights) + self.bias
            predicted = 1 / (1 + np.exp(-linear))
            cost = -np.mean(y * np.log(predicted) + (1 - y) * np.log(1 - predicted))
            self.costs.append(cost)
            error = y - predicted
            dw = np.dot(X.T, error) / n_samples
            db = np.sum(error, keepdims=True) / n_samples
            self.weights -= self.lr * dw
            self.bias -= self.lr * db

    def predict(self, X):
        return (np.dot(X, self.weights) + self.bias > 0).astype(int)


np.random.seed(6)
X = np.random.randn(40, 3)
y = (X @ np.array([1.0, -2.0, 0.5]) + 0.3 > 0).astype(int)
model = LogisticRegression()
model.fit(X, y)
print("first cost", model.costs[0], "last cost", model.costs[-1])
print("accuracy", np.mean(model.predict(X) == y))
