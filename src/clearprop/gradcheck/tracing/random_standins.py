"""Stand-ins for numpy.random and random: numbers that are leaves, from fixed seeds."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.numpy_functions import array_of
from clearprop.gradcheck.tracing.traced import Traced, call, in_double, plain
from clearprop.gradcheck.tracing.wrappers import Arr, leaf

SEED = 0


def drawn(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that draws: its numbers are leaves."""

    def draw(*args: Any, **kwargs: Any) -> Any:
        value = function(*plain(args), **in_double(plain(kwargs)))
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
            return leaf(value, "data")
        return leaf(value, "random") if isinstance(value, (np.ndarray, float, np.floating)) else value

    return draw


class Draws:
    """A generator of NumPy's, old or new, behind stand-ins: made by `generator`, which adds its methods."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def permutation(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
            return leaf(self.source.permutation(int(x)), "data")
        order = self.source.permutation(len(x))
        return call(np.take, (x, order), {"axis": 0}) if isinstance(x, Traced) else array_of("array", [x[i] for i in order])

    def shuffle(self, x: Any, *args: Any, **kwargs: Any) -> None:
        order = self.source.permutation(len(x))
        x[:] = x[order] if isinstance(x, Arr) else [x[i] for i in order]

    def choice(self, x: Any, size: Any = None, replace: bool = True, p: Any = None, **kwargs: Any) -> Any:
        count = int(x) if isinstance(x, (int, np.integer)) else len(x)
        chosen = self.source.choice(count, plain(size), replace, _normal(plain(p)))
        if isinstance(x, (int, np.integer)):
            return leaf(chosen, "data") if isinstance(chosen, np.ndarray) else chosen
        return x[chosen] if isinstance(x, Arr) else (np.asarray(x)[chosen] if size is not None else x[chosen])


def _normal(p: Any) -> Any:
    if p is None:
        return None
    p = np.asarray(p, dtype=np.float64).ravel()
    return p / p.sum()


def generator(source: Any) -> Draws:
    """The stand-in of a NumPy generator."""
    made = Draws(source)
    for name in dir(source):
        method = getattr(source, name, None) if not name.startswith("_") else None
        if callable(method) and name not in vars(Draws):
            setattr(made, name, drawn(method))
    return made


def numpy_random() -> ModuleType:
    """The stand-in of numpy.random."""
    module: Any = ModuleType("numpy.random")
    state = np.random.RandomState(SEED)
    made = generator(state)
    for name in dir(state):
        if not name.startswith("_"):
            setattr(module, name, getattr(made, name))
    module.random = drawn(state.random_sample)
    for name in ("ranf", "sample"):
        setattr(module, name, drawn(state.random_sample))
    module.default_rng = lambda seed=SEED: seed if isinstance(seed, Draws) else generator(np.random.default_rng(_seed(seed)))
    module.RandomState = lambda seed=SEED: generator(np.random.RandomState(_seed(seed)))
    module.Generator = Draws
    module.seed = lambda seed=SEED: state.seed(_seed(seed))
    return module


def _seed(seed: Any) -> Any:
    return SEED if seed is None else plain(seed)


def random_standin() -> ModuleType:
    """The stand-in of random."""
    module: Any = ModuleType("random")
    state = random.Random(SEED)
    for name in dir(state):
        if not name.startswith("_"):
            setattr(module, name, getattr(state, name))
    for name in ("random", "uniform", "gauss", "normalvariate", "betavariate", "triangular", "expovariate", "lognormvariate"):
        setattr(module, name, drawn(getattr(state, name)))
    module.seed = lambda a=SEED, *rest: state.seed(SEED if a is None else plain(a))
    module.Random = lambda seed=SEED: random_standin()
    return module
