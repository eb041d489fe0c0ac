"""check_step: every layout of the same step is understood, and the same mistakes are named in all of them."""

import itertools

import numpy as np
import pytest
import torch

import clearprop as cp
from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck import check_step

B, SIZES = 6, (3, 4, 2)


def step(activation, loss, seed=0, B=B, sizes=SIZES):
    rng = np.random.default_rng(seed)
    net = cp.mlp(sizes, hidden=activation, seed=seed, dtype="float64")
    net[0].b[:], net[2].b[:] = rng.normal(size=sizes[1]), rng.normal(size=sizes[2])
    X = rng.normal(size=(B, sizes[0]))
    y = rng.integers(sizes[2], size=B) if isinstance(loss, cp.CrossEntropy) else rng.normal(size=(B, sizes[2]))
    y_hat, saved = net.forward(X)
    net.backward(saved, loss.backward(loss.forward(y_hat, y)[1]))
    parameters = {"W1": net[0].W, "b1": net[0].b, "W2": net[2].W, "b2": net[2].b}
    gradients = {"W1": net[0].dW, "b1": net[0].db, "W2": net[2].dW, "b2": net[2].db}
    return X, y, parameters, gradients


LAYOUTS = list(itertools.product([False, True], [False, True], ["classes", "one-hot", "columns"], ["mean", "sum"]))


@pytest.mark.parametrize(("x_columns", "w_flipped", "targets", "reduction"), LAYOUTS)
def test_every_layout_is_understood_and_said(x_columns, w_flipped, targets, reduction):
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy(reduction))
    X = X.T if x_columns else X
    y = {"classes": y, "one-hot": np.eye(2)[y], "columns": np.eye(2)[y].T}[targets]
    if w_flipped:
        parameters, gradients = ({k: v.T for k, v in d.items()} for d in (parameters, gradients))
    report = check_step(X, y, parameters, {f"d{k}": v for k, v in gradients.items()}, "tanh")
    assert report.ok, report
    words = str(report)
    assert f"one example per {'column' if x_columns else 'row'}" in words
    assert ("(n_out, n_in)" if w_flipped else "(n_in, n_out)") in words
    assert f"the {reduction} over the batch (inferred)" in words
    assert report["W1"].shape == parameters["W1"].shape
    wrong = {k: v * (1.0005 if k == "W1" else 1) for k, v in gradients.items()}
    assert check_step(X, y, parameters, wrong, "tanh", method="full")["W1"].verdict == "wrong"
    assert check_step(X, y, parameters, wrong, "tanh")["W2"].verdict == "right"


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_the_activation_may_be_left_open(activation, loss):
    report = check_step(*step(activation, cp.nn.LOSSES.make(loss)), loss=loss)
    assert report.ok
    assert f", {activation}, output" in str(report)


def test_lists_columns_torch_and_other_names():
    X, y, parameters, gradients = step("sigmoid", cp.CrossEntropy())
    assert check_step(X, y, list(parameters.values()), list(gradients.values()), "sigmoid").ok
    tensors = ({k: torch.tensor(v) for k, v in d.items()} for d in (parameters, gradients))
    assert check_step(torch.tensor(X), torch.tensor(y), *tensors, "sigmoid").ok
    as_lists = ({k: v.tolist() for k, v in d.items()} for d in (parameters, gradients))
    assert check_step(X.tolist(), y.tolist(), *as_lists, "sigmoid").ok
    renamed = [dict(zip(("W", "b", "V", "c"), d.values(), strict=True)) for d in (parameters, gradients)]
    report = check_step(X, y[:, None], *renamed, "sigmoid")
    assert report.ok
    assert "W2 = V" in str(report)
    columns = [{k: v[:, None] if v.ndim == 1 else v for k, v in d.items()} for d in (parameters, gradients)]
    assert check_step(X, y, *columns, "sigmoid").ok
    single = [{k: v.astype(np.float32) for k, v in d.items()} for d in (parameters, gradients)]
    assert check_step(X.astype(np.float32), y, *single, "sigmoid").ok


def test_squares_are_decided_by_the_values():
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy(), B=3, sizes=(3, 3, 3))
    for x_columns, flipped in itertools.product([False, True], repeat=2):
        turned = [{k: v.T if flipped else v for k, v in d.items()} for d in (parameters, gradients)]
        report = check_step(X.T if x_columns else X, np.eye(3)[y], *turned, "tanh")
        assert report.ok
        assert ("column" if x_columns else "row") in str(report)


MISTAKES = {
    "sign": (lambda g: {k: -v for k, v in g.items()}, "sign"),
    "bias": (lambda g: g | {"b1": g["b1"] * 0 + g["b1"].sum()}, "bias"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes_are_named(name):
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy())
    spoil, word = MISTAKES[name]
    report = check_step(X, y, parameters, spoil(gradients), "tanh", reduction="mean")
    assert report.verdict == "wrong"
    assert any(word in f"{suspect.title} {suspect.sentence}" for suspect in report.suspects), report


def test_a_sum_is_wrong_if_the_mean_was_meant():
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy("sum"))
    report = check_step(X, y, parameters, gradients, "tanh", reduction="mean")
    assert report.verdict == "wrong"
    assert report.suspects


def test_what_does_not_fit_is_said():
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy())
    with pytest.raises(ShapeError, match=r"No network fits X of shape \(6, 5\)"):
        check_step(np.ones((6, 5)), y, parameters, gradients)
    with pytest.raises(ShapeError, match="No gradient was found for b2"):
        check_step(X, y, parameters, {"W1": 1, "b1": 2, "W2": 3})
    with pytest.raises(OptionError, match="comes after a softmax"):
        check_step(X, y, parameters, gradients, output="sigmoid")
    with pytest.raises(OptionError, match="did you mean 'tanh'"):
        check_step(X, y, parameters, gradients, activation="tahn")


def test_biases_as_rows_or_columns_are_named_only_if_they_are_wrong():
    X, y, parameters, gradients = step("relu", cp.CrossEntropy())
    rows = [{k: v[None] if v.ndim == 1 else v for k, v in d.items()} for d in (parameters, gradients)]
    assert check_step(X, y, *rows, "relu").ok
    wrong = {**rows[1], "W2": np.random.default_rng(5).normal(size=(4, 2))}
    report = check_step(X, y, rows[0], wrong, "relu")
    assert [t.name for t in report.tensors if t.verdict == "wrong"] == ["W2"]
    assert not any("db" in suspect.sentence for suspect in report.suspects)
    everything = {k: np.random.default_rng(6).normal(size=v.shape) for k, v in rows[1].items()}
    assert not any("shape" in suspect.sentence for suspect in check_step(X, y, rows[0], everything, "relu").suspects)


@pytest.mark.parametrize("turned", [("W1",), ("W2",)])
def test_weights_of_mixed_orientation(turned):
    X, y, parameters, gradients = step("tanh", cp.CrossEntropy())
    P, G = ({k: v.T if k in turned else v for k, v in d.items()} for d in (parameters, gradients))
    report = check_step(X, y, P, G, "tanh")
    assert report.ok, report
    assert f"{turned[0]} is (n_out, n_in)" in report.notes[0]
    spoilt = {**G, turned[0]: 2 * G[turned[0]]}
    assert [t.name for t in check_step(X, y, P, spoilt, "tanh").tensors if t.verdict == "wrong"] == list(turned)


def test_the_reading_is_the_one_that_explains():
    """Softmax over the whole matrix, and db summed to one number: named without a word about activation and reduction."""
    rng = np.random.default_rng(0)
    X, y = rng.random((7, 6)), np.arange(6) % 3
    W1, b1, W2, b2 = (s * rng.normal(size=n) for s, n in [(1, (5, 7)), (0.3, (5, 1)), (1, (3, 5)), (0.3, (3, 1))])
    a = np.maximum(W1 @ X + b1, 0)
    e = np.exp(W2 @ a + b2)
    d2 = e / e.sum() - np.eye(3)[y].T
    d1 = W2.T @ d2 * (a > 0)
    gradients = {"W1": d1 @ X.T / 6, "b1": d1.sum() / 6, "W2": d2 @ a.T / 6, "b2": d2.sum() / 6}
    report = check_step(X, y, {"W1": W1, "b1": b1, "W2": W2, "b2": b2}, gradients)
    assert "softmax" in report.suspects[0].sentence
    assert "one number" in report.suspects[0].sentence


def unused_bias_step(other):
    """A step whose forward pass reads something else in the place of b2."""
    r = np.random.default_rng(4)
    X, y = r.normal(size=(7, 3)), np.arange(7) % 2
    P = {"W1": r.normal(size=(3, 4)), "b1": r.normal(size=4), "W2": r.normal(size=(4, 2)), "b2": r.normal(size=2)}
    h = np.tanh(X @ P["W1"] + P["b1"])
    z = h @ P["W2"] + (P["b1"][:2] if other else 0.0)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    d = (p - np.eye(2)[y]) / 7
    d1 = d @ P["W2"].T * (1 - h**2)
    return X, y, P, {"W1": X.T @ d1, "b1": d1.sum(0), "W2": h.T @ d, "b2": d.sum(0)}


@pytest.mark.parametrize(("other", "words"), [(True, "adds b1[:2] in its place"), (False, "adds nothing in its place")])
def test_a_bias_that_the_forward_pass_does_not_use_is_named(other, words):
    X, y, parameters, gradients = unused_bias_step(other)
    report = check_step(X, y, parameters, gradients, "tanh")
    assert not report.ok
    assert [suspect.fault for suspect in report.suspects] == ["unused"]
    assert "does not use b2" in str(report)
    assert words in str(report)
