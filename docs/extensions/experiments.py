"""One page for each published experiment, written from its recipe at every build.

The short ones are run. The long ones, and those that need a course's data, are read from experiments/results/NAME.json, which
`make experiments` renews; tables, text and pictures are made from that file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from generated_pages import literal, table

import clearprop
from clearprop.plots import save
from clearprop.recipes import RECIPES, Picture, Recipe
from clearprop.recipes.exhibits import cell, with_nonfinite

FOLDER = Path(__file__).parents[1] / "look" / "experiments"
DONE = Path(__file__).parents[1] / "_build" / "experiments.txt"
LONG = 14  # rows of a table above which it is folded


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry: write the pages before any is read."""
    app.connect("builder-inited", lambda _: write_experiments())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@dataclass(frozen=True)
class Experiment:
    """What a page is made from: a result as JSON, its pictures, and whether it was read from a file."""

    recipe: type[Recipe]
    found: dict[str, Any]
    pictures: list[Picture]
    stored: bool


def write_experiments() -> None:
    """Write all pages and pictures, unless nothing that they are made from has changed."""
    mark = fingerprint()
    pages = [FOLDER / f"{name}.md" for name in RECIPES]
    if DONE.exists() and DONE.read_text(encoding="utf-8") == mark and all(path.exists() for path in pages):
        return
    for path in pages:
        recipe = RECIPES.find(path.stem)
        path.write_text(page(one) if (one := read_or_run(recipe)) else missing(recipe), encoding="utf-8")
    DONE.parent.mkdir(parents=True, exist_ok=True)
    DONE.write_text(mark, encoding="utf-8")


def fingerprint() -> str:
    """A digest of the package, of the stored results and of this file."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in [*sorted(Path(clearprop.__file__).parent.rglob("*.py")), *sorted(FOLDER.glob("results/*.json"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_or_run(recipe: type[Recipe]) -> Experiment | None:
    """The stored result of a recipe, or that of a run if it is short; None for a long one that is not stored."""
    path = FOLDER / "results" / f"{recipe.name}.json"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        return Experiment(recipe, found, [Picture.from_json(picture) for picture in found["pictures"]], True)
    if recipe.needs or recipe.duration != Recipe.duration:
        return None
    result = recipe().run()
    return Experiment(recipe, result.to_json(), result.exhibits.pictures, False)


def missing(recipe: type[Recipe]) -> str:
    """The text of a page without a result."""
    return f"# {literal(recipe.title)}\n\nNo run of `{recipe.name}` is stored; `make experiments` writes one.\n"


def page(one: Experiment) -> str:
    """The text of a page: question, setting, published and obtained, explanations, pictures, tables."""
    recipe, found = one.recipe, one.found
    parts = [
        f"# {literal(recipe.title)}\n",
        f"{literal(recipe.source)}. {literal(' '.join((recipe.__doc__ or '').split()))}\n",
        f"```console\n$ clearprop run {recipe.name}\n```\n",
        origin(one),
        f"## The setting\n\n{setting(recipe.configuration)}\n",
        f"## Published and obtained\n\n{compared(found)}\n",
    ]
    if found["explanations"]:
        parts.append("## Explained, with numbers from this run\n")
        parts += [f"### {literal(each['question'])}\n\n{literal(each['answer'])}\n" for each in found["explanations"]]
    if one.pictures:
        parts += ["## Pictures\n", *(drawn(recipe.name, picture) for picture in one.pictures)]
    tables = [with_nonfinite(each) for each in found["tables"].values()]
    if tables:
        parts += ["## Tables\n", *(exhibited(each) for each in tables)]
    return "\n".join(parts)


def origin(one: Experiment) -> str:
    """Where the figures of the page come from, and what a run needs."""
    files = " and ".join(f"`{file}`" for file in one.recipe.needs)
    needs = f" It needs {files} in the data folder." if files else ""
    run = f"A run takes about {one.recipe.duration} on two cores.{needs}"
    if not one.stored:
        return f"{run} This page shows the run of its own build.\n"
    return (
        f"{run} This page shows a run on the engine `{one.found['engine']}` that is kept in the repository, in"
        f" `results/{one.recipe.name}.json`; `make experiments` renews it. With `--out FOLDER` the"
        " command writes all of it as a report, with the pictures at full size.\n"
    )


def setting(configuration: dict[str, Any]) -> str:
    """The configuration of a recipe as a table; several runs of one kind as a table of their own, a row for each."""
    several = {key: value for key, value in configuration.items() if _is_several(value)}
    parts = [table(("", ""), settings({key: value for key, value in configuration.items() if key not in several}))]
    for key, runs in several.items():
        columns = list(dict.fromkeys(column for run in runs.values() for column in run))
        rows = [(literal(name), *(shown(run.get(column, "")) for column in columns)) for name, run in runs.items()]
        parts.append(table((literal(key), *map(literal, columns)), rows))
    return "\n\n".join(parts)


def _is_several(value: Any) -> bool:
    """Whether a value holds the settings of several runs by name."""
    return isinstance(value, dict) and len(value) > 1 and all(isinstance(run, dict) for run in value.values())


def settings(configuration: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Rows of names and values; nested parts have their names in front."""
    rows: list[tuple[str, str]] = []
    for key, value in configuration.items():
        name = f"{prefix}{key}"
        rows += settings(value, f"{name}: ") if isinstance(value, dict) else [(literal(name), shown(value))]
    return rows


def shown(value: Any) -> str:
    """A value of a configuration, fit for a table."""
    return literal("; ".join(map(cell, value)) if isinstance(value, list | tuple) else cell(value))


def compared(found: dict[str, Any]) -> str:
    """The table of published and obtained figures, and how many claims hold."""
    rows = [tuple(literal(each[key]) for key in ("what", "published", "obtained", "verdict")) for each in found["comparisons"]]
    claims = [each["holds"] for each in found["comparisons"] if each["holds"] is not None]
    ending = f"{sum(claims)} of {len(claims)} claims hold." if claims else "Nothing is claimed."
    return f"{table(('', 'published', 'obtained', 'verdict'), rows)}\n\n{ending}\n"


def drawn(name: str, picture: Picture) -> str:
    """A picture, and the remark that its points are not the course's own where that is so."""
    path = FOLDER / "pictures" / f"{name}-{picture.name}.png"
    save(picture.figure(), path)
    note = ""
    if picture.rows is not None and "points" in signature(picture.draw).parameters:
        note = (
            " The points are those of the built-in set `circles`, since the course's own, which have the same distribution, are"
            " not part of the package; the figures are those of the course's."
        )
    title = literal(picture.title)
    return f":::{{figure}} pictures/{path.name}\n:alt: {picture.title}\n:width: 100%\n\n{title}.{note}\n:::\n"


def exhibited(each: dict[str, Any]) -> str:
    """A table with its title, folded if it is long."""
    rows = [tuple(literal(cell(value)) for value in row) for row in each["rows"]]
    shown = table(tuple(literal(column) for column in each["columns"]), rows)
    title = literal(each["title"])
    if len(rows) > LONG:
        return f":::{{dropdown}} {title}\n\n{shown}\n:::\n"
    return f"**{title}**\n\n{shown}\n"
