# Continuous bag of words: an embedding matrix, the mean of the context vectors, a softmax over the vocabulary
import numpy as np

np.random.seed(18)
sentence = "a rose is a rose is a rose and a nose is a nose".split()
vocab = sorted(set(sentence))
index = {w: k for k, w in enumerate(vocab)}
ids = [index[w] for w in sentence]
contexts = np.array([[ids[k - 2], ids[k - 1], ids[k + 1], ids[k + 2]] for k in range(2, len(ids) - 2)])
centres = np.array(ids[2:-2])
E = np.random.randn(len(vocab), 5) * 0.5
O = np.random.randn(5, len(vocab)) * 0.5
for epoch in range(60):
    v = E[contexts].mean(axis=1)
    s = v @ O
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(centres)), centres]))
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", loss)
    ds = p.copy()
    ds[np.arange(len(centres)), centres] -= 1
    ds /= len(centres)
    dO = v.T @ ds
    dv = ds @ O.T
    dE = np.zeros_like(E)
    dE[contexts] += dv[:, None, :] / 4
    E -= 0.5 * dE
    O -= 0.5 * dO
