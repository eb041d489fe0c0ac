"""Many small nets at once: all libraries in turn, round after round."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.checks import LOSS_TOLERANCE, TOLERANCE, Reference, ending, steps_to_check
from benchmarks.hosts import ManyHost
from benchmarks.installed import present
from benchmarks.many import MANY_PEERS
from benchmarks.processes import Servant
from benchmarks.steps import PAUSE
from benchmarks.workloads import ManyNets, Parameters

Rows = list[dict[str, Any]]


def measure_many(given: ManyNets, rounds: int, seconds: float) -> dict[str, Any]:
    """The workload's `name` and `activation`, rows `steps` (peer, round, microseconds per step and net), and `skipped`."""
    found: dict[str, Any] = {"name": given.name, "activation": given.workload.activation, "steps": [], "skipped": []}
    servants = {peer: Servant(ManyHost, peer) for peer in present(MANY_PEERS)}
    try:
        able = [peer for peer in servants if begins(peer, servants[peer], given, seconds, found["skipped"])]
        for k in range(rounds if able else 0):
            for peer in able[k % len(able) :] + able[: k % len(able)]:
                time.sleep(PAUSE)
                spent = servants[peer].ask("microseconds")
                found["steps"].append({"peer": peer, "round": k, "microseconds": spent})
            line = [f"{row['peer']}: {row['microseconds']:.3g}" for row in found["steps"][-len(able) :]]
            print(f"  microseconds a step and net, {'; '.join(sorted(line))}", flush=True)
    finally:
        for servant in servants.values():
            servant.close()
    return found


def begins(peer: str, servant: Servant, given: ManyNets, seconds: float, skipped: Rows) -> bool:
    """Warm up, and check the result of the first steps; False if the library fails to."""
    try:
        nets = servant.ask("begin", given, steps_to_check(given.workload), seconds)
    except RuntimeError as error:
        print(f"  {peer}: skipped, {error}", flush=True)
        skipped.append({"workload": given.name, "peer": peer, "reason": str(error)})
        return False
    check_ends(peer, given, nets)
    return True


def check_ends(peer: str, given: ManyNets, nets: list[Parameters]) -> None:
    """The first and the last net must arrive where the reference does."""
    starts = given.starts()
    if len(nets) != len(starts):
        raise AssertionError(f"{peer} trained {len(nets)} nets, not {len(starts)}")
    for k in (0, given.count - 1):
        distance = Reference(given.workload, ending(peer, nets[k]), starts[k]).compare(nets[k])
        if not (distance["theta"] < TOLERANCE and distance["loss"] < LOSS_TOLERANCE):
            raise AssertionError(f"{peer} does not take the same steps as the others with net {k}: {distance}")
