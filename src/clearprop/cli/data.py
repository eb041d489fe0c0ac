"""`clearprop data`: describe a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.cli import options as o
from clearprop.cli.configuration import parse_options
from clearprop.cli.console import empty_table, plain, print_json, screen, show_notes
from clearprop.data.dataset import SPLITS
from clearprop.data.notes import some

if TYPE_CHECKING:
    from rich.table import Table

    from clearprop.arrays import Array
    from clearprop.data import Dataset

MANY = 30  # classes; of more, only the number is shown
MANY_COLUMNS = 60  # columns of a table that are listed


def data(
    source: o.Source,
    target: o.Target = None,
    header: o.Header = None,
    delimiter: o.Delimiter = None,
    decimal: o.Decimal = None,
    encoding: o.Encoding = None,
    skip: o.Skip = None,
    na: o.Na = None,
    missing: o.Missing = None,
    drop: o.Drop = None,
    only: o.Only = None,
    categorical: o.Categorical = None,
    id: o.Id = None,
    group: o.Group = None,
    time: o.Time = None,
    weight: o.Weight = None,
    test_file: o.TestFile = None,
    class_weight: o.ClassWeight = None,
    outliers: o.OutlierRule = None,
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

    given = {
        "target": target, "header": header, "delimiter": delimiter, "decimal": decimal, "encoding": encoding, "skip": skip,
        "na": na, "missing": missing, "drop": drop, "only": only, "categorical": categorical, "id": id, "group": group,
        "time": time, "weight": weight, "test_file": test_file, "class_weight": class_weight, "outliers": outliers,
        "task": task, "scale": scale,
        "val": val, "test": test, "data_dir": data_dir,
    }  # fmt: skip
    dataset = load(source, seed=seed, **parse_options(given))
    show_notes(dataset.notes)
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
    """The columns of a table: numeric, categorical or dates; of very many, the first."""
    table = empty_table("column", "values", overflow="fold")
    for column in columns[:MANY_COLUMNS]:
        marked = "; missing cells are marked" if column.get("marked") else ""
        table.add_row(column["name"], values_in_words(column) + marked)
    if len(columns) > MANY_COLUMNS:
        table.add_row("...", f"{len(columns) - MANY_COLUMNS:,} more columns")
    return table


def values_in_words(column: dict[str, Any]) -> str:
    """The values of a column: numbers, its categories, or the parts of its dates."""
    if column["kind"] == "date":
        return f"dates: {', '.join(column['parts'])}"
    if column["kind"] == "numeric":
        return "numbers"
    return some(column["categories"], MANY) + (" and others" if column.get("grouped") else "")
