# Spiral toy data, ReLU and softmax on mini-batches, integer labels, probs[range(n), y] -= 1, functions over a list of weights
import numpy as np

np.random.seed(20)


def spiral(points, classes):
    X, y = [], []
    for c in range(classes):
        r = np.linspace(0.1, 1, points)
        angle = np.linspace(c * 4, (c + 1) * 4, points) + np.random.randn(points) * 0.2
        X.append(np.c_[r * np.sin(angle), r * np.cos(angle)])
        y += [c] * points
    return np.vstack(X), np.array(y)


def predict(X, model):
    W1, b1, W2, b2 = model
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    return hidden, probs


def gradients(X, y, model):
    W1, b1, W2, b2 = model
    n = len(X)
    hidden, probs = predict(X, model)
    loss = np.sum(-np.log(probs[range(n), y])) / n
    probs[range(n), y] -= 1
    probs /= n
    dW2 = np.dot(hidden.T, probs)
    db2 = np.sum(probs, axis=0, keepdims=True)
    dhidden = np.dot(probs, W2.T)
    dhidden[hidden <= 0] = 0
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0, keepdims=True)
    return loss, [dW1, db1, dW2, db2]


X, y = spiral(10, 3)
model = [np.random.randn(2, 12) * 0.7, np.zeros((1, 12)), np.random.randn(12, 3) * 0.7, np.zeros((1, 3))]
for epoch in range(20):
    shuffled = np.random.permutation(len(X))
    losses = []
    for k in range(0, len(X), 10):
        batch = shuffled[k : k + 10]
        loss, grads = gradients(X[batch], y[batch], model)
        losses.append(loss)
        for weight, grad in zip(model, grads):
            weight -= 0.5 * grad
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", np.mean(losses))
