"""`clearprop predict`: what a trained network says about new examples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from clearprop.arrays import Array
    from clearprop.export.model import Model

MODEL = "A folder made by clearprop train --out, or its model.safetensors."


def predict(
    model: Annotated[Path, typer.Argument(help=MODEL, metavar="MODEL", show_default=False)],
    source: Annotated[str, typer.Argument(help="A table or file like that of the training; or digits, mnist, ...")],
    out: Annotated[Path | None, typer.Option(help="Write the CSV to this file instead of the screen.")] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first row of a table holds names.", show_default=False),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the files of mnist (or set CLEARPROP_DATA).")] = None,
) -> None:
    """Predict, and print a CSV: one row for each example, with the label and the probability of every class.

    The examples are scaled with the model's own figures. Of a source with a test set, the test set is predicted.
    """
    from clearprop.data import read_examples
    from clearprop.errors import ModelFileError
    from clearprop.files import write_atomically

    found = load_model(model)
    if found.encoder is None:
        raise ModelFileError(f"The model in {str(model)!r} does not say how its inputs were scaled; use it from Python.")
    X, _ = read_examples(source, found.encoder, data_dir=data_dir, header=header, dtype=found.net.dtype)
    if out is None:
        write_rows(sys.stdout, found, X)
        sys.stdout.flush()
        return

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as stream:
            write_rows(stream, found, X)

    write_atomically(out, write)


def load_model(path: Path) -> Model:
    """The model in a file, or in the folder of a run."""
    from clearprop.export.model import Model

    return Model.load(path / "model.safetensors" if path.is_dir() else path)


def write_rows(stream: Any, model: Model, X: Array) -> None:
    """Write a head, and a row for each example of X (N, n_x)."""
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    if model.task == "classification":
        p = model.probabilities(X)
        labels = [model.classes[i] for i in p.argmax(axis=1)]
        writer.writerow(["predicted", *(f"p_{label}" for label in model.classes)])
        writer.writerows([label, *(f"{share:.6g}" for share in row)] for label, row in zip(labels, p.tolist(), strict=True))
        return
    y_hat = model.predict(X)
    names = [f"predicted_{target}" for target in model.targets]
    writer.writerow(names if len(names) > 1 else ["predicted"])
    writer.writerows([f"{value:.8g}" for value in row] for row in y_hat.tolist())
