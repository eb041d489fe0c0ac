"""Where each program of tests/gradcheck/programs keeps its parameters, its loss and its gradients, and which lines go backward.

The programs themselves know nothing of this. A place in a program is given by the text with which its line begins; "A >> B" is
the first line that begins with B after the one that begins with A.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "gradcheck" / "programs"

DRIVER = """
data = np.random.default_rng(1)
X = data.normal(size=(5, 5))
Y = np.eye(2)[(X[:, 0] > 0).astype(int)]
params = init_params(5, 5, 2)
for _ in range(6):
    A2, cache = forward(params, X)
    loss = compute_loss(A2, Y)
    grads = backward(params, cache, Y)
    params = update(params, grads, 0.5)
"""


@dataclass(frozen=True)
class Program:
    """One program, and where in it one step of training begins and ends.

    Attributes
    ----------
    name : str
        File name, without the ending.
    start : str
        Line before which a step begins: parameters may still be moved here.
    stops : tuple of str
        Lines before which the gradients are complete, and no parameter has been moved.
    loss : str
        Expression for the loss that is differentiated, in the program's names at the stop.
    gradients : dict of str to str
        For each parameter (an expression at the start), the expression for its gradient at the stop.
    backward : tuple of (str, str)
        First and last line of each stretch of back-propagation.
    as_good : tuple of str
        Edited lines with which the gradient is right, of another loss that nothing in the program speaks against.
    batch : str
        Number of examples, as the backward lines could write it; "" where there is none.
    driver : str
        Code that calls what a file of definitions only defines.
    folder : Path
        Where the file is.
    text : str
        A source to take in the place of the file's; "" for the file.
    """

    name: str
    start: str
    stops: tuple[str, ...]
    loss: str
    gradients: dict[str, str]
    backward: tuple[tuple[str, str], ...]
    batch: str = ""
    as_good: tuple[str, ...] = ()
    driver: str = field(default="", repr=False)
    folder: Path = FOLDER
    text: str = field(default="", repr=False)

    @property
    def source(self) -> str:
        return self.text or (self.folder / f"{self.name}.py").read_text()


def named(form: str, gradient: str, names: str) -> dict[str, str]:
    """The same two expressions for several names: named('p["?"]', 'g["?"]', "W b")."""
    return {form.replace("?", name): gradient.replace("?", name) for name in names.split()}


PROGRAMS = [
    Program(
        "trask_layers",
        start="l0 = X",
        stops=("syn1 +=",),
        loss="0.5 * np.sum(l2_error**2)",
        gradients={"syn0": "-l0.T.dot(l1_delta)", "syn1": "-l1.T.dot(l2_delta)"},
        backward=(("return x * (1 - x)", "return x * (1 - x)"), ("l2_delta =", "syn0 +=")),
        batch="len(X)",
        as_good=("l2_delta = l2_error",),  # of the cross-entropy; the error that is printed fits neither
    ),
    Program(
        "nielsen_columns",
        start="nabla_b = [np.zeros",
        stops=("self.weights = [w - (eta",),
        loss="sum(0.5 * np.linalg.norm(self.feedforward(x) - y) ** 2 for x, y in mini_batch)",
        gradients=named("self.weights[?]", "nabla_w[?]", "0 1 2") | named("self.biases[?]", "nabla_b[?]", "0 1 2"),
        backward=(
            ("return sigmoid(z) * (1", "return sigmoid(z) * (1"),
            ("nabla_b = [nb +", "nabla_w = [nw +"),
            ("delta = self.cost_derivative", "nabla_w[-l] ="),
            ("return output_activations", "return output_activations"),
        ),
    ),
    Program(
        "cs231n_loss_grads",
        start="idx = np.random.choice",
        stops=("for name in self.params",),
        loss="loss",
        gradients=named('self.params["?"]', 'grads["?"]', "W1 b1 W2 b2"),
        backward=(("dscores = probs.copy()", 'grads["b1"] ='),),
        batch="N",
    ),
    Program(
        "ng_dictionaries",
        start="A2, cache = forward_propagation(",
        stops=("parameters = update_parameters(",),
        loss="cost",
        gradients=named('parameters["?"]', 'grads["d?"]', "W1 b1 W2 b2"),
        backward=(("W2 = parameters", "grads ="),),
        batch="m",
    ),
    Program(
        "class_in_place",
        start="self.z1 =",
        stops=("self.W1 -=",),
        loss="self.loss(y)",
        gradients=named("self.?", "d?", "W1 b1 W2 b2"),
        backward=(("d2 =", "db1 ="),),
        batch="n",
    ),
    Program(
        "nnfs_objects",
        start="dense1.forward(X)",
        stops=("optimizer.update_params(dense1)",),
        loss="loss",
        gradients={f"dense{k}.{name}": f"dense{k}.d{name}" for k in (1, 2) for name in ("weights", "biases")},
        backward=(
            ("self.dweights =", "self.dinputs = np.dot"),
            ("def backward(self, dvalues) >> self.dinputs = dvalues.copy()", "self.dinputs[self.inputs"),
            ("def backward(self, dvalues, y_true) >> samples =", "self.dinputs = self.dinputs /"),
            ("loss_activation.backward(", "dense1.backward("),
        ),
        batch="len(dvalues)",
    ),
    Program(
        "forward_backward_pairs",
        start="h, fc1 =",
        stops=("for p, dp in",),
        loss="loss",
        gradients=named("?", "d?", "w1 b1 w2 b2 w3 b3"),
        backward=(
            ("x, w, b = cache >> dx =", "return dx, dw, db"),
            ("return dout * (x > 0)", "return dout * (x > 0)"),
            ("return dout * s", "return dout * s"),
            ("dx = np.exp(log_probs)", "return loss, dx"),
            ("dh, dw3, db3 =", "_, dw1, db1 ="),
        ),
        batch="len(dout)",
    ),
    Program(
        "plain_lists",
        start="def train_row >> h, o = forward(x)",
        stops=("delta_h.append >> for k in range(N_OUT):",),
        loss="error",
        gradients={
            "output": "[[d * v for v in h + [1.0]] for d in delta_o]",
            "hidden": "[[d * v for v in x + [1.0]] for d in delta_h]",
        },
        backward=(("delta_o = []", "hidden[j][-1] -="),),
    ),
    Program(
        "regression_mean",
        start="z1 = x.dot(w1)",
        stops=("w1 -=",),
        loss="loss",
        gradients=named("?", "grad_?", "w1 b1 w2 b2 w3 b3"),
        backward=(("grad_y_pred =", "grad_b1 ="),),
        batch="N",
    ),
    Program(
        "bce_rows",
        start="AL, caches = model_forward(",
        stops=("grads = model_backward( >> for l in range",),
        loss="cost",
        gradients=named('params["?"]', 'grads["d?"]', "W1 b1 W2 b2 W3 b3"),
        backward=(
            ("def sigmoid_backward >> s = sigmoid(Z)", "return dA * s"),
            ("return dA * np.where", "return dA * np.where"),
            ("dA = -(np.divide", "dA = np.dot(W.T, dZ)"),
        ),
        batch="m",
    ),
    Program(
        "momentum_velocity",
        start="h = 1 / (1 + np.exp(-(np.dot(xb",
        stops=("v_W1 = mu",),
        loss="loss",
        gradients=named("?", "g_?", "W1 b1 W2 b2"),
        backward=(("delta2 =", "g_b1 ="),),
        batch="batch",
    ),
    Program(
        "adam_class",
        start="out = net.forward(X)",
        stops=("opt.step(grads)",),
        loss="mse",
        gradients=named('net.p["?"]', 'grads["?"]', "W1 b1 W2 b2 W3 b3"),
        backward=(("d3 =", 'g["b1"] ='),),
        batch="len(self.X)",
    ),
    Program(
        "weight_decay",
        start="z1, a1, a2 = forward(X, w)",
        stops=("for name in g:",),
        loss="J",
        gradients=named('w["?"]', 'g["?"]', "W1 b1 W2 b2"),
        backward=(("dz2 =", "return {"),),
        batch="m",
    ),
    Program(
        "dropout_masks",
        start="P, cache = forward_with_dropout(X",
        stops=("for k in range(len(params)):",),
        loss="loss",
        gradients=named("params[?]", "grads[?]", "0 1 2 3 4 5"),
        backward=(("dlogits =", "return [dW1"),),
        batch="n",
    ),
    Program(
        "char_rnn",
        start="loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(",
        stops=("for dparam in [",),
        loss="loss",
        gradients=named("?", "d?", "Wxh Whh Why bh by"),
        backward=(("dy = np.copy", "dhnext = np.dot"),),
        batch="len(inputs)",
    ),
    Program(
        "lstm_cell",
        start="y = net.forward(xs)",
        stops=("for name in net.names:",),
        loss="loss",
        gradients=named("net.?", 'grads["?"]', "Wf Wi Wo Wg bf bi bo bg v"),
        backward=(('d["v"] +=', "dh = dy * self.v"), ("do = dh * tc", "dc = dc * f")),
    ),
    Program(
        "conv_and_pool",
        start="probs = soft.forward(",
        stops=("self.weights -=", "self.filters -="),
        loss="loss",
        gradients={"conv.filters": "d_filters", "conv.bias": "d_bias", "soft.weights": "d_w", "soft.biases": "d_totals"},
        backward=(
            ("def backprop(self, d_out, lr) >> region =", "d_bias +="),
            ("def backprop(self, d_out): >> region =", "d_x[2 * i"),
            ("d_totals = self.p.copy()", "d_x = self.weights @"),
            ("return d_x.reshape", "return d_x.reshape"),
        ),
    ),
    Program(
        "batch_norm",
        start="z = X.dot(W1)",
        stops=("W1 -=",),
        loss="loss",
        gradients=named("?", "d?", "W1 gamma beta W2 b2"),
        backward=(("ds = p.copy()", "dW1 ="),),
        batch="N",
    ),
    Program(
        "attention_head",
        start="out, cache = forward(x, params)",
        stops=("grads = backward( >> for name in params:",),
        loss="loss",
        gradients=named('params["?"]', 'grads["?"]', "Wq Wk Wv g b Wo"),
        backward=(('grads["Wo"] =', 'grads["Wv"] ='), ("grads = backward(", "grads = backward(")),
        batch="T",
    ),
    Program(
        "torch_tensors",
        start="h = x.mm(w1)",
        stops=("w1 -=",),
        loss="loss",
        gradients=named("?", "grad_?", "w1 b1 w2 b2"),
        backward=(("grad_y_pred =", "grad_b1 ="),),
        batch="N",
    ),
    Program(
        "softmax_minibatch",
        start="loss, grads = gradients(X[batch]",
        stops=("for weight, grad in",),
        loss="loss",
        gradients=named("model[?]", "grads[?]", "0 1 2 3"),
        backward=(("probs[range(n), y] -=", "return loss, [dW1"),),
        batch="n",
    ),
    Program(
        "functions_only",
        start="A2, cache = forward(params, X)",
        stops=("params = update(params, grads, 0.5)",),
        loss="loss",
        gradients=named('params["?"]', 'grads["?"]', "W1 b1 W2 b2"),
        backward=(("dZ2 =", 'return {"W1": dW1'),),
        batch="m",
        driver=DRIVER,
    ),
    Program(
        "float32_pictures",
        start="p = self.forward(images)",
        stops=("self.w_hidden -=",),
        loss="cost",
        gradients={"self.w_hidden": "g1", "self.b_hidden": "g2", "self.w_out": "g3", "self.b_out": "g4"},
        backward=(("g_logits =", "return g_w_hidden"),),
        batch="batch",
    ),
    Program(
        "unrolled_theta",
        start="J, grad = nnCostFunction(",
        stops=("nn_params = nn_params -",),
        loss="J",
        gradients={"nn_params": "grad"},
        backward=(("g = sigmoid(z)", "return g * (1 - g)"), ("delta3 =", "grad = np.concatenate")),
        batch="m",
    ),
    Program(
        "checks_itself",
        start="for epoch in range(60) >> loss, h, p = loss_of(model)",
        stops=("for name in grads:",),
        loss="loss",
        gradients=named('model["?"]', 'grads["?"]', "W1 b1 W2 b2"),
        backward=(("ds =", 'return {"W1": X.T @ dz'),),
        batch="len(X)",
    ),
    Program(
        "prepared_data",
        start="z = X_train @ W + c",
        stops=("for p, v, g in (",),
        loss="loss",
        gradients=named("?", "d?", "W c V d"),
        backward=(("dout =", "dc ="),),
        batch="len(t_train)",
    ),
    Program(
        "residual_blocks",
        start="stream = x",
        stops=("read_out -=",),
        loss="loss",
        gradients={"read_out": "g_read"} | {f"blocks[{k}].{name}": f"blocks[{k}].g{name}" for k in range(3) for name in "AB"},
        backward=(("self.gB =", "return g + g_pre"), ("g_y =", "g_stream = g_y")),
        batch="len(x)",
    ),
    Program(
        "notebook_cells",
        start="activations = feed_forward(X)",
        stops=("for l in reversed(range(L)) >> for l in range(L)",),
        loss="cost",
        gradients=named("W[?]", "dW[?]", "0 1 2") | named("b[?]", "db[?]", "0 1 2"),
        backward=(("delta = (y_hat", "delta = (delta @"),),
        batch="n",
    ),
    Program(
        "rmsprop_batches",
        start="probs = net.forward(xb)",
        stops=("optimizer.update(net.params",),
        loss="loss",
        gradients=named('net.params["?"]', 'net.grads["?"]', "W1 b1 W2 b2 W3 b3"),
        backward=(("dZ = (probs", "dZ = dA *"),),
        batch="Y.shape[0]",
    ),
    Program(
        "gru_cell",
        start="hs, zs, rs, cs, ys = gru_forward(params",
        stops=("for k in params:",),
        loss="loss",
        gradients=named('params["?"]', 'grads["?"]', "Wz Uz bz Wr Ur br Wc Uc bc Wy by"),
        backward=(("x, h, z, r, c = xs[t]", "dh_next = dh *"),),
        batch="T",
    ),
    Program(
        "layer_norm_net",
        start="z = X @ W1 + b1",
        stops=("return loss, [dW1",),
        loss="loss",
        gradients=named("?", "d?", "W1 b1 gain shift W2 b2"),
        backward=(
            ("dgain = (dout", "dx = (inv_std"),
            ("return dout * np.where", "return dout * np.where"),
            ("dout = 2 *", "db1 ="),
        ),
        batch="len(X)",
    ),
    Program(
        "word2vec_pairs",
        start="cost, gradCenter, gradOutside = batch_loss",
        stops=("centerVectors -=",),
        loss="cost",
        gradients={"centerVectors": "gradCenter", "outsideVectors": "gradOutside"},
        backward=(
            ("gradCenterVec = (p_o", "gradOutsideVecs[outsideWordIdx] +="),
            ("gradCenterVec = gradCenterVec +", "gradOutsideVecs[k] +="),
            ("gradCenter[center] +=", "gradOutside +="),
        ),
        batch="len(pairs)",
    ),
    Program(
        "hinge_svm",
        start="loss, dW, db = self.loss(X[chosen]",
        stops=("self.W -=",),
        loss="loss",
        gradients={"self.W": "dW", "self.b": "db"},
        backward=(("violated = (margins", "db = np.sum"),),
        batch="num_train",
    ),
]


def line_of(source: str, place: str) -> int:
    """Line number, from 1, of a place "text" or "text >> text" in a source."""
    lines, at = source.splitlines(), 0
    for text in place.split(" >> "):
        found = [k for k, line in enumerate(lines, 1) if k > at and line.strip().startswith(text)]
        if not found:
            raise LookupError(f"no line begins with {text!r} after line {at}")
        at = found[0]
    return at


def backward_lines(program: Program) -> list[int]:
    """Line numbers of a program's back-propagation."""
    source, found = program.source, []
    for first, last in program.backward:
        begin = line_of(source, first)
        end = line_of(source, f"{first} >> {last}") if not first.endswith(last) else begin
        found += range(begin, end + 1)
    return found


def by_name(name: str) -> Program:
    """The program of this file name."""
    return next(program for program in PROGRAMS if program.name == name)
