"""The page says what a reader must know of its figures: goals missed, timings disturbed, libraries missing.

All results are made up.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.__main__ import parts
from benchmarks.figures import MARK, OTHERS, disturbed, spread
from benchmarks.installed import environment
from benchmarks.many import MANY_PEERS
from benchmarks.page import END, START, write_fragment, write_page
from benchmarks.peers import PEERS
from benchmarks.targets import verdicts
from benchmarks.warm_fit import CIRCLES
from benchmarks.workloads import MANY, WORKLOADS

QUIET = (0.99, 1.0, 1.01)
AT = {"cpu": "Quick 9000", "cores": 2, "instructions": "x86_64 with avx2", "gcc": "12.2.0", "FANN": "2.2.0"}
TIMES = {"clearprop kernel": 1.0, "clearprop fit": 1.1, "plain C": 2.0, "FANN": 3.0, "JAX": 9.0, "NumPy": 300.0}
"""Microseconds a step; the rest take 1000."""
NET_TIMES = {"clearprop, two threads": 0.1, "clearprop, one thread": 0.19, "JAX, vmap": 1.5}


def made_up() -> dict[str, Any]:
    """Results in which all goals are met that were measured, by quiet rounds."""
    found: dict[str, Any] = {"quick": False, "only": [], "absent": [], "skipped": [], "peers": [], "checks": [], "races": []}
    found["environment"] = {**environment(), **AT}
    found["steps"] = [
        {"workload": w.name, "peer": peer, "round": k, "microseconds": TIMES.get(peer, 1000.0) * noise}
        for w in WORKLOADS for peer in PEERS for k, noise in enumerate(QUIET)
    ]  # fmt: skip
    found["peak"] = [
        {"workload": w.name, "round": k, "gflops": w.flops * 1e-3 / 0.9} for w in WORKLOADS for k in range(len(QUIET))
    ]
    many = [
        {"peer": peer, "round": k, "microseconds": NET_TIMES.get(peer, 20.0) * noise}
        for peer in MANY_PEERS for k, noise in enumerate(QUIET)
    ]  # fmt: skip
    found["many"] = {"name": MANY.name, "activation": MANY.workload.activation, "steps": many, "skipped": []}
    return found


def page(found: dict[str, Any], folder: Path) -> str:
    write_page(json.loads(json.dumps(found)), list(WORKLOADS), folder / "page.md")
    return (folder / "page.md").read_text()


def change(found: dict[str, Any], peer: str, workload: str, factors: tuple[float, ...]) -> None:
    """Multiply the times of a library at a workload, round by round."""
    rows = [r for r in found["steps"] if r["peer"] == peer and r["workload"] == workload]
    assert len(rows) == len(factors)
    for row, factor in zip(rows, factors, strict=True):
        row["microseconds"] *= factor


def drop(found: dict[str, Any], peer: str) -> None:
    found["steps"] = [row for row in found["steps"] if row["peer"] != peer]


def test_all_is_well(tmp_path: Path) -> None:
    text = page(made_up(), tmp_path)
    assert "Quick 9000, 2 cores, x86_64 with avx2; Python" in text
    assert "gcc 12.2.0, FANN 2.2.0." in text
    assert "All 20 goals that were measured are met." in text
    assert "Missed" not in text
    assert "missed" not in text
    assert "Left out" not in text
    assert MARK not in text
    assert (
        "| digits, batch 15 | against plain C, the fastest of all peers | 1.50x | 2.00x (2.00x to 2.00x) | 1.82x | met |"
        in text
    )


def test_small_nets_and_only_these_are_raced_against_all_peers() -> None:
    raced = [v.workload for v in verdicts(made_up()) if "the fastest of all peers" in v.goal]
    assert raced == ["circles, batch 1", "circles, batch 10", "circles, batch 200", "digits, batch 15"]


def test_a_missed_goal_is_said_in_words(tmp_path: Path) -> None:
    found = made_up()
    change(found, "plain C", "digits, batch 15", (0.7, 0.7, 0.7))
    text = page(found, tmp_path)
    assert "Missed, 1 of the 20 goals that were measured:\n\n" in text
    words = "- digits, batch 15: 1.40 times as fast as plain C, the fastest of all peers; the goal is at least 1.50 times.\n"
    assert words in text
    assert text.count("**missed**") == 1


def test_the_fastest_of_all_is_whichever_is_fastest(tmp_path: Path) -> None:
    found = made_up()
    change(found, "FANN", "circles, batch 1", (0.3, 0.3, 0.3))
    assert "- circles, batch 1: 0.900 times as fast as FANN, the fastest of all peers; the goal is at least" in page(
        found, tmp_path
    )
    change(found, "NumPy", "circles, batch 1", (0.001, 0.001, 0.001))
    text = page(found, tmp_path)
    assert (
        "- circles, batch 1: 0.300 times as fast as NumPy, the fastest of all peers; the goal is at least 1.50 times." in text
    )
    assert "- circles, batch 1: 0.300 times as fast as NumPy; the goal is at least 80.0 times." in text


def test_the_goals_of_many_nets(tmp_path: Path) -> None:
    found = made_up()
    for row in found["many"]["steps"]:
        if row["peer"] == "clearprop, two threads":
            row["microseconds"] *= 1.75
    text = page(found, tmp_path)
    assert "- 64 nets 2-10-2, batch 10: 8.57 times as fast as JAX's vmap; the goal is at least 10.0 times." in text
    assert "- 64 nets 2-10-2, batch 10, two threads: 1.09 times as fast as one thread; the goal is at least 1.80 times." in text


def test_goals_in_other_units(tmp_path: Path) -> None:
    found = made_up()
    runs = {CIRCLES: (14.0, 2.0), WORKLOADS[0].name: (1.2, 1.0), WORKLOADS[3].name: (1.1, 1.0)}
    found["warm_fit"] = [
        {"workload": name, "round": k, "milliseconds": milliseconds, "kernel": kernel}
        for name, (milliseconds, kernel) in runs.items() for k in range(3)
    ]  # fmt: skip
    for row in found["peak"]:
        row["gflops"] *= 2
    text = page(found, tmp_path)
    assert "- warm fit of circles, 150 epochs: beyond its kernel 12.0 ms; the goal is at most 10.0 ms." in text
    assert "- circles, batch 1: fit against its kernel 1.20x; the goal is at most 1.15x." in text
    assert "| digits, batch 15 | fit against its kernel | under 1.15x | 1.10x (1.10x to 1.10x) | - | met |" in text
    assert "| digits, batch 15 | 1.100 (1.100 to 1.100) |" in text
    assert "- MNIST, batch 64: share of the peak 45 %; the goal is at least 60 %." in text


def test_a_disturbed_run_is_marked(tmp_path: Path) -> None:
    found = made_up()
    change(found, "JAX", "circles, batch 10", (0.8, 1.0, 1.3))
    text = page(found, tmp_path)
    assert "| 9.00 (7.13 to 11.8) † |" in text
    assert text.count("† Disturbed: the middle half of the repeats spreads over more than 15 % of their median") == 3
    assert "not to be relied on (circles, batch 10 (2-10-2 tanh): JAX)." in text  # times,
    assert "not to be relied on (circles, batch 10: JAX)." in text  # ratios,
    assert "not to be relied on (circles, batch 10, against JAX: measured (least to most))." in text  # and goals


def test_a_disturbance_of_all_in_a_round_leaves_the_ratios_unmarked(tmp_path: Path) -> None:
    found = made_up()
    for peer in PEERS:
        change(found, peer, "circles, batch 10", (0.8, 1.0, 1.3))
    text = page(found, tmp_path)
    assert f"(circles, batch 10 (2-10-2 tanh): {', '.join(PEERS)})." in text
    assert "(circles, batch 10: the kernel's share of the peak)." in text  # the peak was not disturbed


def test_the_bound_of_a_disturbance() -> None:
    assert not disturbed(np.array([]))
    assert not disturbed(np.array([5.0]))
    assert not disturbed(np.array([1.0, 0.93, 1.0, 1.07, 50.0]))  # one outlier, and a middle half of 14 %
    assert disturbed(np.array([0.5, 0.92, 1.0, 1.08, 1.09]))  # 16 %
    assert spread(np.array([])) == "-"
    assert spread(np.array([1.0, 2.0, 3.0])) == "2.00 (1.00 to 3.00) †"


def test_a_missing_library_takes_a_line(tmp_path: Path) -> None:
    found = made_up()
    for peer in ("FANN", "JAX"):
        drop(found, peer)
    found["many"]["steps"] = [row for row in found["many"]["steps"] if not row["peer"].startswith("JAX")]
    found["absent"] = [
        {"peer": "JAX", "reason": "jax is not installed; pip"}, {"peer": "FANN", "reason": "libfann is not installed"},
        {"peer": "JAX, vmap", "reason": "jax is not installed; pip"},
    ]  # fmt: skip
    text = page(found, tmp_path)
    assert "\nLeft out (JAX; JAX, vmap): jax is not installed; pip.\n" in text
    assert "\nLeft out (FANN): libfann is not installed.\n" in text
    assert "| circles, batch 1 | against JAX | 5.00x | - | - | not measured |" in text
    assert "| JAX, vmap | - | - |" in text
    assert "| circles, batch 200 | against NumPy, the best library for Python | 4.00x | 300x" in text


def test_a_library_that_fails_takes_one_line_for_each_reason(tmp_path: Path) -> None:
    found = made_up()
    drop(found, "FANN")
    found["skipped"] = [{"workload": w.name, "peer": "FANN", "reason": "FANN has no relu"} for w in WORKLOADS[3:5]]
    assert "\nFANN is missing at digits, batch 15; MNIST, batch 64: FANN has no relu.\n" in page(found, tmp_path)


def test_nothing_but_clearprop(tmp_path: Path) -> None:
    found = made_up()
    for peer in OTHERS:
        drop(found, peer)
    text = page(found, tmp_path)
    assert "| digits, batch 15 | against the fastest of all peers | 1.50x | - | - | not measured |" in text


@pytest.mark.parametrize("kept", ["steps", "many", "neither"])
def test_a_part_of_the_benchmarks(kept: str, tmp_path: Path) -> None:
    found = (
        made_up() if kept != "neither" else {**made_up(), "many": {"name": "", "activation": "", "steps": [], "skipped": []}}
    )
    found["only"] = [kept]
    if kept == "steps":
        del found["many"]
    else:
        for name in ("steps", "peak", "checks", "skipped", "peers", "races"):
            del found[name]
    text = page(found, tmp_path)
    assert f"**A part of the benchmarks ({kept}).**" in text
    assert ("## Many nets at once" in text) == (kept != "steps")
    assert ("## Microseconds a step" in text) == (kept == "steps")
    assert "not measured" not in text, "goals about other parts are left out"


def test_parts_are_chosen_by_name() -> None:
    assert parts("many,circles1") == ("circles1", "many")
    with pytest.raises(argparse.ArgumentTypeError, match=r"no part 'circles'; choose from circles1, circles10"):
        parts("circles")


def test_the_fragment_of_the_readme(tmp_path: Path) -> None:
    readme, found = tmp_path / "README.md", made_up()
    change(found, "JAX", "circles, batch 10", (0.8, 1.0, 1.3))
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    write_fragment(found, list(WORKLOADS), readme)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| digits, batch 15 (64-32-2 relu) | 1.10 | 2.00 | 9.00 | 1,000 | 1,000 | 300 |" in text
    assert "not to be relied on (circles, batch 10 (2-10-2 tanh): JAX)." in text
