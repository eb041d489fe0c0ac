"""`--checkpoint-every` and `--resume`: an interrupted run goes on to the very same bits."""

import numpy as np
import pytest

from clearprop.cli.progress import Progress
from clearprop.export.model import Model
from clearprop.training import History

RUN = ("train", "circles", "--checkpoint-every", 5, "--dropout", 0.2)


def same(a, b):
    thetas = [Model.load(folder / "model.safetensors").net.theta for folder in (a, b)]
    np.testing.assert_array_equal(*thetas)
    assert len({len(History.from_jsonl(folder / "history.jsonl")) for folder in (a, b)}) == 1


@pytest.fixture
def interrupt(monkeypatch):
    """Press Ctrl-C (or fail) at the end of epoch 7."""

    def at_epoch_7(error):
        shown = Progress.on_epoch_end

        def on_epoch_end(self, run):
            shown(self, run)
            if run.epoch == 7:
                raise error

        monkeypatch.setattr(Progress, "on_epoch_end", on_epoch_end)

    return at_epoch_7


def test_more_epochs(clearprop, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    clearprop(*RUN, "--schedule", "constant", "--epochs", 12, "--out", a)
    clearprop(*RUN, "--schedule", "constant", "--epochs", 6, "--out", b)
    assert clearprop("train", "--resume", b, "--epochs", 12).exit_code == 0
    same(a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_ctrl_c_keeps_the_network_and_the_checkpoint(clearprop, tmp_path, interrupt, monkeypatch):
    a, b = tmp_path / "a", tmp_path / "b"
    clearprop(*RUN, "--epochs", 12, "--out", a)
    with monkeypatch.context():
        interrupt(KeyboardInterrupt())
        result = clearprop(*RUN, "--epochs", 12, "--out", b)
        assert result.exit_code == 130
        assert f"Interrupted in epoch 8. The network up to that point is saved in {b}." in result.stderr
        assert len(History.from_jsonl(b / "history.jsonl")) == 7
        monkeypatch.undo()
    assert clearprop("train", "--resume", b).exit_code == 0
    same(a, b)


def test_ctrl_c_without_a_folder_says_that_nothing_is_kept(clearprop, interrupt):
    interrupt(KeyboardInterrupt())
    result = clearprop("train", "circles", "--epochs", 12)
    assert result.exit_code == 130
    assert "Nothing was saved; add --out" in result.stderr
    assert "accuracy" in result.stdout


def test_a_run_that_dies_leaves_its_checkpoint_but_no_folder(clearprop, tmp_path, interrupt, monkeypatch):
    a, b = tmp_path / "a", tmp_path / "b"
    clearprop(*RUN, "--epochs", 12, "--out", a)
    interrupt(RuntimeError("power cut"))
    with pytest.raises(RuntimeError, match="power cut"):
        clearprop(*RUN, "--epochs", 12, "--out", b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b.unfinished"}
    monkeypatch.undo()
    again = clearprop(*RUN, "--epochs", 12, "--out", b)
    assert again.exit_code == 2
    assert "holds a run that was cut short: continue it with --resume" in again.stderr
    assert clearprop("train", "--resume", b).exit_code == 0
    same(a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_resume_changes_nothing_but_the_number_of_epochs(clearprop, tmp_path):
    clearprop(*RUN, "--epochs", 5, "--out", tmp_path / "run")
    other = clearprop("train", "--resume", tmp_path / "run", "--lr", 0.5)
    assert other.exit_code == 2
    assert "only --epochs may change, not lr" in other.stderr
    laid_out = clearprop("train", "--resume", tmp_path / "run", "--epochs", 9)
    assert laid_out.exit_code == 2
    assert "was laid out for 5 epochs" in laid_out.stderr
