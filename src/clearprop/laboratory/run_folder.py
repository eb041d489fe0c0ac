"""A run of a lab as the folder that `clearprop train` would leave: the outcome, its configuration, and its data beside it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset
from clearprop.export import Model
from clearprop.laboratory.lab_session import Glimpse, Upload
from clearprop.laboratory.state import rows_of
from clearprop.training import History
from clearprop.training.outcome import Outcome, split_figures

NAME, TABLE = "run", "data.csv"
LONGEST = 400  # rows of a history
FIGURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def outcome_of(now: Glimpse) -> Outcome:
    """The model at the present step with its history, measured on every split."""
    from clearprop.training.manifest import manifest_of

    trainer = now.trainer
    history = history_of_curve(list(trainer.curve), now.step)
    model, data = Model.of(now.net.copy(), trainer.loss, trainer.data), trainer.data
    finite = bool(np.isfinite(now.net.theta).all()) and bool(np.isfinite(model.outputs(data.train.X[:100])).all())
    if not finite:
        history.nonfinite = {"epoch": now.epoch, "step": now.step, "place": "the outputs"}
        history.stopped = f"not finite at step {now.step}"
    with np.errstate(all="ignore"):
        metrics = split_figures(model, data, trainer.engine, trainer.optimizer.penalty(now.net.theta), thorough=finite)
    return Outcome(trainer.settings, data, model, history, trainer.seconds, metrics,
                   manifest=manifest_of(trainer.engine, data, now.net))  # fmt: skip


def history_of_curve(curve: list[dict[str, Any]], step: int) -> History:
    """A row for each epoch that the curve has a point of, thinned where there are very many.

    Examples
    --------
    >>> rows = [{"step": 0, "epoch": 0.0, "train_loss": 0.7}, {"step": 4, "epoch": 0.5, "train_loss": 0.6}]
    >>> history_of_curve(rows, 4).rows
    [{'epoch': 0, 'train_loss': 0.7}, {'epoch': 1, 'train_loss': 0.6}]
    """
    by_epoch = {int(np.ceil(row["epoch"])): row for row in curve if row["step"] <= step}
    epochs = sorted(by_epoch)
    kept = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), LONGEST)).astype(int)) if epochs else np.empty(0, int)
    rows = [(epochs[k], by_epoch[epochs[k]]) for k in kept]
    return History([{"epoch": epoch, **{name: row[name] for name in FIGURES if name in row}} for epoch, row in rows])


def configuration_of(now: Glimpse, upload: Upload | None) -> dict[str, Any]:
    """The config.json: the data, the settings, and under "lab" the whole state, by which a lab opens it again."""
    trainer, choice = now.trainer, now.state.data
    epochs = max(round(now.step / trainer.per_epoch), 1)
    laid_out = trainer.optimizer.schedule.config()
    lengths = {name: value for name, value in laid_out.items() if name not in ("type", "lr", "max_lr", "then", "first")}
    settings = replace(trainer.settings, fit=replace(trainer.settings.fit, epochs=epochs), schedule_args=lengths)
    if len(set(now.state.extras().dropout)) == 1:
        settings = replace(settings, dropout=now.state.extras().dropout[0])
    targets = trainer.source.train.y.reshape(len(trainer.train), -1).shape[1]
    named: str | list[str] = "target" if targets == 1 else [f"target{k + 1}" for k in range(targets)]
    data: dict[str, Any] = {"source": TABLE, "target": named, "header": True, "val": choice.val, "test": 0, "scale": "none"}
    if choice.source == "digits":
        data = {"source": "digits", "val": choice.val, "test": 0}
    elif choice.source == "table" and upload is not None:
        data = {"source": upload.name, "target": upload.target, "test": 0}
    elif trainer.data.task is not None:
        data["task"] = trainer.data.task
    return {
        "clearprop": version("clearprop"), "data": data, "settings": settings.to_json(), "checkpoint_every": None,
        "command": shlex.split(command_of(now)), "lab": now.state.to_json(),
    }  # fmt: skip


def command_of(now: Glimpse) -> str:
    """The command line that opens a lab with this state."""
    source = now.state.data.source
    words = ["clearprop", "lab", *(["DATA"] if source in ("table", "given") else [])]
    return shlex.join([*words, "--state", json.dumps(now.state.to_json(), separators=(",", ":"))])


def write_run(now: Glimpse, upload: Upload | None, folder: Path) -> None:
    """Write the folder."""
    from clearprop.cli.saving import save_rest, save_run

    outcome = outcome_of(now)
    save_run(outcome, configuration_of(now, upload), folder, None)
    save_rest(outcome, folder)
    table = table_of(now, upload)
    if table is not None:
        (folder / table[0]).write_bytes(table[1])


def table_of(now: Glimpse, upload: Upload | None) -> tuple[str, bytes] | None:
    """Name and content of the table that a run was trained on; None if the package can load the data itself."""
    choice = now.state.data
    if choice.source == "digits":
        return None
    if choice.source == "table" and upload is not None:
        return upload.name, upload.body
    if choice.source in ("table", "given"):
        return TABLE, csv_of(*joined(now.trainer.source), now.trainer.source.features)
    X, y, _ = rows_of(choice, now.trainer.settings.seed)
    return TABLE, csv_of(X, y, [f"x{k + 1}" for k in range(X.shape[1])])


def joined(data: Dataset) -> tuple[Array, Array]:
    """Inputs and targets of training and validation together, as the net takes them."""
    splits = [data.splits[name] for name in ("train", "val") if name in data.splits]
    return np.concatenate([split.X for split in splits]), np.concatenate([split.y for split in splits])


def csv_of(X: Array, y: Array, features: Any) -> bytes:
    """A table with the inputs and a column, or several, called target."""
    targets = y.reshape(len(y), -1)
    n = targets.shape[1]
    names = [*map(str, features), *(["target"] if n == 1 else [f"target{k + 1}" for k in range(n)])]
    lines = [",".join(f'"{name}"' if "," in name else name for name in names)]
    rows = zip(X.tolist(), targets.tolist(), strict=True)
    lines += [",".join(map(repr, [*inputs, *outputs])) for inputs, outputs in rows]
    return ("\n".join(lines) + "\n").encode()
