"""What holds for every registered class: a new one of any kind is covered on the day it is registered."""

import ast
import copy
import importlib
import inspect
import json
import pickle
import pkgutil
import re

import numpy as np
import pytest

import clearprop as cp
from clearprop import nn, optim
from clearprop.errors import OptionError, UnknownNameError
from clearprop.nn import ACTIVATIONS, INITIALISERS, LAYERS, LOSSES, Initialiser, Layer, Loss
from clearprop.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from clearprop.registry import Configured

REGISTRIES = {
    Layer: LAYERS,
    Loss: LOSSES,
    Optimizer: OPTIMIZERS,
    Schedule: SCHEDULES,
    Initialiser: INITIALISERS,
}
ENTRIES = [(registry, name) for registry in [*REGISTRIES.values(), ACTIVATIONS] for name in registry]
IDS = [f"{registry.kind}-{name}" for registry, name in ENTRIES]
OTHER_WORD = {"mean": "sum", "xavier": "he", "zeros": "normal", "he": "xavier", "uniform": "normal"}

every_entry = pytest.mark.parametrize(("registry", "name"), ENTRIES, ids=IDS)
every_layer = pytest.mark.parametrize("name", list(LAYERS))
every_loss = pytest.mark.parametrize("name", list(LOSSES))
every_optimizer = pytest.mark.parametrize("name", list(OPTIMIZERS))


def arguments(found):
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    if found.__init__ is object.__init__:
        return []
    return [p for p in list(inspect.signature(found.__init__).parameters.values())[1:] if p.kind in kinds]


PLAIN = {
    cp.Residual: lambda: cp.Residual(cp.Linear(3, 3), cp.Tanh()),
    cp.Embedding: lambda: cp.Embedding([0, 3, 2]),
    cp.Unflatten: lambda: cp.Unflatten(1, 1, 3),
}
CHANGED = {
    cp.Residual: lambda: cp.Residual(cp.Tanh(), cp.Linear(4, 4)),
    cp.Embedding: lambda: cp.Embedding([2, 0], dim=3, init="he"),
    cp.CrossEntropy: lambda: cp.CrossEntropy("sum", 0.25, [1.0, 2.0]),
}
IMAGES = (cp.Conv2d, cp.MaxPool2d, cp.Flatten)


def plain(found):
    """An object with defaults; an argument that has none (a number of units) is 3."""
    if found in PLAIN:
        return PLAIN[found]()
    return found(**{p.name: 3 for p in arguments(found) if p.default is p.empty})


def changed(found):
    """An object in which no argument has its default."""
    if found in CHANGED:
        return CHANGED[found]()
    other = {}
    for p in arguments(found):
        if p.default is p.empty:
            other[p.name] = 4
        elif p.default is None:
            other[p.name] = 0.5
        elif isinstance(p.default, bool):
            other[p.name] = not p.default
        elif isinstance(p.default, int):
            other[p.name] = p.default + 1
        elif isinstance(p.default, float):
            other[p.name] = p.default / 2 or 0.25
        else:
            other[p.name] = OTHER_WORD[p.default]
    return found(**other)


def modules():
    for package in (nn, optim):
        yield package
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            yield importlib.import_module(info.name)


def classes():
    return [c for m in modules() for c in vars(m).values() if inspect.isclass(c) and c.__module__ == m.__name__]


def descendants(base):
    below = [c for c in base.__subclasses__() if c.__module__.startswith(("clearprop.nn", "clearprop.optim"))]
    return below + [d for c in below for d in descendants(c)]


# --- configuration -------------------------------------------------------------------------------------------------------


@every_entry
def test_configuration_survives_json(registry, name):
    found = registry.find(name)
    for thing in (plain(found), changed(found)):
        again = registry.make(json.loads(json.dumps(thing.config())))
        assert type(again) is found
        assert again.same_config(thing)
        assert again.config() == thing.config()
        assert thing.config()["type"] == found.__name__
        assert list(thing.config()) == ["type", *(p.name for p in arguments(found))]
        assert registry.make(thing) is thing


@every_entry
def test_repr_is_the_constructor_call(registry, name):
    found = registry.find(name)
    names = {**vars(nn), **vars(optim)}
    for thing in (plain(found), changed(found)):
        assert eval(repr(thing), names).same_config(thing)
    for p in arguments(found):
        if p.default is not p.empty:
            assert f"{p.name}=" in repr(changed(found))
            if not isinstance(getattr(plain(found), p.name), Schedule):  # WarmUp makes a Constant of its default, a number
                assert f"{p.name}=" not in repr(plain(found))


@every_entry
def test_same_config_is_of_type_and_arguments_and_equality_is_identity(registry, name):
    found = registry.find(name)
    assert plain(found).same_config(plain(found))
    assert not plain(found).same_config(plain(found).config())
    if arguments(found):
        assert not plain(found).same_config(changed(found))
    assert not any(plain(found).same_config(plain(registry.find(other))) for other in registry if other != name)
    one, two = plain(found), plain(found)
    assert one == next(iter([one]))
    assert one != two
    assert [one, two].index(two) == 1
    assert len({one, two}) == 2


@every_entry
def test_copies_and_pickles_are_equal(registry, name):
    for thing in (plain(registry.find(name)), changed(registry.find(name))):
        assert copy.deepcopy(thing).same_config(thing)
        assert pickle.loads(pickle.dumps(thing)).same_config(thing)


@every_entry
def test_names_are_found_however_written(registry, name):
    found = registry.find(name)
    for spelling in (name.upper(), name.replace("_", "-"), name.replace("_", " "), found.__name__):
        assert registry.find(spelling) is found


@every_entry
def test_a_misspelt_name_is_answered_with_the_right_one(registry, name):
    with pytest.raises(UnknownNameError) as caught:
        registry.make(name + "x")
    assert f"did you mean {name!r}?" in str(caught.value)
    assert f"Known: {', '.join(registry)}." in str(caught.value)
    assert registry.kind in str(caught.value)


@pytest.mark.parametrize("registry", [*REGISTRIES.values(), ACTIVATIONS], ids=lambda registry: registry.kind)
def test_aliases_lead_to_entries(registry):
    for alias, name in registry.aliases.items():
        assert registry.find(alias) is registry.find(name)


# --- the house -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("base", "registry"), REGISTRIES.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_every_concrete_class_is_registered_and_public(base, registry):
    concrete = {c for c in descendants(base) if not inspect.isabstract(c)}
    assert concrete - {cp.Accumulated} == set(registry.entries.values())  # which is made of another optimizer
    assert all(getattr(cp, c.__name__) is c for c in concrete)


def test_every_class_is_abstract_or_final():
    assert len(classes()) > 30
    for c in classes():
        if not inspect.isabstract(c):
            assert not descendants(c), f"{c.__name__} is neither abstract nor final: {descendants(c)}"


def test_no_getattr_and_no_hasattr():
    for c in classes():
        assert not {"__getattr__", "__getattribute__"} & set(vars(c)), c
    for m in modules():
        called = {
            n.func.id
            for n in ast.walk(ast.parse(inspect.getsource(m)))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert "hasattr" not in called, m


def test_no_mutable_defaults():
    for m in modules():
        functions = [f for f in vars(m).values() if inspect.isfunction(f) and f.__module__.startswith("clearprop.")]
        functions += [f for c in classes() for f in vars(c).values() if inspect.isfunction(f)]
        for f in functions:
            for p in inspect.signature(f).parameters.values():
                immutable = p.default is p.empty or p.default is None or isinstance(p.default, (str, int, float, tuple))
                assert immutable, f"{f.__qualname__}({p.name}={p.default!r})"
    for c in classes():
        shared = [
            k for k, v in vars(c).items() if isinstance(v, (list, set, np.ndarray, Configured)) and not k.startswith("__")
        ]
        assert not shared, f"{c.__name__} shares {shared} among its objects"


@pytest.mark.parametrize("package", [nn, optim], ids=["nn", "optim"])
def test_public_names_exist_and_are_documented(package):
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        thing = getattr(package, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name


def test_every_public_method_is_documented():
    for c in classes():
        for name, method in vars(c).items():
            if inspect.isfunction(method) and not name.startswith("_") and name not in ("draw", "width", "f", "df", "update"):
                assert inspect.getdoc(getattr(c, name)), f"{c.__name__}.{name}"


@every_entry
def test_docstrings_name_every_argument(registry, name):
    found = registry.find(name)
    assert vars(found).get("__doc__"), f"{found.__name__} has no docstring of its own"
    text = " ".join(c.__doc__ or "" for c in found.__mro__ if c.__module__.startswith("clearprop."))
    for p in arguments(found):
        assert re.search(rf"\b{p.name}\b", text), f"{found.__name__} does not say what {p.name} is"


@pytest.mark.parametrize("found", [r.find(n) for r in (LAYERS, LOSSES, OPTIMIZERS) for n in r], ids=lambda c: c.__name__)
def test_docstrings_hold_the_formula(found):
    assert re.search(r" = |<-|\^2|-\(?y? ?log", found.__doc__), found
    if not issubclass(found, Optimizer):
        assert re.search(r"f'|dL/d|\bd[a-zA-Z_]+ = |[Dd]erivative", found.__doc__), (
            f"{found.__name__}: where is the derivative?"
        )


# --- layers --------------------------------------------------------------------------------------------------------------


def batch(dtype="float64", size=4):
    return np.random.default_rng(0).normal(size=(size, 3)).astype(dtype)


def inputs(layer, dtype="float64"):
    """A batch that the layer takes: rows, rows with categories, or images."""
    if isinstance(layer, IMAGES):
        return np.random.default_rng(0).normal(size=(4, 3, 5, 4)).astype(dtype)
    x = batch(dtype)
    if isinstance(layer, cp.Embedding):
        x[:, 1:] = [[0, 1], [2, 0], [2, 1], [1, 1]]
    return x


@every_layer
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_keep_the_dtype_and_leave_their_arguments_alone(name, training, dtype):
    net = cp.Net(plain(LAYERS.find(name)), seed=1, dtype=dtype)
    layer, x = net[0], inputs(net[0], dtype)
    x_before, theta_before = x.copy(), net.theta.copy()
    y, saved = layer.forward(x, training)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    dy_before, y_before = dy.copy(), y.copy()
    dx = layer.backward(saved, dy)
    assert y.dtype == dx.dtype == net.theta.dtype == net.grad.dtype == np.dtype(dtype)
    assert all(array.dtype == np.dtype(dtype) for array in (*layer.parameters().values(), *layer.gradients().values()))
    assert all(getattr(layer, buffer).dtype == np.dtype(dtype) for buffer in layer.buffers)
    assert dx.shape == x.shape
    assert layer.width(3) is None or y.shape == (4, layer.width(3))
    for now, before in ((x, x_before), (dy, dy_before), (y, y_before), (net.theta, theta_before)):
        assert np.array_equal(now, before)


@every_layer
def test_layers_add_to_their_gradients(name):
    layer = plain(LAYERS.find(name)).initialise(0)
    x = inputs(layer)
    y, saved = layer.forward(x, training=True)
    dx = [layer.backward(saved, np.ones_like(y))]
    once = {n: g.copy() for n, g in layer.gradients().items()}
    dx.append(layer.backward(saved, np.ones_like(y)))  # saved is not used up, and backward has no memory
    assert np.array_equal(*dx)
    for n, g in layer.gradients().items():
        np.testing.assert_allclose(g, 2 * once[n], rtol=1e-14)


@every_layer
def test_layers_after_training_are_functions_of_each_example(name):
    layer = plain(LAYERS.find(name)).initialise(0)
    x = inputs(layer)
    y = layer(x)
    assert np.array_equal(y, layer.forward(x)[0])
    assert np.array_equal(y, layer(x))
    np.testing.assert_allclose(np.vstack([layer(row[None, :]) for row in x]), y, rtol=1e-14)


@every_layer
def test_layers_draw_from_the_given_generator_only(name):
    first, second = (plain(LAYERS.find(name)).initialise(np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(p, second.parameters()[n]) for n, p in first.parameters().items())
    x = inputs(first)
    assert np.array_equal(first.forward(x, training=True)[0], second.forward(x, training=True)[0])
    assert first.initialise(7) is first  # a seed will do as well
    assert all(np.array_equal(p, second.parameters()[n]) for n, p in first.parameters().items())


@every_layer
def test_layer_names_match_their_arrays(name):
    layer = plain(LAYERS.find(name))
    assert list(layer.parameters()) == list(layer.gradients()) == list(layer.names)
    for n, p in layer.parameters().items():
        assert layer.gradients()[n].shape == p.shape
        assert layer.gradients()[n] is getattr(layer, "d" + n)
    twin = layer.copy()
    for n, p in layer.parameters().items():
        assert not np.shares_memory(p, twin.parameters()[n])


# --- losses --------------------------------------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_keep_the_dtype_and_leave_their_arguments_alone(name, reduction, dtype):
    loss = LOSSES.make({"type": name, "reduction": reduction})
    y_hat = cp.Softmax()(batch(dtype))
    for y in (np.eye(3)[[0, 2, 1, 1]], np.eye(3, dtype="float32")[[0, 2, 1, 1]], np.eye(3, dtype=int)[[0, 2, 1, 1]]):
        before = y_hat.copy(), y.copy()
        value, saved = loss.forward(y_hat, y)
        dy_hat = loss.backward(saved)
        assert type(value) is float
        assert loss(y_hat, y) == value
        assert dy_hat.dtype == np.dtype(dtype)
        assert dy_hat.shape == y_hat.shape
        assert np.array_equal(loss.backward(saved), dy_hat)
        assert np.array_equal(before[0], y_hat)
        assert np.array_equal(before[1], y)
        assert not np.shares_memory(dy_hat, y_hat)
        p = loss.probabilities(y_hat)
        assert p is None or p.dtype == np.dtype(dtype)
        assert type(loss.n_correct(y_hat, y)) is float


# --- optimizers ----------------------------------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_optimizers_keep_the_dtype_work_in_place_and_leave_the_gradient_alone(name, dtype):
    for optimizer in (plain(OPTIMIZERS.find(name)), changed(OPTIMIZERS.find(name))):
        theta, grad = batch(dtype).ravel(), batch(dtype).ravel() * 2
        optimizer.biases = np.arange(len(theta)) > 7
        view, before, kept = theta[:5], theta.copy(), grad.copy()
        for t in range(1, 4):
            assert optimizer.step(theta, grad) is None
            assert optimizer.t == t  # once for each step, not for each parameter
        assert theta.dtype == np.dtype(dtype)
        assert np.array_equal(view, theta[:5])
        assert not np.array_equal(view, before[:5])
        assert np.array_equal(grad, kept)
        assert list(optimizer.state) == list(optimizer.state_names)
        for value in optimizer.state.values():
            assert value.dtype == np.dtype(dtype)
            assert value.shape == theta.shape
            assert not np.shares_memory(value, grad)


@every_optimizer
def test_optimizers_forget_when_reset(name):
    optimizer = changed(OPTIMIZERS.find(name))
    optimizer.biases = np.arange(12) > 7
    ends = []
    for _ in range(2):
        theta = batch().ravel()
        for _ in range(3):
            optimizer.step(theta, 2 * theta)
        ends.append(theta)
        optimizer.reset()
        assert optimizer.t == 0
    assert np.array_equal(*ends)


@every_optimizer
def test_optimizers_take_schedules_by_object_and_configuration(name):
    schedule = cp.StepDecay(0.2, every=2)
    made = [OPTIMIZERS.make({"type": name, "lr": lr}) for lr in (schedule, schedule.config())]
    assert made[0].same_config(made[1])
    assert made[1].schedule.same_config(schedule)
    again = OPTIMIZERS.make(json.loads(json.dumps(made[0].config())))
    assert again.same_config(made[0])
    with pytest.raises(OptionError, match="or a Schedule, not 'step'"):  # a name says too little about a rate
        OPTIMIZERS.make({"type": name, "lr": "step"})
    assert OPTIMIZERS.make({"type": name, "lr": 0.3}).schedule.same_config(cp.Constant(0.3))


# --- schedules and initialisers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_schedules_are_functions_of_the_step(name):
    for schedule in (plain(SCHEDULES.find(name)), changed(SCHEDULES.find(name))):
        rates = [schedule(step) for step in range(0, 1500, 7)]
        assert all(type(rate) is float and 0 <= rate < np.inf for rate in rates)
        assert max(rates) > 0
        assert [schedule(step) for step in reversed(range(0, 1500, 7))] == rates[::-1]  # in any order


@pytest.mark.parametrize("name", list(INITIALISERS))
def test_initialisers_draw_float64_of_the_shape_asked_for(name):
    for init in (plain(INITIALISERS.find(name)), changed(INITIALISERS.find(name))):
        for shape in ((3, 2), (2,)):
            values = init.draw(np.random.default_rng(0), shape, 3, 2)
            assert values.shape == shape
            assert values.dtype == np.float64
            assert np.isfinite(values).all()
