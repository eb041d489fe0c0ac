"""Pages of the documentation, one for each finding, made from a real run: python -m clearprop.doctor.pages docs/findings"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clearprop.doctor.diagnosis import Diagnosis, examine
from clearprop.doctor.finding import Finding
from clearprop.doctor.problem import Problem
from clearprop.doctor.reasons import REASONS
from clearprop.doctor.rules import Rule, rules

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_pages(folder: Path, only: list[str] | None = None) -> list[Path]:
    """Write SLUG.md and SLUG.png for every rule (or for some), and README.md, the list of them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rule in rules():
        if only is None or rule.slug in only:
            problem, verdict = example(rule)
            draw(verdict, rule.slug, folder / f"{rule.slug}.png")
            path = folder / f"{rule.slug}.md"
            path.write_text(page(rule, problem, verdict))
            written.append(path)
    lines = ["# Findings of the doctor", "", "Made by `python -m clearprop.doctor.pages docs/findings`.", ""]
    lines += [f"- [{rule.slug}]({rule.slug}.md): {summary(rule)}" for rule in rules()]
    lines += ["", "How often each is recognised: [recognition](recognition.md)."]
    (folder / "README.md").write_text("\n".join(lines) + "\n")
    return written


def example(rule: Rule) -> tuple[Problem, Diagnosis]:
    """The first planted problem, of ten, in which the rule is named first and its remedy helps."""
    for seed in range(10):
        problem = rule.plant(np.random.default_rng(seed))
        verdict = examine(problem)
        first = verdict.findings[:1]
        if first and first[0].slug == rule.slug and first[0].trial is not None and first[0].trial.helped:
            break
    return problem, verdict


def summary(rule: Rule) -> str:
    """The first line of the rule's docstring."""
    return str(rule.__doc__ or "").strip().split("\n")[0]


def page(rule: Rule, problem: Problem, verdict: Diagnosis) -> str:
    """The page in Markdown."""
    finding = next(found for found in verdict.findings if found.slug == rule.slug)
    trial = finding.trial
    made = ""
    if trial is not None:
        made = f"As a change of the configuration, carried out by code: `{json.dumps(trial.changes)}`."
    return "\n".join(
        [
            f"# {rule.slug}", "", " ".join(str(rule.__doc__ or "").split()), "",
            "## What it looks like", "", f"![The run, and the same with the remedy]({rule.slug}.png)", "",
            f"A real run: `{problem.net!r}`, `{problem.loss!r}`, `{problem.optimizer!r}`,"
            f" {len(problem.train)} examples in batches"
            f" of {problem.size}, {problem.epochs} epochs. The doctor says:", "",
            "```text", str(verdict), "```", "",
            "## Why", "", REASONS.get(rule.slug, finding.cause), "",
            "## What to do", "", f"{finding.remedy.words[0].upper()}{finding.remedy.words[1:]}. {made}", "",
            f"Here: {trial.words}." if trial is not None else "", "",
        ]
    )  # fmt: skip


def draw(verdict: Diagnosis, slug: str, path: Path) -> None:
    """The score of the run by epoch, and that of the run with the remedy."""
    from matplotlib.figure import Figure

    finding = next(found for found in verdict.findings if found.slug == slug)
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    curves(figure.subplots(), finding, verdict)
    figure.savefig(path, dpi=100)


def curves(ax: Axes, finding: Finding, verdict: Diagnosis) -> Axes:
    """Draw both runs of a finding on `ax`: as it was, and with the remedy; and what the best constant costs."""
    from clearprop.plots import style

    before = verdict.chart.rows("scores") if finding.trial is None else finding.trial.before
    after = [] if finding.trial is None else finding.trial.after
    for rows, label, colour in ((before, "as it was", style.PALETTE[1]), (after, "with the remedy", style.PALETTE[0])):
        points = [(row["epoch"], row["train"]) for row in rows if np.isfinite(row["train"])]
        if points:
            x, y = zip(*points, strict=True)
            ax.plot(x, y, color=colour, linewidth=style.LINE, marker="o" if len(x) < 25 else None, markersize=3, label=label)
            val = [(row["epoch"], row["val"]) for row in rows if np.isfinite(row.get("val", np.nan))]
            if val:
                ax.plot(*zip(*val, strict=True), color=colour, linewidth=1, linestyle="--")
    if np.isfinite(verdict.chart.base):
        ax.axhline(verdict.chart.base, color=style.FAINT, linewidth=0.8, linestyle=":", label="best constant")
    top = max((row["train"] for row in before + after if np.isfinite(row["train"])), default=1.0)
    if top > 20:
        ax.set_yscale("log")
    style.dress(ax, "epoch (0: untrained)", "loss (dashed: validation)")
    style.legend_above(ax)
    return ax


if __name__ == "__main__":
    write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/findings"), sys.argv[2:] or None)
