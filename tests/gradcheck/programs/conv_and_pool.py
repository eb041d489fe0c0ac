# Convolution 3 x 3 and max pooling 2 x 2 by loops, then softmax, one picture at a time: stripes lying and standing
import numpy as np


class Conv3x3:
    def __init__(self, num_filters, rng):
        self.num_filters = num_filters
        self.filters = rng.normal(0, 0.3, (num_filters, 3, 3))
        self.bias = np.zeros(num_filters)

    def forward(self, image):
        self.image = image
        h, w = image.shape
        out = np.zeros((h - 2, w - 2, self.num_filters))
        for i in range(h - 2):
            for j in range(w - 2):
                region = image[i : i + 3, j : j + 3]
                out[i, j] = np.sum(region * self.filters, axis=(1, 2)) + self.bias
        return out

    def backprop(self, d_out, lr):
        d_filters = np.zeros(self.filters.shape)
        d_bias = np.zeros(self.num_filters)
        for i in range(d_out.shape[0]):
            for j in range(d_out.shape[1]):
                region = self.image[i : i + 3, j : j + 3]
                for k in range(self.num_filters):
                    d_filters[k] += d_out[i, j, k] * region
                d_bias += d_out[i, j]
        self.filters -= lr * d_filters
        self.bias -= lr * d_bias


class MaxPool2:
    def forward(self, x):
        self.x = x
        h, w, f = x.shape
        out = np.zeros((h // 2, w // 2, f))
        for i in range(h // 2):
            for j in range(w // 2):
                out[i, j] = np.amax(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2], axis=(0, 1))
        return out

    def backprop(self, d_out):
        d_x = np.zeros(self.x.shape)
        for i in range(d_out.shape[0]):
            for j in range(d_out.shape[1]):
                region = self.x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                mask = region == np.amax(region, axis=(0, 1))
                d_x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += mask * d_out[i, j]
        return d_x


class SoftmaxLayer:
    def __init__(self, n_in, n_out, rng):
        self.weights = rng.normal(0, 0.3, (n_in, n_out))
        self.biases = np.zeros(n_out)

    def forward(self, x):
        self.shape = x.shape
        self.flat = x.flatten()
        totals = self.flat @ self.weights + self.biases
        e = np.exp(totals - totals.max())
        self.p = e / e.sum()
        return self.p

    def backprop(self, label, lr):
        d_totals = self.p.copy()
        d_totals[label] -= 1
        d_w = np.outer(self.flat, d_totals)
        d_x = self.weights @ d_totals
        self.weights -= lr * d_w
        self.biases -= lr * d_totals
        return d_x.reshape(self.shape)


rng = np.random.default_rng(16)
conv, pool, soft = Conv3x3(2, rng), MaxPool2(), SoftmaxLayer(3 * 2 * 2, 2, rng)
for n in range(24):
    label = n % 2
    picture = rng.normal(0, 0.3, (8, 6))
    if label == 0:
        picture[n % 8, :] += 1
    else:
        picture[:, n % 6] += 1
    probs = soft.forward(pool.forward(conv.forward(picture)))
    loss = -np.log(probs[label])
    gradient = soft.backprop(label, 0.05)
    gradient = pool.backprop(gradient)
    conv.backprop(gradient, 0.05)
    if n % 6 == 0:
        print("picture", n, "loss", loss)
