# A script that compares its own gradient with numerical differences before it trains
import numpy as np

rng = np.random.default_rng(24)
X = rng.normal(size=(10, 3))
Y = np.eye(2)[(X[:, 0] * X[:, 1] > 0).astype(int)]
model = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 2)), "b2": np.zeros(2)}


def loss_of(model):
    h = np.tanh(X @ model["W1"] + model["b1"])
    s = h @ model["W2"] + model["b2"]
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / len(X), h, p


def gradient_of(model, h, p):
    ds = (p - Y) / len(X)
    dh = ds @ model["W2"].T
    dz = dh * (1 - h**2)
    return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ ds, "b2": ds.sum(axis=0)}


def numerical_gradient(model, name, eps=1e-5):
    w = model[name]
    result = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        old = w[index]
        w[index] = old + eps
        plus = loss_of(model)[0]
        w[index] = old - eps
        minus = loss_of(model)[0]
        w[index] = old
        result[index] = (plus - minus) / (2 * eps)
    return result


loss, h, p = loss_of(model)
analytic = gradient_of(model, h, p)
for name in model:
    numeric = numerical_gradient(model, name)
    difference = np.abs(numeric - analytic[name]).max()
    print(name, "largest difference", difference)

for epoch in range(60):
    loss, h, p = loss_of(model)
    grads = gradient_of(model, h, p)
    for name in grads:
        model[name] -= 0.5 * grads[name]
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", loss)
