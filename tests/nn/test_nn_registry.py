"""Registering a class of one's own: found by name, saved, loaded, and never in the place of another."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ModelFileError, OptionError, UnknownNameError
from clearprop.nn import ACTIVATIONS, INITIALISERS, LAYERS, LOSSES, Layer
from clearprop.registry import Registry


@pytest.fixture(autouse=True)
def registries_put_back(monkeypatch):
    for registry in (ACTIVATIONS, LAYERS, LOSSES, INITIALISERS, cp.ENGINES):
        monkeypatch.setattr(registry, "entries", dict(registry.entries))
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))


def square_class():
    class Square(cp.Layer):
        def forward(self, x, training=False):
            return x * x, x

        def backward(self, saved, dy):
            return dy * 2 * saved

    return Square


def test_a_call_and_a_decorator():
    Square = square_class()
    assert LAYERS.register(Square) is Square
    assert type(LAYERS.make("square")) is Square
    assert "square" in LAYERS

    @LAYERS.register
    class HardTanh(Square):
        def forward(self, x, training=False):
            return np.clip(x, -1, 1), x

    assert LAYERS.find("hard_tanh") is LAYERS.find("HardTanh") is HardTanh
    assert LAYERS.register(square_class(), "power of two")
    assert isinstance(LAYERS.make("power-of-two"), Layer)


def test_an_activation_is_a_layer_too():
    ACTIVATIONS.register(square_class())
    net = cp.mlp([2, 3, 2], hidden="square")
    assert repr(net) == "Net(Linear(2, 3), Square(), Linear(3, 2), dtype='float32')"
    assert type(LAYERS.make("square")) is type(net[1])


def test_a_model_with_ones_own_layer_loads_again(tmp_path):
    Square = square_class()
    net = cp.Net(cp.Linear(2, 3), Square(), cp.Linear(3, 2), seed=1)
    data = cp.data.load("circles", seed=0)
    cp.Model.of(net, cp.CrossEntropy(), data).save(tmp_path / "model.safetensors")
    net.save(tmp_path / "net.safetensors")
    for load, name in ((cp.Model.load, "model"), (cp.Net.load, "net")):
        with pytest.raises(ModelFileError, match=r"no layer called 'Square'.*Register a layer of your own.*LAYERS\.register"):
            load(tmp_path / f"{name}.safetensors")
    LAYERS.register(Square)
    model = cp.Model.load(tmp_path / "model.safetensors")
    assert type(model.net[1]) is Square
    assert np.array_equal(model.net(data.test.X), net(data.test.X))
    assert np.array_equal(cp.Net.load(tmp_path / "net.safetensors").theta, net.theta)


def test_a_loss_and_an_initialiser_of_ones_own(tmp_path):
    @LOSSES.register
    class Shifted(cp.MeanSquaredError):
        pass

    @INITIALISERS.register
    class Ones(cp.nn.Initialiser):
        def draw(self, rng, shape, n_in, n_out):
            return np.ones(shape)

    net = cp.Net(cp.Linear(2, 1, init="ones"))
    assert net.theta.tolist() == [1, 1, 0]
    cp.Model(net, Shifted(), task="regression").save(tmp_path / "m")
    model = cp.Model.load(tmp_path / "m")
    assert type(model.loss) is Shifted
    assert type(model.net[0].init) is Ones


def test_an_engine_of_ones_own():
    @cp.ENGINES.register
    class Slow(type(cp.ENGINES.make("batch"))):
        pass

    assert type(cp.ENGINES.make("slow")) is Slow
    assert list(cp.ENGINES)[-1] == "slow"
    with pytest.raises(OptionError, match=r"The engine 'scalar' is already clearprop\.engines\.scalar\.Scalar"):
        cp.ENGINES.register(Slow, "scalar")


def test_registering_again_replaces():
    first, second = square_class(), square_class()
    LAYERS.register(first)
    LAYERS.register(second)
    assert LAYERS.find("square") is second
    assert list(LAYERS).count("square") == 1


def test_what_cannot_be_registered():
    class Tanh(square_class()):
        pass

    class Half(cp.Layer):
        def forward(self, x, training=False):
            return x / 2, None

    known = dict(LAYERS.entries)
    for name in (None, "steep"):
        with pytest.raises(OptionError, match=r"The layer 'Tanh' is already .*Tanh; choose another name for the class\."):
            LAYERS.register(Tanh, name)
    for registry in (LAYERS, ACTIVATIONS):
        with pytest.raises(OptionError, match=r"is already clearprop\.nn\.linear\.Linear; choose another name\."):
            registry.register(square_class(), "linear")
    for wrong in (Half, cp.CrossEntropy, cp.Tanh(), "tanh"):
        with pytest.raises(OptionError, match="register takes a class derived from Layer that defines all of its abstract"):
            LAYERS.register(wrong)
    assert LAYERS.entries == known
    with pytest.raises(UnknownNameError):
        LAYERS.find("steep")


def test_a_registry_is_its_own():
    mine = Registry("layer", Layer, {})
    mine.register(square_class())
    assert list(mine) == ["square"]
    assert "square" not in LAYERS


def test_a_class_where_an_object_is_meant():
    with pytest.raises(OptionError, match=r"initialiser: <class .*He'>; give He\(\) or a name"):
        cp.Linear(2, 3, init=cp.He)
