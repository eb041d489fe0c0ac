# Plain Python with math only: a row of inputs, three tanh units, one sigmoid output, log loss, derivative of the loss on its own
import math
import random

random.seed(26)
w_hidden = [[random.gauss(0, 0.7) for _ in range(2)] for _ in range(3)]
b_hidden = [0.0, 0.0, 0.0]
w_out = [random.gauss(0, 0.7) for _ in range(3)]
b_out = [0.0]
points = []
for _ in range(10):
    a, b = random.uniform(-1, 1), random.uniform(-1, 1)
    points.append(([a, b], 1.0 if a > b else 0.0))

for sweep in range(9):
    total = 0.0
    for x, y in points:
        h = [math.tanh(sum(w * v for w, v in zip(row, x)) + b) for row, b in zip(w_hidden, b_hidden)]
        z = sum(w * v for w, v in zip(w_out, h)) + b_out[0]
        q = 1 / (1 + math.exp(-z))
        loss = -(y * math.log(q) + (1 - y) * math.log(1 - q))
        total += loss
        dq = -(y / q + (1 - y) / (1 - q))
        dz = dq * q * (1 - q)
        dh = [dz * w * (1 - v * v) for w, v in zip(w_out, h)]
        for j in range(3):
            w_out[j] -= 0.02 * dz * h[j]
            for i in range(2):
                w_hidden[j][i] -= 0.02 * dh[j] * x[i]
            b_hidden[j] -= 0.02 * dh[j]
        b_out[0] -= 0.02 * dz
    if sweep % 3 == 0:
        print("sweep", sweep, "log loss", total / len(points))
