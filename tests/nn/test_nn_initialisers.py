"""Initialisers: their variances, their seeds, and that nothing global is touched."""

import random

import numpy as np
import pytest

import clearprop as cp
from clearprop.nn import INITIALISERS
from clearprop.recipes.radboud_digits_runs import ProductXavier

N_IN, N_OUT = 300, 200
SHAPE = (N_IN, N_OUT)

VARIANCES = {
    cp.Zeros(): 0,
    cp.Normal(0.3, mean=2.0): 0.09,  # 0.3^2
    cp.Uniform(-1, 3): 4 / 3,  # (b - a)^2 / 12 = 16 / 12
    cp.Xavier(): 2 / 500,  # 2 / (300 + 200)
    cp.Xavier("normal"): 2 / 500,
    cp.He(): 2 / 300,
    cp.He("normal"): 2 / 300,
    cp.LeCun(): 1 / 300,
    cp.LeCun("normal"): 1 / 300,
    ProductXavier(): 2 / 60000,  # a^2 / 3 with a^2 = 6 / (300 * 200)
}


@pytest.mark.parametrize(("init", "variance"), VARIANCES.items(), ids=repr)
def test_variance(init, variance):
    # 60 000 draws: the sample variance of a normal varies by sqrt(2 / 60000) = 0.6 %; 3 % is five of those, and rejects any
    # other formula here (the nearest, 2 / 500 against 1 / 300, differ by 17 %)
    values = init.draw(np.random.default_rng(1), SHAPE, N_IN, N_OUT)
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    assert values.var() == pytest.approx(variance, rel=0.03)
    mean = {"Normal": 2.0, "Uniform": 1.0}.get(type(init).__name__, 0.0)
    assert abs(values.mean() - mean) <= 5 * np.sqrt(variance / values.size)


@pytest.mark.parametrize(
    ("init", "limit"),
    # uniform(-a, a): a = sqrt(6 / 500), sqrt(6 / 300), sqrt(3 / 300), sqrt(6 / 60000)
    [(cp.Xavier(), 0.012**0.5), (cp.He(), 0.02**0.5), (cp.LeCun(), 0.01**0.5), (ProductXavier(), 0.0001**0.5)],
    ids=repr,
)
def test_limits_of_the_uniform_ones(init, limit):
    values = np.abs(init.draw(np.random.default_rng(1), SHAPE, N_IN, N_OUT))
    assert 0.999 * limit < values.max() <= limit


def test_product_xavier_is_the_published_one_bit_for_bit():
    rng, ours = np.random.default_rng(12345), np.random.default_rng(12345)
    for n_in, n_out in ((64, 32), (32, 1)):
        a = np.sqrt(6 / (n_in * n_out))
        wanted = rng.uniform(-a, a, (n_in, n_out))
        assert np.array_equal(ProductXavier().draw(ours, (n_in, n_out), n_in, n_out), wanted)


def test_a_net_draws_layer_after_layer_from_one_generator():
    net = cp.Net(
        cp.Linear(64, 32, init=ProductXavier()),
        cp.ReLU(),
        cp.Linear(32, 1, init=ProductXavier()),
        seed=12345,
        dtype="float64",
    )
    rng = np.random.default_rng(12345)
    a, b = np.sqrt(6 / 2048), np.sqrt(6 / 32)
    assert np.array_equal(net[0].W, rng.uniform(-a, a, (64, 32)))
    assert np.array_equal(net[2].W, rng.uniform(-b, b, (32, 1)))
    assert not net[0].b.any()


@pytest.mark.parametrize("name", list(INITIALISERS))
def test_seeds_are_explicit_and_reproducible(name):
    init = INITIALISERS.make(name)
    draw = [init.draw(np.random.default_rng(seed), (4, 5), 4, 5) for seed in (1, 1, 2)]
    assert np.array_equal(draw[0], draw[1])
    if name != "zeros":
        assert not np.array_equal(draw[0], draw[2])
        rng = np.random.default_rng(1)
        first, second = (init.draw(rng, (4, 5), 4, 5) for _ in range(2))
        assert np.array_equal(first, draw[0])
        assert not np.array_equal(second, first)  # the generator moves on


def test_nets_with_one_seed_are_equal_and_with_two_are_not():
    nets = [cp.mlp([3, 4, 2], dropout=0.5, seed=seed) for seed in (5, 5, np.random.default_rng(5), 6)]
    assert np.array_equal(nets[0].theta, nets[1].theta)
    assert np.array_equal(nets[0].theta, nets[2].theta)
    assert not np.array_equal(nets[0].theta, nets[3].theta)
    masks = [net.forward(np.ones((8, 3)), training=True)[1][2] for net in nets]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[3])


def test_masks_take_nothing_from_the_weights():
    plain, dropped = cp.mlp([3, 4, 2], seed=5), cp.mlp([3, 4, 2], dropout=0.5, seed=5)
    assert np.array_equal(plain.theta, dropped.theta)


def test_two_dropouts_of_a_net_draw_different_masks():
    net = cp.Net(cp.Dropout(0.5), cp.Dropout(0.5), seed=0)
    first, second = net.forward(np.ones((4, 50)), training=True)[1]
    assert not np.array_equal(first, second)


def test_no_global_state_is_read_or_touched():
    def everything():
        net = cp.Net(cp.Linear(3, 4), cp.BatchNorm(4), cp.Tanh(), cp.Dropout(0.5), cp.Linear(4, 2, init="he"), cp.Softmax())
        loss, optimizer = cp.NegativeLogLikelihood(), cp.Adam(lr=cp.OneCycle(total=3), clip_norm=1.0)
        X, y = np.linspace(-1, 1, 15).reshape(5, 3), np.array([0, 1, 1, 0, 1])
        for _ in range(3):
            net.zero_grad()
            y_hat, saved = net.forward(X, training=True)
            net.backward(saved, loss.backward(loss.forward(y_hat, y)[1]))
            optimizer.step(net.theta, net.grad)
        draws = [INITIALISERS.make(name).draw(np.random.default_rng(0), (2, 2), 2, 2) for name in INITIALISERS]
        return np.concatenate([net.copy().theta, *map(np.ravel, draws)])

    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    numpy_state, python_state, errors = np.random.get_state(), random.getstate(), np.geterr()  # noqa: NPY002
    first = everything()
    after = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(numpy_state[1], after[1])
    assert numpy_state[2:] == after[2:]
    assert random.getstate() == python_state
    assert np.geterr() == errors
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(first, everything())
