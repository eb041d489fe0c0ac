# Layer normalisation between two matrices, all in one script with long names, softmax on top
import numpy as np

generator = np.random.default_rng(22)
tokens = generator.normal(size=(15, 5))
classes = np.argmax(tokens[:, :3], axis=1)
weights_in = generator.normal(size=(5, 8)) * 0.5
weights_out = generator.normal(size=(8, 3)) * 0.5
scale = np.ones(8)
offset = np.zeros(8)

for iteration in range(60):
    projected = tokens @ weights_in
    centre = projected.mean(axis=1, keepdims=True)
    spread = np.sqrt(((projected - centre) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    normal = (projected - centre) / spread
    hidden = np.tanh(scale * normal + offset)
    scores = hidden @ weights_out
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    loss = -np.log(probabilities[np.arange(15), classes]).mean()
    if iteration % 20 == 0:
        print("iteration", iteration, "loss", loss)

    d_scores = (probabilities - np.eye(3)[classes]) / 15
    d_weights_out = hidden.T @ d_scores
    d_hidden = d_scores @ weights_out.T
    d_scaled = d_hidden * (1 - hidden**2)
    d_scale = (d_scaled * normal).sum(axis=0)
    d_offset = d_scaled.sum(axis=0)
    d_normal = d_scaled * scale
    d_projected = (d_normal - d_normal.mean(axis=1, keepdims=True)) / spread
    d_weights_in = tokens.T @ d_projected

    weights_in -= 0.5 * d_weights_in
    weights_out -= 0.5 * d_weights_out
    scale -= 0.5 * d_scale
    offset -= 0.5 * d_offset
