"""Notebooks: a live plot that moves in one place, and things that display themselves."""

from __future__ import annotations

import sys
import types

import pytest

import clearprop as cp
from clearprop.training.live_plot import Jupyter, Marimo, curves_svg, notebook

SETUP = """
import clearprop as cp
data = cp.data.load("circles", seed=0)
net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_notebook_shows_what_it_should():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [
        SETUP,
        "net",
        "data",
        "history = cp.fit(net, data, epochs=30, callbacks=cp.LivePlot(seconds=0.0))",
        "history",
        "history.plot();",
        "cp.fit(net, data, epochs=2000, batch_size=500)",
        "cp.NetClassifier()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    outputs = [cell["outputs"] for cell in book.cells]
    assert "Linear(2, 10)" in html(outputs[1])
    assert "circles" in html(outputs[2])
    (live,) = outputs[3]  # one picture, which was replaced again and again, and nothing else
    assert "<svg" in live["data"]["text/html"]
    assert "epoch 30 of 30" in live["data"]["text/html"]
    assert "train_loss" in html(outputs[4])
    assert any("image/png" in part.get("data", {}) for part in outputs[5])
    (flood,) = outputs[6]  # two thousand epochs are one table, cut short by nobody but pandas
    assert flood["output_type"] == "execute_result"
    assert "NetClassifier" in html(outputs[7])


def html(outputs):
    """The HTML of a cell with one output."""
    (one,) = outputs
    return one["data"]["text/html"]


def test_outside_a_notebook_nothing_is_drawn(capsys):
    assert notebook() is None
    history = cp.fit(cp.mlp([2, 10, 2]), cp.data.load("circles"), epochs=2, callbacks=cp.LivePlot())
    assert len(history) == 2
    assert capsys.readouterr().out == ""


class Shell:
    """Stands for marimo, with what is used of it."""

    def __init__(self):
        self.shown = []
        self.output = types.SimpleNamespace(replace=self.shown.append)

    def running_in_notebook(self):
        return True

    def Html(self, text):
        return text


def test_in_marimo_the_output_of_the_cell_is_replaced(monkeypatch):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "marimo", shell)
    assert isinstance(notebook(), Marimo)
    cp.fit(cp.mlp([2, 10, 2]), cp.data.load("circles"), epochs=3, callbacks=cp.LivePlot(seconds=0))
    assert len(shell.shown) == 4  # after each epoch, and at the end
    assert "epoch 3 of 3" in shell.shown[-1]


def test_pictures_are_not_drawn_too_often(monkeypatch):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "marimo", shell)
    cp.fit(cp.mlp([2, 10, 2]), cp.data.load("circles"), epochs=30, callbacks=cp.LivePlot(seconds=1000))
    assert len(shell.shown) <= 2  # the first, and the last
    assert Jupyter().handle is None
    assert callable(curves_svg)
