# An autoencoder in columns, tied to nothing, encoder and decoder of the same width at both ends
import numpy as np

np.random.seed(27)
X = np.random.randn(4, 4) @ np.random.randn(4, 25) / 2
enc = {"W": np.random.randn(4, 4) * 0.5, "b": np.zeros((4, 1))}
dec = {"W": np.random.randn(4, 4) * 0.5, "b": np.zeros((4, 1))}
m = X.shape[1]
for epoch in range(80):
    code = np.tanh(enc["W"] @ X + enc["b"])
    back = dec["W"] @ code + dec["b"]
    diff = back - X
    loss = np.sum(diff**2) / (2 * m)
    if epoch % 20 == 0:
        print("epoch", epoch, "reconstruction", loss)
    g_dec_W = diff @ X.T / m
    g_dec_b = diff.sum(axis=1, keepdims=True) / m
    g_code = dec["W"].T @ diff * (1 - code**2)
    g_enc_W = g_code @ X.T / m
    g_enc_b = g_code.sum(axis=1, keepdims=True) / m
    dec["W"] -= 0.1 * g_dec_W
    dec["b"] -= 0.1 * g_dec_b
    enc["W"] -= 0.1 * g_enc_W
    enc["b"] -= 0.1 * g_enc_b
