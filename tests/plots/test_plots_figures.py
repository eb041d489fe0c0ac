"""What holds for every figure: it draws where it is told, leaves no trace, and can be written to a file."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import clearprop.plots as plots
from clearprop.errors import OptionError
from clearprop.plots import style

matplotlib.use("Agg")

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
P = np.array([[0.9, 0.1], [0.3, 0.7]])
FIGURES = {
    "learning_curves": lambda ax: plots.learning_curves([{"epoch": 1, "train_loss": 1.0, "val_loss": 2.0}], ax),
    "boundary": lambda ax: plots.boundary(lambda X: X, (X, np.array([0, 1, 0, 1])), ax, resolution=20),
    "confusion": lambda ax: plots.confusion(np.eye(3, dtype=int), "abc", ax),
    "regression_fit": lambda ax: plots.regression_fit(np.arange(5.0), np.arange(5.0), ax),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_on_the_given_axes_and_nowhere_else(name):
    ax = Figure().subplots()
    figures, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    assert FIGURES[name](ax) is ax
    ax.figure.canvas.draw()
    assert pyplot.get_fignums() == figures
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("name", FIGURES)
def test_without_axes_a_pyplot_figure_is_opened(name):
    figures = pyplot.get_fignums()
    ax = FIGURES[name](None)
    try:
        assert pyplot.get_fignums() == [*figures, ax.figure.number]
    finally:
        pyplot.close(ax.figure)


def test_most_wrong_draws_on_the_given_figure_and_opens_one_otherwise():
    figure, figures = Figure(), pyplot.get_fignums()
    arguments = (np.eye(2, 4), np.array([1, 1]), P, "ab", (2, 2))
    assert plots.most_wrong(*arguments, figure) is figure
    assert pyplot.get_fignums() == figures
    opened = plots.most_wrong(*arguments)
    assert pyplot.get_fignums() == [*figures, opened.number]
    pyplot.close(opened)


def test_two_figures_fit_side_by_side():
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    FIGURES["boundary"](left)
    FIGURES["confusion"](right)
    figure.canvas.draw()
    assert figure.axes == [left, right]  # the colour bar lies inside the axes' own frame


def test_importing_the_plots_does_not_import_matplotlib():
    code = "import sys, clearprop.plots; print([m for m in sys.modules if m.startswith('matplotlib')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml"), ("new/C.PNG", b"\x89PNG")])
def test_save_writes_the_same_bytes_every_time_and_nothing_beside(tmp_path, name, start):
    path = tmp_path / name
    contents = []
    for _ in range(2):
        assert plots.save(FIGURES["boundary"](Figure().subplots()), path) == path
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith(start)
    assert list(path.parent.iterdir()) == [path]


def test_save_has_144_dots_per_inch(tmp_path):
    figure = Figure(figsize=(3, 2))
    figure.add_axes((0, 0, 1, 1)).set_xticks([])
    path = plots.save(figure, tmp_path / "a.png")
    height, width = pyplot.imread(path).shape[:2]
    assert width > 3 * 144 * 0.95
    assert height > 2 * 144 * 0.95


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("name", FIGURES)
def test_save_draws_once_what_matplotlib_draws_twice_and_changes_nothing(tmp_path, monkeypatch, name, layout):
    figure, twin = (Figure(figsize=(4, 3), layout=layout) for _ in range(2))
    for each in (figure, twin):
        FIGURES[name](each.subplots())
    before = figure.canvas, figure.dpi, figure.get_layout_engine()
    draws = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: draws.append(0) or draw(self, renderer))
    got = pyplot.imread(plots.save(figure, tmp_path / "got.png"))
    assert len(draws) == 1
    assert (figure.canvas, figure.dpi, figure.get_layout_engine()) == before
    twin.savefig(tmp_path / "wanted.png", dpi=144, bbox_inches="tight", facecolor="white")
    assert np.array_equal(got, pyplot.imread(tmp_path / "wanted.png"))


def test_save_takes_axes_within_a_subfigure(tmp_path):
    figure = Figure()
    ax = figure.subfigures(1, 2)[0].subplots()
    assert plots.save(ax, tmp_path / "a.svg").stat().st_size > 0


@pytest.mark.parametrize("name", ["a.jpeg", "a", "png"])
def test_save_refuses_other_formats(tmp_path, name):
    with pytest.raises(OptionError, match=r"\.png or \.svg"):
        plots.save(Figure(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    figure = Figure()
    figure.text(0.5, 0.5, r"$\nosuchsymbol$")
    with pytest.raises(ValueError):
        plots.save(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_palette_has_distinct_colours_darker_and_paler_ones_behind_them_and_goes_round():
    assert len(set(style.PALETTE)) == len(style.PALETTE) == 10
    assert len({style.colour(k) for k in range(30)}) == 30
    assert style.colour(30) == style.colour(0)
    assert style.tint(style.PALETTE[0], np.array([0.0, 1.0])) == pytest.approx(np.array([np.ones(3), style.rgb("#0072b2")]))
