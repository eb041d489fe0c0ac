"""The history of a training run: one plain row per epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.arrays import brief
from clearprop.errors import DataError, HistoryIndexError, OptionError
from clearprop.files import parse_json, read_text
from clearprop.registry import unknown_name
from clearprop.rules import is_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from clearprop.plots.training_curves import Metric

Row = dict[str, Any]


@checked
class History:
    """Figures of a run, epoch by epoch.

    Each row holds `epoch` (1 for the first), `train_loss` and `train_accuracy`, `val_loss` and `val_accuracy` where there
    are validation data, `lr` (of the epoch's last step) and `seconds`. Accuracies are missing for regression.

    Losses are per example, and contain the L2 term of the optimizer (divided by the batch size where the loss is a sum over
    the batch). `train_loss` and `train_accuracy` are running means over the steps of the epoch, taken while the parameters
    still move, unless `fit` was told to measure them afterwards; the validation figures belong to the parameters at the end
    of the epoch.

    Attributes
    ----------
    rows : list of dict
        JSON-able.
    stopped : str or None
        Reason why training ended before its last epoch, if it did.
    nonfinite : dict or None
        Place of the first NaN or infinity, if there was one: epoch, step, place.
    best_epoch : int or None
        Epoch whose parameters the net has now, if early stopping chose one.
    steps : list of float
        Loss of each batch before the step that it caused, in order, if `fit` was told to keep them (`keep_steps=True`).

    Examples
    --------
    >>> history = History([{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.5}])
    >>> history["train_loss"]
    [0.7, 0.5]
    >>> history[-1]["epoch"]
    2
    """

    def __init__(self, rows: list[Row] | None = None) -> None:
        self.rows: list[Row] = list(rows or [])
        self.stopped: str | None = None
        self.nonfinite: dict[str, Any] | None = None
        self.best_epoch: int | None = None
        self.steps: list[float] = []

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, key: int | str) -> Any:
        """A row by its index, or a column by its name."""
        if isinstance(key, str):
            known = self.columns()
            if key not in known:
                raise OptionError(unknown_name("history column", key, known))
            return [row.get(key) for row in self.rows]
        if not isinstance(key, slice) and not (is_whole(key) and -len(self.rows) <= key < len(self.rows)):
            raise HistoryIndexError(
                f"The history has {len(self.rows)} epochs, and is read as history[-1] or history['val_loss'],"
                f" not by {brief(key)}."
            )
        return self.rows[key if isinstance(key, slice) else int(key)]

    def columns(self) -> list[str]:
        """Names of all columns, in the order of their first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @checked
    def to_jsonl(self, path: str | Path) -> None:
        """Write one JSON object a line; NaN and infinities are written as the strings "nan", "inf", "-inf"."""
        Path(path).write_text("".join(json.dumps(json_row(row), allow_nan=False) + "\n" for row in self.rows), encoding="utf-8")

    @classmethod
    @checked
    def from_jsonl(cls, path: str | Path) -> History:
        """Read what `to_jsonl` wrote.

        Raises
        ------
        DataError
            If the file is missing, or a line is not a JSON object.
        """
        rows = []
        for number, line in enumerate(read_text(Path(path), "the history").splitlines(), 1):
            try:
                rows.append(parse_row(parse_json(line, "it")))
            except DataError:
                raise DataError(f"Line {number} of {str(path)!r} is not a JSON object: {line[:60]!r}.") from None
        return cls(rows)

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a table, indexed by epoch."""
        import pandas as pd

        return pd.DataFrame(self.rows).set_index("epoch") if self.rows else pd.DataFrame()

    @checked
    def plot(self, ax: Axes | None = None, metric: Metric = "loss") -> Axes:
        """Draw the loss, or the accuracy, against the epoch; see `clearprop.plots.learning_curves`."""
        from clearprop.plots import learning_curves

        return learning_curves(self.rows, ax, metric)

    @checked
    def plot_steps(self, ax: Axes | None = None) -> Axes:
        """Draw the loss of each batch against the step; see `clearprop.plots.step_losses`.

        Raises
        ------
        OptionError
            If the losses of the batches were not kept.
        """
        from clearprop.plots import step_losses

        if not self.steps:
            raise OptionError("The history holds no losses of batches; train with fit(..., keep_steps=True).")
        return step_losses({"loss of each batch": self.steps}, ax)

    def __repr__(self) -> str:
        last = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in (self.rows or [{}])[-1].items())
        return f"History({len(self)} epochs; {last})" if self.rows else "History(no epochs)"

    def _repr_html_(self) -> str:
        return str(self.to_pandas().to_html(float_format="{:.4f}".format)) + f"<p>{escape(self.stopped or '')}</p>"


def json_row(row: Row) -> Row:
    """`row` with its non-finite numbers written as strings, which is what JSON can hold.

    Examples
    --------
    >>> json_row({"epoch": 1, "train_loss": float("nan")})
    {'epoch': 1, 'train_loss': 'nan'}
    """
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def parse_row(row: Row) -> Row:
    """Inverse of `json_row`."""
    return {k: float(v) if isinstance(v, str) and v in ("nan", "inf", "-inf") else v for k, v in row.items()}
