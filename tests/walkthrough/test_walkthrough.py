"""One training step in full: its numbers, and its three forms."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.errors import OptionError, ShapeError, UnknownNameError
from clearprop.walkthrough import explain, published_example, worked_example
from clearprop.walkthrough.numbers import write

X = np.random.default_rng(0).normal(size=(4, 3))
Y = np.array([0, 1, 1, 0])


def test_the_published_figures() -> None:
    step = explain(*published_example(), optimizer=cp.SGD(lr=0.1))
    np.testing.assert_array_equal(step["z1"], [[2, 2, 2]])
    np.testing.assert_allclose(step["a1"], [[0.8808] * 3], atol=5e-5)
    np.testing.assert_array_equal(step["p"], [[0.5, 0.5]])
    assert step["L"] == 0.6931471805599453
    np.testing.assert_array_equal(step["dz2"], [[-0.5, 0.5]])
    np.testing.assert_array_equal(step["dW2"], [[-0.44039853898894116, 0.44039853898894116]] * 3)
    np.testing.assert_array_equal(step["db2"], [-0.5, 0.5])
    assert not step["dW1"].any()
    assert not step["db1"].any()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_derivative_of_the_worked_example_is_different_from_zero(optimizer: str) -> None:
    step = explain(*worked_example(), optimizer=optimizer)
    derivatives = {line.symbol: line.value for line in step.stages[2].lines}
    assert list(derivatives) == ["dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1"]
    for symbol, value in derivatives.items():
        assert np.abs(value).min() > 0.01, symbol
    assert np.unique(np.abs(derivatives["dz1"])).size == 3  # no two units alike, so that an exchange would be seen
    np.testing.assert_array_equal(step["z1"], [[2, 0, -1.5]])  # numbers for paper


def test_every_digit_is_in_the_text() -> None:
    text = str(explain(*published_example()))
    assert "L = -sum of y * log p" in text
    for figure in ("0.8807970779778823  0.8807970779778823  0.8807970779778823", "0.6931471805599453"):
        assert figure in text
    assert text.count("-0.44039853898894116  0.44039853898894116") == 3
    assert max(map(len, text.splitlines())) <= 128


def test_softmax_in_two_factors() -> None:
    step = explain(*published_example(), softmax="separate")
    np.testing.assert_array_equal(step["dp"], [[-2, 0]])
    np.testing.assert_array_equal(step["J"], [[[0.25, -0.25], [-0.25, 0.25]]])
    first, second = (line for line in step.lines if line.symbol == "dz2")
    np.testing.assert_allclose(first.value, np.einsum("bi,bij->bj", step["dp"], step["J"]))
    np.testing.assert_array_equal(second.value, step["p"] - step["y"])
    np.testing.assert_array_equal(first.value, second.value)
    np.testing.assert_array_equal(step["wrong"], [[-0.5, 0]])
    with pytest.raises(OptionError, match="takes CrossEntropy apart"):
        explain(cp.mlp([3, 2]), X, X[:, :2], loss="mse", softmax="separate")
    with pytest.raises(UnknownNameError, match="fused"):
        explain(*published_example(), softmax="both")


OPTIMIZERS = [
    cp.SGD(0.1), cp.SGD(0.1, momentum=0.9, nesterov=True), cp.SGD(0.1, weight_decay=0.1, clip_norm=0.1),
    cp.AdaGrad(), cp.RMSProp(), cp.Adam(weight_decay=0.1),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_the_step_is_the_one_that_is_taken(optimizer: cp.Optimizer) -> None:
    net = cp.mlp([3, 4, 2], hidden="tanh", dtype="float64")
    before = net.theta.copy()
    step = explain(net, X, Y, optimizer=optimizer)
    np.testing.assert_array_equal(net.theta, before)
    assert optimizer.t == 0
    value, grad = Batch().loss_and_grad(net, cp.CrossEntropy(), X, Y)
    assert step["L"] == value
    np.testing.assert_array_equal(np.concatenate([step[f"d{w}"].ravel() for w in ("W1", "b1", "W2", "b2")]), grad)
    cp.fit(net, (X, Y), optimizer=optimizer, batch_size=4, epochs=1, order="sequential", engine="batch")
    update = {line.symbol: line.value for line in step.stages[-1].lines}
    np.testing.assert_array_equal(update["W2"], net[2].W)
    np.testing.assert_array_equal(update["b1"], net[0].b)
    assert update["L"] == cp.CrossEntropy()(net(X), Y)
    optimizer.reset()


@pytest.mark.parametrize(
    ("layers", "loss", "y"),
    [
        ([cp.Linear(3, 4), cp.ReLU(), cp.Linear(4, 2), cp.Softmax()], cp.NegativeLogLikelihood(), Y),
        ([cp.Linear(3, 4), cp.BatchNorm(4), cp.Sigmoid(), cp.Linear(4, 2)], cp.CrossEntropy("sum"), np.eye(2)[Y]),
        ([cp.Linear(3, 4), cp.Dropout(0.5), cp.Linear(4, 1), cp.Sigmoid()], cp.BinaryCrossEntropy(), Y[:, None] * 1.0),
        ([cp.Linear(3, 2)], cp.BinaryCrossEntropyWithLogits(), np.eye(2)[Y]),
        ([cp.Linear(3, 2)], cp.MeanSquaredError(), X[:, :2]),
    ],
)
def test_all_layers_and_losses(layers: list[cp.Layer], loss: cp.Loss, y: np.ndarray) -> None:
    net = cp.Net(*layers, dtype="float64")
    states = [layer.rng.bit_generator.state for layer in net.layers if layer.rng is not None]
    step = explain(net, X, y, loss=loss)
    assert states == [layer.rng.bit_generator.state for layer in net.layers if layer.rng is not None]
    value, grad = Batch().loss_and_grad(net, loss, X, y)
    assert step["L"] == pytest.approx(value, rel=1e-15)
    np.testing.assert_array_equal(step["dW1"], net[0].dW)
    assert step.text()
    assert step.html()
    assert grad.any()


class Doubled(cp.Layer):
    """A user's layer."""

    def forward(self, x, training=False):
        return 2 * x, None

    def backward(self, saved, dy):
        return 2 * dy


def test_a_users_layer_and_one_used_twice() -> None:
    twice = cp.Linear(3, 3)
    step = explain(cp.Net(twice, Doubled(), twice, cp.Linear(3, 2)), X, Y)
    assert "u1 = Doubled.forward(z1)" in step.text()
    assert "dz1 = Doubled.backward(du1)" in step.text()
    assert [line.symbol for line in step.lines].count("dW1") == 2
    assert "added to what came from the later place" in step.text()


def test_one_example_may_come_without_its_batch() -> None:
    net = cp.mlp([3, 2], dtype="float64")
    assert explain(net, X[0], 1)["L"] == explain(net, X[:1], Y[1:2])["L"]
    assert explain(net, X[0], X[0, :2], loss="mse")["L"] == explain(net, X[:1], X[:1, :2], loss="mse")["L"]
    with pytest.raises(ShapeError, match="needs a batch"):
        explain(net, X[0, :2], 1)


def test_values_by_symbol() -> None:
    step = explain(*published_example())
    with pytest.raises(OptionError, match=r"There is no symbol called 'dW3'\. Known: x, y, W1"):
        step["dW3"]
    assert step.lines[0].shape == (1, 2)


def test_the_rich_table_keeps_rows_whole_on_a_narrow_terminal() -> None:
    from rich.console import Console

    for width, figure in ((140, "-0.44039853898894116  0.44039853898894116"), (80, "-0.440399  0.440399")):
        console = Console(file=io.StringIO(), width=width)
        console.print(explain(*published_example(), softmax="separate"))
        lines = console.file.getvalue().splitlines()
        assert sum(figure in line for line in lines) == 3
        assert max(map(len, lines)) <= width


def test_html_and_json() -> None:
    step = explain(*published_example())
    html = step._repr_html_()
    assert "a1<sup>T</sup> dz2" in html
    assert "-0.44039853898894116" in html
    assert html.count("<tr>") == html.count("</tr>") == len(step.lines) + len(step.stages)
    found = json.loads(json.dumps(step.to_json(), allow_nan=False))
    lines = {line["symbol"]: line for line in found["stages"][2]["lines"]}
    assert lines["dW2"]["value"][0] == [-0.44039853898894116, 0.44039853898894116]
    assert lines["dW2"]["shape"] == [3, 2]


def test_large_matrices_are_shown_in_part() -> None:
    text = write(np.arange(1200.0).reshape(30, 40))
    assert len(text.splitlines()) == 7
    assert text.splitlines()[0].split() == ["0", "1", "2", "...", "37", "38", "39"]
    assert write(np.zeros((5, 2, 2))).endswith("... (2 more)")
    assert write(np.float32(0.1)) == "0.1"
    assert write(float("nan")) == "nan"
