"""From a run to text: docs/benchmarks.md, and the tables between two markers in README.md.

Parts that were not measured are left out. What a reader must know of a figure is said here, by rules: timings that were
disturbed, libraries that are missing, goals that were missed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.figures import (
    OURS,
    Found,
    against,
    interval,
    many,
    marked,
    middle,
    number,
    peak_share,
    per_step,
    race,
    ratios,
    spread,
)
from benchmarks.installed import LIBRARIES
from benchmarks.many import MANY_PEERS
from benchmarks.markdown import table
from benchmarks.peers import PEERS
from benchmarks.sections import check_section, file_section, fit_section, race_section, scaling_section
from benchmarks.targets import Verdict, shown, verdicts
from benchmarks.workloads import Workload

START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def write_page(found: Found, given: list[Workload], path: Path) -> None:
    """Write docs/benchmarks.md."""
    parts = [heading(found, given), absent_lines(found)]
    if found.get("steps"):
        parts += ["## Microseconds a step", step_table(found, given), "![Microseconds per step](images/benchmarks.png)"]
        parts += [ratio_table(found, given)]
    parts += [many_section(found), "## Goals\n\n" + target_table(found), target_words(found)]
    parts += [section(found) for section in (race_section, check_section, scaling_section, fit_section, file_section)]
    path.write_text("\n\n".join(part for part in parts if part) + "\n")


def write_fragment(found: Found, given: list[Workload], readme: Path) -> None:
    """Write the README's two small tables between its markers; prints a message if these are missing."""
    text = readme.read_text()
    if START not in text or END not in text:
        print(f"{readme} has no {START} and {END}; its tables are left alone.")
        return
    before, after = text.split(START)[0], text.split(END)[1]
    parts = [small_step_table(found, given), small_race_table(found)]
    readme.write_text(f"{before}{START}\n" + "\n\n".join(parts) + f"\n{END}{after}")


def small_step_table(found: Found, given: list[Workload]) -> str:
    """Medians of the best-known libraries."""
    peers = ["clearprop fit", "plain C", "JAX", "torch.nn", "scikit-learn", "NumPy"]
    rows = [[f"{w.name} ({w.net})", *(middle(per_step(found, w, peer)) for peer in peers)] for w in given]
    return table(["microseconds a step", *peers], rows)


def small_race_table(found: Found) -> str:
    """Whole programs, from the files to 98 %."""
    peers = ["clearprop", "torch.nn", "JAX", "scikit-learn"]
    seconds = [race(found, peer) for peer in peers]
    row = ["MNIST to 98 % test accuracy", *(number(np.median(v)) if len(v) else "-" for v in seconds)]
    return table(["seconds, all in", *peers], [row])


def heading(found: Found, given: list[Workload]) -> str:
    at = found["environment"]
    versions = ", ".join(f"{name} {at[name]}" for name in (*LIBRARIES, "gcc", "FANN") if name in at)
    sizes = ", ".join(f"{source} {n:,}" for source, n in {w.source: w.examples for w in given}.items())
    return f"""# Benchmarks

Written by `make bench`; no figure here is typed by hand.

{at["cpu"]}, {at["cores"]} cores, {at.get("instructions", "instructions not recorded")}; Python {at["python"]}, {versions}.
{heading_line(found)}

A step is forward, backward and update by plain SGD in float32, shuffling included; examples in an epoch: {sizes}. Every
library runs in a process of its own, with its default number of threads, and all take turns, so that the machine's drift
hits them alike; ratios are taken within a round. Whatever compiles has done so before the clock starts. *clearprop kernel* is
the compiled engine alone, which is what the others' bare loops compare to; *clearprop fit* is all of `fit`, which keeps the
history and watches for NaN. *plain C* is [`plain_c.c`](../benchmarks/plain_c.c), loops by hand, compiled by gcc for this
processor, in one thread. *FANN* has no softmax: it does less, with linear outputs and the squared error, online at batch 1,
else a call for each batch. The loops are in `benchmarks/peers`."""


def heading_line(found: Found) -> str:
    rounds = [1 + max(row["round"] for row in rows) for rows in (found.get("steps"), found.get("peak")) if rows]
    lines = [f"Medians of {rounds[0]} interleaved rounds (least to most)"] if rounds else []
    peak = np.array([row["gflops"] for row in found.get("peak", [])])
    if len(peak):
        lines.append(f"one large float32 matrix product reached {interval(peak)} GFLOP/s")
    text = "; ".join(lines) + "." if lines else ""
    if found.get("quick"):
        text += " **A quick trial with small data: not to be quoted.**"
    if found.get("only"):
        text += f" **A part of the benchmarks ({', '.join(found['only'])}).**"
    return text.strip()


def absent_lines(found: Found) -> str:
    """A line for each library that is not installed."""
    peers: dict[str, list[str]] = {}
    for row in found.get("absent", []):
        peers.setdefault(row["reason"], []).append(row["peer"])
    return "\n\n".join(f"Left out ({'; '.join(names)}): {reason}." for reason, names in peers.items())


def step_table(found: Found, given: list[Workload]) -> str:
    rows = [[f"{w.name} ({w.net})", *(spread(per_step(found, w, peer)) for peer in PEERS)] for w in given]
    memory = {row["peer"]: f"{row['mib']:,.0f}" for row in found["peers"]}
    rows.append(["peak memory of the process, all workloads (MiB)", *(memory.get(peer, "-") for peer in PEERS)])
    return "\n\n".join([table(["microseconds a step", *PEERS], rows), *skipped_lines(found["skipped"])])


def skipped_lines(rows: list[dict[str, str]]) -> list[str]:
    """A line for each library and reason."""
    where: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        where.setdefault((row["peer"], row["reason"]), []).append(row["workload"])
    return [f"{peer} is missing at {'; '.join(names)}: {reason}." for (peer, reason), names in where.items()]


def ratio_table(found: Found, given: list[Workload]) -> str:
    peers = [peer for peer in PEERS if peer != OURS[0]]
    rows = []
    for w in given:
        share = peak_share(found, w)
        percent = f"{100 * np.median(share):.1f} %" if len(share) else "-"
        rows.append([w.name, *(middle(ratios(found, w, peer)) for peer in peers), marked(percent, share)])
    head = ["times as long as the kernel", *peers, "the kernel's share of the peak"]
    return "## Ratios\n\n" + table(head, rows)


def many_section(found: Found) -> str:
    if "many" not in found:
        return ""
    given, ours = found["many"], many(found, "clearprop, two threads")
    rows = []
    for peer in MANY_PEERS:
        values = many(found, peer)
        rows.append([peer, spread(values), middle(against(values, ours))])
    lines = [table(["library", "microseconds a step and net", "times ours, two threads"], rows)]
    lines += skipped_lines(given["skipped"])
    return f"""## Many nets at once

{given["name"]} ({given["activation"]}): nets that differ in their first parameters alone, trained on the same examples, each
in an order of its own; *one order* is less work, since all nets take the same batches. The loops are in
[`benchmarks/many`](../benchmarks/many).

""" + "\n\n".join(lines)


def target_table(found: Found) -> str:
    head = ["workload", "goal", "wanted", "measured (least to most)", "the same for all of `fit`", "verdict"]
    given = [v for v in verdicts(found) if v.verdict != "not measured" or not found.get("only")]
    return table(head, [target_row(v) for v in given], texts=(0, 1, 5))


def target_row(v: Verdict) -> list[str]:
    bounds = f" ({shown(v.values.min(), v.unit)} to {shown(v.values.max(), v.unit)})" if len(v.values) else ""
    wanted = ("under " if v.less else "") + shown(v.wanted, v.unit)
    verdict = f"**{v.verdict}**" if v.verdict == "missed" else v.verdict
    if v.remark:
        verdict += f": {v.remark}"
    measured = marked(shown(v.value, v.unit) + bounds, v.values)
    return [v.workload, v.goal, wanted, measured, shown(v.with_fit, v.unit), verdict]


def target_words(found: Found) -> str:
    """The goals that were missed, in words."""
    given = verdicts(found)
    missed = [v for v in given if v.verdict == "missed"]
    measured = [v for v in given if v.verdict != "not measured"]
    if not missed:
        return f"All {len(measured)} goals that were measured are met." if measured else ""
    lines = [f"- {v.words}" for v in missed]
    return f"Missed, {len(missed)} of the {len(measured)} goals that were measured:\n\n" + "\n".join(lines)
