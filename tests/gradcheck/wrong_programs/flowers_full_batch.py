# Three kinds of flowers, whole batch, top-level script, everything rebound: W = W - eta * dW
import numpy as np

np.random.seed(2)
kinds = np.repeat([0, 1, 2], 6)
X = np.random.randn(18, 4) + kinds[:, None]
target = np.eye(3)[kinds]
W_in = np.random.randn(4, 5) * 0.4
b_in = np.zeros(5)
W_out = np.random.randn(5, 3) * 0.4
b_out = np.zeros(3)
eta = 0.3

for it in range(40):
    hid = np.tanh(X @ W_in + b_in)
    logit = hid @ W_out + b_out
    prob = np.exp(logit) / np.exp(logit).sum(axis=1)[:, None]
    loss = -(target * np.log(prob)).sum() / 18
    if it % 10 == 0:
        print("loss %.3f" % loss)
    g_logit = (prob - target) / 18
    g_W_out = hid.T @ g_logit
    g_b_out = g_logit
    g_hid = g_logit @ W_out.T
    g_pre = g_hid * (1 - hid * hid)
    g_W_in = X.T @ g_pre
    g_b_in = g_pre.sum(axis=0)
    W_out = W_out - eta * g_W_out
    b_out = b_out - eta * g_b_out
    W_in = W_in - eta * g_W_in
    b_in = b_in - eta * g_b_in
