import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import r2_score

from clearprop.errors import OptionError, ShapeError
from clearprop.plots import regression_fit

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(50, 2))
Y_HAT = Y + 0.3 * RNG.normal(size=(50, 2))


def draw(y, y_hat):
    return regression_fit(y, y_hat, Figure().subplots())


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_points_diagonal_and_r2(shape):
    y, y_hat = Y[:, 0].reshape(shape), Y_HAT[:, 0].reshape(shape)
    ax = draw(y, y_hat)
    assert np.asarray(ax.collections[0].get_offsets()) == pytest.approx(np.column_stack([y.ravel(), y_hat.ravel()]))
    assert ax.get_title(loc="left") == f"$R^2$ = {r2_score(y, y_hat):.3f}"
    assert ax.lines[0].get_slope() == 1
    assert ax.get_xlim() == ax.get_ylim()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true value", "predicted value")


def test_several_targets_get_an_r2_each():
    ax = draw(Y, Y_HAT)
    assert len(ax.collections) == 2
    expected = [f"target {k + 1}: $R^2$ = {r2_score(Y[:, k], Y_HAT[:, k]):.3f}" for k in (0, 1)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == expected


def test_equal_targets_have_no_r2():
    assert "undefined" in draw(np.ones(3), np.ones(3)).get_title(loc="left")


@pytest.mark.parametrize(
    ("y", "y_hat", "error", "message"),
    [
        (Y[:, 0], Y[:, :1], ShapeError, r"\(50,\).*\(50, 1\)"),
        (Y[0], Y[0, :1], ShapeError, "one shape"),
        (Y[None], Y[None], ShapeError, "one shape"),
        (Y[:0], Y[:0], OptionError, "no values"),
        (Y, Y * np.nan, OptionError, "100 of the 100 values of y_hat"),
    ],
)
def test_unfit_arrays_are_named(y, y_hat, error, message):
    with pytest.raises(error, match=message):
        draw(y, y_hat)
