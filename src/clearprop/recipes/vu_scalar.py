"""`vu-scalar`: one step of a 2-3-2 network in plain Python, to the last digit; and a step that exposes first-layer faults."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.engines import ENGINES
from clearprop.nn import CrossEntropy, Net
from clearprop.recipes.exhibits import Table
from clearprop.recipes.published import identical, shown
from clearprop.recipes.recipe import Recipe, Result
from clearprop.walkthrough import explain, published_example

PUBLISHED = {
    "h": "0.8808 0.8808 0.8808",
    "y": "0.5 0.5",
    "loss": "0.6931471805599453",
    "dV": "-0.44039853898894116 0.44039853898894116",
    "dc": "-0.5 0.5",
    "dW": "0 0 0 0 0 0",
    "db": "0 0 0",
}
SYMBOLS = {"h": "a1", "y": "p", "loss": "L", "dV": "dW2", "dc": "db2", "dW": "dW1", "db": "db1"}
"""Their symbols in the walkthrough."""
ASYMMETRIC = [[1.0, 0.5], [-1.0, 0.25], [-0.5, -1.0]]
"""Weights V that differ from output to output, so that the first layer's gradient is not zero."""


class VuScalar(Recipe):
    """The published step on the engine `scalar`, with no NumPy inside; and its explanation."""

    name = "vu-scalar"
    title = "One step in scalars: 2-3-2 by hand"
    source = "Vrije Universiteit Amsterdam, Deep Learning, assignment 1, question 3 (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "x": [1, -1],
        "class": 0,
        "W": [[1, 1, 1], [-1, -1, -1]],
        "b": [0, 0, 0],
        "V": [[1, 1], [-1, -1], [-1, -1]],
        "c": [0, 0],
        "net": "sigmoid, softmax, cross-entropy",
        "engine": "scalar: Python's floats, in lists",
    }

    def perform(self, result: Result) -> None:
        """Compare every printed number, then run the case that can expose a fault."""
        result.engine = "scalar"
        net, x, y = published_example()
        step = explain(net, x, y)
        loss, grad = ENGINES.make("scalar").loss_and_grad(net, CrossEntropy(), x, y)
        by_engine = {"loss": loss, **named(net, grad)}
        for name, published in PUBLISHED.items():
            value = by_engine.get(name, step[SYMBOLS[name]])
            form = "{:.4f}" if name == "h" else None
            rows = np.atleast_2d(value) if name == "dV" else [value]  # its three rows are printed as one
            texts = list(dict.fromkeys(show(row, form) for row in rows))
            what = f"{name}, each row" if name == "dV" else name
            result.comparisons.append(identical(what, published, "; ".join(texts)))
        worst = max(float(np.abs(np.ravel(by_engine[name]) - np.ravel(step[SYMBOLS[name]])).max()) for name in by_engine)
        result.comparisons.append(
            shown("scalar engine against the walkthrough", "the same", f"{worst:.1e}", worst < 1e-15, "equal to 1e-15")
        )
        lines = [[line.symbol, line.formula, show(line.value, "{:.6g}")] for line in step.lines]
        result.exhibits.tables.append(
            Table("The step, value by value", ["symbol", "formula", "value"], lines, name="step", long=True)
        )
        expose(result)


def show(value: Array | float, form: str | None = None) -> str:
    """Every digit of every number, in a row; zeros without their sign.

    Examples
    --------
    >>> show(np.array([[-0.0, 0.5]])), show(0.6931471805599453)
    ('0 0.5', '0.6931471805599453')
    """
    numbers = [float(number) + 0.0 for number in np.ravel(value)]
    return " ".join(form.format(n) if form else repr(n).removesuffix(".0") for n in numbers)


def named(net: Net, grad: Array) -> dict[str, Any]:
    """The flat gradient, cut into dW, db, dV, dc."""
    found, start = {}, 0
    for name, parameter in zip(
        ("dW", "db", "dV", "dc"), [p for layer in net.layers for p in layer.parameters().values()], strict=True
    ):
        found[name] = grad[start : start + parameter.size].reshape(parameter.shape)
        start += parameter.size
    return found


def expose(result: Result) -> None:
    """The same step with other weights V: the first layer's gradient, checked by differences."""
    net, x, y = published_example()
    net.layers[2].parameters()["W"][:] = ASYMMETRIC
    scalar, loss = ENGINES.make("scalar"), CrossEntropy()
    _, grad = scalar.loss_and_grad(net, loss, x, y)
    slopes = []
    for i in range(net.theta.size):
        kept, sides = net.theta[i], []
        for shift in (1e-5, -1e-5):
            net.theta[i] = kept + shift
            sides.append(scalar.loss_and_grad(net, loss, x, y)[0])
        net.theta[i] = kept
        slopes.append((sides[0] - sides[1]) / 2e-5)
    worst = float(np.abs(grad - slopes).max())
    parts = named(net, grad)
    smallest = float(np.abs(parts["dW"]).min())
    result.comparisons.append(
        shown("V that differs by output: dW", "not 0", show(parts["dW"], "{:.6f}"), smallest > 1e-3 and worst < 1e-9,
              f"nowhere zero, and right by central differences to {worst:.0e}")
    )  # fmt: skip
    wrong = {name: wrong_axis(V, x[0]) for name, V in (("published", [[1.0, 1.0], [-1.0, -1.0]]), ("ours", ASYMMETRIC[:2]))}
    off = float(np.abs(wrong["ours"] - np.reshape(slopes[:6], (2, 3))).max())
    result.exhibits.explain(
        "Why can the published case not expose a first-layer fault?",
        "Each hidden unit has the same weight to both outputs, and dz2 = p - y = (-0.5, 0.5) adds up to 0: the first layer's "
        f"gradient is zero, with or without a fault. With V = {ASYMMETRIC} it is {show(parts['dW'], '{:.6f}')}. One published "
        "code sums over the wrong axis, dh[i] = d[i] (V[0][i] + V[1][i]), over hidden units instead of outputs, and reaches "
        f"only two of the three units: in the published case it gives {np.abs(wrong['published']).max():g} everywhere, as is "
        f"right; with this V it is off by {off:.3f}.",
    )
    result.exhibits.explain("Element-wise use of the softmax derivative", softmax_derivative())


def wrong_axis(V: list[list[float]], x: Array) -> Array:
    """dW (2, 3) of the published step with dh[i] = d[i] (V[0][i] + V[1][i]): summed over hidden units instead of outputs.

    Parameters
    ----------
    V : list
        The first two rows of V (3, 2), all that the published line reads.
    x : array (2,)
    """
    net, _, _ = published_example()
    h = net.layers[1](net.layers[0](x[None, :]))[0]
    d = np.array([-0.5, 0.5])  # y - t for two equal scores
    dh = np.zeros(3)
    dh[:2] = d * (np.array(V[0]) + np.array(V[1]))
    return np.outer(x, dh * h * (1 - h))


def softmax_derivative() -> str:
    """Explanation of fault C1: the Jacobian without its off-diagonal terms."""
    p, t = np.array([0.2, 0.3, 0.5]), np.array([1.0, 0.0, 0.0])
    dp = -t / p
    whole = (np.diag(p) - np.outer(p, p)) @ dp
    diagonal = p * (1 - p) * dp
    return (
        "dy_i/do_j = y_i (d_ij - y_j) is a matrix, since every score moves every probability. With y = (0.2, 0.3, 0.5) and "
        f"class 0, the product with dL/dy is {show(whole, '{:.2f}')}, which is y - t; its diagonal alone, y (1 - y), gives "
        f"{show(diagonal, '{:.2f}')}: the other scores would never decrease. Why need the product not be derived by hand? "
        "Because back-propagation needs local derivatives only: each of the two functions hands dL/dx to the one before it, "
        "and the products are formed on the way (`clearprop explain --softmax separate`). That the product is as simple as y "
        "- t is convenient, and saves the division by a probability that may be 0."
    )
