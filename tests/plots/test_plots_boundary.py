import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from clearprop.data.dataset import Dataset, Split
from clearprop.errors import OptionError, ShapeError
from clearprop.nn import Linear, Net
from clearprop.plots import boundary, style
from clearprop.plots.points import class_probabilities

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]])
Y = np.array([0, 1, 0, 1])


def draw(predict, data, **options):
    return boundary(predict, data, Figure().subplots(), resolution=21, **options)


def halves(X):
    """Class 1 to the right of x1 = 1/2."""
    return np.column_stack([0.5 - X[:, 0], X[:, 0] - 0.5])


def contours(ax):
    return [c for c in ax.collections if isinstance(c, QuadContourSet)]


def dots(ax):
    return {c.get_label(): c for c in ax.collections if not isinstance(c, QuadContourSet)}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_line_lies_where_both_classes_are_equally_likely():
    filled, line = contours(draw(halves, (X, Y)))
    assert filled.filled
    assert line.levels.tolist() == [0.5]
    assert np.concatenate([path.vertices for path in line.get_paths()])[:, 0] == pytest.approx(0.5)


def test_points_have_the_colours_of_their_classes():
    ax = draw(halves, (X, Y))
    offsets, faces = dots(ax)["data"].get_offsets().tolist(), dots(ax)["data"].get_facecolors()[:, :3]
    for x, y in zip(X.tolist(), Y, strict=True):
        assert faces[offsets.index(x)] == pytest.approx(style.rgb(style.colour(y)))
    assert legend(ax) == ["class 0", "class 1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_1$", "$x_2$")


def test_a_data_set_gives_names_and_its_test_points_another_marker():
    splits = {"train": Split(X, Y), "test": Split(X[:2] + 3, Y[:2])}
    data = Dataset("d", splits, classes=["no", "yes"], features=["age", "dose"])
    ax = draw(Net(Linear(2, 2)), data)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "dose")
    assert legend(ax) == ["no", "yes", "training", "test"]
    assert {name: len(c.get_offsets()) for name, c in dots(ax).items()} == {"training": 4, "test": 2}
    assert len(dots(ax)["test"].get_paths()[0].vertices) != len(dots(ax)["training"].get_paths()[0].vertices)
    assert ax.get_xlim()[1] > 4  # the test points are inside
    assert ax.child_axes[0].get_ylabel() == "p(yes)"


def test_three_classes_are_regions_that_fade_with_doubt():
    def sure(X):
        return 50.0 * np.column_stack([-X[:, 0], X[:, 0] - 1, X[:, 1] * 0 - 0.2])

    ax = draw(sure, (X, np.array([0, 1, 2, 1])))
    shown = ax.images[0].get_array()
    assert ax.images[0].get_extent() == [*ax.get_xlim(), *ax.get_ylim()]
    assert legend(ax) == ["class 0", "class 1", "class 2"]
    vague = draw(lambda X: sure(X) / 100, (X, Y)).images[0].get_array()
    assert vague.mean() > shown.mean()  # paler
    assert np.argmin(shown[0, 0]) == np.argmin(style.rgb(style.colour(0)))
    assert np.argmin(shown[0, -1]) == np.argmin(style.rgb(style.colour(1)))


@pytest.mark.parametrize(
    "y", [Y, Y.astype(bool), Y[:, None].astype(float), np.eye(2)[Y]], ids=["int", "bool", "column", "one-hot"]
)
def test_classes_in_any_form_give_the_same_figure(y):
    ax = draw(halves, Split(X, y))
    assert dots(ax)["data"].get_facecolors() == pytest.approx(dots(draw(halves, (X, Y)))["data"].get_facecolors())


def test_one_class_alone_has_no_line():
    assert len(contours(draw(lambda X: np.full((len(X), 1), 0.9), (X, Y)))) == 1


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((np.ones((3, 3)), np.zeros(3, int)), ShapeError, r"exactly two inputs.*\(3, 3\)"),
        ((X, Y[:3]), ShapeError, "4 rows"),
        ((X, Y + 1), ShapeError, "class 2, but predict only gives numbers for classes 0 to 1"),
        ((X, Y + 0.5), OptionError, "integers from 0"),
        ((X, Y - 1), OptionError, "integers from 0"),
        ((X[:0], Y[:0]), OptionError, "no points"),
        (Dataset("d", {"train": Split(X, X[:, :1])}, task="regression"), OptionError, "for regression"),
    ],
)
def test_unfit_data_are_named(data, error, message):
    with pytest.raises(error, match=message):
        draw(halves, data)


def test_a_failed_figure_opens_no_window():
    from matplotlib import pyplot

    figures = pyplot.get_fignums()
    with pytest.raises(ShapeError):
        boundary(halves, (X, Y + 1))
    assert pyplot.get_fignums() == figures


@pytest.mark.parametrize(
    ("q", "outputs", "p"),
    [
        ([[0.2, 0.8]], "auto", [[0.2, 0.8]]),
        ([[0.2, 0.8]], "scores", [[1 / (1 + np.exp(0.6)), 1 / (1 + np.exp(-0.6))]]),
        ([[0.2, 0.2]], "auto", [[0.5, 0.5]]),  # no probabilities: they do not sum to 1
        ([[1000.0, 0.0, 0.0]], "auto", [[1, 0, 0]]),
        ([0.3], "auto", [[0.7, 0.3]]),
        ([[0.0]], "scores", [[0.5, 0.5]]),
        ([[-1000.0]], "auto", [[1, 0]]),
    ],
)
def test_outputs_are_read_as_probabilities_or_as_scores(q, outputs, p):
    assert class_probabilities(lambda X: np.array(q), np.zeros((1, 2)), outputs) == pytest.approx(np.array(p))


@pytest.mark.parametrize(
    ("q", "outputs", "error", "message"),
    [
        (np.zeros((2, 2)), "auto", ShapeError, "one row of class scores"),
        (np.zeros((1, 0)), "auto", ShapeError, "one row of class scores"),
        (np.array([[np.nan, 0.0]]), "auto", OptionError, "1 NaN or infinite numbers out of 2"),
        (np.array([[3.0]]), "probabilities", OptionError, "outputs='scores'"),
        (np.zeros((1, 2)), "score", OptionError, "did you mean 'scores'"),
    ],
)
def test_unfit_outputs_are_named(q, outputs, error, message):
    with pytest.raises(error, match=message):
        class_probabilities(lambda X: q, np.zeros((1, 2)), outputs)


def test_a_large_grid_is_predicted_in_pieces():
    sizes = []
    p = class_probabilities(lambda X: sizes.append(len(X)) or X, np.tile([[0.25, 0.75]], (5000, 1)))
    assert sizes == [4096, 904]
    assert p.shape == (5000, 2)
