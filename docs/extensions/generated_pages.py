"""Pages of the reference that are written from the code at every build: nothing in them is typed by hand.

The public interface by topic (`topics`), the names that are chosen by a string, the command line from its own help, the errors,
the faults and the findings.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from topics import TOPICS, Topic

FOLDER = Path(__file__).parents[1] / "reference" / "generated"


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry: write the pages before any is read."""
    app.connect("builder-inited", lambda _: write_all())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_all() -> None:
    """Write every generated page; a page that has not changed keeps its date, so that Sphinx does not read it again."""
    pages = {f"{topic.slug}.md": interface(topic) for topic in TOPICS}
    pages |= {f"{page.__name__}.md": page() for page in (names, commands, errors, faults, findings)}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in set(FOLDER.glob("*.md")) - {FOLDER / name for name in pages}:
        path.unlink()
    for name, text in pages.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def interface(topic: Topic) -> str:
    """The public names of one topic: a table of them, then their docstrings."""
    rows = [(f"[`{name}`](#clearprop.{name})", opening(topic.found(name))) for name in topic.names]
    parts = [f"# {topic.title}\n\n{topic.text}\n\n{table(('name', 'what it is'), rows)}\n"]
    parts += [f"```{{eval-rst}}\n{directive(topic, name)}```\n" for name in topic.names]
    return "\n".join(parts)


def directive(topic: Topic, name: str) -> str:
    """Sphinx's directive for a public name: a class with its methods, a function, or a value."""
    place = f"clearprop.{name}"
    if inspect.isclass(topic.found(name)):
        return f".. autoclass:: {place}\n   :members:\n"
    if callable(topic.found(name)):
        return f".. autofunction:: {place}\n"
    return f".. py:data:: {place}\n\n   {opening(topic.found(name))}\n"


def names() -> str:
    """The registries: what can be chosen by a string, in Python and on the command line."""
    from clearprop import ENGINES
    from clearprop.nn import ACTIVATIONS, INITIALISERS, LAYERS, LOSSES
    from clearprop.optim import OPTIMIZERS, SCHEDULES

    parts = ["# Names\n\nWhat can be chosen by a string; capitals, hyphens and underscores do not matter.\n"]
    kinds = {
        "Activations": ACTIVATIONS,
        "Layers": LAYERS,
        "Initialisers": INITIALISERS,
        "Losses": LOSSES,
        "Optimizers": OPTIMIZERS,
        "Schedules": SCHEDULES,
        "Engines": ENGINES,
    }
    for title, registry in kinds.items():
        rows = [(f"`{name}`", other_names(registry, name), opening(registry.find(name))) for name in registry]
        parts.append(f"## {title}\n\n{table(('name', 'also', 'what it is'), rows)}\n")
    return "\n".join(parts)


def other_names(registry: Any, name: str) -> str:
    """The aliases of a registry's entry."""
    return ", ".join(f"`{alias}`" for alias, meant in getattr(registry, "aliases", {}).items() if meant == name)


def commands() -> str:
    """The command line, from the help of each command."""
    import typer.main

    from clearprop.cli.app import PANELS, app

    group: Any = typer.main.get_command(app)
    parts = ["# The command line\n\n`clearprop COMMAND --help` prints the same.\n"]
    for panel, sentences in PANELS.items():
        parts.append(f"## {panel}\n")
        parts += [command(name, group.commands[name].loaded()) for name in sentences]
    return "\n".join(parts)


def command(name: str, loaded: Any) -> str:
    """One command: usage, its text, and a table of options for each panel."""
    shown = [p for p in loaded.params if not p.hidden and p.help]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    usage = " ".join(["clearprop", name, *(argument_shown(p) for p in arguments), "[OPTIONS]"])
    parts = [f"### {name}\n", f"```text\n{usage}\n```\n", inspect.cleandoc(loaded.help).replace("*", "\\*"), ""]
    panels: dict[str, list[tuple[str, str]]] = {}
    for p in shown:
        spelled = argument_shown(p) if p in arguments else ", ".join(f"`{o}`" for o in [*p.opts, *p.secondary_opts])
        panels.setdefault("Arguments" if p in arguments else p.rich_help_panel or "Options", []).append((spelled, p.help))
    for panel, rows in panels.items():
        parts += [f"**{panel}**\n", table(("", ""), rows), ""]
    return "\n".join(parts)


def argument_shown(parameter: Any) -> str:
    """An argument as usage lines write it."""
    shown = str(parameter.metavar or parameter.name.upper())
    shown += "..." if parameter.nargs == -1 and not shown.endswith("...") else ""
    return shown if parameter.required or shown.startswith("[") else f"[{shown}]"


def errors() -> str:
    """The exceptions, with what they are beside `ClearpropError`."""
    from clearprop import errors as module

    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, module.ClearpropError)]
    rows = []
    for kind in sorted(kinds, key=lambda kind: kind is not module.ClearpropError and inspect.getsourcelines(kind)[1]):
        bases = ", ".join(
            f"`{base.__name__}`" for base in kind.__mro__[1:] if base not in (*kinds, object, Exception, BaseException)
        )
        rows.append((f"`{kind.__name__}`", bases, opening(kind)))
    return (
        "# Errors\n\nEvery error that a caller can cause and correct is a `clearprop.ClearpropError`, and the built-in"
        " exception that one would expect.\nOn the command line it is one sentence on standard error, and exit status 2;"
        " `--debug` shows the traceback.\n\n"
        f"{table(('class', 'also a', 'when'), rows)}\n\n{EXIT_STATUSES}\n"
        "```{eval-rst}\n.. autoclass:: clearprop.ClearpropError\n```\n"
    )


EXIT_STATUSES = """| exit status | meaning |
|---|---|
| 0 | done; a check found everything right, a claim holds |
| 1 | done, and the answer is no: a wrong gradient, a NaN in the loss, a claim of a recipe that does not hold |
| 2 | a mistake in what was given, or a check that could not look at everything |
| 130 | ended by Ctrl-C; what was learned is kept |
"""


def faults() -> str:
    """The dictionary of faults, by family."""
    from clearprop.gradcheck.faults import catalogue

    kinds = catalogue()
    families: dict[str, list[Any]] = {}
    for kind in kinds:
        families.setdefault(kind.__module__.rpartition(".")[2].replace("_", " "), []).append(kind)
    parts = [
        f"# The faults\n\nThe {len(kinds)} mistakes that `clearprop check`, `cp.check` and `cp.check_step` name."
        " How often each is named when it is planted: [the fault dictionary, measured](../../faults.md).\n"
    ]
    for family, members in families.items():
        rows = [(f"`{kind.slug}`", literal(kind.title), literal(kind.remedy), literal(kind.hint)) for kind in members]
        parts.append(f"## {family.capitalize()}\n\n{table(('slug', 'fault', 'right', 'hint'), rows)}\n")
    return "\n".join(parts)


def findings() -> str:
    """The findings of the doctor: the list of their pages."""
    pages = {path.stem for path in (FOLDER.parents[1] / "findings").glob("*.md")} - {"README", "recognition"}
    listed = "\n".join(f"../../findings/{slug}" for slug in ["recognition", *sorted(pages)])
    return (
        "# The findings of the doctor\n\nOne page each: what it is, why it happens, what to do, and a run in which it happened."
        f" `clearprop doctor --explain SLUG` prints the same.\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    )


def opening(thing: Any) -> str:
    """The first paragraph of a docstring, fit for a table."""
    paragraph = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return literal(" ".join(paragraph.split()))


def literal(text: str) -> str:
    """Text in which Markdown finds no emphasis and no end of a cell."""
    parts = text.replace("``", "`").split("`")  # what is between backticks is code already
    parts[::2] = [re.sub(r"([\\*_\[$])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts).replace("|", "\\|")


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)
