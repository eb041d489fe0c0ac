import numpy as np
import pytest
from matplotlib.figure import Figure

from clearprop.errors import OptionError
from clearprop.plots import learning_curves
from clearprop.training import History

NAN = float("nan")


def rows(train, val=None, metric="loss"):
    val = val if val is not None else [None] * len(train)
    return [{"epoch": i, f"train_{metric}": t, f"val_{metric}": v} for i, (t, v) in enumerate(zip(train, val, strict=True), 1)]


def draw(*arguments, **options):
    return learning_curves(*arguments, Figure().subplots(), **options)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_lines_hold_the_rows_and_the_best_validation_epoch_is_marked():
    ax = draw(rows([0.9, 0.6, 0.4, 0.3], [0.8, 0.5, 0.55, 0.5]))
    training, validation, best = ax.lines
    assert training.get_xydata().tolist() == [[1, 0.9], [2, 0.6], [3, 0.4], [4, 0.3]]
    assert validation.get_ydata().tolist() == [0.8, 0.5, 0.55, 0.5]
    assert best.get_xydata().tolist() == [[2, 0.5]]  # the earlier of two equal ones
    assert legend(ax) == ["training", "validation", "best: 0.5, epoch 2"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "linear")


def test_the_best_accuracy_is_the_highest():
    ax = draw(rows([0.5, 0.9], [0.75, 0.5], "accuracy"), metric="accuracy")
    assert ax.lines[2].get_xydata().tolist() == [[1, 0.75]]
    assert legend(ax)[2] == "best: 75.0 %, epoch 1"
    assert ax.yaxis.get_major_formatter()(0.9) == "90 %"


def test_without_validation_there_is_one_line():
    assert [line.get_label() for line in draw(rows([1.0, 0.5])).lines] == ["training"]


def test_a_history_is_drawn_like_its_rows():
    assert draw(History(rows([1.0, 0.5]))).lines[0].get_ydata().tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("losses", "scale"), [([1.0, 0.011], "linear"), ([1.0, 0.009], "log"), ([1.0, 0.0], "linear"), ([1.0, -0.001], "linear")]
)
def test_a_loss_over_more_than_two_decades_gets_a_logarithmic_scale(losses, scale):
    assert draw(rows(losses)).get_yscale() == scale


def test_accuracy_is_never_logarithmic():
    assert draw(rows([0.001, 1.0], metric="accuracy"), metric="accuracy").get_yscale() == "linear"


def test_numbers_that_are_not_finite_are_gaps_shaded_and_named():
    ax = draw(rows([0.9, 0.8, NAN, NAN], [0.7, 0.6, float("inf"), NAN]))
    assert np.isnan(ax.lines[1].get_ydata()).tolist() == [False, False, True, True]
    assert legend(ax)[-1] == "not finite from epoch 3"
    assert [(p.get_x(), p.get_width()) for p in ax.patches] == [(2.5, 1.0), (3.5, 1.0)]


@pytest.mark.parametrize(
    ("losses", "label"), [([1.0, NAN, 0.8], "not finite at epoch 2"), ([NAN, 1.0, NAN, 1.0], "not finite at epoch 1 ...")]
)
def test_a_passing_nan_is_not_said_to_last(losses, label):
    assert legend(draw(rows(losses)))[-1] == label


def test_when_nothing_is_finite_the_figure_still_says_so():
    ax = draw(rows([NAN, NAN], [NAN, NAN]))
    assert legend(ax) == ["training", "validation", "not finite from epoch 1"]


def test_missing_values_are_bridged():
    ax = draw(rows([1.0, 0.9, 0.8], [0.9, None, 0.7]))
    assert ax.lines[1].get_xydata().tolist() == [[1, 0.9], [3, 0.7]]
    assert not ax.patches


def test_a_point_between_two_gaps_is_seen():
    losses = [1.0] * 40
    losses[9] = losses[11] = NAN
    assert draw(rows(losses)).lines[0].get_markevery() == [10]
    assert draw(rows([1.0] * 3)).lines[0].get_markevery() == [0, 1, 2]


def test_errors_say_what_is_missing():
    with pytest.raises(OptionError, match="none of the 1 rows holds train_accuracy or val_accuracy"):
        draw(rows([1.0]), metric="accuracy")
    with pytest.raises(OptionError, match="none of the 0 rows"):
        draw([])
    with pytest.raises(OptionError, match="did you mean 'accuracy'"):
        draw(rows([1.0]), metric="acuracy")
