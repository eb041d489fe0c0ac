"""Curves alone: what a table of losses shows, under the names and in the forms of all tools."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli.doctor import doctor
from clearprop.doctor import diagnose_curves, read_curves
from clearprop.errors import DataError, OptionError
from clearprop.training import History

FALLING = [1.2 * math.exp(-0.2 * i) + 0.02 for i in range(20)]
TURNING = [loss + 0.28 + max(0, i - 6) * 0.09 for i, loss in enumerate(FALLING)]
KEYS = ("loss", "eval_loss")
PAIRS = list(zip(FALLING, TURNING, strict=True))


def lines(header: str, form: str) -> str:
    return header + "".join(form.format(i=i, step=50 * i + 49, t=t, v=v) for i, (t, v) in enumerate(PAIRS))


OVERFITTED = {
    "lightning.csv": lines("epoch,step,train_loss,val_loss\n", "{i},{step},,{v}\n{i},{step},{t},\n"),
    "lightning_epoch.csv": lines("epoch,step,train_loss_epoch,val_loss\n", "{i},{step},,{v}\n{i},{step},{t},\n"),
    "keras.csv": lines("epoch,accuracy,loss,val_accuracy,val_loss\n", "{i},0.8,{t},0.7,{v}\n"),
    "keras.json": json.dumps({"loss": FALLING, "val_loss": TURNING, "accuracy": [0.8] * 20}),
    "fastai.csv": lines("epoch,train_loss,valid_loss,accuracy,time\n", "{i},{t},{v},0.8,00:01\n"),
    "huggingface.csv": lines("epoch,loss,eval_loss\n", "{i},{t},{v}\n"),
    "trainer_state.json": json.dumps(
        {"best": 1, "log_history": [{"epoch": i, k: x} for i, p in enumerate(PAIRS) for k, x in zip(KEYS, p, strict=True)]}
    ),
    "wandb.csv": lines("_step,train/loss,val/loss,_runtime\n", "{i},{t},{v},3.2\n"),
    "wandb_panel.csv": lines(
        '"Step","run-1 - train/loss","run-1 - val/loss","run-1 - val/loss__MIN"\n', '"{i}","{t}","{v}","{v}"\n'
    ),
    "camel.tsv": lines("Epoch\ttrainLoss\tvalLoss\n", "{i}\t{t}\t{v}\n"),
    "decimal.csv": lines("epoch;loss;val_loss\n", "{i};{t:.4f};{v:.4f}\n").replace(".", ","),
    "tensors.csv": lines("epoch,loss,val_loss\n", "{i},tensor({t}),tensor({v})\n"),
    "every_fifth.csv": "loss,val_loss\n" + "".join(f"{t},{v if i % 5 == 4 else ''}\n" for i, (t, v) in enumerate(PAIRS)),
    "one_blank.csv": "loss,val_loss\n" + "".join(f"{'' if i == 3 else t},{v}\n" for i, (t, v) in enumerate(PAIRS)),
    "header_again.csv": lines("epoch,loss,val_loss\n", "{i},{t},{v}\n").replace("\n10,", "\nepoch,loss,val_loss\n10,"),
    "spaces.txt": lines("# of Tuesday\nepoch loss val_loss\n", "{i} {t}   {v}\n"),
    "nested.json": json.dumps([{"epoch": i, "train": {"loss": t}, "val": {"loss": v}} for i, (t, v) in enumerate(PAIRS)]),
    "pandas.json": json.dumps({"loss": dict(enumerate(FALLING)), "val_loss": dict(enumerate(TURNING))}),
    "with_a_summary.json": json.dumps(
        {
            "log_history": [
                *({"epoch": i + 0.5, "step": 2 * i, "loss": t, "grad_norm": 1.0} for i, t in enumerate(FALLING)),
                *({"epoch": i + 1.0, "step": 2 * i + 1, "eval_loss": v} for i, v in enumerate(TURNING)),
                {"epoch": 20.0, "step": 40, "train_loss": 0.4, "train_runtime": 9.0},
            ]
        }
    ),
    "two_runs.csv": "epoch,loss,val_loss\n0,0.7,0.7\n1,nan,nan\n" + lines("epoch,loss,val_loss\n", "{i},{t},{v}\n"),
}


@pytest.mark.parametrize("name", OVERFITTED)
def test_overfitting_is_seen_in_every_form(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(OVERFITTED[name])
    found = diagnose_curves(read_curves(tmp_path / name))
    assert [finding.slug for finding in found.findings] == ["overfitting"]


SOUND = {
    "tensorboard.csv": "Wall time,Step,Value\n" + "".join(f"{1.7e9 + i},{i},{t}\n" for i, t in enumerate(FALLING)),
    "panel.csv": '"Step","a - loss","a - loss__MIN","a - loss__MAX"\n'
    + "".join(f"{i},{t},{t},{t}\n" for i, t in enumerate(FALLING)),
    "bare.csv": "".join(f"{t}\n" for t in FALLING),
    "bare_epochs.csv": "".join(f"{i},{t}\n" for i, t in enumerate(FALLING)),
    "series.csv": ",0\n" + "".join(f"{i},{t}\n" for i, t in enumerate(FALLING)),
    "loss_curve.csv": "loss_curve_\n" + "".join(f"{t}\n" for t in FALLING),
    "list.json": json.dumps(FALLING),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_single_column_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SOUND[name])
    rows = read_curves(tmp_path / name)
    assert [row["train_loss"] for row in rows] == pytest.approx(FALLING)
    assert diagnose_curves(rows).healthy


REFUSED = {
    "header.csv": ("epoch,loss,val_loss\n", "no rows below it"),
    "empty.csv": ("\n", "is empty"),
    "other.csv": ("a,b\n1,2\n", "has no column loss, train_loss or val_loss; its columns are: a, b. Name one"),
    "object.json": ('{"lr": 0.1}', "is not a table of curves"),
    "broken.json": ("{", "is not JSON"),
    "commas.csv": ("epoch,loss\n0,1,25\n1,1,125\n", "with decimal commas, separate the columns by semicolons"),
    "runs.csv": ("Step,a - loss,b - loss\n1,2,3\n", "several columns that may be the training loss: a - loss, b - loss"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_of_curves_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read_curves(tmp_path / name)


def test_a_hole_is_no_nan_and_nan_is() -> None:
    holes = [{"loss": loss} if i % 3 else {"loss": None, "val_loss": 0.5} for i, loss in enumerate(FALLING)]
    assert diagnose_curves(holes).healthy
    first = diagnose_curves([0.7, 0.5, math.nan, math.nan]).findings[0]
    assert first.sentence == "The loss is not finite in epoch 3; it was 0.5 in the epoch before."


def test_several_losses_are_named_by_the_training_loss_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(lines("  epoch, train/box_loss, train/cls_loss, val/box_loss, val/cls_loss\n", "{i},{t},{t},{t},{v}\n"))
    with pytest.raises(DataError, match="several columns that may be the training loss: train/box_loss, train/cls_loss"):
        read_curves(path)
    assert diagnose_curves(read_curves(path, {"train": "train/cls_loss"})).findings[0].slug == "overfitting"
    assert diagnose_curves(read_curves(path, {"train": "train/box_loss"})).healthy


def test_a_header_of_two_words_is_one_column(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("Train Loss\n" + "".join(f"{t}\n" for t in FALLING))
    assert [row["train_loss"] for row in read_curves(path)] == pytest.approx(FALLING)


def test_unusual_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(lines("round,a,b\n", "{i},{t},{v}\n"))
    app = typer.Typer()
    app.command()(doctor)
    named = [str(path), "--column", "train=a", "--column", "val=b"]
    result = CliRunner().invoke(app, named)
    assert (result.exit_code, result.stdout[:11]) == (1, "overfitting")
    for columns, error in (["train"], OptionError), (["train=z"], DataError), (["tain=a"], DataError):
        arguments = [str(path), *(part for column in columns for part in ("--column", column))]
        assert isinstance(CliRunner().invoke(app, arguments).exception, error)


def kept_by_keras() -> Any:
    """An object such as Keras's `fit` returns: a History whose `history` is a dictionary of lists."""

    class History:
        history: ClassVar = {"loss": FALLING, "val_loss": TURNING, "accuracy": [0.5] * 20}

    return History()


def forms() -> dict[str, Any]:
    import pandas as pd
    import pyarrow as pa

    rows = [{"epoch": i + 1, "train_loss": t, "val_loss": v} for i, (t, v) in enumerate(PAIRS)]
    frame = pd.DataFrame({"loss": FALLING, "val_loss": TURNING})
    given = {"loss": FALLING, "val_loss": TURNING}
    return {
        "rows": rows, "frame": frame, "dict": given, "history": History(rows), "keras": kept_by_keras(),
        "arrow": pa.table(given), "arrays": {name: np.array(curve) for name, curve in given.items()},
        "lightning": pd.DataFrame([{"epoch": i, "train_loss": t} for i, t in enumerate(FALLING)]
                                  + [{"epoch": i, "val_loss": v} for i, v in enumerate(TURNING)]),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["rows", "frame", "dict", "history", "keras", "arrow", "arrays", "lightning"])
def test_curves_are_given_in_python(form: str) -> None:
    assert cp.diagnose_curves(forms()[form]).findings[0].slug == "overfitting"


def test_lists_and_series() -> None:
    import pandas as pd

    assert diagnose_curves(FALLING).healthy
    assert diagnose_curves(pd.Series(FALLING)).healthy
    assert diagnose_curves(np.array(FALLING)).healthy
    assert diagnose_curves([None, *FALLING]).healthy
    assert diagnose_curves([]).status == 2
    with pytest.raises(DataError, match="give a list of losses"):
        diagnose_curves(["a", "b"])


def test_a_frame_that_ends_in_nan_was_not_finite() -> None:
    import pandas as pd

    frame = pd.DataFrame({"loss": [0.7, 0.5, math.nan, math.nan], "val_loss": [0.7, 0.6, math.nan, math.nan]})
    assert diagnose_curves(frame).findings[0].sentence.startswith("The loss is not finite in epoch 3")


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 1000])
def test_a_loss_at_ln_c_is_a_constant_predictors(classes: int) -> None:
    found = diagnose_curves([math.log(classes) * (1 + 0.002 * (-1) ** i) for i in range(12)])
    assert found.findings[0].slug == "constant-predictor"
    assert f"ln {classes}" in found.findings[0].sentence


@pytest.mark.parametrize("level", [0.12, 0.03, 1.6e-3, 0.85])
def test_a_level_loss_elsewhere_is_none(level: float) -> None:
    found = diagnose_curves([level - 1e-3 * level * i for i in range(20)])
    assert not found.findings
    assert found.status == 2
    accurate = [{"loss": level, "accuracy": 0.98} for _ in range(20)]
    assert diagnose_curves(accurate).healthy


def test_a_run_that_ends_too_soon_says_by_how_much_it_fell() -> None:
    sentence = diagnose_curves([2.3 * 0.9**i for i in range(8)]).findings[0].sentence
    assert sentence == "The loss still falls when the run ends, from 1.358 to 1.1 in the last 3 epochs."
