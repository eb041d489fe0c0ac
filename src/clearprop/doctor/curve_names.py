"""Names of columns: what Keras, Lightning, fastai, Hugging Face, TensorBoard, Weights & Biases and people call their curves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clearprop.errors import DataError

LOSS = {"loss", "cost", "losses", "objective"}
ACCURACY = {"accuracy", "acc", "categorical", "sparse", "binary"}
TRAIN = {"train", "training", "trn", "tr", "fit"}
VAL = {"val", "valid", "validation", "eval", "evaluation", "test", "dev", "holdout", "heldout"}
USUAL = {"epoch", "avg", "average", "mean", "total", "running", "curve", "metrics", "log", "logs", "per"}
EPOCH = ("epoch", "epochs", "ep")
STEP = ("step", "steps", "global step", "iteration", "iterations", "iter", "batch", "", "unnamed 0", "index")
KNOWN = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy")


def words_of(name: str) -> list[str]:
    """The words of a column's name, in lower case.

    Examples
    --------
    >>> words_of("run-1 - train/loss"), words_of("valLoss"), words_of("trainloss")
    (['train', 'loss'], ['val', 'loss'], ['train', 'loss'])
    """
    name = name.rsplit(" - ", 1)[-1]
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    name = re.sub(r"\b(train|valid|val|test|eval)(loss|acc|accuracy)\b", r"\1 \2", name)
    return [word for word in re.split(r"[^a-z0-9]+", name) if word]


def meaning(name: str) -> tuple[str, int] | None:
    """The history's name for a column, and how far-fetched that is (0: not at all); None for anything else.

    Examples
    --------
    >>> meaning("eval_loss"), meaning("train_loss_step"), meaning("Wall time")
    (('val_loss', 0), ('train_loss', 2), None)
    """
    if name.endswith(("__MIN", "__MAX")):
        return None
    words = words_of(name)
    text = " ".join(words)
    if text in EPOCH:
        return "epoch", 0
    if text in STEP:
        return "step", 0
    if text == "value":
        return "train_loss", 4
    if re.fullmatch(r"\d+", text):  # a column of pandas without a name
        return "train_loss", 5
    kinds = set(words)
    what = "loss" if kinds & LOSS else "accuracy" if kinds & ACCURACY else ""
    if not what:
        return None
    rest = kinds - LOSS - ACCURACY - TRAIN - VAL - USUAL
    if kinds & TRAIN and kinds & VAL:
        return None
    return f"{'val' if kinds & VAL else 'train'}_{what}", 2 * len(rest) + ("log" in kinds)


def like(names: list[str], other: str) -> str:
    """The name that differs from another in what is held out alone; else the first.

    Examples
    --------
    >>> like(["val/box_loss", "val/cls_loss"], "train/cls_loss")
    'val/cls_loss'
    """
    return next((name for name in names if set(words_of(name)) - VAL == set(words_of(other)) - TRAIN), names[0])


def chosen(names: Sequence[str], columns: dict[str, str], where: str) -> dict[str, str]:
    """For each of the history's names, the column that holds it.

    Parameters
    ----------
    names : sequence of str
        Columns that there are.
    columns : dict
        Columns that the person named, by "train", "val" or the history's names.
    where : str
        The table, for messages.

    Raises
    ------
    DataError
        If a named column is not there, none is a loss, or two could be.
    """
    found: dict[str, str] = {}
    for key, column in columns.items():
        own = f"{key}_loss" if key in ("train", "val") else key
        if own not in KNOWN:
            raise DataError(f"A column is train, val, train_accuracy, val_accuracy or epoch; got {key!r} (for {column!r}).")
        if column not in names:
            raise DataError(f"{where} has no column {column!r}; its columns are: {', '.join(names) or 'none'}.")
        found[own] = column
    read = [(name, *meant) for name in names if (meant := meaning(name)) is not None and name not in found.values()]
    for own in (*KNOWN, "step"):
        candidates = [(far, name) for name, meant, far in read if meant == own]
        if own in found or not candidates:
            continue
        nearest = min(far for far, _ in candidates)
        best = [name for far, name in candidates if far == nearest]
        if len(best) > 1 and own == "train_loss" and "train" not in columns:
            best = [name for name in best if set(words_of(name)) & TRAIN] or best
            if len(best) > 1:
                raise DataError(
                    f"{where} has several columns that may be the training loss: {', '.join(best)}; name one, as in --column"
                    f" train={best[0]!r}."
                )
        found[own] = like(best, found.get("train_loss", "")) if own == "val_loss" else best[0]
    if "train_loss" not in found and "val_loss" not in found:
        raise DataError(
            f"{where} has no column loss, train_loss or val_loss; its columns are: {', '.join(names) or 'none'}. Name one,"
            " as in --column train=NAME."
        )
    return found
