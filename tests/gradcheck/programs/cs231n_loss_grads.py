# A TwoLayerNet whose loss method gives loss and a dict of gradients, with L2 regularisation; train and predict beside it
import numpy as np


class TwoLayerNet(object):
    """input - fully connected - ReLU - fully connected - softmax"""

    def __init__(self, input_size, hidden_size, output_size, std=0.3):
        self.params = {}
        self.params["W1"] = std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, D = X.shape

        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores

        shifted = scores - np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(shifted)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[np.arange(N), y])) / N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        grads = {}
        dscores = probs.copy()
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads["W2"] = hidden.T.dot(dscores) + 2 * reg * W2
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = dscores.dot(W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden) + 2 * reg * W1
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads

    def train(self, X, y, learning_rate=0.5, reg=1e-2, num_iters=60, batch_size=10):
        history = []
        for it in range(num_iters):
            idx = np.random.choice(X.shape[0], batch_size)
            loss, grads = self.loss(X[idx], y[idx], reg=reg)
            history.append(loss)
            for name in self.params:
                self.params[name] -= learning_rate * grads[name]
            if it % 20 == 0:
                print("iteration %d / %d: loss %f" % (it, num_iters, loss))
        return history

    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)


np.random.seed(0)
X = 2 * np.random.randn(30, 4)
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 1).astype(int)
net = TwoLayerNet(4, 10, 3)
history = net.train(X, y)
print("final loss", history[-1], "accuracy", np.mean(net.predict(X) == y))
