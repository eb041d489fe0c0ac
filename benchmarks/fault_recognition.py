"""How often is each fault of the dictionary named?

Plants every fault, and pairs of faults, on random nets, and writes docs/faults.md.

    python -m benchmarks.fault_recognition [--nets 40] [--pairs 400] [--right 2000] [--seed 0] [--out docs/faults.md]

A fault counts as named only if it is itself among the answers (all of which give the same gradient); a pair, if both are. The
pairs that another answer explains to rounding are counted apart. One gradient in four is handed over in float32.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.program_mutants import HEADING, with_section
from clearprop.gradcheck.faults import catalogue, name_faults
from clearprop.gradcheck.faults.pairs import ordered
from support.faults_specimens import Specimen, random_step, right_gradients, slugs


def single_table(nets: int, seed: int) -> dict[str, dict[str, float]]:
    """For each fault: nets on which it was planted, named, named alone, and the seconds."""
    rows: dict[str, dict[str, float]] = {kind.slug: defaultdict(float) for kind in catalogue()}
    for k in range(40 * nets):
        specimen = Specimen(seed + k)
        for kind in catalogue():
            row = rows[kind.slug]
            fault = specimen.draw(kind) if row["planted"] < nets else None
            if fault is None or not specimen.changes(fault):
                continue
            start = time.process_time()
            answers = specimen.answers(fault)
            row["seconds"] += time.process_time() - start
            row["planted"] += 1
            row["named"] += any(slugs(answer) == {kind.slug} for answer in answers)
            row["ties"] += max(len(answers) - 1, 0)
        if all(row["planted"] >= nets for row in rows.values()):
            break
    return rows


def pair_table(count: int, seed: int) -> dict[str, float]:
    """Pairs planted, named, and explained otherwise; those that look like one fault or none are not pairs."""
    row: dict[str, float] = defaultdict(float)
    kinds = catalogue()
    seed += 1_000_000
    while row["planted"] < count:
        seed += 1
        specimen = Specimen(seed)
        drawn = [specimen.draw(kinds[i]) for i in specimen.rng.choice(len(kinds), 2, replace=False)]
        if drawn[0] is None or drawn[1] is None or not specimen.changes(drawn[0]) or not specimen.changes(drawn[1]):
            continue
        pair = ordered(drawn[0], drawn[1])
        if not specimen.is_pair(*pair):
            continue
        start = time.process_time()
        answers = specimen.answers(*pair)
        seconds = time.process_time() - start
        row["planted"] += 1
        row["seconds"] += seconds
        row["slowest"] = max(row["slowest"], seconds)
        named = any(slugs(answer) == slugs(pair) for answer in answers)
        row["named"] += named
        row["single"] += not named and any(len(answer) == 1 for answer in answers)
        row["otherwise"] += not named and any(len(answer) == 2 for answer in answers)
        row["unnamed"] += not answers
    return row


def false_alarms(count: int, seed: int) -> int:
    """Right gradients, computed by the layers themselves, for which a mistake is named."""
    alarms = 0
    for k in range(count):
        step = random_step(np.random.default_rng(seed + 2_000_000 + k))
        seen, gradients = right_gradients(step, "float32" if k % 2 else "float64")
        alarms += bool(name_faults(seen, gradients))
    return alarms


def page(singles: dict[str, dict[str, float]], pairs: dict[str, float], alarms: int, right: int) -> str:
    kinds = {kind.slug: kind for kind in catalogue()}
    count = pairs["planted"]
    planted = sum(row["planted"] for row in singles.values())
    named = sum(row["named"] for row in singles.values())
    lines = [
        "# The fault dictionary",
        "",
        "Written by `python -m benchmarks.fault_recognition`. Each fault is planted on random nets on which it changes the",
        "gradient (1 to 3 linear layers; sigmoid, tanh, ReLU; every loss; batches of 3 to 8; some with BatchNorm, softmax, L2,",
        "a layer used twice; one gradient in four in float32). *Named*: the fault is among the answers, all of which",
        "give the same gradient.",
        "",
        f"- {len(kinds)} faults, {planted:.0f} plantings: **{100 * named / planted:.1f} %** named;"
        f" the least of any fault is {min(100 * r['named'] / max(r['planted'], 1) for r in singles.values()):.0f} %.",
        f"- {count:.0f} random pairs: **{100 * pairs['named'] / count:.1f} %** named;"
        f" {100 * pairs['single'] / count:.1f} % are explained to rounding by a single fault instead,"
        f" {100 * pairs['otherwise'] / count:.1f} % by another pair; {100 * pairs['unnamed'] / count:.1f} % stay unnamed.",
        f"- {right} right gradients, in float32 and float64: {alarms} false alarms.",
        f"- {1e3 * sum(r['seconds'] for r in singles.values()) / planted:.0f} ms for a single fault on average,"
        f" {1e3 * pairs['seconds'] / count:.0f} ms for a pair (slowest: {pairs['slowest']:.1f} s).",
        "",
        "| slug | fault | remedy | nets | named | other answers |",
        "|---|---|---|---:|---:|---:|",
    ]
    for slug, row in singles.items():
        kind, n = kinds[slug], max(row["planted"], 1)
        remedy = kind.remedy.replace("|", "\\|")
        share, ties = 100 * row["named"] / n, row["ties"] / n
        lines.append(f"| {slug} | {kind.title} | {remedy} | {row['planted']:.0f} | {share:.0f} % | {ties:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=40, help="random nets for each fault")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--right", type=int, default=2000, help="right gradients, none of which may be accused")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("docs/faults.md"))
    given = parser.parse_args()
    singles = single_table(given.nets, given.seed)
    pairs = pair_table(given.pairs, given.seed)
    text = page(singles, pairs, false_alarms(given.right, given.seed), given.right)
    older = given.out.read_text() if given.out.exists() else ""
    given.out.write_text(with_section(text, HEADING + older.split(HEADING)[1]) if HEADING in older else text)
    print(text)


if __name__ == "__main__":
    main()
