"""`clearprop predict`: predict new examples with a trained network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clearprop.cli import options as o
from clearprop.cli.folder import check_file
from clearprop.errors import printable

if TYPE_CHECKING:
    from clearprop.arrays import Array
    from clearprop.export.model import Model


def predict(
    model: o.Model,
    source: Annotated[str, o.argument("File of examples in the form of the training data, or a built-in data set.", "SOURCE")],
    header: o.Header = None,
    delimiter: o.Delimiter = None,
    decimal: o.Decimal = None,
    encoding: o.Encoding = None,
    skip: o.Skip = None,
    na: o.Na = None,
    missing: o.Missing = None,
    data_dir: o.DataDir = None,
    out: Annotated[Path | None, o.option(o.OUTPUT, "Write the CSV to this file instead of the screen.", metavar="FILE")] = None,
) -> None:
    """Predict with a trained network, and print a CSV with one row per example.

    The columns are the predicted class and the probability of each class, or the predicted value of each target.

    Inputs are scaled as the training data were. Missing cells, unknown categories and other spellings are said on stderr.

    If the source has a test set of its own, as mnist does, that is predicted.

    Example: clearprop predict runs/penguins new.csv
    """
    from clearprop.cli.configuration import parse_options
    from clearprop.cli.console import show_notes
    from clearprop.data import read_rows
    from clearprop.errors import ModelFileError
    from clearprop.export.model import Model
    from clearprop.files import write_atomically

    check_file(out, "--out")
    found = Model.load(model)
    if found.encoder is None:
        raise ModelFileError(f"The model in {str(model)!r} does not record how its inputs were scaled; use it from Python.")
    table = {
        "header": header, "delimiter": delimiter, "decimal": decimal, "encoding": encoding, "skip": skip, "na": na,
        "missing": missing,
    }  # fmt: skip
    new = read_rows(source, found.encoder, data_dir=data_dir, dtype=found.net.dtype, **parse_options(table))
    show_notes(new.notes)
    X = new.X
    if out is None:
        write_rows(sys.stdout, found, X, new.ids)
        sys.stdout.flush()
        return

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as stream:
            write_rows(stream, found, X, new.ids)

    write_atomically(out, write)


class Visible:
    """Stream to a terminal, to which names of classes send no escapes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text with its control characters shown."""
        return int(self.stream.write(printable(text)))


def write_rows(stream: Any, model: Model, X: Array, ids: dict[str, list[Any]] | None = None) -> None:
    """Write a header, and a row for each example of X (N, n_x), behind the columns that are passed through."""
    import csv

    writer = csv.writer(Visible(stream) if stream.isatty() else stream, lineterminator="\n")
    ids = ids or {}
    before: list[Any] = list(zip(*ids.values(), strict=True)) if ids else [()] * len(X)
    if model.task == "classification":
        p = model.probabilities(X)
        labels = [model.classes[i] for i in p.argmax(axis=1)]
        writer.writerow([*ids, "predicted", *(f"p_{label}" for label in model.classes)])
        cells = zip(before, labels, p.tolist(), strict=True)
        writer.writerows([*first, label, *(f"{share:.6g}" for share in row)] for first, label, row in cells)
        return
    y_hat = model.predict(X)
    names = [f"predicted_{target}" for target in model.targets]
    writer.writerow([*ids, *(names if len(names) > 1 else ["predicted"])])
    writer.writerows([*first, *(f"{value:.8g}" for value in row)] for first, row in zip(before, y_hat.tolist(), strict=True))
