"""`clearprop data`: describe a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.cli import options as o
from clearprop.cli.configuration import parse_options
from clearprop.cli.console import empty_table, plain, print_json, screen
from clearprop.data.dataset import SPLITS

if TYPE_CHECKING:
    from rich.table import Table

    from clearprop.arrays import Array
    from clearprop.data import Dataset

MANY = 30  # classes; of more, only the number is shown


def data(
    source: o.Source,
    target: o.Target = None,
    header: o.Header = None,
    task: o.Task = None,
    scale: o.Scale = None,
    val: o.Val = None,
    test: o.Test = None,
    data_dir: o.DataDir = None,
    seed: o.SplitSeed = 0,
    json: o.Json = False,
) -> None:
    """Describe a data set as clearprop train would use it: splits, classes, inputs and their scaling.

    Example: clearprop data penguins.csv --target species
    """
    from clearprop.data import load, profile

    dataset = load(
        source,
        seed=seed,
        **parse_options(
            {"target": target, "header": header, "task": task, "scale": scale, "val": val, "test": test, "data_dir": data_dir}
        ),
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
        ("target", ", ".join(found["targets"])),
        ("inputs", f"{inputs['count']}" + (f" (images of {shape[0]} x {shape[1]})" if shape else "")),
        ("scaling", found["scaling"]),
        ("scaled", "from {min:.4g} to {max:.4g}; mean {mean:.4g}, standard deviation {std:.4g}".format(**inputs)),
    ]
    for label, value in lines:
        console.print(f"{label:<10} {value}", markup=False)
    console.print()
    console.print(split_table(found, dataset))
    if found["columns"]:
        console.print()
        console.print(column_table(found["columns"]))


def split_table(found: dict[str, Any], dataset: Dataset) -> Table:
    """Examples of each split, by class; for a regression, the range of the target in its own units."""
    table = empty_table("", right=[SPLITS[name] for name in found["splits"]])
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
    """The columns of a table, numeric or categorical."""
    table = empty_table("column", "values", overflow="fold")
    for column in columns:
        categories = column.get("categories") or []
        table.add_row(column["name"], ", ".join(map(str, categories)) if categories else "numbers")
    return table
