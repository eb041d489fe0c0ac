"""`clearprop descend`: the published table in one command, its pictures, and its mistakes."""

import json
import warnings

import numpy as np
import pytest
import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner

from clearprop.cli.app import Commands
from clearprop.cli.descend import descend
from clearprop.descent import SURFACES, map_basins, sweep_steps
from clearprop.errors import OptionError, ShapeError
from clearprop.plots.basin_map import basin_grid, basins, step_shares
from clearprop.plots.contour import contours, descent_curves, descent_figure

PUBLISHED = ["--step", "0.1,0.305,0.2", "--steps", "10,13,10", "--decay", "1,1,0.8"]
app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
app.command()(descend)
app.callback()(lambda: None)


def run(*words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return CliRunner().invoke(app, ["descend", *map(str, words)])


def test_the_published_table_is_one_command():
    result = run(*PUBLISHED)
    assert result.exit_code == 0
    assert all(figure in result.stdout for figure in ("1.29676", "0.10066", "-2.16415", "sgd 0.2 * 0.8^t, 10 steps"))


def test_json():
    found = json.loads(run(*PUBLISHED, "--json").stdout)
    assert [round(descent["f"], 5) for descent in found["descents"]] == [1.29676, 0.10066, -2.16415]
    assert [round(minimum["f"], 5) for minimum in found["minima"]] == [-2.28071, -0.24934, 1.24273]
    assert len(found["descents"][1]["path"]) == 14


def test_answers():
    assert "Can a fixed step reach the global minimum?" in run("--answers").stdout


def test_pictures(tmp_path):
    plot, basin = tmp_path / "descent.png", tmp_path / "basins.svg"
    result = run("himmelblau", "--step", "0.01", "--plot", plot, "--basins", basin)
    assert f"Plotted to {plot}." in result.stdout.replace("\n", "")
    assert plot.stat().st_size > 1000
    assert basin.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rosenbrok"], "did you mean 'rosenbrock'"),
        (["--optimizer", "adm"], "did you mean 'adam'"),
        (["--start", "3"], "--start takes two numbers such as 3,2, not '3'"),
        (["--step", "x"], "--step takes numbers such as"),
        (["--steps", "1.5"], "--steps takes whole numbers"),
        (["--steps", "-1"], "steps must be"),
        (["--step", "-1"], "lr must be"),
        (["--step", "1,2", "--steps", "1,2,3"], "--step has 2 values, but there are 3 descents"),
        (["--schedule", "onecycl"], "did you mean 'one_cycle'"),
        (["--schedule", "constant", "--decay", "0.5"], "exclude each other"),
        (["--optimizer", "adam", "--momentum", "0.9"], "has no momentum"),
        (["--plot", "figure.gif"], ".png or .svg"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_every_schedule_of_the_package_can_be_had():
    for schedule in ("time-decay", "step-decay", "warm-up", "cool-down", "one-cycle"):
        assert run("bowl", "--schedule", schedule, "--steps", 20).exit_code == 0


def test_contours_hold_the_paths():
    surface = SURFACES.make("published")
    path = np.array([[3.0, 2.0], [1.0, 1.0]])
    ax = contours(surface, surface.box, {"one": path}, surface.minima, Figure().subplots(), resolution=20)
    assert any(line.get_xydata().tolist() == path.tolist() for line in ax.lines)
    assert ax.get_xlim() == (-5, 5)
    with pytest.raises(ShapeError, match="'one' must be points of the plane"):
        contours(surface, surface.box, {"one": np.zeros(3)}, ax=Figure().subplots())


def test_curves_name_the_value_at_the_end():
    surface = SURFACES.make("bowl")
    figure = descent_figure(surface, surface.box, {"one": np.array([[1.0, 0.0], [0.5, 0.0]])}, figure=Figure())
    assert figure.axes[1].get_legend().get_texts()[0].get_text() == "one: 0.125"
    with pytest.raises(OptionError, match="no path"):
        descent_curves({}, Figure().subplots())


def test_a_value_over_many_decades_gets_a_logarithmic_scale():
    assert descent_curves({"a": np.array([1e4, 1.0])}, Figure().subplots()).get_yscale() == "log"
    assert descent_curves({"a": np.array([1e5, -1.0])}, Figure().subplots()).get_yscale() == "symlog"


def test_basins_are_drawn_and_counted():
    found = map_basins("himmelblau", 0.01, resolution=10)
    ax = basins(found.x, found.y, found.reached, found.surface.minima, ax=Figure().subplots())
    assert len(ax.get_legend().get_texts()) == 4
    figure = basin_grid({"a": (found.x, found.y, found.reached)}, figure=Figure())
    assert figure.axes[0].get_title(loc="left") == f"a: {100 * found.share(0):.0f} % reach the lowest"
    with pytest.raises(ShapeError, match="reached must be"):
        basins(found.x, found.y[:-1], found.reached, ax=Figure().subplots())
    rows = sweep_steps("published", [0.1, 0.15, 0.2], resolution=5, steps=200)
    assert step_shares(rows, 0.1811, ax=Figure().subplots()).get_ylim() == (0, 106)
    with pytest.raises(OptionError, match="no step sizes"):
        step_shares([], ax=Figure().subplots())
