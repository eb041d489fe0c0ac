"""The mistake in each program of tests/gradcheck/wrong_programs: at which line, and what ought to stand there.

Three of them have no wrong gradient: one clips it, one mixes up the two averages of Adam, one shows another loss than it
descends. A checker may remark upon that, no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from support.program_mutants import Mutant
from support.program_table import FOLDER, Program, line_of, named

WRONG_FOLDER = FOLDER.parent / "wrong_programs"


@dataclass(frozen=True)
class Mistaken:
    """A program and its mistake.

    Attributes
    ----------
    program : Program
        Where a step begins and ends, and the gradients that the program computes.
    mistake : str
        The mistake, in words.
    wrong, right : str
        The text to exchange: one line, or a few neighbouring ones.
    also : tuple of str
        Beginnings of further lines that may be blamed with equal right.
    gradient_right : bool
        Whether the gradient itself is right, and something else is not.
    """

    program: Program
    mistake: str
    wrong: str
    right: str
    also: tuple[str, ...] = ()
    gradient_right: bool = False

    @property
    def lines(self) -> set[int]:
        """Lines that may be blamed."""
        source = self.program.source
        first = source[: source.index(self.wrong)].count("\n") + 1
        whole = range(first, first + self.wrong.strip("\n").count("\n") + 1)
        return {*whole, *(line_of(source, place) for place in self.also)}

    @property
    def mutant(self) -> Mutant:
        """The program as it stands, as a mutant of the mended one."""
        first, *rest = sorted(self.lines)
        right = self.mended.source.splitlines()[first - 1].strip()
        wrong = self.program.source.splitlines()[first - 1].strip()
        return Mutant(self.program.name, first, self.mistake, self.program.source, right, wrong, tuple(rest))

    @property
    def mended(self) -> Program:
        """The same program without the mistake."""
        source = self.program.source
        assert source.count(self.wrong) == 1, (
            f"{self.program.name}: {self.wrong!r} stands there {source.count(self.wrong)} times"
        )
        return replace(self.program, text=source.replace(self.wrong, self.right))


def program(name: str, start: str, stop: str, loss: str, gradients: dict[str, str]) -> Program:
    return Program(name, start, (stop,), loss, gradients, backward=(), folder=WRONG_FOLDER)


MISTAKEN = [
    Mistaken(
        program(
            "moons_tuples",
            "hidden, prob = run(weights)",
            "weights = [w - 0.5",
            "-np.mean(np.log(prob[Y == 1]))",
            named("weights[?]", "g[?]", "0 1 2 3"),
        ),
        "derivative of the activation forgotten",
        "err_hid = err_out @ V.T",
        "err_hid = err_out @ V.T * hidden * (1 - hidden)",
    ),
    Mistaken(
        program(
            "layers_in_a_loop",
            "acts, pre = [X], []",
            "for k in (2, 1, 0) >> for k in range(3):",
            "J",
            named("Ws[?]", "dWs[?]", "0 1 2") | named("bs[?]", "dbs[?]", "0 1 2"),
        ),
        "derivative taken at a instead of z",
        "df(acts[k])",
        "df(pre[k - 1])",
    ),
    Mistaken(
        program("flowers_full_batch", "hid = np.tanh(", "W_out = W_out -", "loss", named("?", "g_?", "W_in b_in W_out b_out")),
        "bias gradient not summed over the examples",
        "g_b_out = g_logit\n",
        "g_b_out = g_logit.sum(axis=0)\n",
    ),
    Mistaken(
        program("columns_tuple_cache", "Z1 = W1 @ X", "W1 -=", "cost", named("?", "d?", "W1 b1 W2 b2")),
        "1/m missing in one gradient",
        "dW2 = dZ2 @ A1.T",
        "dW2 = dZ2 @ A1.T / m",
    ),
    Mistaken(
        program("square_stack", "p = np.tanh(x @ A)", "A -=", "loss", named("?", "g?", "A B C")),
        "a transpose forgotten where the matrix is square",
        "gp = gq @ B * (1 - p**2)",
        "gp = gq @ B.T * (1 - p**2)",
    ),
    Mistaken(
        program(
            "learner_in_order",
            "self.x = x",
            "self.low -=",
            "-np.sum(onehot * np.log(self.prob)) / len(onehot)",
            {"self.high": "self.mid.T @ top", "self.low": "self.x.T @ below"},
        ),
        "weights moved before they are used for the hidden error",
        """        self.high -= self.rate * self.mid.T @ top
        below = (top @ self.high.T) * (1 - self.mid**2)
""",
        """        below = (top @ self.high.T) * (1 - self.mid**2)
        self.high -= self.rate * self.mid.T @ top
""",
    ),
    Mistaken(
        program(
            "logistic_regression",
            "linear = np.dot(X",
            "self.weights -=",
            "cost",
            {"self.weights": "dw", "self.bias": "db"},
        ),
        "steps uphill",
        "error = y - predicted",
        "error = predicted - y",
        also=("self.weights -=", "self.bias -=", "dw =", "db ="),
    ),
    Mistaken(
        program("softmax_twice", "H = sigm(X @ V)", "W -=", "cross_entropy", named("?", "g?", "V W")),
        "derivative of softmax on top of that of the cross-entropy",
        "D2 = (P - Y) / len(Y) * slope(P)",
        "D2 = (P - Y) / len(Y)",
    ),
    Mistaken(
        program("lstm_one_matrix", "h, c, tape =", "W -=", "loss", named("?", "d?", "W b R")),
        "derivative of another gate",
        "da_o = dh * np.tanh(c) * i * (1 - o)",
        "da_o = dh * np.tanh(c) * o * (1 - o)",
    ),
    Mistaken(
        program("signal_two_filters", "u = conv(signal", "first -=", "loss", named("?", "d?", "first second")),
        "filter flipped in the gradient with respect to the input",
        "dx[i : i + len(w)] += dout[i] * w[::-1]",
        "dx[i : i + len(w)] += dout[i] * w",
    ),
    Mistaken(
        program(
            "overlapping_pool",
            "y = upper.forward(",
            "for layer in (lower, upper):",
            "loss",
            {f"{layer}.{name}": f"{layer}.g{name}" for layer in ("lower", "upper") for name in "Wb"},
        ),
        "= for += in max pooling with overlapping windows",
        "out[n, best] = g[n, k]",
        "out[n, best] += g[n, k]",
    ),
    Mistaken(
        program("normalised_batch", "z = x @ W1", "for p, g in (", "loss", named("?", "d?", "W1 W2 gamma beta")),
        "batch normalisation without the term of the mean",
        "dx = (dnorm - x_norm * np.mean",
        "dx = (dnorm - np.mean(dnorm, axis=0) - x_norm * np.mean",
    ),
    Mistaken(
        program("attention_class", "out = head.forward(x)", "head.Q -=", "loss", named("head.?", "head.g?", "Q K V")),
        "attention: 1/sqrt(d) missing on the way back",
        "ds = self.w * (dw - np.sum(dw * self.w, axis=2, keepdims=True))",
        "ds = self.w * (dw - np.sum(dw * self.w, axis=2, keepdims=True)) / np.sqrt(self.dk)",
    ),
    Mistaken(
        program(
            "small_framework",
            "y = net(x)",
            "for part in net.parts:",
            "loss",
            {f"net.parts[{k}].{name}": f"net.parts[{k}].d{name}" for k in (0, 2, 4) for name in "wb"},
        ),
        "gradient from above ignored",
        "return 1 - self.y**2",
        "return grad * (1 - self.y**2)",
    ),
    Mistaken(
        program("ridge_softmax", "loss, dW = loss_and_gradient(", "W -=", "loss", {"W": "dW"}),
        "factor of the penalty's gradient",
        "dW += 2 * LAMBDA * W",
        "dW += LAMBDA * W",
    ),
    Mistaken(
        program("adaptive_moments", "h = np.tanh(X @", "for k in theta:", "loss", named('theta["?"]', 'grad["?"]', "U u V v")),
        "Adam's two averages mixed up in the step",
        "0.01 * s / (np.sqrt(np.abs(m)) + 1e-8)",
        "0.01 * m / (np.sqrt(s) + 1e-8)",
        gradient_right=True,
    ),
    Mistaken(
        program(
            "progress_shown",
            "mid = np.tanh(points",
            "a_w -=",
            "-np.mean(label * np.log(guess) + (1 - label) * np.log(1 - guess))",
            named("?", "d_?", "a_w a_b c_w c_b"),
        ),
        "the squared error is shown, the cross-entropy is descended",
        "mse = np.mean((guess - label) ** 2)",
        "mse = -np.mean(label * np.log(guess) + (1 - label) * np.log(1 - guess))",
        gradient_right=True,
    ),
    Mistaken(
        program("careful_steps", "z = X @ W", "W -=", "loss", named("?", "g?", "W b V c")),
        "the gradient is clipped before the step",
        "limit = 0.5",
        "limit = np.inf",
        also=("W -=", "b -=", "V -=", "c -="),
        gradient_right=True,
    ),
    Mistaken(
        program("word_vectors", "v = E[contexts]", "E -=", "loss", named("?", "d?", "E O")),
        "rows that occur more than once get one of their gradients",
        "dE[contexts] += dv[:, None, :] / 4",
        "np.add.at(dE, contexts, dv[:, None, :] / 4)",
    ),
    Mistaken(
        program("noisy_units", "out = net.forward(x)", "net.update(0.05)", "loss", {"net.w1": "net.g1", "net.w2": "net.g2"}),
        "the mask of dropout forgotten on the way back",
        "g_act = g @ self.w2.T",
        "g_act = g @ self.w2.T * self.mask",
        also=("g_pre =",),
    ),
    Mistaken(
        program("echo_rnn", "h, y = unroll(x)", "for name in p:", "loss", named('p["?"]', 'g["?"]', "in rec out b")),
        "what comes from the next time step is left out",
        'dh = dy @ p["out"].T',
        'dh = dy @ p["out"].T + dnext',
    ),
    Mistaken(
        program(
            "gated_unit",
            "h, saved = np.zeros",
            "for k in P:",
            "loss",
            named('P["?"]', 'G["?"]', "Wz Wr Wh Uz Ur Uh v"),
        ),
        "the reset gate is missing in the gradient of the state",
        "dh = dh * (1 - z) + drh + ",
        "dh = dh * (1 - z) + drh * r + ",
    ),
    Mistaken(
        program(
            "token_norm",
            "projected = tokens @",
            "weights_in -=",
            "loss",
            named("?", "d_?", "weights_in weights_out scale offset"),
        ),
        "layer normalisation without the term of the spread",
        "d_projected = (d_normal - d_normal.mean(axis=1, keepdims=True)) / spread",
        "d_projected = (d_normal - d_normal.mean(axis=1, keepdims=True)"
        " - normal * (d_normal * normal).mean(axis=1, keepdims=True)) / spread",
    ),
    Mistaken(
        program(
            "torch_functions", "h, prob = forward(w, x)", "for name in w:", "loss", named('w["?"]', 'grads["?"]', "a p b q")
        ),
        "derivative of the sigmoid for that of tanh",
        'd_h = d_out @ w["b"].T * h * (1 - h)',
        'd_h = d_out @ w["b"].T * (1 - h * h)',
    ),
    Mistaken(
        program(
            "leaky_units",
            "y = net.forward(x)",
            "net.descend(0.05)",
            "loss",
            {f'net.layers[{k}]["{name}"]': f'net.layers[{k}]["d{name}"]' for k in range(3) for name in "Wb"},
        ),
        "another slope on the way back than on the way there",
        'np.where(layer["z"] > 0, 1.0, 0.02)',
        'np.where(layer["z"] > 0, 1.0, 0.2)',
    ),
    Mistaken(
        program("running_sums", "loss = 0.0", "W1 = W1 -", "loss", named("?", "sum_?", "W1 W2")),
        "sums not set to zero before the next batch",
        "        loss = 0.0\n",
        "        loss = 0.0\n        sum_W1, sum_W2 = np.zeros_like(W1), np.zeros_like(W2)\n",
        also=("sum_W1 =", "sum_W2 =", "sum_W1 +=", "sum_W2 +=", "W1 = W1 -", "W2 = W2 -"),
    ),
    Mistaken(
        program(
            "lists_and_logs",
            "h = [math.tanh",
            "for j in range(3):",
            "loss",
            {"w_out": "[dz * v for v in h]", "b_out": "[dz]", "w_hidden": "[[d * v for v in x] for d in dh]", "b_hidden": "dh"},
        ),
        "sign of one term in the derivative of the log loss",
        "dq = -(y / q + (1 - y) / (1 - q))",
        "dq = -(y / q - (1 - y) / (1 - q))",
    ),
    Mistaken(
        program(
            "squeeze_and_restore",
            "code = np.tanh(",
            'dec["W"] -=',
            "loss",
            {f'{part}["{name}"]': f"g_{part}_{name}" for part in ("enc", "dec") for name in "Wb"},
        ),
        "the input of another layer",
        "g_dec_W = diff @ X.T / m",
        "g_dec_W = diff @ code.T / m",
    ),
]
