# A learner class whose learn() goes through the layers from the top and moves each as soon as its error is known
import numpy as np


class Learner:
    def __init__(self, shape, rate=0.4, seed=5):
        rng = np.random.default_rng(seed)
        self.rate = rate
        self.low = rng.normal(scale=0.7, size=(shape[0], shape[1]))
        self.high = rng.normal(scale=0.7, size=(shape[1], shape[2]))

    def predict(self, x):
        self.x = x
        self.mid = np.tanh(x @ self.low)
        scores = self.mid @ self.high
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.prob = e / e.sum(axis=1, keepdims=True)
        return self.prob

    def learn(self, onehot):
        top = (self.prob - onehot) / len(onehot)
        self.high -= self.rate * self.mid.T @ top
        below = (top @ self.high.T) * (1 - self.mid**2)
        self.low -= self.rate * self.x.T @ below


data = np.random.default_rng(5)
x = data.normal(size=(20, 3))
onehot = np.eye(3)[x.argmax(axis=1)]
learner = Learner((3, 6, 3))
for epoch in range(60):
    prob = learner.predict(x)
    loss = -np.sum(onehot * np.log(prob)) / 20
    learner.learn(onehot)
    if epoch % 20 == 0:
        print("loss", loss)
