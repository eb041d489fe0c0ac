# Residual blocks x + relu(x A) B one above the other, a list of blocks, squared error on two outputs
import numpy as np


class Block:
    def __init__(self, n, width, rng):
        self.A = rng.normal(size=(n, width)) * 0.4
        self.B = rng.normal(size=(width, n)) * 0.4

    def forward(self, x):
        self.x = x
        self.pre = x @ self.A
        self.act = np.maximum(self.pre, 0)
        return x + self.act @ self.B

    def backward(self, g):
        self.gB = self.act.T @ g
        g_act = g @ self.B.T
        g_pre = g_act * (self.pre > 0)
        self.gA = self.x.T @ g_pre
        return g + g_pre @ self.A.T


rng = np.random.default_rng(26)
x = rng.normal(size=(16, 3))
target = np.column_stack([x[:, 0] * x[:, 1], np.abs(x[:, 2])])
blocks = [Block(3, 5, rng) for _ in range(3)]
read_out = rng.normal(size=(3, 2)) * 0.5
for step in range(80):
    stream = x
    for block in blocks:
        stream = block.forward(stream)
    y = stream @ read_out
    loss = np.mean((y - target) ** 2)
    g_y = 2 * (y - target) / y.size
    g_read = stream.T @ g_y
    g_stream = g_y @ read_out.T
    for block in reversed(blocks):
        g_stream = block.backward(g_stream)
    read_out -= 0.1 * g_read
    for block in blocks:
        block.A -= 0.1 * block.gA
        block.B -= 0.1 * block.gB
    if step % 20 == 0:
        print("step", step, "loss", loss)
