"""Run the long experiments, and write what the handbook's pages are made from: `make experiments`.

One file each, docs/look/experiments/results/NAME.json: what `clearprop run NAME --json` prints, without the tables that are too
long for a page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from clearprop.cli.console import plain
from clearprop.files import write_atomically
from clearprop.recipes import RECIPES, Conditions, Result

FOLDER = Path(__file__).parents[1] / "docs" / "look" / "experiments" / "results"
LONG = ("radboud-digits", "rdfia-svm", "vu-synth", "rdfia-circles", "vu-batches", "vu-studies", "rdfia-ladder", "vu-mnist")


def main(names: list[str]) -> None:
    """Run the experiments of these names, or all long ones."""
    for name in names or LONG:
        path = FOLDER / f"{RECIPES.find(name).name}.json"
        result = RECIPES.make(name).run(Conditions(say=lambda message, name=name: print(f"{name}: {message}", flush=True)))
        text = stored(result)
        write_atomically(path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
        print(f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}: {len(text):,} bytes")


def stored(result: Result) -> str:
    """The result as JSON, a line for each part, without long tables."""
    found = plain(result.to_json())
    short = {table.name or table.title for table in result.exhibits.tables if not table.long}
    found["tables"] = {name: table for name, table in found["tables"].items() if name in short}
    lines = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False, separators=(',', ':'))}" for key, value in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
