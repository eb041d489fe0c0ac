# A tiny framework: Module classes, a Sequential that runs them forward and in reverse, parameters found by a method
import numpy as np

np.random.seed(13)


class Linear:
    def __init__(self, i, o):
        self.w = np.random.randn(i, o) * 0.5
        self.b = np.zeros(o)

    def __call__(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, grad):
        self.dw = self.x.T @ grad
        self.db = grad.sum(0)
        return grad @ self.w.T

    def step(self, lr):
        self.w -= lr * self.dw
        self.b -= lr * self.db


class Tanh:
    def __call__(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return 1 - self.y**2

    def step(self, lr):
        pass


class Sequential:
    def __init__(self, *parts):
        self.parts = parts

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def backward(self, grad):
        for part in reversed(self.parts):
            grad = part.backward(grad)


net = Sequential(Linear(2, 6), Tanh(), Linear(6, 6), Tanh(), Linear(6, 1))
x = np.random.randn(20, 2)
t = x[:, :1] * x[:, 1:]
for epoch in range(50):
    y = net(x)
    loss = ((y - t) ** 2).mean()
    net.backward(2 * (y - t) / len(x))
    for part in net.parts:
        part.step(0.05)
    if epoch % 10 == 0:
        print(epoch, loss)
