# A notebook exported as a script: cells at the top level, lists of weights, for l in reversed(range(L)), tanh, one sigmoid output

# In[1]:

import numpy as np

np.random.seed(31)

# ## The data: two half circles

# In[2]:

n = 30
label = np.random.randint(0, 2, size=n)
angle = np.pi * np.random.rand(n) + np.pi * label
X = np.column_stack([np.cos(angle) + label, np.sin(angle) + 0.3 * label])
X += 0.1 * np.random.randn(n, 2)
y = label.reshape(-1, 1)
X.shape, y.shape

# ## The network

# In[3]:

sizes = [2, 6, 5, 1]
L = len(sizes) - 1
lr = 0.6
W = [np.random.randn(i, o) / np.sqrt(i) for i, o in zip(sizes[:-1], sizes[1:])]
b = [np.zeros((1, o)) for o in sizes[1:]]

# In[4]:


def feed_forward(x):
    activations = [x]
    for l in range(L):
        z = activations[l] @ W[l] + b[l]
        activations.append(np.tanh(z) if l < L - 1 else 1 / (1 + np.exp(-z)))
    return activations


# ## Training

# In[5]:

costs = []
for epoch in range(80):
    activations = feed_forward(X)
    y_hat = activations[-1]
    cost = -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))
    costs.append(cost)

    dW, db = [None] * L, [None] * L
    delta = (y_hat - y) / n
    for l in reversed(range(L)):
        dW[l] = activations[l].T @ delta
        db[l] = delta.sum(axis=0, keepdims=True)
        if l > 0:
            delta = (delta @ W[l].T) * (1 - activations[l] ** 2)

    for l in range(L):
        W[l] -= lr * dW[l]
        b[l] -= lr * db[l]

# In[6]:

print("cost", costs[0], "->", costs[-1])
print("right:", np.mean((feed_forward(X)[-1] > 0.5) == y))
