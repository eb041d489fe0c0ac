"""Explanations of what the write-up on digits leaves open, and answers to its questions, with numbers computed for them."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.data.batches import draw_order
from clearprop.data.dataset import Split
from clearprop.engines import ENGINES
from clearprop.nn import Linear, Net, Sigmoid
from clearprop.optim import SGD
from clearprop.recipes.exhibits import Exhibits, Table
from clearprop.recipes.radboud_digits_runs import (
    RUNS,
    DigitsRun,
    ProductXavier,
    layer_spreads,
    make_net,
    minibatch_loss,
    raw_loss,
    train_run,
)

Rows = dict[str, list[dict[str, float]]]


def explain_all(exhibits: Exhibits, train: Split, test: Split, engine: str, histories: Rows) -> None:
    """Add all explanations, in the order of the write-up."""
    dead_units(exhibits, train, test, engine)
    birth_of_nan(exhibits, train, test)
    many_outputs(exhibits, train, test, engine)
    product_under_the_root(exhibits, train)
    deep_stands_still(exhibits, train, test, engine, histories)
    two_linear_are_one(exhibits, train, test, engine)
    zeros(exhibits, train, test, engine)
    settings(exhibits, histories)


def units_alive(net: Net, X: Array) -> int:
    """Number of ReLUs of the first hidden layer that are above zero for at least one example."""
    return int((net.layers[0](X) > 0).any(axis=0).sum())


def steps_until_dead(setting: DigitsRun, train: Split) -> tuple[list[int], Net]:
    """Number of live units before the first step of epoch 0 and after each of its steps until it is 0, and the net then."""
    net, engine, optimizer = make_net(setting.layers, setting.init), ENGINES.make("batch"), SGD(setting.lr)
    loss = raw_loss(setting.reduction)
    order = draw_order(0, len(train), setting.batch_size, "sequential", "drop")
    alive = [units_alive(net, train.X)]
    for first in range(0, len(order), setting.batch_size):
        rows = order[first : first + setting.batch_size]
        engine.train_epoch(net, loss, optimizer, train.X, train.y, rows, setting.batch_size)
        alive.append(units_alive(net, train.X))
        if alive[-1] == 0:
            break
    return alive, net


def bias_alone(net: Net, train: Split, setting: DigitsRun) -> tuple[float, float, float, float, float]:
    """The fourth epoch of a net whose ReLUs are dead: only its last bias still moves.

    With p the share of ones, b* = log p / (1 - p) the best bias, and y_k the share in minibatch k, the loss of a minibatch is
    log(1 + exp b_k) - y_k b_k. To second order in b_k - b*, its mean over the epoch is the entropy of p, plus
    p (1 - p) mean (b_k - b*)^2 / 2, minus mean (y_k - p) (b_k - b*).

    Returns
    -------
    share, entropy : float
        p among the examples of the whole minibatches, and the loss of a net that predicts it.
    mean_loss : float
        Mean of the losses of the minibatches, each before its step, as the write-up prints it.
    jitter, lag : float
        The second and the third term.
    """
    engine, optimizer, loss = ENGINES.make("batch"), SGD(setting.lr), raw_loss(setting.reduction)
    order = draw_order(0, len(train), setting.batch_size, "sequential", "drop")
    share = float(train.y[order].mean())
    best = np.log(share / (1 - share))
    for _ in range(4):  # three to settle, one to look at
        biases, losses, shares = [], [], []
        for first in range(0, len(order), setting.batch_size):
            rows = order[first : first + setting.batch_size]
            biases.append(net.layers[2].parameters()["b"][0])
            losses.append(float(raw_loss("mean")(net(train.X[rows]), train.y[rows])))
            shares.append(float(train.y[rows].mean()))
            engine.train_epoch(net, loss, optimizer, train.X, train.y, rows, setting.batch_size)
    entropy = float(-(share * np.log(share) + (1 - share) * np.log(1 - share)))
    off = np.array(biases) - best
    jitter = share * (1 - share) * float(np.mean(off**2)) / 2
    return share, entropy, float(np.mean(losses)), jitter, -float(np.mean((np.array(shares) - share) * off))


def dead_units(exhibits: Exhibits, train: Split, test: Split, engine: str) -> None:
    """minibatch-40: the step in which the ReLUs die, and the run with an averaged gradient, which keeps them alive."""
    setting = RUNS["minibatch-40"]
    alive, net = steps_until_dead(setting, train)
    died, n = len(alive) - 1, alive[0]
    loss = raw_loss("sum")
    y_hat, saved = net.forward(train.X)
    net.zero_grad()
    net.backward(saved, loss.backward(loss.forward(y_hat, train.y)[1]))
    first, weights = net.layers[0], net.layers[0].parameters()["W"]
    norm = float(np.linalg.norm(first.gradients()["W"]))
    averaged = setting.but(reduction="mean")
    history, losses, averaged_net = train_run(averaged, train, test, engine)
    share, entropy, mean_loss, jitter, lag = bias_alone(net, train, setting)
    exhibits.tables.append(
        Table(
            "minibatch-40: ReLUs that are above zero for at least one training example, by step of epoch 0",
            ["steps taken", "alive"],
            [[step, count] for step, count in enumerate(alive)],
            name="minibatch-40-alive",
        )
    )
    exhibits.explain(
        'minibatch-40: "an unfortunate coincidence that the weights are all zero"?',
        f"No weight is zero: the first layer's have a root mean square of {np.sqrt(np.mean(weights**2)):.3f}. What is zero "
        f"are the activations. {alive[-1]} of {n} ReLUs are alive after step {died - 1} of epoch 0 (counted from 0): none is "
        f"above zero for any of the {len(train)} training examples, so the gradient of the first layer over all of them is "
        f"exactly {norm:g} and it never moves again. Only the last bias can still be learned, that is the share of ones "
        f"({share:.4f} in the whole minibatches), whose entropy is {entropy:.4f}. The loss sticks above it, at "
        f"{mean_loss:.4f}: every minibatch pulls the bias towards its own share of ones, so that it jitters about the best "
        f"value, which costs {jitter:.4f}; and it has always been pulled by the minibatches before, while in this fixed order "
        f"the next one tends to differ from them, which costs another {lag:.4f}. The cause is the summed gradient: it makes "
        f"the learning rate {setting.batch_size} x {setting.lr:g} = {setting.batch_size * setting.lr:g} for the mean. The "
        f"same run with the gradient averaged keeps {units_alive(averaged_net, train.X)} ReLUs alive and ends at "
        f"{history[-1]['train_loss']:.4f} / {history[-1]['train_accuracy']:.4f} / {losses[-1]:.4f}.",
    )


def birth_of_nan(exhibits: Exhibits, train: Split, test: Split) -> None:
    """lr-0.05: the epoch, step and place of the first non-finite number."""
    setting = RUNS["lr-0.05"]
    history, _, net = train_run(setting, train, test, "batch", on_nonfinite="stop")
    where = history.nonfinite
    if where is None:
        exhibits.explain("lr-0.05: where does the NaN come from?", "Nowhere: all numbers stayed finite on this machine.")
        return
    rows = slice((where["step"] - 1) * setting.batch_size, where["step"] * setting.batch_size)
    y_hat = net(train.X[rows])
    worst = int(np.abs(y_hat - 0.5).argmax())
    z = train.X[rows]
    for layer in net.layers[:-1]:
        z = layer(z)
    p, y = float(y_hat[worst, 0]), int(train.y[rows][worst, 0])
    exhibits.explain(
        "lr-0.05: where does the NaN come from?",
        f"In epoch {where['epoch'] - 1} (counted from 0), step {where['step']} of {len(train) // setting.batch_size}, in "
        f"{where['place']}. The last finite weights give example {worst + 1} of that minibatch the score z = "
        f"{float(z[worst, 0]):.2f}, and the sigmoid of that is {'exactly ' if p in (0.0, 1.0) else ''}{p:.17g} in float64 (1 "
        f"- p = {1 - p:.3g}), its label being {y}. Then log(1 - p) is minus infinity and 1 / (p - p^2) divides by zero; 0 "
        "times infinity is NaN, the gradient takes it into every weight, and from then on every prediction is NaN, which "
        "counts as 'not above 1/2': hence the accuracy of "
        f"{1 - float(train.y[: len(train) // setting.batch_size * setting.batch_size].mean()):.4f} from the next epoch on, "
        "the share of zeros. Computed from the score (cp.BinaryCrossEntropyWithLogits) the same derivative is p - y, and "
        "nothing overflows.",
    )


def many_outputs(exhibits: Exhibits, train: Split, test: Split, engine: str) -> None:
    """one-layer: 32 classifiers, averaged."""
    setting = RUNS["one-layer"]
    _, _, net = train_run(setting, train, test, engine)
    p = net(test.X)
    single = ((p > 0.5) == (test.y > 0.5)).mean(axis=0)
    together = float(((p.mean(axis=1, keepdims=True) > 0.5) == (test.y > 0.5)).mean())
    one = Net(Linear(64, 1, init=ProductXavier()), Sigmoid(), seed=12345, dtype="float64")
    history, losses, _ = train_run(setting, train, test, engine, net=one)
    exhibits.explain(
        "one-layer: what do 32 outputs mean for one label?",
        f"NumPy silently broadcasts the labels (20, 1) against the predictions (20, 32): every output learns the same "
        f"label, and no output touches another. They are 32 separate classifiers that differ in their first weights alone; at "
        f"the end their test accuracies lie between {single.min():.4f} and {single.max():.4f}, and the printed figures are "
        f"means over them. Their mean vote is right for {together:.4f}. One output is enough: 64-1 with the same setting ends "
        f"at {history[-1]['train_loss']:.4f} / {history[-1]['train_accuracy']:.4f} / {losses[-1]:.4f}. clearprop refuses such "
        "shapes unless the loss is made with broadcast=True.",
    )


def product_under_the_root(exhibits: Exhibits, train: Split) -> None:
    """Xavier's rule with a product: the spread of every layer's output before training."""
    rows: list[list[object]] = []
    for layers in ("two-layer", "deep"):
        product, xavier, he = (layer_spreads(make_net(layers, init), train.X) for init in ("product_xavier", "xavier", "he"))
        sizes = [(layer.n_in, layer.n_out) for layer in make_net(layers).layers if isinstance(layer, Linear)]
        for number, (n_in, n_out) in enumerate(sizes):
            factor = np.sqrt(n_in * n_out / (n_in + n_out))
            rows.append([layers, f"{number + 1}: {n_in}-{n_out}", product[number], xavier[number], he[number], float(factor)])
    last = rows[-1]
    times = he[-1] / product[-1]
    exhibits.tables.append(
        Table(
            "Standard deviation of each layer's output z before training",
            ["net", "layer", "product (published)", "Xavier", "He", "weights too small by"],
            rows,
            name="activation-scale",
        )
    )
    exhibits.explain(
        "Xavier with a product under the root instead of a sum: how far off?",
        f"Every layer's weights are too small by sqrt(n_in n_out / (n_in + n_out)), {rows[0][5]:.2f} for 64-32. With one "
        f"hidden layer it does little harm: the scores start with a spread of {rows[1][2]:.3f} instead of {rows[1][3]:.3f}. "
        f"The factors multiply from layer to layer: at the output of the deep net the spread is {last[2]:.2g}, where Xavier's "
        f"rule gives {last[3]:.2g} and He's {last[4]:.2g}; that is {times:,.0f} times less.",
    )


def gradient_norms(net: Net, split: Split) -> list[float]:
    """Norm of dW of every Linear layer, for the mean loss over the split."""
    loss = raw_loss("mean")
    y_hat, saved = net.forward(split.X)
    net.zero_grad()
    net.backward(saved, loss.backward(loss.forward(y_hat, split.y)[1]))
    return [float(np.linalg.norm(layer.dW)) for layer in net.layers if isinstance(layer, Linear)]


def deep_stands_still(exhibits: Exhibits, train: Split, test: Split, engine: str, histories: Rows) -> None:
    """deep: gradient norms by layer, epoch by epoch, for the published weights and for He's."""
    setting = RUNS["deep"]
    rows: list[list[object]] = []
    starts = {}
    for init in ("product_xavier", "he"):
        net = make_net("deep", init)
        starts[init] = gradient_norms(net, train)
        rows.append([init, 0, minibatch_loss(net, train, setting.batch_size), *starts[init]])
        for epoch in (4, 8, 12):
            net = make_net("deep", init)
            train_run(setting.but(init=init, epochs=epoch), train, test, engine, net=net)
            rows.append([init, epoch, minibatch_loss(net, train, setting.batch_size), *gradient_norms(net, train)])
    exhibits.tables.append(
        Table(
            "deep: length of the gradient of the mean loss, by layer",
            ["weights", "after epochs", "train loss", "dW1", "dW2", "dW3", "dW4"],
            rows,
            name="deep-gradients",
        )
    )
    ours = histories["deep"]
    still = next((row["epoch"] - 1 for row in ours if row["train_loss"] < 0.68), len(ours))
    history, losses, _ = train_run(setting.but(init="he"), train, test, engine)
    ratio = starts["he"][0] / starts["product_xavier"][0]
    exhibits.explain(
        "deep: why does nothing move for eight epochs?",
        "The weights are too small in every layer, and the gradient of a layer is a product of the weights of all others: at "
        f"the start |dW1| is {starts['product_xavier'][0]:.2g}, against {starts['he'][0]:.2g} with He's rule, {ratio:,.0f} "
        f"times less. Until the layers have grown together the loss stays at ln 2 = {np.log(2):.4f}; epoch {still:.0f} is the "
        "first whose training loss is below 0.68. With He's scale and the same learning rate the first epoch already ends at "
        f"{history[0]['train_loss']:.4f}, the fiftieth at {history[-1]['train_loss']:.4f} / "
        f"{history[-1]['train_accuracy']:.4f} / {losses[-1]:.4f} (published setting: {ours[-1]['train_loss']:.4f} / "
        f"{ours[-1]['train_accuracy']:.4f} / {ours[-1]['val_loss']:.4f}).",
    )


def two_linear_are_one(exhibits: Exhibits, train: Split, test: Split, engine: str) -> None:
    """two-linear: the two matrices multiplied into one, and the outputs compared."""
    _, _, net = train_run(RUNS["two-linear"], train, test, engine)
    first, second = (layer for layer in net.layers if isinstance(layer, Linear))
    one = Linear(64, 32)
    one.W[:], one.b[:] = first.W @ second.W, first.b @ second.W + second.b
    apart = float(np.abs(net.layers[-1](one(test.X)) - net(test.X)).max())
    right = float(((net(test.X) > 0.5) == (test.y > 0.5)).mean())
    _, _, single = train_run(RUNS["one-layer"], train, test, engine)
    beside = float(((single(test.X) > 0.5) == (test.y > 0.5)).mean())
    exhibits.explain(
        "Why are two linear layers no more than one?",
        f"(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2), a single linear layer. Multiplied out, the trained two-linear net "
        f"gives the same 899 x 32 predictions to {apart:.1e}. It reaches a test accuracy of {right:.4f}, the one-layer net "
        f"{beside:.4f}: both lack a non-linearity between the layers.",
    )


def zeros(exhibits: Exhibits, train: Split, test: Split, engine: str) -> None:
    """Zero weights against zero biases."""
    setting = RUNS["two-layer"].but(init="zeros")
    history, losses, net = train_run(setting, train, test, engine)
    first = net.layers[0].parameters()["W"]
    exhibits.explain(
        "Why do zero weights fail, and zero biases not?",
        f"With all weights zero, every hidden activation is zero, so dW2 = a^T dz2 = 0; and dz1 = dz2 W2^T = 0, so dW1 = 0: "
        f"after {setting.epochs} epochs the largest first-layer weight is {np.abs(first).max():g} and the loss "
        f"{history[-1]['train_loss']:.4f} / {losses[-1]:.4f}: only the last bias has learned. Even a small constant instead of "
        f"zero would leave all hidden units alike, since equal units get equal gradients. Biases may be zero, as they "
        f"are in all eight runs: random weights already make the units differ, and a bias's gradient does not pass through it.",
    )


def settings(exhibits: Exhibits, histories: Rows) -> None:
    """The influence of epochs, learning rate and minibatch: the runs side by side."""
    rows: list[list[object]] = []
    for name, run in RUNS.items():
        found = histories[name]
        finite = [row for row in found if np.isfinite(row["val_loss"])]
        best = min(finite, key=lambda row: row["val_loss"])
        last = found[-1]
        rows.append(
            [name, run.epochs, run.lr, run.batch_size, last["train_loss"], last["train_accuracy"], last["val_loss"],
             best["val_loss"], best["epoch"] - 1]
        )  # fmt: skip
    exhibits.tables.append(
        Table(
            "Epochs, learning rate, minibatch",
            ["run", "epochs", "lr", "minibatch", "train loss", "train acc.", "test loss", "best test loss", "in epoch"],
            rows,
            name="settings",
        )
    )
    long, short = histories["two-layer-400"], histories["two-layer"]
    best = min(long, key=lambda row: row["val_loss"])
    exhibits.explain(
        "What do epochs, learning rate and minibatch change?",
        f"Epochs: from 20 to 400 the training loss falls from {short[-1]['train_loss']:.4f} to {long[-1]['train_loss']:.2g}, "
        f"but the test loss is lowest in epoch {best['epoch'] - 1:.0f} ({best['val_loss']:.4f}) and ends at "
        f"{long[-1]['val_loss']:.4f}: overfitting, which early stopping would have ended there. Learning rate: 0.03 instead of "
        f"0.01 reaches {histories['lr-0.03'][-1]['train_loss']:.4f} in 20 epochs, 0.05 ends in NaN. Minibatch: because the "
        "gradient is summed, a larger one is also a longer step: 40 at 0.03 kills every unit.",
    )
