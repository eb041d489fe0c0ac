"""`radboud-components`: sigmoid, ReLU, binary cross-entropy, the linear layer: values and derivatives, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import BinaryCrossEntropy, Layer, Linear, Net, ReLU, Sigmoid
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import identical
from clearprop.recipes.radboud_digits_runs import ProductXavier
from clearprop.recipes.recipe import Recipe, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    "Linear(5, 7), dx": "8.877935602122721e-07",
    "Linear(5, 7), dW": "1.671517959170096e-06",
    "Linear(5, 7), db": "0.0",
    "Sigmoid": "4.823853650098719e-08",
    "ReLU": "0.0",
}
"""Errors of `scipy.optimize.check_grad`, for the derivatives of f = 2 sum(forward(x)). The points are in `linear_points`."""
STEPS = 10.0 ** np.arange(-15, 0.5, 0.5)


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
        errors = gradient_errors()
        for what, published in CHECK_GRAD.items():
            result.comparisons.append(identical(f"check_grad, {what}", published, repr(errors[what])))
        result.exhibits.explain(
            "Why does check_grad report 1e-6 for a Linear layer, and exactly 0 for its bias and for a ReLU?",
            "It takes forward differences, (f(x + h) - f(x)) / h with h = 2^-26 = 1.5e-8, and returns the length of the "
            "vector of all deviations. Here f is linear in x, in W and in b, so that no curvature is left out: what remains "
            "is the rounding of f, about 1e-16 |f| / h for each number. For the bias and the ReLU every quotient happens to "
            f"be exact. The sigmoid's {CHECK_GRAD['Sigmoid']} belongs to the form exp(-x) / (1 + exp(-x))^2 of its "
            f"derivative; clearprop's y (1 - y) gives {errors['Sigmoid, y (1 - y)']!r}. Central differences of step "
            f"{2 * HALF:g} are right to {central_error():.1e} for the sigmoid.",
        )
        explain_differences(result)
        result.exhibits.pictures += [
            Picture("functions", "Sigmoid and ReLU beside their gradients", draw_functions, (9, 3.4)),
            Picture("steps", "Error of a numeric derivative of the sigmoid, by its step", draw_errors, (6, 3.8)),
        ]


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


def linear_points() -> dict[str, tuple[Linear, Array, Array]]:
    """Layer, input x (3, 5) and point of each check of the linear layer, in the order in which one generator draws them.

    The margin cuts off a `size=`; the reshape to (3, 5) tells it. The input of a check is drawn before its layer.
    """
    draws = rng()
    points = {}
    layer, point = draw_linear(draws), draws.uniform(-10, 10, 15)
    points["x"] = (layer, point.reshape(3, 5), point)
    for name, size in (("W", 35), ("b", 7)):
        x = draws.uniform(size=(3, 5))
        points[name] = (draw_linear(draws), x, draws.uniform(-10, 10, size))
    return points


def draw_linear(draws: np.random.Generator) -> Linear:
    """The write-up's Linear(5, 7): uniform weights with a product under the root, biases zero."""
    return Linear(5, 7, init=ProductXavier()).initialise(draws)


def gradient_errors() -> dict[str, float]:
    """Errors of `scipy.optimize.check_grad` on the layer classes, at the write-up's points."""
    errors = {f"Linear(5, 7), d{name}": check(layer, x, name, point) for name, (layer, x, point) in linear_points().items()}
    for layer, low in ((Sigmoid(), -10), (ReLU(), 1)):
        point = rng().uniform(low, 10, 5)
        errors[type(layer).__name__] = check(layer, point[None, :], "x", point)
    errors["Sigmoid, y (1 - y)"] = errors["Sigmoid"]
    point = rng().uniform(-10, 10, 5)
    errors["Sigmoid"] = check_grad_error(lambda x: 2 * float(Sigmoid()(x).sum()), published_slope, point)
    return errors


def published_slope(x: Array) -> Array:
    """Twice the derivative of the sigmoid, in the form of the write-up."""
    return 2 * np.exp(-x) / (1 + np.exp(-x)) ** 2


def check(layer: Layer, x: Array, name: str, point: Array) -> float:
    """Error of the gradient of f = 2 sum(y) with respect to the input or to one parameter, at `point`."""
    target = x.copy() if name == "x" else layer.parameters()[name]

    def value(flat: Array) -> float:
        target[:] = flat.reshape(target.shape)
        return 2 * float(layer(target if name == "x" else x).sum())

    def gradient(flat: Array) -> Array:
        target[:] = flat.reshape(target.shape)
        y, saved = layer.forward(target if name == "x" else x)
        for grad in layer.gradients().values():
            grad[:] = 0
        dx = layer.backward(saved, np.full_like(y, 2.0))
        return (dx if name == "x" else layer.gradients()[name]).ravel()

    return check_grad_error(value, gradient, point)


def check_grad_error(f: Callable[[Array], float], gradient: Callable[[Array], Array], point: Array) -> float:
    """Error of `scipy.optimize.check_grad`, which is imported here."""
    from scipy.optimize import check_grad

    return float(check_grad(f, gradient, point.copy()))


def difference_errors(f: Callable[[Array], Array], slope: Array, x: Array) -> list[dict[str, float]]:
    """Largest errors of the forward and the central difference, a row for each step."""
    rows = []
    for h in STEPS:
        forward, central = (f(x + h) - f(x)) / h, (f(x + h / 2) - f(x - h / 2)) / h
        errors = {"forward": float(np.abs(forward - slope).max()), "central": float(np.abs(central - slope).max())}
        rows.append({"step": float(h)} | errors)
    return rows


def explain_differences(result: Result) -> None:
    """Why a numeric derivative is not the analytic one: the two errors, and the step at which they balance."""
    rows = sigmoid_errors()
    columns = ["step", "forward difference", "central difference"]
    cells = [list(row.values()) for row in rows]
    result.exhibits.tables.append(
        Table("Largest error of sigmoid' at five points, by step", columns, cells, name="steps", long=True)
    )
    forward, central = (min(rows, key=lambda row: row[kind]) for kind in ("forward", "central"))
    result.exhibits.explain(
        "Why does the numeric derivative differ from the analytic one?",
        "Two errors oppose each other. A difference leaves out the higher terms of Taylor's series: h/2 times the second "
        "derivative for a forward difference, h^2/24 times the third for a central one of width h. And f is rounded to about "
        "1e-16 of its size, which is then divided by h. A large step suffers from the first error, a small one from the "
        f"second. On these five points the forward difference is best at h = {forward['step']:.0e}, with an error of "
        f"{forward['forward']:.0e}, the central one at h = {central['step']:.0e}, with {central['central']:.0e}: near the "
        "square root and the cube root of the rounding error, where the two terms are equal.",
    )
    result.exhibits.explain(
        "Which of sigmoid and ReLU suits a probability, and how do their gradients compare?",
        "The sigmoid: its values lie between 0 and 1, whatever x. A ReLU has no upper end, and is exactly 0 for every "
        "negative x, where log y is infinite and the gradient is 0. The gradient of the sigmoid is y (1 - y), at most 1/4, "
        f"at x = 0, and {float(slope(Sigmoid(), np.array([10.0]))[0]):.1e} at x = 10; that of a ReLU is 1 for every positive "
        "x, so that it passes through many layers undiminished, or 0, and then nothing passes.",
    )


def sigmoid_errors() -> list[dict[str, float]]:
    """The errors of both differences for the sigmoid, at the five points of the write-up's own check."""
    x = rng().uniform(-2, 2, 5)
    return difference_errors(Sigmoid(), slope(Sigmoid(), x), x)


def draw_functions(figure: Figure) -> None:
    """Sigmoid and ReLU over [-10, 10], each with its gradient."""
    from clearprop import plots

    for ax, layer in zip(figure.subplots(1, 2), (Sigmoid(), ReLU()), strict=True):
        plots.activation(layer, ax=ax)


def draw_errors(figure: Figure) -> None:
    """The error of a difference against its step."""
    from clearprop import plots

    plots.difference_errors(sigmoid_errors(), figure.subplots())
