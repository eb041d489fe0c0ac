# Leaky rectifiers in a generic deep class with a list of dicts for its layers, mean squared error
import numpy as np

rng = np.random.default_rng(24)


class DeepNet:
    def __init__(self, sizes):
        self.layers = [{"W": rng.normal(size=(a, b)) / np.sqrt(a), "b": np.zeros(b)} for a, b in zip(sizes, sizes[1:])]

    def forward(self, x):
        for k, layer in enumerate(self.layers):
            layer["x"] = x
            layer["z"] = x @ layer["W"] + layer["b"]
            last = k == len(self.layers) - 1
            x = layer["z"] if last else np.maximum(layer["z"], 0.2 * layer["z"])
        return x

    def backward(self, delta):
        for k in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[k]
            if k < len(self.layers) - 1:
                delta = delta * np.where(layer["z"] > 0, 1.0, 0.02)
            layer["dW"] = layer["x"].T @ delta
            layer["db"] = delta.sum(axis=0)
            delta = delta @ layer["W"].T

    def descend(self, eta):
        for layer in self.layers:
            layer["W"] -= eta * layer["dW"]
            layer["b"] -= eta * layer["db"]


x = rng.uniform(-1, 1, size=(40, 2))
t = np.hypot(x[:, :1], x[:, 1:])
net = DeepNet([2, 8, 6, 1])
for epoch in range(100):
    y = net.forward(x)
    loss = np.mean((y - t) ** 2)
    net.backward(2 * (y - t) / len(x))
    net.descend(0.05)
    if epoch % 25 == 0:
        print("loss", loss)
