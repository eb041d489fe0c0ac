"""What commands say about a table: its notes, the progress of the search for settings, and what Ctrl-C leaves."""

import json

import pytest

from clearprop.training import outcome, settings_search


@pytest.fixture
def marked(tmp_path, pets):
    """A table with a comment, of which a note tells."""
    path = tmp_path / "marked.csv"
    path.write_text("# weighed in spring\n" + pets.read_text())
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("data", "{}"),
        ("train", "{}", "--effort", "quick", "--epochs", 1),
        ("explain", "{}", "--hidden", 2),
        ("ladder", "{}", "--epochs", 1, "--examples", 10, "--hidden", 2),
        ("sweep", "{}", "--grid", "lr=0.01,0.1", "--set", "epochs=1", "--set", "hidden=2"),
    ],
    ids=lambda words: words[0],
)
def test_every_command_says_what_it_found_out(clearprop, marked, words):
    result = clearprop(*[marked if word == "{}" else word for word in words])
    assert result.exit_code == 0
    assert "1 line that begins with '#' is left out" in " ".join(result.stderr.split())


def test_a_sweep_has_the_notes_in_json(clearprop, marked):
    result = clearprop("sweep", marked, "--grid", "lr=0.01,0.1", "--set", "epochs=1", "--json")
    assert any("'#'" in note for note in json.loads(result.stdout)["notes"])


def test_a_search_prints_a_line_for_each_round(clearprop, pets):
    result = clearprop("train", pets)
    lines = [line for line in result.stdout.splitlines() if "networks  best so far: hidden" in line]
    assert lines
    assert [int(line.split()[0]) for line in lines] == sorted(int(line.split()[0]) for line in lines)


def test_ctrl_c_in_a_search_keeps_and_saves_the_best(clearprop, pets, tmp_path, monkeypatch):
    def interrupted(setup, told=None):
        def tell(step):
            if told is not None:
                told(step)
            if step.done >= 6:
                raise KeyboardInterrupt

        return settings_search.search(setup, tell)

    monkeypatch.setattr(outcome, "search", interrupted)
    result = clearprop("train", pets, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "Interrupted while other settings were tried" in result.stderr
    assert "saved in" in result.stderr
    monkeypatch.undo()
    assert clearprop("predict", tmp_path / "run", pets).exit_code == 0
