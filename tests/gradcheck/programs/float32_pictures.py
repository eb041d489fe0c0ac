# Everything cast to float32, as picture code does: 8 x 8 pictures flattened, tanh units, softmax, a class with fit
import numpy as np


class Classifier:
    def __init__(self, n_pixels, n_units, n_classes, rng):
        self.w_hidden = (rng.standard_normal((n_pixels, n_units)) * 0.1).astype(np.float32)
        self.b_hidden = np.zeros(n_units, dtype=np.float32)
        self.w_out = (rng.standard_normal((n_units, n_classes)) * 0.1).astype(np.float32)
        self.b_out = np.zeros(n_classes, dtype=np.float32)

    def forward(self, images):
        self.flat = images.reshape(len(images), -1).astype(np.float32)
        self.units = np.tanh(self.flat @ self.w_hidden + self.b_hidden)
        logits = self.units @ self.w_out + self.b_out
        logits = logits - logits.max(axis=1, keepdims=True)
        self.probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return self.probabilities

    def gradients(self, onehot):
        batch = np.float32(len(onehot))
        g_logits = (self.probabilities - onehot) / batch
        g_w_out = self.units.T @ g_logits
        g_b_out = g_logits.sum(axis=0)
        g_units = g_logits @ self.w_out.T
        g_pre = g_units * (np.float32(1) - self.units**2)
        g_w_hidden = self.flat.T @ g_pre
        g_b_hidden = g_pre.sum(axis=0)
        return g_w_hidden, g_b_hidden, g_w_out, g_b_out

    def fit(self, images, onehot, steps, rate):
        rate = np.float32(rate)
        for step in range(steps):
            p = self.forward(images)
            cost = -np.mean(np.log(np.sum(p * onehot, axis=1)))
            g1, g2, g3, g4 = self.gradients(onehot)
            self.w_hidden -= rate * g1
            self.b_hidden -= rate * g2
            self.w_out -= rate * g3
            self.b_out -= rate * g4
            if step % 20 == 0:
                print("step", step, "cost", cost)


rng = np.random.default_rng(22)
labels = rng.integers(0, 4, size=16)
images = rng.random((16, 8, 8))
for picture, label in zip(images, labels):
    picture[2 * label : 2 * label + 2] += 1
onehot = np.eye(4, dtype=np.float32)[labels]
model = Classifier(64, 10, 4, rng)
model.fit(images, onehot, 60, 0.5)
