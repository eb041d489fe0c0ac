# No NumPy: lists of lists, math.exp, random, and a loop over rows; one hidden layer of sigmoids, squared error
import math
import random

random.seed(7)
N_IN, N_HIDDEN, N_OUT = 3, 4, 2
RATE = 0.4


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


# the last weight of each unit is its bias
hidden = [[random.uniform(-1, 1) for _ in range(N_IN + 1)] for _ in range(N_HIDDEN)]
output = [[random.uniform(-1, 1) for _ in range(N_HIDDEN + 1)] for _ in range(N_OUT)]

rows = []
for _ in range(8):
    x = [random.gauss(0, 1) for _ in range(N_IN)]
    rows.append((x, [1.0, 0.0] if x[0] + x[1] > 0 else [0.0, 1.0]))


def forward(x):
    h = []
    for weights in hidden:
        total = weights[-1]
        for i in range(N_IN):
            total += weights[i] * x[i]
        h.append(sigmoid(total))
    o = []
    for weights in output:
        total = weights[-1]
        for j in range(N_HIDDEN):
            total += weights[j] * h[j]
        o.append(sigmoid(total))
    return h, o


def train_row(x, target):
    h, o = forward(x)
    error = 0.5 * sum((t - p) ** 2 for t, p in zip(target, o))
    delta_o = []
    for k in range(N_OUT):
        delta_o.append((o[k] - target[k]) * o[k] * (1.0 - o[k]))
    delta_h = []
    for j in range(N_HIDDEN):
        s = 0.0
        for k in range(N_OUT):
            s += delta_o[k] * output[k][j]
        delta_h.append(s * h[j] * (1.0 - h[j]))
    for k in range(N_OUT):
        for j in range(N_HIDDEN):
            output[k][j] -= RATE * delta_o[k] * h[j]
        output[k][-1] -= RATE * delta_o[k]
    for j in range(N_HIDDEN):
        for i in range(N_IN):
            hidden[j][i] -= RATE * delta_h[j] * x[i]
        hidden[j][-1] -= RATE * delta_h[j]
    return error


for epoch in range(15):
    total = 0.0
    for x, target in rows:
        total += train_row(x, target)
    if epoch % 5 == 0:
        print("epoch=%d error=%.4f" % (epoch, total))
