# Gradients gathered example by example, one step after each pass over a handful of examples
import numpy as np

np.random.seed(25)
examples = [(np.random.randn(3) + 0.5 * (k % 2), k % 2) for k in range(12)]
W1 = np.random.randn(4, 3) * 0.5
W2 = np.random.randn(4) * 0.5
sum_W1 = np.zeros_like(W1)
sum_W2 = np.zeros_like(W2)
for epoch in range(10):
    for start in range(0, 12, 4):
        loss = 0.0
        for x, label in examples[start : start + 4]:
            h = np.tanh(W1 @ x)
            p = 1 / (1 + np.exp(-(W2 @ h)))
            loss -= label * np.log(p) + (1 - label) * np.log(1 - p)
            e = p - label
            sum_W2 += e * h
            sum_W1 += np.outer(e * W2 * (1 - h**2), x)
        W1 = W1 - 0.1 * sum_W1
        W2 = W2 - 0.1 * sum_W2
    if epoch % 3 == 0:
        print("epoch", epoch, "loss", loss)
