# A small LSTM written as a class: gates on the stacked vector [h, x], back-propagation through time, running-sum task
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class LSTM:
    def __init__(self, n_x, n_h, rng):
        self.n_h = n_h
        self.Wf = rng.normal(0, 0.3, (n_h, n_h + n_x))
        self.Wi = rng.normal(0, 0.3, (n_h, n_h + n_x))
        self.Wo = rng.normal(0, 0.3, (n_h, n_h + n_x))
        self.Wg = rng.normal(0, 0.3, (n_h, n_h + n_x))
        self.bf, self.bi = np.ones(n_h), np.zeros(n_h)
        self.bo, self.bg = np.zeros(n_h), np.zeros(n_h)
        self.v = rng.normal(0, 0.3, n_h)
        self.names = ["Wf", "Wi", "Wo", "Wg", "bf", "bi", "bo", "bg", "v"]

    def forward(self, xs):
        h, c = np.zeros(self.n_h), np.zeros(self.n_h)
        self.steps = []
        for x in xs:
            hx = np.concatenate([h, x])
            f = sigmoid(self.Wf @ hx + self.bf)
            i = sigmoid(self.Wi @ hx + self.bi)
            o = sigmoid(self.Wo @ hx + self.bo)
            g = np.tanh(self.Wg @ hx + self.bg)
            c_prev = c
            c = f * c_prev + i * g
            tc = np.tanh(c)
            h = o * tc
            self.steps.append((hx, f, i, o, g, c_prev, tc))
        self.h = h
        return self.v @ h

    def backward(self, dy):
        d = {name: np.zeros_like(getattr(self, name)) for name in self.names}
        d["v"] += dy * self.h
        dh = dy * self.v
        dc = np.zeros(self.n_h)
        for hx, f, i, o, g, c_prev, tc in reversed(self.steps):
            do = dh * tc
            dc = dc + dh * o * (1 - tc**2)
            df = dc * c_prev
            di = dc * g
            dg = dc * i
            dzf = df * f * (1 - f)
            dzi = di * i * (1 - i)
            dzo = do * o * (1 - o)
            dzg = dg * (1 - g**2)
            d["Wf"] += np.outer(dzf, hx)
            d["Wi"] += np.outer(dzi, hx)
            d["Wo"] += np.outer(dzo, hx)
            d["Wg"] += np.outer(dzg, hx)
            d["bf"] += dzf
            d["bi"] += dzi
            d["bo"] += dzo
            d["bg"] += dzg
            dhx = self.Wf.T @ dzf + self.Wi.T @ dzi + self.Wo.T @ dzo + self.Wg.T @ dzg
            dh = dhx[: self.n_h]
            dc = dc * f
        return d


rng = np.random.default_rng(15)
net = LSTM(2, 5, rng)
for step in range(40):
    xs = rng.normal(size=(4, 2))
    target = np.tanh(xs[:, 0].sum())
    y = net.forward(xs)
    loss = 0.5 * (y - target) ** 2
    grads = net.backward(y - target)
    for name in net.names:
        setattr(net, name, getattr(net, name) - 0.1 * grads[name])
    if step % 10 == 0:
        print("step", step, "loss", loss)
