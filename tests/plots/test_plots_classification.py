"""The confusion matrix and the worst mistakes."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from clearprop.errors import OptionError, ShapeError
from clearprop.plots import confusion, most_wrong, style


def draw(matrix, classes, size=6.0):
    return confusion(matrix, classes, Figure(figsize=(size, size)).subplots())


def test_cells_hold_counts_and_shares_of_their_row():
    ax = draw([[999, 1, 0], [1, 2, 1], [0, 0, 0]], ["a", "b", 3])
    texts = {tuple(map(int, t.get_position()[::-1])): t.get_text() for t in ax.texts}
    assert texts[0, 0] == "999\n>99 %"  # not 100: one is missing
    assert texts[0, 1] == "1\n<1 %"
    assert texts[1, 0] == "1\n25 %"
    assert texts[0, 2] == "0"
    assert [texts[2, j] for j in range(3)] == ["0"] * 3  # a class without examples
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "3"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "3"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert ax.get_title(loc="left") == "1,004 examples: 99.7 % correct"


def test_text_stands_out_from_its_cell():
    ax = draw([[10, 0], [9, 1]], "ab")
    cells = np.asarray(ax.images[0].get_array())
    assert cells[0, 0] == pytest.approx(style.rgb(style.TRAIN))
    assert cells[0, 1] == pytest.approx(np.ones(3))
    assert ax.texts[0].get_color() == "white"
    assert ax.texts[3].get_color() == style.INK


def test_small_cells_hold_counts_alone_and_large_ones_both():
    matrix = np.full((20, 20), 7)
    assert draw(matrix, range(20), 5.0).texts[0].get_text() == "7"
    assert draw(matrix, range(20), 14.0).texts[0].get_text() == "7\n5 %"


def test_long_names_are_turned():
    assert draw(np.eye(3), ["a", "b", "c"]).get_xticklabels()[0].get_rotation() == 0
    assert draw(np.eye(3), ["a very long name for a class", "b", "c"]).get_xticklabels()[0].get_rotation() == 45


def test_an_empty_matrix_has_no_percentage():
    assert draw(np.zeros((2, 2)), "ab").get_title(loc="left") == "0 examples"


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (np.zeros((2, 3)), ShapeError, r"square.*\(2, 3\)"),
        (np.zeros(2), ShapeError, "square"),
        (np.eye(3), ShapeError, "needs 3 class labels, but there are 2"),
        ([[1, -1], [0, 1]], OptionError, "-1"),
        ([[1, np.nan], [0, 1]], OptionError, "nan"),
    ],
)
def test_an_unfit_matrix_is_named(matrix, error, message):
    with pytest.raises(error, match=message):
        draw(matrix, "ab")


IMAGES = np.arange(20.0).reshape(5, 4)
TRUTH = np.array([0, 0, 1, 1, 2])
P = np.array([[0.4, 0.6, 0.0], [1.0, 0.0, 0.0], [0.999, 0.001, 0.0], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])


def captions(figure):
    return [ax.get_title() for ax in figure.axes]


def worst(n=16, p=P, truth=TRUTH, images=IMAGES, shape=(2, 2)):
    return most_wrong(images, truth, p, ["zero", "one", "two"], shape, Figure(), n)


def test_the_worst_come_first_with_their_images():
    figure = worst()
    assert captions(figure) == [
        "true two, pred. one (100 %)",
        "true one, pred. zero (>99 %)",
        "true one, pred. two (50 %)",
        "true zero, pred. one (60 %)",
    ]
    assert figure.axes[0].images[0].get_array().tolist() == [[16, 17], [18, 19]]
    assert figure.get_suptitle() == "4 of 5 wrong"


def test_at_most_n_are_shown():
    figure = worst(n=2)
    assert len(figure.axes) == 2
    assert figure.get_suptitle() == "4 of 5 wrong; the 2 worst"
    assert worst(n=1).get_suptitle() == "4 of 5 wrong; the worst"


def test_when_none_is_wrong_the_figure_says_so():
    figure = worst(truth=P.argmax(axis=1))
    assert [text.get_text() for text in figure.texts] == ["All 5 are correct."]
    assert not figure.axes


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shape": (3, 2)}, ShapeError, r"3 x 2 pixels must be rows, \(N, 6\)"),
        ({"images": IMAGES.reshape(5, 2, 2)}, ShapeError, "flatten"),
        ({"truth": TRUTH[:4]}, ShapeError, r"\(5,\)"),
        ({"truth": TRUTH[:, None]}, ShapeError, r"\(5,\)"),
        ({"truth": TRUTH + 1}, ShapeError, "1 to 3"),
        ({"p": P[:, :2]}, ShapeError, r"\(5, 3\)"),
        ({"p": P * np.nan}, OptionError, "15 of the 15"),
        ({"n": 0}, OptionError, "n must be a whole number, 1 or more, not 0"),
    ],
)
def test_unfit_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        worst(**options)
