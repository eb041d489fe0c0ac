"""Time to 98 %: each program of `to_98` in a fresh process, from opening the files until 98 % of the test images are right."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

from benchmarks.installed import present
from benchmarks.memory import status
from benchmarks.processes import apart
from benchmarks.to_98 import PROGRAMS
from clearprop.data.built_in import mnist_folder

GOAL, CAP = 0.98, 25
PATIENCE = 0.1  # seconds between two programs, for the machine to come to rest


def measure_races(rounds: int, goal: float = GOAL, cap: int = CAP) -> list[dict[str, Any]]:
    """Rows (peer, round, seconds, epochs, accuracy, mib), with a `reason` where the program failed or missed the goal."""
    rows, folder = [], mnist_folder(None)
    peers = present(PROGRAMS)
    for k in range(rounds):
        for peer in peers:
            time.sleep(PATIENCE)
            try:
                row = apart(run_program, PROGRAMS[peer], folder, k, goal, cap)
                print(f"  {peer:<14}{row['seconds']:6.1f} s, {row['epochs']} epochs, {100 * row['accuracy']:.2f} %", flush=True)
            except RuntimeError as error:
                row = {"reason": str(error)}
                print(f"  {peer}: skipped, {error}", flush=True)
            rows.append({"peer": peer, "round": k, **row})
    return rows


def run_program(module: str, folder: Path, seed: int, goal: float, cap: int) -> dict[str, Any]:
    """In a fresh process: import, let an epoch compile what it needs, then start afresh with the clock."""
    program = importlib.import_module(f"benchmarks.to_98.{module}")
    for _ in program.accuracies(folder, seed, 0.0, 1):
        pass
    reached = []
    began = time.perf_counter()
    for accuracy in program.accuracies(folder, seed, goal, cap):
        reached.append(accuracy)
        if accuracy >= goal:
            break
    seconds = time.perf_counter() - began
    row = {"seconds": seconds, "epochs": len(reached), "accuracy": reached[-1], "mib": status("VmHWM")}
    return row if reached[-1] >= goal else {**row, "reason": f"{100 * reached[-1]:.2f} % after {cap} epochs"}
