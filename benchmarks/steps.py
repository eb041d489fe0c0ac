"""The six workloads, measured: all libraries in turn, round after round, so that drift of the machine affects them alike."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from benchmarks.checks import LOSS_TOLERANCE, TOLERANCE, Reference, ending, steps_to_check
from benchmarks.hosts import PeakHost, PeerHost
from benchmarks.installed import present
from benchmarks.peers import PEERS
from benchmarks.processes import Servant
from benchmarks.workloads import Workload

PAUSE = 0.3  # seconds for the threads of the library before to fall asleep: OpenBLAS's go on spinning
Rows = list[dict[str, Any]]


def measure_steps(given: Iterable[Workload], rounds: int, seconds: float, peak_n: int) -> dict[str, Rows]:
    """Rows `steps` (workload, peer, round, microseconds), `peak`, `checks`, `peers` (memory) and `skipped`."""
    given, found = list(given), {"steps": [], "peak": [], "checks": [], "peers": [], "skipped": []}
    servants, peak = {peer: Servant(PeerHost, peer) for peer in present(PEERS)}, Servant(PeakHost, peak_n)
    try:
        for workload in given:
            begin_all(workload, servants, seconds, found)
        for k in range(rounds):
            print(f"round {k + 1} of {rounds}", flush=True)
            for workload in given:
                time.sleep(PAUSE)
                found["peak"].append({"workload": workload.name, "round": k, "gflops": peak.ask("gflops")})
                one_round(workload, k, servants, found)
        for peer in {row["peer"] for row in found["steps"]}:
            found["peers"].append({"peer": peer, "mib": servants[peer].ask("peak_memory")})
    finally:
        for servant in (*servants.values(), peak):
            servant.close()
    return found


def begin_all(workload: Workload, servants: dict[str, Servant], seconds: float, found: dict[str, Rows]) -> None:
    """Warm up every library, and check the result of its first steps."""
    print(f"{workload.name}: {workload.net}, {workload.examples:,} examples", flush=True)
    references = {"softmax": Reference(workload)}
    for mistake, distance in references["softmax"].mutants().items():
        found["checks"].append({"workload": workload.name, "peer": mistake, "mutant": True, **distance})
        if distance["theta"] < 5 * TOLERANCE:
            raise AssertionError(f"{workload.name}: {mistake!r} would hardly be noticed; lower the tolerance")
    for peer, servant in servants.items():
        try:
            params = servant.ask("begin", workload, steps_to_check(workload), seconds)
        except RuntimeError as error:
            print(f"  {peer}: skipped, {error}", flush=True)
            found["skipped"].append({"workload": workload.name, "peer": peer, "reason": str(error)})
            continue
        kind = ending(peer, params)
        if kind not in references:
            references[kind] = Reference(workload, kind)
        distance = references[kind].compare(params)
        found["checks"].append({"workload": workload.name, "peer": peer, "mutant": False, **distance})
        print(f"  {peer:<17} ends {distance['theta']:.0e} from the reference, loss {distance['loss']:.0e}", flush=True)
        if not (distance["theta"] < TOLERANCE and distance["loss"] < LOSS_TOLERANCE):
            raise AssertionError(f"{peer} does not take the same steps as the others: {distance}")


def one_round(workload: Workload, k: int, servants: dict[str, Servant], found: dict[str, Rows]) -> None:
    """Every library once; another begins each time."""
    lost = {row["peer"] for row in found["skipped"] if row["workload"] == workload.name}
    peers = [peer for peer in servants if peer not in lost]
    for peer in peers[k % len(peers) :] + peers[: k % len(peers)]:
        time.sleep(PAUSE)
        spent = servants[peer].ask("microseconds", workload.name)
        found["steps"].append({"workload": workload.name, "peer": peer, "round": k, "microseconds": spent})
    line = [f"{row['peer']} {row['microseconds']:.3g}" for row in found["steps"][-len(peers) :]]
    print(f"  {workload.name}, microseconds a step: {', '.join(sorted(line))}", flush=True)
