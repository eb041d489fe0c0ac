"""`radboud-components`: sigmoid, ReLU, binary cross-entropy, the linear layer: values and derivatives, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import BinaryCrossEntropy, Layer, Linear, Net, ReLU, Sigmoid
from clearprop.recipes.exhibits import Table
from clearprop.recipes.published import Comparison, identical, measured
from clearprop.recipes.recipe import Recipe, Result

SEED = 12345
HALF = 1e-5  # the write-up's epsilon / 2
PUBLISHED = {
    "x = rng.uniform(-10, 10, 5)": "-5.45328 -3.664833 5.947309 3.525093 -2.177809",
    "sigmoid(x)": "0.004264 0.024969 0.997394 0.971393 0.101761",
    "sigmoid'(x)": "0.004246 0.024346 0.002599 0.027788 0.091406",
    "sigmoid' at rng.uniform(-2, 2, 5), by formula": "0.188245 0.219215 0.178901 0.221338 0.238508",
    "sigmoid' at rng.uniform(-2, 2, 5), by differences": "0.188245 0.219215 0.178901 0.221338 0.238508",
    "y = rng.integers(2, size=5)": "1 0 1 0 0",
    "y_hat = rng.uniform(0, 1, 5)": "0.676255 0.39111 0.332814 0.598309 0.186734",
    "BCE(y_hat, y)": "0.391186 0.496117 1.100172 0.912072 0.206697",
    "dBCE/dy_hat": "-1.478733 1.642332 -3.004682 2.489474 1.22961",
    "dBCE/dy_hat, by differences": "-1.478733 1.642332 -3.004682 2.489474 1.22961",
    "one layer: loss": "2.309880244091049",
    "one layer: dL/dx": "1.282477 -1.138274 0.784228 0.233444 0.067864",
    "one layer, x from a fresh generator: dL/dx": "1.177245 -1.044874 0.719879 0.214289 0.062295",
}
"""As printed. The vectors are rounded to six decimals, without trailing zeros; every draw starts from a fresh generator."""
CHECK_GRAD = {
    "Linear(5, 7), dx": 8.9e-07,
    "Linear(5, 7), dW": 1.7e-06,
    "Linear(5, 7), db": 0.0,
    "Sigmoid": 4.8e-08,
    "ReLU": 0.0,
}
"""Errors of `scipy.optimize.check_grad`; the write-up does not say at which points."""
ROUNDING = 1e-5  # a larger error is not the rounding error of a forward difference


class RadboudComponents(Recipe):
    """Each component with its derivative, from the same draws."""

    name = "radboud-components"
    title = "Components and their derivatives, checked by differences"
    source = "Radboud University, NWI-IMC070 Deep Learning, assignment 1 (2023)"
    configuration: ClassVar[dict[str, Any]] = {"seed": SEED, "central differences": f"epsilon / 2 = {HALF}", "dtype": "float64"}

    def perform(self, result: Result) -> None:
        """Compute all values, compare, and check the gradients of the layer classes."""
        obtained = values()
        for what, published in PUBLISHED.items():
            result.comparisons.append(identical(what, published, obtained[what]))
        rows = []
        for what, error in gradient_errors().items():
            result.comparisons.append(rounding_error(what, CHECK_GRAD[what], error))
            rows.append([what, CHECK_GRAD[what], error])
        result.exhibits.tables.append(Table("Errors of scipy.optimize.check_grad", ["what", "published", "obtained"], rows))
        result.exhibits.explain(
            "Why does check_grad report 1e-6 for a Linear layer, and exactly 0 for a ReLU?",
            "It takes forward differences of step 1.5e-8, whose error is the rounding of f, about 1e-16 |f| / 1.5e-8 for "
            "each number, and it adds up the squares over all of them; a sum over a large batch has a large f. The central "
            f"differences of this recipe, step {2 * HALF:g}, are right to {central_error():.1e} for the sigmoid. A ReLU is "
            "linear on either side of its kink, and a difference between nearby numbers of equal exponent has no rounding "
            "error at all.",
        )


def show(values: Array | float) -> str:
    """At most six decimals and no trailing zeros, as NumPy prints vectors with six digits in the write-up.

    Examples
    --------
    >>> show(np.array([-5.453279550657, 0.39110955]))
    '-5.45328 0.39111'
    """
    return " ".join(np.format_float_positional(value, precision=6, trim="-") for value in np.atleast_1d(values))


def rng() -> np.random.Generator:
    """A fresh generator; every group of draws starts from one."""
    return np.random.default_rng(SEED)


def central(f: Callable[[Array], Array], x: Array) -> Array:
    """The derivative of an element-wise function by central differences."""
    return (f(x + HALF) - f(x - HALF)) / (2 * HALF)


def slope(layer: Layer, x: Array) -> Array:
    """The derivative (n,) of an activation at x (n,), by its own backward pass."""
    y, saved = layer.forward(x[None, :])
    return layer.backward(saved, np.ones_like(y))[0]


def central_error() -> float:
    """Largest difference between the two derivatives of the sigmoid."""
    x = rng().uniform(-2, 2, 5)
    return float(np.abs(central(Sigmoid(), x) - slope(Sigmoid(), x)).max())


def values() -> dict[str, str]:
    """All values that the write-up prints, by name, in its own format."""
    draws = rng()
    x, x_check = draws.uniform(-10, 10, 5), rng().uniform(-2, 2, 5)
    draws = rng()
    y, y_hat = draws.integers(2, size=5), draws.uniform(0, 1, 5)
    draws = rng()
    w, b, x_one = draws.normal(size=5), draws.normal(), draws.uniform(size=5)
    loss, dx = one_layer(w, b, x_one)
    _, dx_fresh = one_layer(w, b, rng().uniform(size=5))
    found = [
        show(x), show(Sigmoid()(x)), show(slope(Sigmoid(), x)), show(slope(Sigmoid(), x_check)),
        show(central(Sigmoid(), x_check)), " ".join(map(str, y)), show(y_hat), show(BinaryCrossEntropy.f(y_hat, y)),
        show(BinaryCrossEntropy.df(y_hat, y)), show(central(lambda p: BinaryCrossEntropy.f(p, y), y_hat)), repr(loss), show(dx),
        show(dx_fresh),
    ]  # fmt: skip
    return dict(zip(PUBLISHED, found, strict=True))


def one_layer(w: Array, b: float, x: Array) -> tuple[float, Array]:
    """Loss and dL/dx (n,) of sigmoid(w . x + b) for the label 1."""
    net = Net(Linear(len(w), 1), Sigmoid(), seed=None, dtype="float64")
    net.theta[:] = [*w, b]
    loss = BinaryCrossEntropy("sum", raw=True)
    y_hat, saved = net.forward(x[None, :])
    value, kept = loss.forward(y_hat, np.ones((1, 1)))
    return value, net.backward(saved, loss.backward(kept))[0]


def gradient_errors() -> dict[str, float]:
    """Errors of `scipy.optimize.check_grad` on the layer classes, at points of our own choice."""
    draws = rng()
    layer = Linear(5, 7).initialise(rng())
    x = draws.uniform(size=(10, 5))
    errors = {"Linear(5, 7), dx": check(layer, x, "x")}
    errors |= {f"Linear(5, 7), d{name}": check(layer, x, name) for name in layer.names}
    x = rng().uniform(-10, 10, size=(10, 5))
    return errors | {type(kind).__name__: check(kind, x, "x") for kind in (Sigmoid(), ReLU())}


def check(layer: Layer, x: Array, name: str) -> float:
    """Error of the gradient of the summed outputs with respect to the input or to one parameter."""
    from scipy.optimize import check_grad

    target = x.copy() if name == "x" else layer.parameters()[name]

    def value(flat: Array) -> float:
        target[:] = flat.reshape(target.shape)
        return float(layer(target if name == "x" else x).sum())

    def gradient(flat: Array) -> Array:
        target[:] = flat.reshape(target.shape)
        y, saved = layer.forward(target if name == "x" else x)
        for grad in layer.gradients().values():
            grad[:] = 0
        dx = layer.backward(saved, np.ones_like(y))
        return (dx if name == "x" else layer.gradients()[name]).ravel()

    return float(check_grad(value, gradient, target.ravel().copy()))


def rounding_error(what: str, published: float, obtained: float) -> Comparison:
    """Compare an error of `check_grad`, which depends on points that the write-up does not give."""
    verdict = "differs, because the write-up does not say at which points; both are rounding errors"
    if obtained > ROUNDING:
        verdict = "NOT a rounding error"
        return Comparison(f"check_grad, {what}", f"{published:.2g}", f"{obtained:.2g}", verdict, "shown", False)
    if f"{published:.2g}" == f"{obtained:.2g}":
        return identical(f"check_grad, {what}", f"{published:.2g}", f"{obtained:.2g}")
    return measured(f"check_grad, {what}", f"{published:.2g}", f"{obtained:.2g}", verdict)
