"""Plain C takes the same steps as the layers: the same losses, from the same start, over the same batches."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from benchmarks.installed import why_absent
from benchmarks.peers.plain_c import PlainNet

import clearprop as cp
from clearprop.engines import ENGINES

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed; it compiles the plain C")
EPOCHS, LR = 3, 0.1


def both_losses(sizes: list[int], activation: str, loss: cp.Loss, batch: int, lr: float = LR) -> tuple[np.ndarray, np.ndarray]:
    """The loss of every step, in plain C and by the layers; 37 examples, so that the last batch is short."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(37, sizes[0])).astype(np.float32)
    whole = isinstance(loss, cp.CrossEntropy)
    y = rng.integers(sizes[-1], size=37) if whole else rng.normal(size=(37, sizes[-1])).astype(np.float32)
    net = cp.mlp(sizes, hidden=activation, seed=0)
    plain = PlainNet(sizes, activation, [(layer.W, layer.b) for layer in net.layers if isinstance(layer, cp.Linear)])
    theirs, ours = [], []
    for _ in range(EPOCHS):
        order = rng.permutation(37)
        theirs += list(plain.train_epoch(X, y, order, batch, lr))
        ours += list(ENGINES.make("batch").train_epoch(net, loss, cp.SGD(lr=LR), X, y, order, batch).losses)
    return np.array(theirs), np.array(ours)


@pytest.mark.parametrize("batch", [1, 10, 37, 100])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
@pytest.mark.parametrize("loss", [cp.CrossEntropy(), cp.MeanSquaredError()], ids=lambda loss: type(loss).__name__)
def test_the_losses_are_those_of_the_layers(loss: cp.Loss, activation: str, batch: int) -> None:
    theirs, ours = both_losses([3, 9, 5, 4], activation, loss, batch)
    assert len(theirs) == EPOCHS * -(-37 // batch)
    np.testing.assert_allclose(theirs, ours, rtol=2e-5)


def test_a_rate_wrong_by_a_thousandth_would_be_noticed() -> None:
    theirs, ours = both_losses([3, 9, 4], "tanh", cp.CrossEntropy(), 10, lr=1.001 * LR)
    assert np.abs(theirs / ours - 1).max() > 4e-5


def test_loading_it_leaves_denormal_numbers_alone() -> None:
    both_losses([3, 2], "tanh", cp.CrossEntropy(), 10)
    assert np.float32(1e-40) * np.float32(1) != 0


def test_without_gcc_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_absent("plain C") is None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert (
        why_absent("plain C")
        == why_absent("plain C, one after another")
        == "gcc is not installed; it is in Debian's package gcc"
    )
