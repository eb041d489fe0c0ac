"""Activations of a person's own on the compiled engine: what is compiled, what is refused, and that a change takes effect.

That those which are compiled agree with the reference stands in the table of cases.
"""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.errors import UnsupportedError
from clearprop.nn import Activation

X, Y = np.random.default_rng(0).normal(size=(24, 3)), np.arange(24) % 2


class Identity(Activation):
    @staticmethod
    def f(z):
        return z

    @staticmethod
    def df(a):
        return np.ones_like(a)


def net_with(kind: type[Activation], seed: int = 0) -> cp.Net:
    """Too wide for a pass of its own kind, so that nothing but the activation has to be compiled for each."""
    return cp.Net(cp.Linear(3, 24), kind(), cp.Linear(24, 2), seed=seed, dtype="float64")


def reason(net: cp.Net) -> str | None:
    return Compiled().supports(net, cp.CrossEntropy(), cp.SGD())


def trained(net: cp.Net, engine: cp.Engine) -> np.ndarray:
    cp.fit(net, (X, Y), engine=engine, epochs=2, batch_size=8)
    return net.theta


def agrees(kind: type[Activation], agree: Any) -> None:
    """Whether a new net is trained as by the reference."""
    agree(trained(net_with(kind), Compiled()), trained(net_with(kind), Batch()), 1e-12)


# ---------------------------------------------------------------- refused, in a sentence


def spectrum(z):
    return np.fft.fft(z).real


def of_each_number(z):
    y = 0.0
    for x in z:
        y = y + x
    return y


def masked(z):
    y = z * 1.0
    y[y < 0] = 0.0
    return y


def chosen(z):
    return z[z > 0]


def by_shape(z):
    return z / z.shape[0]


def if_positive(z):
    return z if z > 0 else 0.0


def to_the_half(z):
    return np.abs(z) ** 0.5


def misspelt(z):
    return np.hyperbolic(z)


def to_somewhere(z):
    return np.exp(z, where=z > 0)


def with_context(z):
    with np.errstate(over="ignore"):
        return np.exp(z)


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (spectrum, "np.fft.fft is not something that can be compiled, in `return np.fft.fft(z).real` of spectrum ("),
    (of_each_number, "`for x in z:` is not something that can be compiled, in `for x in z:` of of_each_number ("),
    (masked, "in `y[y < 0] = 0.0` of masked ("),
    (chosen, "in `return z[z > 0]` of chosen ("),
    (by_shape, ".shape is not something that can be compiled, in `return z / z.shape[0]` of by_shape ("),
    (if_positive, "np.where chooses lane by lane, in `return z if z > 0 else 0.0` of if_positive ("),
    (to_the_half, "** is compiled for exponents 1 to 8 only; write np.exp or np.sqrt instead, in `return np.abs(z) ** 0.5`"),
    (misspelt, "has no attribute 'hyperbolic', in `return np.hyperbolic(z)` of misspelt ("),
    (to_somewhere, "does not take these arguments, in `return np.exp(z, where=z > 0)` of to_somewhere ("),
    (with_context, "is not something that can be compiled, in `with np.errstate(over='ignore'):` of with_context ("),
]


@pytest.mark.parametrize(("function", "words"), REFUSED, ids=[function.__name__ for function, _ in REFUSED])
@pytest.mark.parametrize("part", ["f", "df"])
def test_what_cannot_be_compiled_is_named(function: Any, words: str, part: str) -> None:
    kind = type("Own", (Identity,), {part: staticmethod(function)})
    found = str(reason(net_with(kind)))
    assert found.startswith("it cannot compile everything in the net: ")
    assert words in found
    assert f"test_engines_own_activations.py, line {function.__code__.co_firstlineno})." in found
    assert found.endswith(").")


def test_fit_trains_on_batch_with_one_line(caplog: Any) -> None:
    class Rooted(Identity):
        @staticmethod
        def f(z):
            return np.arctan(z)

    net = net_with(Rooted)
    with caplog.at_level(logging.WARNING, "clearprop"):
        cp.fit(net, (X, Y), epochs=2, batch_size=8)
    (line,) = caplog.messages
    assert line.startswith(
        "Training on the engine 'batch'; 'compiled' cannot: it cannot compile everything in the net: np.arctan "
    )
    assert "Rooted.f (" in line
    np.testing.assert_array_equal(net.theta, trained(net_with(Rooted), Batch()))
    with pytest.raises(UnsupportedError, match=r"np\.arctan is not"):
        cp.fit(net, (X, Y), engine="compiled")
    with pytest.raises(UnsupportedError, match=r"np\.arctan is not"):
        Compiled().loss_and_grad(net, cp.CrossEntropy(), X, Y)


def test_what_is_not_a_plain_function_is_refused() -> None:
    class OfTheObject(Identity):
        def f(self, z):  # type: ignore[override]
            return z

    class Vectorised(Identity):
        f = staticmethod(np.vectorize(lambda z: z))  # type: ignore[assignment]

    space: dict[str, Any] = {"np": np}
    exec("def f(z):\n    return np.tanh(z)", space)  # a function without a file
    unseen = type("Unseen", (Identity,), {"f": staticmethod(space["f"])})
    assert "OfTheObject.f is not a static method." in str(reason(net_with(OfTheObject)))
    assert "Vectorised.f is not a static method." in str(reason(net_with(Vectorised)))
    assert "the source of f cannot be read." in str(reason(net_with(unseen)))


def test_methods_around_f_are_those_of_the_reference() -> None:
    class Doubled(cp.Tanh):
        def backward(self, saved, dy):
            return 2 * super().backward(saved, dy)

    class Scaled(Identity):
        def forward(self, x, training=False):
            return 2 * x, x

    assert reason(net_with(Doubled)) == "Doubled.backward is not the one that it was verified against (it was replaced)."
    assert reason(net_with(Scaled)) == "Scaled.forward is not the one that it was verified against (it was replaced)."


# ---------------------------------------------------------------- changes take effect

BETA = 1.0
SETTINGS = {"beta": 1.0}


class Module:
    """Stands for a module of settings."""

    beta = 1.0


class Swish(Activation):
    """Its derivative is wrong, which shows as well as a right one whether a change takes effect."""

    beta = 1.0

    @staticmethod
    def f(z):
        return z / (1.0 + np.exp(-BETA * z))

    @staticmethod
    def df(a):
        return np.exp(-np.square(a))


def halved(z):
    return 0.5 * z


def test_another_function_takes_effect(monkeypatch: Any, agree: Any) -> None:
    agrees(Swish, agree)
    before = trained(net_with(Swish), Compiled())
    monkeypatch.setattr(Swish, "f", staticmethod(np.tanh))
    assert "Swish.f is not a static method" in str(reason(net_with(Swish)))
    for function in (cp.Tanh.f, halved):
        monkeypatch.setattr(Swish, "f", staticmethod(function))
        agrees(Swish, agree)
    monkeypatch.undo()
    np.testing.assert_array_equal(trained(net_with(Swish), Compiled()), before)


def test_a_function_exchanged_in_place_takes_effect(monkeypatch: Any, agree: Any) -> None:
    """As IPython's autoreload does it, under a net that is being trained."""
    net, twin = net_with(Swish), net_with(Swish)
    for code in (None, cp.Tanh.f.__code__, cp.Sigmoid.f.__code__):
        if code is not None:
            monkeypatch.setattr(Swish.f, "__code__", code)
        agree(trained(net, Compiled()), trained(twin, Batch()), 1e-12)


def with_default(z, factor=0.5):
    return np.where(z > 0, z, factor * z)


def of_the_class(z):
    return np.tanh(Swish.beta * z)


def of_a_module(z):
    return np.tanh(Module.beta * z)


def of_a_dictionary(z):
    return np.tanh(SETTINGS["beta"] * z)


def scaled(z):
    return BETA * z


def of_a_function(z):
    return np.tanh(scaled(z))


CHANGES: list[tuple[Callable[..., Any], str, Any]] = [
    (Swish.f, "BETA", None),
    (of_a_function, "BETA", None),
    (of_the_class, "beta", Swish),
    (of_a_module, "beta", Module),
    (of_a_dictionary, "beta", SETTINGS),
]


@pytest.mark.parametrize(("function", "name", "owner"), CHANGES, ids=[f.__name__ for f, *_ in CHANGES])
@pytest.mark.parametrize("value", [2.0, np.float32(0.3)], ids=repr)
def test_another_value_of_a_constant_takes_effect(
    function: Any, name: str, owner: Any, value: Any, monkeypatch: Any, agree: Any
) -> None:
    """In a new net, and in the same."""
    kind = type("Own", (Swish,), {"f": staticmethod(function)})
    net, twin = net_with(kind), net_with(kind)
    agree(trained(net, Compiled()), trained(twin, Batch()), 1e-12)
    if owner is SETTINGS:
        monkeypatch.setitem(owner, name, value)
    else:
        monkeypatch.setattr(owner or sys.modules[__name__], name, value)
    agrees(kind, agree)
    agree(trained(net, Compiled()), trained(twin, Batch()), 1e-12)


def test_another_default_takes_effect(monkeypatch: Any, agree: Any) -> None:
    kind = type("Own", (Swish,), {"f": staticmethod(with_default)})
    for factor in (0.5, 0.25):
        monkeypatch.setattr(with_default, "__defaults__", (factor,))
        agrees(kind, agree)


def test_functions_of_one_factory_are_told_apart(agree: Any) -> None:
    def make(slope: float) -> type[Activation]:
        def f(z):
            return np.where(z > 0, z, slope * z)

        return type("Leaky", (Swish,), {"f": staticmethod(f)})

    for slope in (0.1, 0.3, 0.1):
        agrees(make(slope), agree)


def test_a_decorator_is_not_forgotten(agree: Any) -> None:
    def doubled(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(z):
            return 2 * function(z)

        return wrapper

    class Decorated(Swish):
        @staticmethod
        @doubled
        def f(z):
            return np.tanh(z)

    assert Decorated.f(np.ones(1))[0] == 2 * np.tanh(1)
    agrees(Decorated, agree)


def test_functions_that_call_each_other_are_refused() -> None:
    kind = type("Own", (Swish,), {"f": staticmethod(ping)})
    assert "ping" in str(reason(net_with(kind)))


def ping(z):
    return pong(z)


def pong(z):
    return ping(z)


SCRIPT = """
import sys
import numpy as np
import clearprop as cp

ALPHA = 1.0

class Own(cp.nn.Activation):
    @staticmethod
    def f(z):
        return np.tanh(ALPHA * z)

    @staticmethod
    def df(a):
        return 1 - a * a

X, y = np.random.default_rng(0).normal(size=(24, 3)), np.arange(24) % 2
net = cp.Net(cp.Linear(3, 24), Own(), cp.Linear(24, 2), dtype="float64")
cp.fit(net, (X, y), epochs=2, batch_size=8, engine=sys.argv[1])
print(net.theta.tolist())
"""


def test_code_from_the_disk_is_that_of_the_present_constant(tmp_path: Path, agree: Any) -> None:
    """The same file, edited between two processes, which share the folder of compiled units."""
    for alpha in ("1.0", "0.5", "1.0"):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.replace("ALPHA = 1.0", f"ALPHA = {alpha}"))
        commands = [[sys.executable, str(script), engine] for engine in ("compiled", "batch")]
        found = [subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands]
        agree(*(np.array([float(x) for x in line.strip("[]\n").split(",")]) for line in found), 1e-12)
