"""Weights of examples: value and gradient of the loss, on both engines, against torch, differences and repeated rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.data.dataset import Split
from clearprop.engines import ENGINES, Batch
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.errors import ClearpropError, NonFiniteWarning

N, N_IN = 37, 3
RNG = np.random.default_rng(11)
X = RNG.normal(size=(N, N_IN))
WHOLE = RNG.integers(0, 4, size=N)  # some are zero
WEIGHTS = RNG.uniform(0, 3, size=N) * (WHOLE > 0)


def targets(kind: str, n_out: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return {
        "classes": rng.integers(n_out, size=N),
        "soft": rng.dirichlet(np.ones(n_out), size=N),
        "binary": rng.integers(2, size=(N, n_out)).astype(float),
        "real": rng.normal(size=(N, n_out)),
    }[kind]


LOSS_CASES = [
    (cp.CrossEntropy(), "classes", ()),
    (cp.CrossEntropy("sum"), "soft", ()),
    (cp.NegativeLogLikelihood(), "classes", (cp.Softmax,)),
    (cp.BinaryCrossEntropy(), "binary", (cp.Sigmoid,)),
    (cp.BinaryCrossEntropyWithLogits("sum"), "binary", ()),
    (cp.MeanSquaredError(), "real", ()),
    (cp.MeanSquaredError("sum"), "real", ()),
    (cp.CrossEntropy(label_smoothing=0.1), "classes", ()),
    (cp.nn.Focal(gamma=2.0), "classes", ()),
    (cp.nn.Huber(delta=0.5), "real", ()),
    (cp.nn.Quantile(q=0.8), "real", ()),
]
SHAPES = {  # each takes another way through the kernel
    "narrow": ([N_IN, 5, 3], 12),
    "rows of one register": ([N_IN, 40, 3], 12),
    "online": ([N_IN, 5, 3], 1),
    "rows of several registers": ([N_IN, 30, 41], 5),
}


def make(sizes: list[int], ending: tuple[Any, ...], dtype: str = "float64") -> cp.Net:
    net = cp.mlp(sizes, hidden="tanh", seed=2, dtype=dtype)
    return cp.Net(*[layer.copy() for layer in net.layers], *[layer() for layer in ending], seed=None, dtype=dtype)


def relative(got: Any, wanted: Any) -> float:
    return float(np.abs(np.asarray(got) - wanted).max() / (1e-300 + np.abs(wanted).max()))


@pytest.mark.parametrize(("loss", "kind", "ending"), LOSS_CASES, ids=lambda value: repr(value) if value else "")
@pytest.mark.parametrize("shape", SHAPES)
def test_both_engines_weigh_alike(loss, kind, ending, shape):
    sizes, batch_size = SHAPES[shape]
    y = targets(kind, sizes[-1])
    lr = 0.01 if loss.reduction == "mean" else 0.001
    nets, histories = [], []
    for engine in (Batch(), Compiled()):
        net = make(sizes, ending)
        held_out = Split(X[:20], y[:20], WEIGHTS[:20])
        histories.append(
            cp.fit(
                net, (X, y), loss=loss, optimizer=cp.SGD(lr), batch_size=batch_size, epochs=3, seed=1, engine=engine,
                sample_weight=WEIGHTS, validation=held_out,
            )
        )  # fmt: skip
        nets.append(net)
    assert relative(nets[1].theta, nets[0].theta) < 1e-10
    for column in ("train_loss", "val_loss", *(["train_accuracy"] if kind == "classes" else [])):
        assert relative(histories[1][column], histories[0][column]) < 1e-10
    unweighted = make(sizes, ending)
    cp.fit(unweighted, (X, y), loss=loss, optimizer=cp.SGD(lr), batch_size=batch_size, epochs=3, seed=1, engine="batch")
    assert relative(unweighted.theta, nets[0].theta) > 1e-6  # the weights are not simply dropped by both


@pytest.mark.parametrize("optimizer", [cp.Adam(0.01), cp.SGD(0.01, momentum=0.9, weight_decay=0.01)], ids=repr)
@pytest.mark.parametrize("threads", [1, 2])
def test_weights_with_other_optimizers_and_threads(optimizer, threads):
    big, y = np.random.default_rng(0).normal(size=(600, 60)), np.random.default_rng(1).integers(3, size=600)
    w = np.random.default_rng(2).uniform(size=600)
    thetas = []
    for engine in (Batch(), Compiled(threads=threads)):
        net = cp.mlp([60, 100, 3], seed=0, dtype="float64")
        cp.fit(net, (big, y), optimizer=optimizer, batch_size=300, epochs=2, engine=engine, sample_weight=w)
        thetas.append(net.theta)
    assert relative(thetas[1], thetas[0]) < 1e-10


@pytest.mark.parametrize("engine", ["batch", "compiled"])
@pytest.mark.parametrize(("loss", "kind", "ending"), LOSS_CASES, ids=lambda value: repr(value) if value else "")
def test_a_whole_weight_is_a_repeated_row(loss, kind, ending, engine):
    y, rows = targets(kind, 3), np.repeat(np.arange(N), WHOLE)
    nets = []
    # A sum over the batch grows with the rows; weights are scaled to a mean of 1, so theirs is as of N rows.
    factor = 1.0 if loss.reduction == "mean" else len(rows) / N
    for data, weights, lr in (((X, y), WHOLE, 0.01 * factor), ((X[rows], y[rows]), None, 0.01)):
        net = make([N_IN, 6, 3], ending)
        given = {} if weights is None else {"sample_weight": weights}
        history = cp.fit(net, data, loss=loss, optimizer=cp.SGD(lr), batch_size=None, epochs=20, engine=engine, **given)
        nets.append((net, history["train_loss"]))
    assert relative(nets[0][0].theta, nets[1][0].theta) < 1e-10
    if loss.reduction == "mean":
        assert relative(nets[0][1], nets[1][1]) < 1e-10


@pytest.mark.parametrize("engine", ["batch", "compiled"])
def test_one_step_against_torch(engine):
    torch = pytest.importorskip("torch")
    y, net = targets("classes", 3), make([N_IN, 6, 3], ())
    module = net.to_torch().double()
    losses = torch.nn.functional.cross_entropy(module(torch.tensor(X)), torch.tensor(y), reduction="none")
    weights = torch.tensor(WEIGHTS / WEIGHTS.mean())
    value = (weights * losses).mean()
    value.backward()
    wanted = np.concatenate([p.grad.numpy().T.ravel() for p in module.parameters()])
    before = net.theta.copy()
    history = cp.fit(
        net, (X, y), optimizer=cp.SGD(1.0), batch_size=None, epochs=1, engine=engine, sample_weight=WEIGHTS, order="sequential"
    )
    assert relative(before - net.theta, wanted) < 1e-10
    assert history["train_loss"][0] == pytest.approx(float(value.detach()), rel=1e-12)


@pytest.mark.parametrize("engine", ["batch", "compiled"])
@pytest.mark.parametrize(("loss", "kind", "ending"), LOSS_CASES, ids=lambda value: repr(value) if value else "")
def test_one_step_against_differences(loss, kind, ending, engine):
    y, net = targets(kind, 3), make([N_IN, 4, 3], ending)
    weights, theta = WEIGHTS / WEIGHTS.mean(), net.theta.copy()

    def objective(at: np.ndarray) -> float:
        net.theta[:] = at
        each = [loss(net(X[i : i + 1]), y[i : i + 1]) for i in range(N)]
        return float(weights @ each) / (N if loss.reduction == "mean" else 1)

    h, steps = 1e-5, np.eye(theta.size)
    slopes = np.array([(objective(theta + h * e) - objective(theta - h * e)) / (2 * h) for e in steps])
    net.theta[:] = theta
    cp.fit(net, (X, y), loss=loss, optimizer=cp.SGD(1e-3), batch_size=None, epochs=1, engine=engine, sample_weight=WEIGHTS)
    assert relative((theta - net.theta) / 1e-3, slopes) < 1e-7  # h^2 and rounding / h, of numbers of order 1


@pytest.mark.parametrize(("loss", "kind", "ending"), LOSS_CASES, ids=lambda value: repr(value) if value else "")
def test_the_loss_of_each_makes_up_the_loss(loss, kind, ending):
    y, y_hat = targets(kind, 3), make([N_IN, 4, 3], ending)(X)
    each = loss.of_each(y_hat, y)
    assert each.shape == (N,)
    assert loss(y_hat, y) == pytest.approx(each.mean() if loss.reduction == "mean" else each.sum(), rel=1e-13)
    assert each[5] == pytest.approx(loss(y_hat[5:6], y[5:6]), rel=1e-13)
    assert each == pytest.approx(cp.Loss.of_each(loss, y_hat, y), rel=1e-13)


def test_the_scale_of_the_weights_does_not_matter():
    thetas = []
    for factor in (1, 8):
        net = make([N_IN, 5, 3], ())
        cp.fit(net, (X, targets("classes", 3)), epochs=2, sample_weight=factor * WEIGHTS)
        thetas.append(net.theta)
    assert np.array_equal(*thetas)


def test_many_nets_with_their_own_weights():
    y, several = targets("classes", 3), [WEIGHTS, np.ones(N), WHOLE.astype(float)]
    together, alone = [make([N_IN, 5, 3], ()) for _ in several], [make([N_IN, 5, 3], ()) for _ in several]
    cp.fit_many(together, (X, y), epochs=4, seed=3, sample_weight=several)
    for net, one, weights in zip(together, alone, several, strict=True):
        cp.fit(one, (X, y), epochs=4, seed=3, sample_weight=weights, engine=Compiled(threads=1))
        assert np.array_equal(net.theta, one.theta)


@pytest.mark.parametrize("engine", ["batch", "compiled"])
def test_a_non_finite_loss_is_found_with_weights(engine):
    net = make([N_IN, 5, 3], ())
    with pytest.warns(NonFiniteWarning):
        history = cp.fit(
            net, (X, targets("real", 3)), loss="mse", optimizer=cp.SGD(1e200), epochs=3, engine=engine, sample_weight=WEIGHTS
        )
    assert history.nonfinite is not None
    assert np.isfinite(net.theta).all()


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(N - 1), r"one number for each of 37 examples, shape \(37,\), not .*36"),
        (np.ones((N, 1)), r"one number for each of 37 examples"),
        (np.where(np.arange(N) == 4, -1.0, 1.0), r"number 4 \(from 0\) is -1.0"),
        (np.where(np.arange(N) == 6, np.nan, 1.0), r"number 6 \(from 0\) is nan"),
        (np.zeros(N), "All 37 weights"),
    ],
)
def test_wrong_weights_are_refused(weights, words):
    with pytest.raises(ClearpropError, match=words):
        cp.fit(make([N_IN, 5, 3], ()), (X, targets("classes", 3)), sample_weight=weights)


def test_an_engine_without_weights_says_so():
    for name in ENGINES.able(make([N_IN, 5, 3], ()), cp.CrossEntropy(), cp.SGD()):
        net, data = make([N_IN, 5, 3], ()), (X, targets("classes", 3))
        if ENGINES.make(name).weighs:
            cp.fit(net, data, engine=name, epochs=1, sample_weight=WEIGHTS)
        else:
            with pytest.raises(ClearpropError, match="takes no sample weights; use 'compiled' or 'batch'"):
                cp.fit(net, data, engine=name, epochs=1, sample_weight=WEIGHTS)


def test_evaluate_weighs_the_loss_of_a_split():
    y, net = targets("classes", 3), make([N_IN, 5, 3], ())
    rows = np.repeat(np.arange(N), WHOLE)
    for engine in ("batch", "compiled"):
        weighted = cp.evaluate(net, Split(X, y, WHOLE), engine=engine)
        assert weighted["loss"] == pytest.approx(cp.evaluate(net, (X[rows], y[rows]))["loss"], rel=1e-12)
        assert weighted["accuracy"] == cp.evaluate(net, (X, y))["accuracy"]


def test_the_doctor_watches_a_run_with_weights():
    doctor, net = cp.Doctor(), make([N_IN, 5, 3], ())
    cp.fit(net, (X, targets("classes", 3)), epochs=5, callbacks=doctor, sample_weight=WEIGHTS)
    assert doctor.diagnosis is not None
    assert "failure" not in str(doctor.diagnosis)
