"""The report: one file that needs nothing else."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.recipes import RECIPES, Explanation, Picture, Table
from clearprop.report import Document, Section, environment, recipe_report

VOID = {"meta", "img", "br", "hr", "link", "input", "path", "use", "rect", "image", "stop"}


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def check(html):
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#|data:)""", html), "it loads something"
    assert "http://" not in html
    assert "https://" not in html
    assert "<script" not in html
    assert "@import" not in html
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids)), "two figures share an id"
    assert html.count("<h1>") == 1
    assert 'name="viewport"' in html
    assert "@media print" in html
    return parser


def draw(figure):
    ax = figure.subplots()
    ax.plot([1, 2], [3, 4])
    ax.set_title("a < b & c")


def test_a_report_is_complete_and_loads_nothing():
    report = Document(
        "Rings & <rings>",
        "lead",
        [
            Section("One", ["text"], [Table("t", ["a", "b"], [[1, None], ["<b>", float("nan")]], "note")]),
            Section("Two", pictures=[Picture("p", "one", draw), Picture("q", "two", draw)]),
            Section("Three", explanations=[Explanation("Why?", "Because.")]),
        ],
        {"lr": 0.1, "layers": [1, 2], "runs": {"a": {"b": 1}}, "many": [{"x": 1}, {"x": 2}]},
        "clearprop train circles",
    )
    html = report.html()
    parser = check(html)
    assert "Rings &amp; &lt;rings&gt;" in html
    assert "&lt;b&gt;" in html
    assert {"svg", "table", "dl", "code"} <= parser.seen
    assert html.count("<svg") == 2
    for version in environment().values():
        assert version in html


def test_the_same_report_gives_the_same_bytes():
    report = Document("t", sections=[Section("s", pictures=[Picture("p", "one", draw)])])
    assert report.html() == report.html()


def test_a_huge_figure_is_embedded_as_png():
    def cloud(figure):
        figure.subplots().scatter(range(20_000), range(20_000))

    html = Document("t", sections=[Section("s", pictures=[Picture("p", "one", cloud)])]).html()
    assert 'src="data:image/png;base64,' in html
    check(html)


def test_save_makes_folders(tmp_path):
    assert Document("t").save(tmp_path / "a" / "b.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["radboud-components", "radboud-descent", "vu-scalar"])
def test_a_recipe_as_a_report(name):
    result = RECIPES.make(name).run()
    html = recipe_report(result).html()
    check(html)
    assert f"clearprop run {name}" in html
    assert ("identical to the printed digits" in html) == (name != "radboud-descent")  # which prints no figure
    assert "Versions" in html


@pytest.mark.parametrize("source", ["circles", "digits", "regression"])
def test_clearprop_train_writes_one(source, tmp_path):
    options = ["--epochs", "2", "--quiet", "--report", str(tmp_path / "report.html")]
    if source == "regression":
        table = tmp_path / "t.csv"
        table.write_text("a,b,y\n" + "\n".join(f"{i},{i % 7},{2.5 * i - i % 7}" for i in range(100)))
        source = str(table)
    result = CliRunner().invoke(app, ["train", source, *options], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    html = (tmp_path / "report.html").read_text()
    check(html)
    assert "clearprop train" in html
    assert "seed" in html
    assert html.count("<svg") + html.count("<img") >= (2 if source.endswith(".csv") else 4)


def test_drawing_leaves_no_figure_open():
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    assert isinstance(Picture("p", "one", draw).figure(), Figure)
    Document("t", sections=[Section("s", pictures=[Picture("p", "one", draw)])]).html()
    assert pyplot.get_fignums() == before
