"""The model card: what a network was trained on, how good it is, and what it must not be used for, in Markdown.

The headings follow Mitchell et al., Model cards for model reporting, FAT* 2019.
"""

from __future__ import annotations

from typing import Any

from clearprop.arguments import checked
from clearprop.data.dataset import SPLITS
from clearprop.data.notes import some
from clearprop.recipes.exhibits import cell
from clearprop.training.outcome import Outcome

FEW_CLASSES = 60  # of more, the figures by class fill pages


@checked
def model_card(outcome: Outcome, configuration: dict[str, Any]) -> str:
    """The card of a run as Markdown.

    Parameters
    ----------
    outcome : Outcome
        With all figures of `clearprop.metrics`.
    configuration : dict
        Everything that decides the run, the seed included.

    Examples
    --------
    >>> import clearprop as cp
    >>> from clearprop.training.outcome import train
    >>> from clearprop.training.settings import settings_for
    >>> from clearprop.training.setup import set_up
    >>> data = cp.data.load("circles", seed=0)
    >>> outcome = train(set_up(settings_for(data, epochs=2, engine="batch"), data))
    >>> model_card(outcome, {"seed": 0}).splitlines()[0]
    '# Model card: circles'
    """
    data = outcome.data
    parts = [
        f"# Model card: {data.name}",
        *section("Model", model_lines(outcome)),
        *section("Data", data_lines(outcome)),
        *section("Figures", figure_lines(outcome)),
        *section("By class", class_lines(outcome)),
        *section("Not to be used for", limits(outcome)),
        *section("How it was made", making_lines(outcome, configuration)),
    ]
    return "\n".join(parts) + "\n"


def section(title: str, lines: list[str]) -> list[str]:
    """A section, or nothing if it has no lines."""
    return ["", f"## {title}", "", *lines] if lines else []


def model_lines(outcome: Outcome) -> list[str]:
    """The network, its task and its loss."""
    net = outcome.model.net
    average = f", the average of {outcome.members} networks" if outcome.members > 1 else ""
    return [
        f"- Task: {outcome.data.task} of {some(outcome.data.targets)}",
        f"- Network: {' -> '.join(map(repr, net.layers))}{average}; {net.theta.size:,} parameters, {net.dtype.name}",
        f"- Loss: {outcome.model.loss!r}",
    ]


def data_lines(outcome: Outcome) -> list[str]:
    """The source, the split, the columns and what was found out about them."""
    data, encoder = outcome.data, outcome.data.encoder
    columns = [] if encoder is None else [f"{column.name} ({column.kind})" for column in encoder.columns]
    sizes = ", ".join(f"{row['examples']:,} {SPLITS[name]}" for name, row in outcome.metrics.items())
    lines = [f"- Source: {data.name}", f"- Split: {sizes} examples"]
    if data.classes:
        lines.append(f"- Classes: {some(data.classes, 20)}")
    lines.append(f"- Inputs: {some(columns or data.features, 30)}")
    lines.append(f"- Scaling: {'none' if encoder is None else encoder.scaling_in_words()}")
    for name, digest in outcome.manifest.get("data", {}).items():
        lines.append(f"- SHA-256 of the {SPLITS[name]} examples: `{digest}`")
    return lines + [f"- {note}" for note in data.notes]


def figure_lines(outcome: Outcome) -> list[str]:
    """A table with a row for each figure and a column for each split."""
    metrics = outcome.metrics
    names = [name for name in next(iter(metrics.values())) if name not in ("confusion", "reliability")]
    rows = [[name.replace("_", " "), *(cell(split.get(name)) for split in metrics.values())] for name in names]
    return table(["", *(SPLITS[name] for name in metrics)], rows)


def class_lines(outcome: Outcome) -> list[str]:
    """Precision, recall and examples of each class in the last split."""
    name, row = list(outcome.metrics.items())[-1]
    confusion = row.get("confusion")
    if confusion is None or len(confusion) > FEW_CLASSES:
        return []
    rows = []
    for k, label in enumerate(outcome.data.classes):
        true, guessed = sum(confusion[k]), sum(line[k] for line in confusion)
        precision, recall = (cell(confusion[k][k] / of) if of else "-" for of in (guessed, true))
        rows.append([str(label), precision, recall, str(true)])
    return [f"Of the {SPLITS[name]} examples:", "", *table(["class", "precision", "recall", "examples"], rows)]


def limits(outcome: Outcome) -> list[str]:
    """The uses for which these data and figures give no ground."""
    data = outcome.data
    n = outcome.metrics["train"]["examples"]
    lines = [
        f"- Examples that do not come from where the {n:,} training examples of {data.name} come from: the figures above say"
        " nothing about them.",
        "- Decisions about people without a person who can see the inputs, overrule the answer, and be asked why.",
    ]
    last = list(outcome.metrics.values())[-1]
    if data.task == "classification":
        lines.append("- Anything that is none of the classes: one of them is answered all the same.")
        rare = [str(c) for c, row in zip(data.classes, last.get("confusion", []), strict=False) if sum(row) < 20]
        if rare:
            lines.append(f"- Claims about {some(rare)}: fewer than 20 examples of each were there to measure with.")
        if last.get("ece", 0.0) > 0.1:
            lines.append(
                f"- Probabilities at face value: they are off by {last['ece']:.2f} on average (expected calibration error)."
            )
    else:
        lines.append("- Values outside the range of the training targets.")
    if "test" not in outcome.metrics:
        lines.append("- Comparisons with other models: there were no test examples.")
    return lines


def making_lines(outcome: Outcome, configuration: dict[str, Any]) -> list[str]:
    """The seed, the versions, the engine, and the configuration."""
    manifest, history = outcome.manifest, outcome.history
    lines = [
        f"- {len(history)} epochs in {outcome.seconds:.1f} s" + (f"; stopped: {history.stopped}" if history.stopped else "")
    ]
    if configuration.get("seed") is not None:
        lines.append(f"- Seed: {configuration['seed']}")
    if manifest:
        versions = ", ".join(f"{name} {version}" for name, version in manifest["packages"].items())
        lines.append(f"- Versions: Python {manifest['python']}, {versions}; {manifest['platform']}")
        code = manifest["processor"].get("code")
        lines.append(
            f"- Engine: {manifest['engine']['type']}, {manifest['threads']} threads" + (f", code for {code}" if code else "")
        )
    return [*lines, "- Configuration: `config.json`; all versions, checksums and the processor: `manifest.json`"]


def table(columns: list[str], rows: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    return [
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows),
    ]
