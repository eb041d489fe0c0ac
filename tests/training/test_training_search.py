"""The search for settings, and the average of several networks as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import OptionError
from clearprop.training import settings_search
from clearprop.training.averaging import average
from clearprop.training.outcome import train
from clearprop.training.settings import Settings, settings_for
from clearprop.training.settings_search import SearchProgress, deal, search
from clearprop.training.setup import set_up


@pytest.mark.parametrize("sizes", [[3, 2], [3, 5, 2], [3, 5, 4, 2], [3, 5, 4, 6, 1]])
@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_the_average_is_the_mean_of_the_outputs(sizes: list[int], hidden: str) -> None:
    rng = np.random.default_rng(0)
    nets = [cp.mlp(sizes, hidden=hidden, seed=seed, dtype="float64") for seed in range(3)]
    for net in nets:
        net.theta[:] = rng.normal(size=net.theta.size)  # the biases too
    x = rng.normal(size=(20, 3))
    np.testing.assert_allclose(average(nets)(x), np.mean([net(x) for net in nets], axis=0), rtol=1e-12)
    assert average(nets[:1]) is nets[0]
    with pytest.raises(OptionError, match="these differ"):
        average([nets[0], cp.mlp([3, 7, 2], dtype="float64")])


def rings(n: int = 240, noise: float = 0.3) -> cp.data.Dataset:
    X, y = cp.data.make_circles(n, seed=0)
    rng = np.random.default_rng(0)
    return cp.data.load((np.column_stack([X, noise * rng.normal(size=(n, 2))]), y), seed=0)


def test_every_row_is_held_out_once_and_each_class_evenly() -> None:
    y = np.repeat([0, 1], [40, 10])
    folds = deal(y, 5, np.random.default_rng(0))
    assert sorted(np.concatenate([held_out for _, held_out in folds]).tolist()) == list(range(50))
    assert [np.bincount(y[held_out]).tolist() for _, held_out in folds] == [[8, 2]] * 5
    assert all(not set(rows) & set(held_out) for rows, held_out in folds)


def test_a_search_is_reproduced_and_its_figures_are_honest() -> None:
    data = rings()
    settings = settings_for(data, effort="default", epochs=8, fixed=("epochs",))
    setup = set_up(settings, data)
    found, again = search(setup), search(set_up(settings, data))
    assert (found.net.theta == again.net.theta).all()
    assert found.members == 5
    assert [entry["score"] for entry in found.tried] == sorted(entry["score"] for entry in found.tried)
    rows, outputs = found.held_out
    assert rows.tolist() == list(range(len(data.train) + len(data.val)))
    assert outputs.shape == (len(rows), 2)
    # The outputs on held-out rows come from other networks than the average.
    assert not np.allclose(outputs, found.net.outputs(found.data.train.X))


def test_what_is_fixed_stays() -> None:
    data = rings()
    settings = settings_for(
        data, effort="default", epochs=4, hidden=(7,), weight_decay=0.01, activation=("tanh",),
        fixed=("epochs", "hidden", "weight_decay", "activation"),
    )  # fmt: skip
    found = search(set_up(settings, data))
    assert (found.settings.hidden, found.settings.weight_decay, found.settings.activation) == ((7,), 0.01, ("tanh",))
    assert len(found.tried) == 1
    assert [layer.W.shape for layer in found.net.layers if isinstance(layer, cp.Linear)] == [(4, 35), (35, 2)]


def test_rows_that_belong_together_are_not_dealt_apart() -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"]).assign(
        who=np.arange(120) // 6, y=np.arange(120) % 2
    )
    data = cp.data.load(frame, target="y", group="who")
    assert not data.independent
    found = search(set_up(settings_for(data, effort="default", epochs=2, fixed=("epochs",)), data))
    assert set(found.held_out[0].tolist()) == set(range(len(data.train), len(data.train) + len(data.val)))


def test_the_outcome_of_a_search() -> None:
    data = rings()
    outcome = train(set_up(settings_for(data, effort="default", epochs=8, fixed=("epochs",)), data))
    assert list(outcome.metrics) == ["train", "val", "test"]
    assert outcome.metrics["train"]["examples"] == outcome.metrics["val"]["examples"] == len(data.train) + len(data.val)
    assert outcome.metrics["test"]["accuracy"] > 0.8
    assert outcome.settings.effort == "quick"
    assert outcome.to_json()["search"]["networks"] == 5


def test_effort_survives_json() -> None:
    settings = settings_for(rings(), effort="default", fixed=("hidden",))
    assert Settings.of(**json.loads(json.dumps(settings.to_json()))) == settings
    with pytest.raises(OptionError, match="effort"):
        Settings.of(effort="none")


def test_a_search_heeds_the_weights_of_the_rows() -> None:
    data = rings()
    rng = np.random.default_rng(1)
    flipped = {name: rng.random(len(data.splits[name])) < 0.6 for name in ("train", "val")}
    lied = {
        name: replace(
            data.splits[name],
            y=np.where(wrong, 1 - data.splits[name].y, data.splits[name].y),
            weights=np.where(wrong, 0.01, 1.0),
        )
        for name, wrong in flipped.items()
    }
    weighted = replace(data, splits=data.splits | lied)
    found = search(set_up(settings_for(weighted, effort="default", epochs=20, fixed=("epochs",)), weighted))
    # Six rows of ten have the wrong label, so a search that ignores the weights is right in fewer than half of the test rows.
    assert (found.net.outputs(data.test.X).argmax(axis=1) == data.test.y).mean() > 0.7


def small_search() -> Any:
    data = rings()
    return set_up(settings_for(data, effort="default", epochs=6, fixed=("epochs",)), data)


def test_a_search_tells_how_far_it_is() -> None:
    seen: list[SearchProgress] = []
    found = search(small_search(), told=seen.append)
    assert (seen[0].done, seen[0].best) == (0, None)
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert all(step.done <= step.planned for step in seen)
    assert seen[-1].done == seen[-1].planned
    assert seen[-1].best == (found.settings.hidden, found.settings.weight_decay)
    # Telling does not change what is found.
    assert (found.net.theta == search(small_search()).net.theta).all()


def test_ctrl_c_keeps_the_best_so_far() -> None:
    def told(step: SearchProgress) -> None:
        if step.done >= 8:
            raise KeyboardInterrupt

    found = search(small_search(), told)
    assert 1 <= found.members < 5
    assert (found.history.stopped or "").startswith("interrupted")
    assert len(found.history) == 6  # the networks that are kept were trained to the end
    assert len(found.tried) >= 1
    accuracy = (found.net.outputs(found.data.test.X).argmax(axis=1) == found.data.test.y).mean()
    assert accuracy > 0.7


def test_ctrl_c_within_a_training_prefers_what_is_whole(monkeypatch) -> None:
    real, calls = settings_search.fit_many, []

    def interrupted_later(nets: Any, *args: Any, **keywords: Any) -> Any:
        histories = real(nets, *args, **keywords)
        calls.append(len(nets))
        if len(calls) == 2:
            for net, history in zip(nets, histories, strict=True):
                net.theta[:] = 0.0
                history.stopped = "interrupted in epoch 1"
        return histories

    monkeypatch.setattr(settings_search, "fit_many", interrupted_later)
    found = search(small_search(), told=lambda step: None)
    assert len(calls) == 2
    assert np.abs(found.net.theta).max() > 0


def test_ctrl_c_before_any_network_is_passed_on() -> None:
    def told(step: SearchProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(small_search(), told)
