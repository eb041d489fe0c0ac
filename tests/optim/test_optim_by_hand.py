"""One or two steps of every optimizer, and every schedule, worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop.optim import OPTIMIZERS, SCHEDULES

EPS = 1e-30  # too small to matter

MU = [0.5 * (1 - 0.5 * 0.96 ** (t / 250)) for t in (1, 2)]

STEPS = {
    # 1 - 0.1 * 2 = 0.8, 0.8 - 0.1 * 1 = 0.7
    "sgd": (cp.SGD(0.1), [2, 1], [0.8, 0.7]),
    # v = 2: 1 - 0.2; v = 0.5 * 2 + 1 = 2: 0.8 - 0.2
    "momentum": (cp.SGD(0.1, momentum=0.5), [2, 1], [0.8, 0.6]),
    # v = 2, step 2 + 0.5 * 2 = 3: 0.7; v = 2, step 1 + 0.5 * 2 = 2: 0.5
    "nesterov": (cp.SGD(0.1, momentum=0.5, nesterov=True), [2, 1], [0.7, 0.5]),
    # g = 2 + 0.5 * 1 = 2.5: 0.75; g = 1 + 0.5 * 0.75 = 1.375: 0.6125
    "decay": (cp.SGD(0.1, weight_decay=0.5), [2, 1], [0.75, 0.6125]),
    # |g| = 2 is shortened to 0.5, then decay adds 0.5 * 1: 1 - 0.1 * 1 = 0.9; 0.5 + 0.45 = 0.95: 0.805
    "clip, then decay": (cp.SGD(0.1, weight_decay=0.5, clip_norm=0.5), [2, 1], [0.9, 0.805]),
    # lr 1, then 0.5, then 0.25, with g = 0.4: 1 - 0.4 = 0.6, 0.6 - 0.2 = 0.4, 0.4 - 0.1 = 0.3
    "schedule": (cp.SGD(cp.StepDecay(1.0, every=1, factor=0.5)), [0.4, 0.4, 0.4], [0.6, 0.4, 0.3]),
    # the velocity gathers g, not lr g: v = 2, 1 - 1 * 2 = -1; v = 0.5 * 2 + 1 = 2, -1 - 0.5 * 2 = -2
    "schedule and momentum": (cp.SGD(cp.StepDecay(1.0, every=1, factor=0.5), momentum=0.5), [2, 1], [-1, -2]),
    # s = 9: 1 - 0.1 * 3 / 3 = 0.9; s = 9 + 16 = 25: 0.9 - 0.1 * 4 / 5 = 0.82
    "adagrad": (cp.AdaGrad(0.1, eps=EPS), [3, 4], [0.9, 0.82]),
    # eps = 1 is added to the root: 1 - 0.1 * 3 / 4
    "adagrad, eps": (cp.AdaGrad(0.1, eps=1.0), [3], [0.925]),
    # s = 1/4 * 4 = 1: 1 - 0.1 * 2 / 1 = 0.8; s = 3/4 + 1/4 * 1 = 1: 0.8 - 0.1
    "rmsprop": (cp.RMSProp(0.1, rho=0.75, eps=EPS), [2, 1], [0.8, 0.7]),
    # m = 1, s = 1; m_hat = 1 / 0.5 = 2, s_hat = 1 / 0.25 = 4: 1 - 0.1 * 2 / 2 = 0.9.
    # m = 0.5 - 1 = -1/2, s = 0.75 + 1 = 7/4; m_hat = -1/2 / (3/4) = -2/3, s_hat = 7/4 / (7/16) = 4: 0.9 + 0.1 * (2/3) / 2
    "adam": (cp.Adam(0.1, beta1=0.5, beta2=0.75, eps=EPS), [2, -2], [0.9, 0.9 + 1 / 30]),
    # first 1 - 0.1 * 0.5 = 0.95, then 0.1 less, as Adam; 0.85 * 0.95 = 0.8075, and 1/30 more
    "adamw": (cp.AdamW(0.1, beta1=0.5, beta2=0.75, eps=EPS, weight_decay=0.5), [2, -2], [0.85, 0.8075 + 1 / 30]),
    # m = 1, s_hat = 4; mu_1 and mu_2 are 0.5 (1 - 0.96^(t / 250) / 2): (mu_2 * 1 / (1 - mu_1 mu_2) + 2) / 2
    "nadam": (cp.Nadam(0.1, beta1=0.5, beta2=0.75, eps=EPS), [2], [1 - 0.1 * (MU[1] / (1 - MU[0] * MU[1]) + 2) / 2]),
    # sign(0.5 * 2) = 1: 0.9, m = 0.25 * 2 = 0.5; sign(0.5 * 0.5 - 0.5 * 1) = -1: 1.0
    "lion": (cp.Lion(0.1, beta1=0.5, beta2=0.75), [2, -1], [0.9, 1.0]),
    # m = 0.5 wins over -0.4: 0.25 - 0.2 > 0; 1 - 0.05 - 0.1 = 0.85, 0.85 - 0.0425 - 0.1
    "lion, decay": (cp.Lion(0.1, beta1=0.5, beta2=0.75, weight_decay=0.5), [2, -0.4], [0.85, 0.7075]),
    # eps = 2 is added to the corrected root: 1 - 0.1 * 2 / (2 + 2)
    "adam, eps": (cp.Adam(0.1, beta1=0.5, beta2=0.75, eps=2.0), [2], [0.95]),
}


@pytest.mark.parametrize(("optimizer", "gradients", "wanted"), STEPS.values(), ids=STEPS)
def test_steps(optimizer, gradients, wanted):
    optimizer.reset()
    theta, got = np.array([1.0, 1.0]), []
    for g in gradients:
        # the second parameter never has a gradient: without decay it must not move, whatever the first one does
        optimizer.step(theta, np.array([g, 0.0]))
        got.append(theta[0])
    np.testing.assert_allclose(got, wanted, rtol=1e-14)
    if not optimizer.weight_decay:
        assert theta[1] == 1


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_registered_optimizer_is_worked_by_hand(name):
    assert OPTIMIZERS.find(name) in {type(optimizer) for optimizer, _, _ in STEPS.values()}


def test_clipping_shortens_the_whole_vector():
    clip = cp.SGD(clip_norm=1.0).clipped
    np.testing.assert_allclose(clip(np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-15)  # |(3, 4)| = 5
    assert np.array_equal(clip(np.array([0.6, 0.8])), [0.6, 0.8])  # exactly 1 is not longer
    assert np.array_equal(clip(np.zeros(2)), [0, 0])
    assert np.array_equal(cp.SGD().clipped(np.array([3e9])), [3e9])


def test_clipping_of_a_huge_float32_gradient():
    clipped = cp.SGD(clip_norm=1.0).clipped(np.array([3e30, 4e30], dtype="float32"))  # whose squares float32 cannot hold
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-6)
    assert clipped.dtype == np.float32


def test_penalty_is_what_weight_decay_differentiates(slope, agree):
    optimizer = cp.SGD(weight_decay=0.5)
    theta = np.array([1.0, 2.0])
    assert optimizer.penalty(theta) == 1.25  # 0.5 / 2 * (1 + 4)
    agree(optimizer.regularised(theta, np.zeros(2)), slope(lambda: optimizer.penalty(theta), theta), 1e-9)
    assert cp.SGD().penalty(theta) == 0


def test_decoupled_decay_adds_nothing_to_the_loss():
    assert cp.AdamW(weight_decay=0.5).penalty(np.array([1.0, 2.0])) == 0


@pytest.mark.parametrize("kind", [cp.SGD, cp.AdamW])
def test_weight_decay_may_spare_biases(kind):
    net = cp.Net(cp.Linear(2, 1, bias_init="normal"), cp.BatchNorm(1), seed=0, dtype="float64")
    assert net.biases().tolist() == [False, False, True, True, True]
    optimizer, start = kind(0.1, weight_decay=0.5, spare_biases=True), net.theta.copy()
    with pytest.raises(cp.ClearpropError, match=r"net\.biases\(\)"):
        optimizer.step(net.theta, np.zeros(5))
    optimizer = kind(0.1, weight_decay=0.5, spare_biases=True)
    optimizer.biases = net.biases()
    optimizer.step(net.theta, np.zeros(5))
    np.testing.assert_allclose(net.theta, start * [0.95, 0.95, 1, 1, 1], rtol=1e-15)  # 1 - 0.1 * 0.5
    if not optimizer.decoupled:
        assert optimizer.penalty(net.theta) == pytest.approx(0.25 * (net[0].W ** 2).sum(), rel=1e-15)


def test_accumulated_batches_are_one_large_batch(agree):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 3)), rng.integers(2, size=24)
    results = []
    for optimizer, size in (
        (cp.Accumulated(cp.Adam(0.05, weight_decay=0.1, clip_norm=0.3), 3), 4),
        (cp.Adam(0.05, weight_decay=0.1, clip_norm=0.3), 12),
    ):
        net = cp.mlp([3, 4, 2], seed=1, dtype="float64")
        cp.fit(net, (X, y), optimizer=optimizer, batch_size=size, epochs=3, order="sequential", engine="batch")
        results.append(net.theta.copy())
    agree(*results, 1e-12)


def test_a_net_of_many_arrays_is_one_step():
    net = cp.mlp([3, 4, 4, 2], seed=0, dtype="float64")
    optimizer, twin = cp.Adam(0.01), cp.Adam(0.01)
    one = np.array([1.0])
    for t in (1, 2, 3):
        net.grad[:] = t
        before = net.theta.copy()
        optimizer.step(net.theta, net.grad)
        start = one.copy()
        twin.step(one, np.array([float(t)]))
        assert optimizer.t == t
        np.testing.assert_allclose(net.theta - before, (one - start)[0], rtol=1e-10)  # every array as if it were alone


# --- schedules -----------------------------------------------------------------------------------------------------------

RATES = {
    "constant": (cp.Constant(0.3), {0: 0.3, 999: 0.3}),
    # 1 / (1 + s / 2)
    "time": (cp.InverseTimeDecay(1.0, decay=0.5), {0: 1, 1: 2 / 3, 2: 1 / 2, 6: 1 / 4}),
    # halved at 3 and at 6
    "step": (cp.StepDecay(0.8, every=3, factor=0.5), {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2, 8: 0.2, 9: 0.1}),
    # halved at every step
    "exponential": (cp.ExponentialDecay(1.0, factor=0.5), {0: 1, 1: 1 / 2, 3: 1 / 8}),
    # 1/4, 2/4, 3/4, 4/4 of 0.4
    "warm-up": (cp.WarmUp(0.4, steps=4), {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 4: 0.4, 99: 0.4}),
    # 1/2 of 1, then the decay as it stands at that step: 1/2, 1/4
    "warm-up, then decay": (cp.WarmUp(cp.ExponentialDecay(1.0, 0.5), steps=2), {0: 0.5, 1: 0.5, 2: 0.25}),
    # (10 - s) / 4 of 0.4
    "cool-down": (cp.CoolDown(0.4, steps=4, total=10), {0: 0.4, 6: 0.4, 7: 0.3, 8: 0.2, 9: 0.1, 10: 0, 11: 0}),
    # 2 of 4 steps left at step 2, where StepDecay gives 0.4
    "cool-down of a decay": (cp.CoolDown(cp.StepDecay(0.8, 2, 0.5), steps=4, total=4), {0: 0.8, 1: 0.6, 2: 0.2, 3: 0.1, 4: 0}),
    # up to step 4: 0.04 + 0.96 (1 - cos(pi s / 4)) / 2, half way 0.52; then 1 at 4, (1 - cos(pi / 2)) / 2 at 7, 0 at 10
    "one cycle": (cp.OneCycle(1.0, total=10, rise=0.4), {0: 0.04, 2: 0.52, 4: 1, 7: 0.5, 10: 0, 11: 0}),
    # 0.2 + 0.8 (1 + cos(pi s / 4)) / 2, half way 0.6
    "cosine": (cp.Cosine(1.0, total=4, least=0.2), {0: 1, 2: 0.6, 4: 0.2, 9: 0.2}),
    # no rise: (1 - cos(pi / 3)) / 2 = 1/4 when a third is left
    "one cycle, falling only": (cp.OneCycle(1.0, total=3, rise=0.0), {0: 1, 1: 3 / 4, 2: 1 / 4, 3: 0}),
}


@pytest.mark.parametrize("name", ["inverse_time_decay", "InverseTimeDecay", "time-decay", "time"])
def test_names_of_the_decay_with_time(name):
    assert cp.optim.SCHEDULES.find(name) is cp.InverseTimeDecay
    assert "inverse_time_decay" in list(cp.optim.SCHEDULES)


@pytest.mark.parametrize(("schedule", "rates"), RATES.values(), ids=RATES)
def test_schedules(schedule, rates):
    np.testing.assert_allclose([schedule(step) for step in rates], list(rates.values()), rtol=1e-14, atol=1e-16)


def test_numpy_numbers_are_rates():
    for number in (np.float32(0.5), np.float64(0.5), np.float16(0.5)):
        assert cp.WarmUp(number)(1000) == 0.5
        assert type(cp.WarmUp(number)(1000)) is float
        assert cp.SGD(lr=number).same_config(cp.SGD(lr=0.5))
    assert cp.SGD(lr=np.int64(1)).same_config(cp.SGD(lr=1.0))
    assert cp.StepDecay(every=np.int32(7)).same_config(cp.StepDecay(every=7))


@given(
    st.floats(1e-6, 1e3), st.integers(1, 300), st.sampled_from([0.0, 1.0, 0.3]) | st.floats(0, 1), st.integers(0, 400),
    st.integers(0, 60),
)  # fmt: skip
def test_the_rates_of_many_steps_are_those_of_each_to_the_bit(lr, total, rise, first, n):
    for schedule in (cp.OneCycle(lr, total, rise), cp.WarmUp(cp.OneCycle(lr, total, rise), steps=3)):
        assert schedule.rates(first, n) == [schedule(step) for step in range(first, first + n)]


def test_a_formula_of_ones_own_is_not_passed_over(monkeypatch):
    class Half(cp.OneCycle):
        def __call__(self, step):
            return 0.5

    assert Half().rates(0, 2) == [0.5, 0.5]
    monkeypatch.setattr(cp.OneCycle, "__call__", lambda self, step: 0.25)
    assert cp.OneCycle().rates(0, 2) == [0.25, 0.25]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_registered_schedule_is_worked_by_hand(name):
    assert SCHEDULES.find(name) in {type(schedule) for schedule, _ in RATES.values()}


@given(lr=st.floats(1e-6, 10), steps=st.integers(1, 50))
def test_warm_up_rises_to_the_rate_and_stays(lr, steps):
    rates = [cp.WarmUp(lr, steps)(s) for s in range(steps + 5)]
    assert all(a < b for a, b in itertools.pairwise(rates[:steps]))
    assert rates[0] > 0
    assert rates[steps - 1 :] == [lr] * 6


@given(lr=st.floats(1e-6, 10), steps=st.integers(1, 50), before=st.integers(0, 50))
def test_cool_down_falls_to_zero(lr, steps, before):
    schedule = cp.CoolDown(lr, steps, total=before + steps)
    rates = [schedule(s) for s in range(before + steps + 3)]
    assert rates[: before + 1] == [lr] * (before + 1)
    falling = rates[before : before + steps + 1]
    assert all(a > b for a, b in itertools.pairwise(falling))
    assert rates[-3:] == [0, 0, 0]


@given(lr=st.floats(1e-6, 10), total=st.integers(2, 60), rise=st.floats(0, 1))
def test_one_cycle_rises_peaks_and_falls(lr, total, rise):
    schedule, top = cp.OneCycle(lr, total, rise), rise * total
    rates = [schedule(s) for s in range(total + 3)]
    rising = [r for s, r in enumerate(rates) if s < top]
    falling = [r for s, r in enumerate(rates) if s >= top]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert all(0 <= r <= lr * (1 + 1e-15) for r in rates)
    assert rates[total:] == [0, 0, 0]
    if top == int(top) and top < total:
        assert rates[int(top)] == pytest.approx(lr, rel=1e-14)
    if top > 1:
        assert rates[0] == pytest.approx(lr / 25, rel=1e-14)


def test_decays_never_rise():
    for schedule in (cp.InverseTimeDecay(1, 0.1), cp.StepDecay(1, 7, 0.5), cp.ExponentialDecay(1, 0.9)):
        rates = [schedule(s) for s in range(100)]
        assert rates == sorted(rates, reverse=True)
        assert rates[99] < rates[0]
