"""Further libraries take the steps of the reference, and those that are not installed are told from those that are."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks import installed
from benchmarks.checks import TOLERANCE, Reference
from benchmarks.hosts import PeerHost, Task
from benchmarks.installed import instructions, present, processor, why_absent
from benchmarks.many.clearprop_many import Trainer as ClearpropMany
from benchmarks.many.one_by_one import Trainer as OneByOne
from benchmarks.many_nets import check_ends
from benchmarks.peers.fann import Trainer as Fann
from benchmarks.processes import Servant
from benchmarks.workloads import WORKLOADS, ManyNets, Workload

FEW = [replace(w, examples=400) for w in WORKLOADS[:3]]
NO_FANN = why_absent("FANN") or ""


@pytest.mark.skipif(bool(NO_FANN), reason=NO_FANN)
@pytest.mark.parametrize("workload", FEW, ids=lambda w: w.key)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_fann_takes_the_steps_of_squared_error(workload: Workload, activation: str) -> None:
    workload = replace(workload, activation=activation)
    X, y = workload.data()
    peer = Fann(workload, X, y, workload.start())
    for (W, b), (W0, b0) in zip(peer.parameters(), workload.start(), strict=True):
        np.testing.assert_array_equal(W, W0)
        np.testing.assert_array_equal(b, b0)
    n_steps = min(workload.steps, 100)
    peer.train(1, workload.order(n_steps))
    found = peer.parameters()
    reference = Reference(workload, "squared")
    assert reference.compare(found)["theta"] < TOLERANCE
    assert all(mutant["theta"] > 5 * TOLERANCE for mutant in reference.mutants().values())
    assert Reference(workload, "softmax").compare(found)["theta"] > 5 * TOLERANCE


def test_many_nets_with_clearprop_take_the_steps_of_the_reference() -> None:
    given = ManyNets(3, FEW[1])
    X, y = given.workload.data()
    peer = ClearpropMany(given, X, y, threads=2, engine="batch")
    peer.train(1, given.workload.order(given.workload.steps))
    nets = peer.parameters()
    check_ends("clearprop", given, nets)
    with pytest.raises(AssertionError, match="does not take the same steps"):
        check_ends("clearprop", given, nets[::-1])
    with pytest.raises(AssertionError, match="trained 2 nets, not 3"):
        check_ends("clearprop", given, nets[:2])


@pytest.mark.parametrize("shared", [False, True])
def test_many_nets_with_jax_take_the_steps_of_the_reference(shared: bool) -> None:
    pytest.importorskip("jax", reason="jax is not installed; pip install 'clearprop[bench]' adds it")
    from benchmarks.many.jax_vmap import Trainer as JaxVmap

    given = ManyNets(3, FEW[1])
    X, y = given.workload.data()
    peer = JaxVmap(given, X, y, shared)
    peer.train(1, given.workload.order(given.workload.steps))
    check_ends("JAX, vmap", given, peer.parameters())
    before = peer.parameters()
    peer.train(2)
    assert all(
        np.abs(W - W0).max() > 0
        for net, old in zip(peer.parameters(), before, strict=True)
        for (W, _), (W0, _) in zip(net, old, strict=True)
    )


@pytest.mark.parametrize("module", ["plain_c", "scikit_learn"])
def test_one_net_after_another(module: str) -> None:
    if module == "plain_c" and why_absent("plain C"):
        pytest.skip(why_absent("plain C"))
    given = ManyNets(3, FEW[1])
    X, y = given.workload.data()
    peer = OneByOne(given, X, y, module)
    peer.train(1, given.workload.order(given.workload.steps))
    check_ends(module, given, peer.parameters())


@pytest.mark.skipif(bool(NO_FANN), reason=NO_FANN)
def test_what_a_library_cannot_do_is_said_without_a_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    servant = Servant(PeerHost, "FANN")
    try:
        with pytest.raises(RuntimeError, match=r"^FANN has no relu$"):
            servant.ask("begin", WORKLOADS[3], 1, 0.01)
        assert servant.ask("peak_memory") > 0, "the process lives on"
    finally:
        servant.close()
    assert "Traceback" not in capfd.readouterr().err


class Clock:
    """A library with a cost for each step, on a clock of its own."""

    def __init__(self, workload: Workload, cost: float) -> None:
        self.workload, self.cost, self.now, self.calls = workload, cost, 0.0, []

    def train(self, epochs: int, order: np.ndarray | None = None) -> None:
        steps = epochs * (self.workload.steps if order is None else len(order) // self.workload.batch)
        self.calls.append(steps)
        self.now += steps * self.cost


@pytest.mark.parametrize(("cost", "steps"), [(1e-4, 2000), (1e-1, 20), (10.0, 1)])
def test_a_slow_library_takes_a_part_of_the_epoch(cost: float, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = WORKLOADS[0]
    clock = Clock(workload, cost)
    monkeypatch.setattr("time.perf_counter", lambda: clock.now)
    task = Task(workload, clock, 5, 0.4)
    before = len(clock.calls)
    assert task.microseconds() == pytest.approx(1e6 * cost)
    assert clock.calls[before:] == [task.epochs * steps]
    assert steps in clock.calls[:before], "so many steps must have been taken before, for what compiles"
    assert task.epochs == (2 if steps == 2000 else 1)


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    monkeypatch.setattr(installed, "LIBFANN", "libno-such-library.so.0")
    assert why_absent("JAX, vmap") == "jax is not installed; pip install 'clearprop[bench]' adds it"
    assert why_absent("torch by hand") == "torch is not installed; pip install 'clearprop[bench]' adds it"
    assert why_absent("FANN") == "libfann is not installed; it is in Debian's package libfann2"
    assert present(["clearprop fit", "torch.nn", "JAX", "FANN", "NumPy"]) == ["clearprop fit", "NumPy"]
    assert importlib.util.find_spec("numpy"), "the module's own function is untouched"


def test_the_processor_is_named(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor\t: 0\nmodel name\t: Quick 9000\nflags\t\t: fpu sse4_2 avx avx2\n\nmodel name\t: Other\n")
    assert processor(listing) == "Quick 9000"
    assert instructions(listing).endswith(" with avx2")
    listing.write_text("flags : fpu avx avx2 avx512f\n")
    assert instructions(listing).endswith(" with avx512f")
    assert "with" not in instructions(tmp_path / "none")
    assert processor(tmp_path / "none")
