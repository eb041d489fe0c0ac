"""The run of a lab: exact ways back, touching, cards whose formulas agree with the numbers, planted faults that are found."""

from base64 import b64decode

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, OptionError
from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.laboratory.breaking import FaultyGradient, fault_of, plantable, verdict
from clearprop.laboratory.cards import parameter_card
from clearprop.laboratory.extras import with_extras
from clearprop.laboratory.state import LabState, dataset_of
from clearprop.laboratory.trainer import KEPT, Trainer
from clearprop.laboratory.unit_cards import unit_card, value_at
from clearprop.laboratory.views import Plane, frame, insights, scene

SMALL = {"data": {"source": "xor", "n": 60}, "settings": {"hidden": [3], "seed": 1}}


def started(state):
    found = LabState.of(state)
    return Trainer(dataset_of(found.data, 0), found.run_settings(), extras=found.extras())


def trainer(**changes):
    state = LabState.of(SMALL).but({"settings": changes.pop("settings", {}), "data": changes.pop("data", {})})
    return Trainer(dataset_of(state.data, 0), state.run_settings(), extras=state.extras())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adam", "lr": 0.01},
        {"optimizer": "sgd", "momentum": 0.9, "batch_size": 7},
        {"dropout": 0.3},
        {"hidden": [4, 3], "dropout": [0.3, 0.0], "batch_norm": [False, True]},
        {"schedule": "step_decay"},
    ],
    ids=str,
)
def test_back_and_forward_again_give_the_same_bits(settings):
    run = trainer(settings=settings)
    thetas = {0: run.net.theta.copy()}
    for step in (3, 10, 25, 140, 141, 333):
        run.advance(step - run.step)
        run.remember()
        thetas[step] = run.net.theta.copy()
    run.advance(50)
    last = run.net.theta.copy()
    for step in (333, 141, 25, 3, 0):
        run.back_to(step)
        assert run.step == step
        np.testing.assert_array_equal(run.net.theta, thetas[step])
    run.advance(383)
    np.testing.assert_array_equal(run.net.theta, last)


def test_steps_between_two_keyframes_are_reached_too():
    run = trainer()
    run.advance(17)
    wanted = run.net.theta.copy()
    run.advance(100)
    run.remember()
    run.back_to(17)
    np.testing.assert_array_equal(run.net.theta, wanted)


def test_the_steps_are_those_of_fit():
    run = trainer(settings={"batch_size": 9})
    net = run.net.copy()
    run.advance(2 * run.per_epoch)
    optimizer, loss = cp.SGD(lr=0.1), cp.CrossEntropy()
    for epoch in range(2):
        order = np.random.default_rng([1, epoch]).permutation(len(run.train))
        for rows in np.split(order, range(9, len(order), 9)):
            net.zero_grad()
            y_hat, saved = net.forward(run.train.X[rows], training=True)
            net.backward(saved, loss.backward(loss.forward(y_hat, run.train.y[rows])[1]))
            optimizer.step(net.theta, net.grad)
    np.testing.assert_allclose(run.net.theta, net.theta, rtol=2e-4, atol=2e-6)


def test_the_ring_is_bounded_and_keeps_the_start():
    run = trainer()
    for _ in range(3 * KEPT):
        run.advance(1)
        run.remember()
    assert len(run.moments) <= KEPT + 1
    assert run.moments[0].step == 0


def test_a_frozen_weight_stays_and_a_silent_unit_says_nothing():
    run = trainer()
    run.set_parameter(0, "W", [1, 2], 0.75)
    run.freeze(0, "W", [1, 2], True)
    run.silence(0, 0)
    run.advance(30)
    linears = run.linears()
    assert linears[0].W[1, 2] == np.float32(0.75)
    assert not linears[1].W[0].any()
    assert not np.array_equal(linears[0].W[0], run.moments[0].arrays["theta"][:3])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: run.set_parameter(0, "W", [0, 9], 1.0), "has no W"),
        (lambda run: run.set_parameter(4, "W", [0, 0], 1.0), "2 linear layers"),
        (lambda run: run.set_parameter(0, "W", [0, 0], float("nan")), "up to a million"),
        (lambda run: run.silence(1, 0), "hidden unit"),
        (lambda run: run.back_to(5), "between 0 and 0"),
        (lambda run: unit_card(run, 9, 0), "no column 9"),
    ],
)
def test_what_cannot_be_touched_is_one_sentence(call, words):
    with pytest.raises(OptionError, match=words):
        call(trainer())


@pytest.mark.parametrize("where", [(0, "W", [1, 2]), (0, "b", [1]), (1, "W", [2, 0]), (1, "b", [1])], ids=str)
def test_the_formula_of_a_card_is_the_derivative(where):
    """The sum that the card writes out, against a central difference of the loss of that very batch."""
    state, net = LabState.of(SMALL), cp.mlp([2, 3, 2], "tanh", seed=1, dtype="float64")
    run = Trainer(dataset_of(state.data, 0), state.run_settings(), net)
    run.advance(5)
    card = parameter_card(run, *where)
    X, y = run.batch()
    place, h = run.place(where[0], where[1], *where[2]), 1e-6
    losses = []
    for sign in (1, -1):
        net = run.net.copy()
        net.theta[place] += sign * h
        losses.append(run.loss(net(X), y))
    slope = (losses[0] - losses[1]) / (2 * h)
    assert card["formula"]["sum"] == pytest.approx(slope, rel=1e-4, abs=1e-9)
    assert card["gradient"] == pytest.approx(slope, rel=1e-5, abs=1e-9)
    parts = [a * b for a, b in card["formula"]["terms"]] + [card["formula"]["rest"]]
    assert sum(parts) == pytest.approx(slope, rel=1e-3, abs=1e-6)
    before = run.net.theta[place]
    run.advance(1)
    assert card["update"] == pytest.approx(run.net.theta[place] - before, rel=1e-6, abs=1e-12)


def test_the_history_of_a_weight_is_what_the_steps_did():
    run = trainer(settings={"optimizer": "adam", "lr": 0.01})
    thetas = []
    for _ in range(6):
        thetas.append(run.net.theta.copy())
        run.advance(1)
        run.remember()
    place = run.place(0, "W", 1, 2)
    found = parameter_card(run, 0, "W", [1, 2])["history"]
    assert [step for step, _ in found["value"]] == [0, 1, 2, 3, 4, 5, 6, 6]
    assert [value for _, value in found["value"][:6]] == [theta[place] for theta in thetas]
    moved = np.diff([*(theta[place] for theta in thetas), run.net.theta[place]])
    np.testing.assert_allclose([value for _, value in found["update"][:6]], moved, rtol=1e-4, atol=1e-7)


def exact(**settings):
    """A run in float64, some steps on, so that differences can be taken."""
    state = LabState.of(SMALL).but({"settings": settings})
    net = cp.mlp([2, 3, 2], "tanh", seed=1, dtype="float64")
    run = Trainer(dataset_of(state.data, 0), state.run_settings(), with_extras(net, state.extras(), 1), state.extras())
    run.advance(5)
    return run


@pytest.mark.parametrize("settings", [{}, {"batch_norm": [True], "dropout": [0.4]}], ids=str)
@pytest.mark.parametrize("unit", [0, 2])
def test_the_formulas_of_a_unit_are_its_value_and_its_gradient(settings, unit):
    """Its sum and its activation give its value; its gradient is a central difference of the loss of the batch."""
    run = exact(**settings)
    column = next(k for k, layer in enumerate(run.net.layers, 1) if isinstance(layer, cp.Tanh))
    card = unit_card(run, column, unit)
    assert card["title"] == f"a1[{unit + 1}]"
    made = card["lines"][0]
    total = sum(a * b for a, b in made["terms"]) + (made["rest"] or 0) + made["bias"]
    assert total == pytest.approx(made["value"], rel=1e-3, abs=1e-5)
    assert card["lines"][-1]["name"] == "Tanh"
    assert np.tanh(card["lines"][-1]["inside"]) == pytest.approx(card["value"], rel=1e-3)

    X, y = run.batch()
    losses, h = [], 1e-6
    for sign in (1, -1):
        net = run.net.copy()  # its generator draws the masks of the next step
        value = value_at(net, X, column, training=True)
        value[0, unit] += sign * h
        for layer in net.layers[column:]:
            value = layer.forward(value, training=True)[0]
        losses.append(run.loss(value, y))
    assert card["gradient"] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-3, abs=1e-8)
    if card["back"]["kind"] == "sum":
        parts = sum(a * b for a, b in card["back"]["terms"]) + (card["back"]["rest"] or 0)
        assert parts == pytest.approx(card["gradient"], rel=1e-3, abs=1e-6)


def test_a_unit_says_what_the_next_step_makes_of_it():
    run = exact()
    card = unit_card(run, 2, 1)
    X, _ = run.batch()
    before = run.net.copy()
    run.advance(1)
    change = value_at(run.net, X, 2)[0, 1] - value_at(before, X, 2)[0, 1]
    assert card["update"] == pytest.approx(change, rel=1e-3)
    assert card["history"][-1] == [5, card["value"]]
    inputs = unit_card(run, 0, 1)
    assert inputs["lines"] == []
    assert inputs["linear"] == -1


def test_a_unit_that_is_held_keeps_all_that_makes_it():
    run = trainer()
    run.hold(0, 1, True)
    before = run.linears()[0].W.copy()
    run.advance(30)
    np.testing.assert_array_equal(run.linears()[0].W[:, 1], before[:, 1])
    assert not np.array_equal(run.linears()[0].W[:, 0], before[:, 0])
    assert unit_card(run, 2, 1)["frozen"] is True
    run.hold(0, 1, False)
    assert not run.frozen.any()
    with pytest.raises(OptionError, match="no unit 9"):
        run.hold(0, 9, True)


def test_extras_come_and_go_while_the_run_goes_on():
    """Weights, the state of the optimizer and frozen parameters keep their numbers."""
    run = trainer(settings={"hidden": [4, 3], "optimizer": "adam", "lr": 0.01})
    run.advance(40)
    run.freeze(1, "W", [2, 1], True)
    plain, moments = [layer.W.copy() for layer in run.linears()], {k: v.copy() for k, v in run.optimizer.state.items()}
    state = LabState.of(SMALL).but({"settings": {"hidden": [4, 3], "optimizer": "adam", "lr": 0.01}})
    more = state.but({"settings": {"batch_norm": [True, False], "dropout": [0, 0.25]}})
    run.tune(more.run_settings(), more.extras())
    kinds = [type(layer).__name__ for layer in run.net.layers]
    assert kinds == ["Linear", "BatchNorm", "Tanh", "Linear", "Tanh", "Dropout", "Linear"]
    assert all(np.array_equal(layer.W, W) for layer, W in zip(run.linears(), plain, strict=True))
    assert run.frozen.sum() == 1
    assert run.frozen[run.place(1, "W", 2, 1)]
    assert run.step == run.moments[0].step == 40
    run.tune(state.run_settings(), state.extras())
    assert [type(layer).__name__ for layer in run.net.layers] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    for name, values in moments.items():
        np.testing.assert_array_equal(run.optimizer.state[name], values)
    run.tune(more.run_settings(), more.extras())
    run.advance(20)
    assert np.isfinite(run.net.theta).all()
    assert len(scene(run, Plane(run, (0, 1)))["columns"]) == len(run.linears()) + 1


def test_a_last_batch_of_one_example_is_left_out_before_a_batch_norm():
    run = trainer(settings={"batch_size": 11, "batch_norm": True})  # 45 = 4 * 11 + 1
    assert len(run.train) == 45
    assert run.per_epoch == 4
    run.advance(9)


def test_a_net_that_is_given_keeps_its_extras_when_it_is_set_up_anew():
    from clearprop.laboratory.entrance import make_lab

    net = cp.Net(cp.Linear(2, 5), cp.BatchNorm(5), cp.ReLU(), cp.Dropout(0.2), cp.Linear(5, 2), seed=0)
    lab = make_lab(net, cp.data.load("circles", seed=0))
    lab.shared.ask(lab.shared.reset).result()
    again = lab.shared.trainer.net.layers
    assert [type(layer) for layer in again] == [type(layer) for layer in net.layers]
    assert again[3].rate == 0.2
    assert lab.shared.trainer.net.theta.size == net.theta.size
    lab.close()


def test_every_planted_fault_changes_training_and_most_are_named():
    run = trainer()
    run.advance(20)
    run.remember()
    found = plantable(run)
    assert len({one["slug"] for one in found}) >= 20
    rng = np.random.default_rng(0)
    chosen = [found[k] for k in rng.choice(len(found), 12, replace=False)]
    named = 0
    for one in chosen:
        run.gradient = FaultyGradient(fault_of(run, one["slug"], one["site"]))
        said = verdict(run)
        assert said["right"] is False, one
        named += any(one["slug"] in suspect["fault"] for suspect in said["suspects"])
    assert named >= 9  # faults that give the same gradient stand for one another
    run.gradient = None
    assert verdict(run)["right"] is True
    with pytest.raises(OptionError, match="cannot be planted"):
        fault_of(run, next(iter(catalogue())).slug, ["nowhere"])


@pytest.mark.parametrize("source", ["circles", "xor", "spirals", "blobs", "moons", "slope", "hills", "digits"])
def test_every_data_set_can_be_seen(source):
    settings = {"loss": "mean_squared_error"} if source in ("slope", "hills") else {}
    run = trainer(data={"source": source, "n": 80}, settings=settings)
    plane = Plane(run, (0, 1))
    run.advance(3)
    shown, still = frame(run, plane, run.net.copy()), scene(run, plane)
    assert still["n"]["train"] == len(run.train)
    assert len(shown["units"]) in (len(still["columns"]), len(still["columns"]) - 1)
    assert len(b64decode(shown["map"].get("classes") or shown["map"]["values"])) == shown["map"]["side"] ** 2
    assert frame(run, plane, run.net.copy(), running=True)["map"]["side"] < shown["map"]["side"]
    assert shown["map"]["kind"] == ("value" if source in ("slope", "hills") else "class")
    assert (insights(run, run.net)["confusion"] is None) == (source in ("slope", "hills"))


@pytest.mark.parametrize(
    "state",
    [
        {"data": {"source": "nothing"}}, {"data": {"n": 10**9}}, {"data": {"noise": -1}}, {"settings": {"hidden": [1000]}},
        {"settings": {"hidden": [2] * 20}}, {"settings": {"engine": "batch"}}, {"settings": {"lr": "fast"}}, {"plane": "x"},
        {"data": {"points": [[1, 2]]}}, {"data": {"points": [[1, 2, 77]]}}, {"data": {"val": 0.99}}, {"data": []}, [], {"x": 1},
        {"settings": {"dropout": [0.2, 1.0], "hidden": [3, 3]}}, {"settings": {"dropout": "half"}},
        {"settings": {"batch_norm": 1}}, {"settings": {"batch_norm": [True, "yes"]}},
        {"settings": {"batch_norm": True, "batch_size": 1}},
        {"settings": {"optimizer": "nothing"}}, {"settings": {"activation": ["rleu"]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_state_out_of_range_is_refused(state):
    with pytest.raises(ClearpropError) as raised:
        started(state)
    assert "\n" not in str(raised.value)


def test_a_state_survives_its_address():
    state = LabState.of(SMALL).but({"data": {"source": "painted", "points": [[0, 0, 0], [1, 1, 1], [2, 0, 0], [1, 2, 1]]}})
    assert LabState.of(state.to_json()) == state
