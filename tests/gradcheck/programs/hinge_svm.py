# A linear support vector machine: multi-class hinge loss with an L2 penalty, the mask of violated margins, class with train()
import numpy as np


class LinearSVM:
    def __init__(self, num_features, num_classes, reg):
        self.W = 0.1 * np.random.randn(num_features, num_classes)
        self.b = np.zeros(num_classes)
        self.reg = reg

    def loss(self, X, y):
        num_train = X.shape[0]
        scores = X.dot(self.W) + self.b
        correct = scores[np.arange(num_train), y].reshape(-1, 1)
        margins = np.maximum(0, scores - correct + 1.0)
        margins[np.arange(num_train), y] = 0
        loss = np.sum(margins) / num_train + self.reg * np.sum(self.W * self.W)

        violated = (margins > 0).astype(float)
        violated[np.arange(num_train), y] = -np.sum(violated, axis=1)
        dscores = violated / num_train
        dW = X.T.dot(dscores) + 2 * self.reg * self.W
        db = np.sum(dscores, axis=0)
        return loss, dW, db

    def train(self, X, y, learning_rate=0.1, num_iters=60, batch_size=16):
        history = []
        for it in range(num_iters):
            chosen = np.random.choice(len(X), batch_size, replace=False)
            loss, dW, db = self.loss(X[chosen], y[chosen])
            history.append(loss)
            self.W -= learning_rate * dW
            self.b -= learning_rate * db
        return history

    def predict(self, X):
        return np.argmax(X.dot(self.W) + self.b, axis=1)


np.random.seed(36)
X_train = np.random.randn(60, 4)
y_train = np.argmax(X_train[:, :3] + 0.3 * np.random.randn(60, 3), axis=1)
svm = LinearSVM(4, 3, reg=0.05)
history = svm.train(X_train, y_train)
print("loss", history[0], "to", history[-1])
print("accuracy", np.mean(svm.predict(X_train) == y_train))
