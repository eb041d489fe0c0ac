"""The report of a recipe: published beside obtained, then explanations, figures and tables."""

from __future__ import annotations

from dataclasses import replace

from clearprop.arguments import checked
from clearprop.recipes import Result
from clearprop.report.document import Document, Section


@checked
def recipe_report(result: Result) -> Document:
    """Comparison, explanations, figures and tables of a recipe that was run."""
    recipe, exhibits = result.recipe, result.exhibits
    ending = "Every claim holds." if result.holds else "Not every claim holds."
    if result.conditions.quick:
        ending += " This was a quick run: long trainings were cut short and not judged."
    comparison = Section("Published and obtained", [ending], [replace(result.table, title="")])
    sections = [comparison]
    if exhibits.explanations:
        sections.append(Section("Explained, with numbers from this run", explanations=exhibits.explanations))
    if exhibits.pictures:
        sections.append(Section("Figures", pictures=exhibits.pictures))
    if exhibits.tables:
        sections.append(Section("Tables", tables=exhibits.tables))
    lead = f"{recipe.source}. Computed on the engine {result.engine} in {result.seconds:.1f} s."
    return Document(recipe.title, lead, sections, dict(recipe.configuration), command_of(result))


def command_of(result: Result) -> str:
    """Command line that repeats the run."""
    conditions = result.conditions
    words = ["clearprop", "run", result.recipe.name]
    words += [f"--engine {conditions.engine}"] if conditions.engine else []
    words += [f"--seeds {conditions.seeds}"] if conditions.seeds is not None else []
    words += ["--quick"] if conditions.quick else []
    return " ".join(words)
