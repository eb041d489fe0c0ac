"""What the plots of sweeps hold."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from clearprop.errors import OptionError, ShapeError
from clearprop.plots import bands, heat_map, many_curves

NAN = float("nan")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def axes():
    return Figure().subplots()


def test_a_heat_map_writes_every_figure_and_frames_the_best():
    table, finite = np.array([[0.5, 0.9], [NAN, 0.95]]), np.array([[1, 1], [0, 0.5]])
    ax = heat_map(table, [1, None], [0.1, 5.0], names=("batch", "lr"), finite=finite, percent=True, ax=axes())
    assert texts(ax) == ["50.0", "90.0", "diverges", "95.0", "50 % diverge"]
    frame = ax.patches[-1]
    assert (round(frame.get_x()), round(frame.get_y())) == (1, 0)  # not 95 %, which half of the runs never saw
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "all"]


def test_a_small_loss_is_dark_and_a_large_one_pale():
    ax = heat_map(np.array([[0.1, 1.0, 100.0]]), [1], [1, 2, 3], ax=axes())
    assert [round(float(cell.sum()), 1) for cell in ax.images[0].get_array()[0]] == sorted(
        round(float(cell.sum()), 1) for cell in ax.images[0].get_array()[0]
    )
    assert texts(ax) == ["0.100", "1.000", "100"]


def test_heat_maps_of_nothing():
    with pytest.raises(ShapeError, match=r"must be \(1, 2\)"):
        heat_map(np.zeros((2, 2)), [1], [1, 2], ax=axes())
    with pytest.raises(OptionError, match="grid is empty"):
        heat_map(np.zeros((0, 0)), [], [], ax=axes())
    assert texts(heat_map(np.full((1, 1), NAN), [1], [1], ax=axes())) == ["diverges"]


def rows(xs, name="lr"):
    return [{name: x, "mean": float(i + 1), "low": i + 0.5, "high": i + 1.5} for i, x in enumerate(xs)]


def test_bands_hold_the_means_and_choose_their_scales():
    ax = bands({"a": rows([1.0, 0.01])}, "lr", ax=axes())
    assert ax.lines[0].get_xydata().tolist() == [[0.01, 2.0], [1.0, 1.0]]
    assert ax.get_xscale() == "log"
    assert bands({"a": rows([1, 2, 3])}, "lr", ax=axes()).get_xscale() == "linear"
    words = bands({"a": rows(["relu", "tanh"])}, "lr", ax=axes())
    assert [label.get_text() for label in words.get_xticklabels()] == ["relu", "tanh"]
    wide = [{"lr": 1.0, "mean": 1.0, "low": 0.001, "high": 10.0}]
    assert bands({"": wide}, "lr", ax=axes()).get_yscale() == "log"
    with pytest.raises(OptionError, match="no rows"):
        bands({}, "lr", ax=axes())


def test_settings_where_every_run_diverges_are_shaded():
    ax = bands({"a": [*rows([0.1, 1.0]), {"lr": 5.0, "mean": NAN, "low": NAN, "high": NAN}]}, "lr", ax=axes())
    assert ax.get_legend_handles_labels()[1] == ["a", "every run diverges"]


def test_curves_of_many_runs_have_a_median_and_count_the_diverged():
    runs = [
        {"lr": 0.1, "trial": trial, "epoch": epoch, "train_loss": loss}
        for trial, losses in (("a", [3.0, 1.0]), ("b", [5.0, 2.0]), ("c", [4.0, NAN]))
        for epoch, loss in enumerate(losses, 1)
    ]
    ax = many_curves(runs, by="lr", ax=axes())
    median = next(line for line in ax.lines if line.get_label().startswith("lr"))
    assert median.get_ydata().tolist() == [4.0, 1.5]
    assert median.get_label() == "lr 0.1 (1 of 3 diverge)"
    with pytest.raises(OptionError, match="none of the 6 rows holds val_loss"):
        many_curves(runs, "val_loss", ax=axes())
