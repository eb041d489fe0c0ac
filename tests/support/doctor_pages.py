"""Pages of the documentation, one for each finding, each with a real run: PYTHONPATH=tests python -m support.doctor_pages

With a folder and slugs as arguments, only those pages are made, there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clearprop.doctor import Case, Diagnosis, Finding, examine, explanation
from clearprop.doctor.finding import counted
from support.doctor_planting import PLANTERS, plant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = Path(__file__).parents[2] / "docs" / "findings"


def write_pages(folder: Path = FOLDER, only: list[str] | None = None) -> None:
    """Write SLUG.md and SLUG.png for every finding (or for some), and README.md, the list of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for slug in only or PLANTERS:
        case, verdict = example(slug)
        draw(verdict, slug, folder / f"{slug}.png")
        (folder / f"{slug}.md").write_text(page(slug, case, verdict))
    (folder / "README.md").write_text(index())


def index() -> str:
    """The list of all findings, in Markdown."""
    lines = ["# Findings of the doctor", "", "Made by `PYTHONPATH=tests python -m support.doctor_pages`; without its example,"]
    lines += ["each page is also printed by `clearprop doctor --explain FINDING`.", ""]
    lines += [f"- [{slug}]({slug}.md): {' '.join(parts(slug)['what'].split())}" for slug in sorted(PLANTERS)]
    lines += ["", "How often each is recognised: [recognition](recognition.md)."]
    return "\n".join(lines) + "\n"


def parts(slug: str) -> dict[str, str]:
    """The parts of the explanation by their headings; "what" is the text before the first."""
    what, *rest = explanation(slug).split("\n\n## ")
    return {"what": what.split("\n\n", 1)[1], **dict(part.split("\n\n", 1) for part in rest)}


def example(slug: str) -> tuple[Case, Diagnosis]:
    """The first planted case, of ten, in which the finding is named first and its remedy helps."""
    for seed in range(10):
        case = plant(slug, np.random.default_rng(seed))
        verdict = examine(case)
        if verdict.findings and verdict.findings[0].slug == slug and verdict.findings[0].helped:
            break
    return case, verdict


def page(slug: str, case: Case, verdict: Diagnosis) -> str:
    """The explanation with an example, in Markdown."""
    finding = next(found for found in verdict.findings if found.slug == slug)
    told = parts(slug)
    told["What it looks like"] = "\n".join(
        [
            f"![The run, and the same with the remedy]({slug}.png)", "",
            f"A real run: `{case.net!r}`, `{case.loss!r}`, `{case.optimizer!r}`, {len(case.train)} examples in batches of"
            f" {case.size}, {counted(case.settings.epochs, 'epoch')}. The doctor says:", "",
            "```text", str(verdict), "```",
        ]
    )  # fmt: skip
    if finding.treatment is not None:
        changes, words = json.dumps(finding.treatment.changes), finding.treatment.words
        told["What to do"] = f"{told['What to do'].strip()}\n\nHere, the change `{changes}` gave: {words}."
    headings = ("What it looks like", "Why", "How it is recognised", "What to do", "Related findings")
    body = "".join(f"\n## {heading}\n\n{told[heading].strip()}\n" for heading in headings)
    return f"# {slug}\n\n{told['what'].strip()}\n{body}"


def draw(verdict: Diagnosis, slug: str, path: Path) -> None:
    """The score of the run by epoch, and that of the run with the remedy."""
    from matplotlib.figure import Figure

    finding = next(found for found in verdict.findings if found.slug == slug)
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    curves(figure.subplots(), finding, verdict)
    figure.savefig(path, dpi=100)


def curves(ax: Axes, finding: Finding, verdict: Diagnosis) -> Axes:
    """Draw both runs of a finding on `ax`, as it was and with the remedy, and the loss of the best constant."""
    from clearprop.plots import style

    before = verdict.chart.rows("scores") if finding.treatment is None else finding.treatment.before
    after = [] if finding.treatment is None else finding.treatment.after
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
    write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:] or None)
