"""The drawing of a net, the landscape of a loss, curves of functions and animations."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import clearprop as cp
from clearprop.errors import ClearpropError, OptionError, ShapeError
from clearprop.nn.diagram import columns_of
from clearprop.training.landscape import Trajectory, loss_landscape
from clearprop.walkthrough import explain

NETS = {
    "softmax": lambda: cp.Net(cp.Linear(2, 4), cp.Tanh(), cp.Linear(4, 2), cp.Softmax(), seed=0),
    "all kinds": lambda: cp.Net(cp.Linear(2, 5), cp.BatchNorm(5), cp.ReLU(), cp.Dropout(0.5), cp.Linear(5, 2), seed=0),
    "no bias": lambda: cp.Net(cp.Linear(2, 2, bias=False), cp.Sigmoid(), seed=0),
}


def axes():
    return Figure().subplots()


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_drawn_with_the_names_of_the_walkthrough(name):
    net = NETS[name]()
    symbols = {line.symbol for line in explain(net, np.ones((2, 2)), np.array([0, 1])).lines}
    columns = columns_of(net.layers, net.n_in)
    assert {column.symbol for column in columns} <= symbols
    labels = " ".join(column.label for column in columns)
    assert {word for word in labels.split() if word[0] in "Wbg" and word[-1].isdigit()} <= symbols


def test_long_columns_are_cut_with_their_first_and_last_units():
    ax = cp.mlp([784, 3], seed=0).plot(axes())
    texts = [text.get_text() for text in ax.texts]
    assert "$x_{784}$" in texts
    assert texts.count("\u22ee") == 1
    assert sum(isinstance(patch, Circle) for patch in ax.patches) == 5 + 3


def test_the_slice_holds_the_path_and_its_losses():
    data, net, path = cp.data.load("circles", seed=0), cp.mlp([2, 6, 2], seed=0, dtype="float64"), Trajectory()
    cp.fit(net, data, epochs=12, batch_size=20, seed=0, callbacks=[path])
    before = net.theta.copy()
    found = loss_landscape(net, data.train, path.thetas, points=7)
    np.testing.assert_array_equal(net.theta, before)
    np.testing.assert_allclose(found.path[-1], 0, atol=1e-12)
    centred = np.array(path.thetas) - before
    size = (centred**2).sum()
    assert sum(found.shares) == pytest.approx((found.path**2).sum() / size)  # Pythagoras: what is projected, of the whole
    assert found.u[0] < found.path[:, 0].min() <= found.path[:, 0].max() < found.u[-1]


def test_the_loss_of_a_slice_is_that_of_the_net_there():
    X, y = np.eye(2), np.array([0, 1])
    net = cp.Net(cp.Linear(2, 2), seed=0, dtype="float64")
    end = np.arange(6.0)
    first, second = np.eye(6)[0], np.eye(6)[3]
    path = [end + 2 * first, end + second, end]  # singular vectors: the first and the fourth parameter
    found = loss_landscape(net, _split(X, y), path, points=3)
    net.theta[:] = end + found.u[2] * np.sign(found.path[0, 0]) * first + found.v[0] * np.sign(found.path[1, 1]) * second
    assert found.loss[0, 2] == pytest.approx(cp.CrossEntropy()(net(X), y), rel=1e-12)


def _split(X, y):
    from clearprop.data.dataset import Split

    return Split(X, y)


@pytest.mark.parametrize("path", [[np.zeros(6)] * 2, [np.zeros(5)] * 3])
def test_a_path_that_does_not_fit_is_refused(path):
    with pytest.raises(ShapeError, match="at least three vectors of 6 parameters"):
        loss_landscape(cp.Net(cp.Linear(2, 2), seed=0), _split(np.eye(2), np.array([0, 1])), path)


def test_the_gradient_beside_an_activation_is_its_own():
    ax = cp.plots.activation(cp.Sigmoid(), -4, 4, axes())
    x = ax.lines[0].get_xdata()
    np.testing.assert_allclose(
        np.ravel(ax.lines[1].get_ydata()), np.gradient(np.ravel(ax.lines[0].get_ydata()), np.ravel(x)), atol=1e-3
    )
    with pytest.raises(ClearpropError, match="greater than low"):
        cp.plots.activation(cp.Sigmoid(), 1, 1, axes())


def test_curves_of_steps_and_of_penalties():
    ax = cp.plots.step_losses({"a": [3.0, 2.0], "b": [1.0]}, axes())
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 1]
    with pytest.raises(OptionError, match="no run has losses"):
        cp.plots.step_losses({}, axes())
    with pytest.raises(ClearpropError, match="between 0 and 1"):
        cp.plots.penalties(1.0, axes())
    assert [text.get_text() for text in cp.plots.penalties(0.5, axes()).texts] == ["0.6931", "0.25"]


def test_an_animation_is_whole_or_not_there(tmp_path):
    def draw(figure, k):
        if k == 1:
            raise RuntimeError("broken")
        figure.text(0.5, 0.5, str(k))

    with pytest.raises(RuntimeError):
        cp.plots.save_frames(draw, 2, tmp_path / "a.gif", (1, 1))
    assert list(tmp_path.iterdir()) == []
    cp.plots.save_frames(lambda figure, k: figure.text(0.5, 0.1 * k, str(k)), 3, tmp_path / "b.gif", (1, 1))
    from PIL import Image

    with Image.open(tmp_path / "b.gif") as image:
        assert image.n_frames == 3


POINT = {"confidence": 0.9, "accuracy": 0.8, "examples": 10}
BAR = {"column": "x", "output": "a", "value": 1.0, "mean": 0.1, "std": 0.0}


@pytest.mark.parametrize(
    ("draw", "rows", "message"),
    [
        (cp.plots.rate_curve, [], "rows is empty"),
        (cp.plots.reliability, [], "rows is empty"),
        (cp.plots.dependence, [], "rows is empty"),
        (cp.plots.importance, [], "rows is empty"),
        (cp.plots.reliability, [POINT | {"examples": 0}], "not all 0"),
        (cp.plots.reliability, [POINT, POINT | {"examples": -1}], "0 or more"),
        (cp.plots.importance, [{"mean": 0.1, "std": 0.0}], "needs column"),
        (cp.plots.dependence, [{"column": "x", "mean": 0.1}], "needs output, value"),
        (cp.plots.dependence, [BAR, BAR | {"value": "red"}], "all texts, or all numbers, not 'red'"),
        (cp.plots.dependence, [BAR | {"value": None}], "all texts, or all numbers, not None"),
    ],
)
def test_rows_that_cannot_be_drawn_are_refused(draw, rows, message):
    with pytest.raises(OptionError, match=message):
        draw(rows, axes())


def test_a_rate_curve_that_ends_in_infinity_is_drawn_as_far_as_it_goes():
    losses = [0.7, 0.5, 9.0, np.inf, np.nan]
    ax = cp.plots.rate_curve([{"lr": 10.0**k, "loss": loss, "smooth": loss} for k, loss in enumerate(losses)], axes())
    low, high = ax.get_ylim()
    assert low < 0.5
    assert 0.7 < high < 9.0  # the explosion is cut off


def test_a_landscape_of_other_shapes_is_refused():
    u, loss, path = np.arange(3.0), np.ones((2, 3)), np.zeros((4, 2))
    assert cp.plots.landscape(u, u[:2], loss, path, axes()).get_xlabel()
    for given in ((u, u, loss, path), (u[:2], u, loss, path), (u, u[:2], loss, path[:0]), (u, u[:2], loss, path[:, :1])):
        with pytest.raises(ShapeError):
            cp.plots.landscape(*given, axes())
    with pytest.raises(OptionError, match="finite somewhere"):
        cp.plots.landscape(u, u[:2], loss * np.nan, path, axes())


def test_what_has_no_pass_of_one_input_is_no_activation():
    for given in (cp.ReLU, cp.CrossEntropy, cp.MeanSquaredError()):
        with pytest.raises(OptionError, match=r"such as ReLU\(\)"):
            cp.plots.activation(given, ax=axes())
