"""The compiled shuffle: NumPy's own permutations, bit for bit, whatever the generator and the size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.data.batches import draw_order
from clearprop.engines import ENGINES
from clearprop.engines.compiled import shuffle

GENERATORS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]


@pytest.mark.parametrize("bits", GENERATORS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 60_000])
def test_order_and_generator_end_as_with_numpy(bits: Any, n: int) -> None:
    theirs, ours = (np.random.Generator(bits(3)) for _ in range(2))
    for _ in range(3):  # the half of a 64-bit number that is left over from one call is used by the next
        np.testing.assert_array_equal(shuffle.permutation(ours, n), theirs.permutation(n))
    assert ours.integers(9, dtype=np.uint32) == theirs.integers(9, dtype=np.uint32)
    assert ours.random() == theirs.random()


@given(seed=st.integers(0, 2**63), n=st.integers(1, 3000))
def test_any_seed_and_size(seed: int, n: int) -> None:
    np.testing.assert_array_equal(
        shuffle.permutation(np.random.default_rng(seed), n), np.random.default_rng(seed).permutation(n)
    )


def test_too_many_examples_for_it_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "shuffler", None)  # must not be called
    monkeypatch.setattr(shuffle, "LARGEST", 10)
    np.testing.assert_array_equal(shuffle.permutation(np.random.default_rng(1), 10), np.random.default_rng(1).permutation(10))


def test_the_generator_inside_a_call_of_several_epochs_ends_as_with_numpy() -> None:
    """The kernel draws each epoch's order itself; afterwards the generator gives what it would have given."""
    X, y = np.random.default_rng(0).normal(size=(37, 3)), np.arange(37) % 2
    for bits in GENERATORS:
        rngs = [np.random.Generator(bits(3)) for _ in range(2)]
        thetas = []
        for rng, engine in zip(rngs, ("batch", "compiled"), strict=True):
            net = cp.mlp([3, 4, 2], seed=0, dtype="float64")
            cp.fit(net, (X, y), batch_size=5, epochs=5, seed=rng, engine=engine)
            thetas.append(net.theta)
        np.testing.assert_allclose(*thetas, rtol=1e-10)
        np.testing.assert_array_equal(*[rng.integers(1000, size=9, dtype=np.uint32) for rng in rngs])


def test_every_engine_draws_the_same_orders() -> None:
    wanted = draw_order(0, 50, batch_size=10)
    for name in ENGINES:
        got = draw_order(0, 50, batch_size=10, permutation=ENGINES.make(name).permutation)
        np.testing.assert_array_equal(got, wanted, err_msg=name)


def test_fit_visits_the_examples_in_the_order_of_the_batch_engine() -> None:
    X, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
    thetas = []
    for engine in ("batch", "compiled"):
        net = cp.mlp([3, 4, 2], seed=0, dtype="float64")
        cp.fit(net, (X, y), batch_size=1, epochs=2, seed=7, engine=engine)
        thetas.append(net.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-10)
