"""`clearprop data`: what is in a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from clearprop.cli import options as o
from clearprop.cli.console import plain, print_json, screen

if TYPE_CHECKING:
    from clearprop.arrays import Array
    from clearprop.data import Dataset

SPLITS = {"train": "training", "val": "validation", "test": "test"}
MANY = 30  # classes; of more, only the number is shown


def data(
    source: Annotated[str, typer.Argument(help="As for clearprop train.", metavar="SOURCE", show_default=False)],
    target: o.Target = None,
    header: o.Header = None,
    task: o.Task = None,
    scale: o.Scale = None,
    val: o.Val = None,
    test: o.Test = None,
    data_dir: o.DataDir = None,
    seed: o.Seed = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Describe a data set as training would see it: sizes, classes, inputs and their scaling."""
    from clearprop.data import load, profile

    shares = {name: o.parse_share(name, text) for name, text in (("val", val), ("test", test)) if text is not None}
    dataset = load(
        source,
        seed=0 if seed is None else seed,
        val=shares.get("val"),
        test=shares.get("test"),
        data_dir=data_dir,
        target=target,
        header=header,
        task=task,  # type: ignore[arg-type]  # any text; `load` checks it
        scale=scale,  # type: ignore[arg-type]
    )
    found = profile(dataset)
    if json:
        print_json(plain(found))
    else:
        show(found, dataset)


def show(found: dict[str, Any], dataset: Dataset) -> None:
    """Print a profile."""
    console = screen()
    inputs = found["features"]
    shape = found["image_shape"]
    lines = [
        ("name", found["name"]),
        ("task", found["task"]),
        ("predicts", ", ".join(found["targets"])),
        ("inputs", f"{inputs['count']}" + (f" (images of {shape[0]} x {shape[1]})" if shape else "")),
        ("scaling", found["scaling"]),
        ("as scaled", "from {min:.4g} to {max:.4g}; mean {mean:.4g}, standard deviation {std:.4g}".format(**inputs)),
    ]
    for label, value in lines:
        console.print(f"{label:<10} {value}", markup=False)
    console.print()
    console.print(split_table(found, dataset))
    if found["columns"]:
        console.print()
        console.print(column_table(found["columns"]))


def split_table(found: dict[str, Any], dataset: Dataset) -> Table:
    """Examples of each split, by class; or the range of the target, in its own units."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for name in found["splits"]:
        table.add_column(SPLITS[name], justify="right")
    rows = list(found["splits"].values())
    table.add_row("examples", *(f"{row['examples']:,}" for row in rows))
    if found["task"] == "regression":
        raw = [decoded(dataset, split.y) for split in dataset.splits.values()]
        for label, figure in (("smallest target", "min"), ("mean target", "mean"), ("largest target", "max")):
            table.add_row(label, *(f"{getattr(y, figure)():.6g}" for y in raw))
    elif len(found["classes"]) <= MANY:
        for label in map(str, found["classes"]):
            table.add_row(f"class {label}", *(f"{row['classes'][label]:,}" for row in rows))
    return table


def decoded(dataset: Dataset, y: Array) -> Array:
    """Targets (N, n_y) in their own units."""
    return y if dataset.encoder is None else dataset.encoder.decode_target(y)


def column_table(columns: list[dict[str, Any]]) -> Table:
    """A table's columns: numbers or categories."""
    table = Table("column", "holds", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        categories = column.get("categories") or []
        table.add_row(column["name"], ", ".join(map(str, categories)) if categories else "numbers")
    return table
