"""Activation functions in the forward pass: which values are an element-wise function of which, its derivative, and its
name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.sheet import Arrays, Sheet
from clearprop.gradcheck.tracing.trace import Vertex

LOGARITHMS: Final = (np.log, np.log2, np.log10, np.log1p, np.logaddexp)
Function = Callable[[Array], Array]

KNOWN: Final[dict[str, tuple[Function, str, str]]] = {
    "sigmoid": (lambda z: 1.0 / (1.0 + np.exp(-z)), "{a} * (1 - {a})", "s * (1 - s), s = sigmoid({z})"),
    "tanh": (np.tanh, "1 - {a}**2", "1 - tanh({z})**2"),
    "ReLU": (lambda z: np.maximum(z, 0.0), "({z} > 0)", "({z} > 0)"),
    "exp": (np.exp, "{a}", "exp({z})"),
    "the square": (lambda z: z * z, "2 * {z}", "2 * {z}"),
    "softplus": (lambda z: np.log1p(np.exp(z)), "1 / (1 + exp(-{z}))", "1 / (1 + exp(-{z}))"),
    "sin": (np.sin, "cos({z})", "cos({z})"),
    "the logarithm": (np.log, "1 / {z}", "1 / {z}"),
    "the square root": (np.sqrt, "1 / (2 * {a})", "1 / (2 * sqrt({z}))"),
}
KINKED: Final = ("ReLU",)


@dataclass(eq=False)
class Bend:
    """A value a = f(z), number by number.

    Attributes
    ----------
    z, a : Vertex
    name : str
        "sigmoid", "tanh", ...; "" if unknown.
    slopes : Arrays
        f'(z) at each point.
    """

    z: Vertex
    a: Vertex
    name: str
    slopes: Arrays

    def formula(self, z: str, a: str) -> str:
        """The derivative in the names of the program, of which one may be missing: a > 0 where z > 0, for a rectifier."""
        z = z or (a if self.name in KINKED or self.name.startswith("leaky") else "") or "z"
        if not self.name:
            return f"the derivative at {z}"
        if self.name.startswith("leaky"):
            return f"np.where({z} > 0, 1, {self.name.split()[-1]})"
        _, short, full = KNOWN[self.name]
        return (short if "{z}" in short or a else full).format(z=z, a=a)


MOST_ALIKE: Final = 24  # of one place, in a loop over examples


def find_bends(sheet: Sheet) -> list[Bend]:
    """The activation functions of the forward pass; for a chain of element-wise steps, its ends."""
    if sheet.bends is None:
        sheet.bends = _bends(sheet)
    return sheet.bends


def _bends(sheet: Sheet) -> list[Bend]:
    graph, found = sheet.graph, []
    sources: dict[Vertex, Vertex] = {}
    order = sorted(sheet.forward & sheet.live, key=lambda v: v.number)
    for vertex in order:
        sources[vertex] = vertex
        if vertex.fn is None or vertex in sheet.cuts or not is_elementwise(vertex.fn):
            continue
        live = [v for v in graph.inputs(vertex) if v in sheet.live and v.floating]
        if vertex.fn is np.add and any(v not in sheet.live and v.size > 1 for v in graph.inputs(vertex)):
            continue  # a bias that is not looked at: the sum is the pre-activation
        roots = {sources.get(v, v) for v in live}
        for other in graph.inputs(vertex):
            if other in sheet.live and not other.floating:  # a mask
                roots |= {sources.get(v, v) for v in _behind_mask(sheet, other)}
        if len(roots) == 1 and next(iter(roots)).shape == vertex.shape:
            sources[vertex] = next(iter(roots))
    seen: dict[Any, int] = {}
    for a, z in sources.items():
        if a is z:
            continue
        users = [u for u in graph.users.get(a, ()) if u in sheet.forward and sources.get(u) is not z]
        place = (z.stack[:1], a.stack[:1])
        if (not users and not a.names) or seen.setdefault(place, 0) >= MOST_ALIKE:
            continue
        seen[place] += 1
        slopes = [slope_between(sheet, k, z, a) for k in range(len(sheet.points))]
        name = name_of_bend(sheet.arrays(z), sheet.arrays(a))
        if (
            not name and name_of_bend([-x for x in sheet.arrays(z)], sheet.arrays(a)) == "sigmoid"
        ):  # 1 / (1 + exp(z)), z = -x @ W
            name, slopes = "sigmoid", [-s for s in slopes]
        found.append(Bend(z, a, name, slopes))
    return found


def _behind_mask(sheet: Sheet, mask: Vertex) -> list[Vertex]:
    return [v for v in sheet.graph.inputs(mask) if v in sheet.live]


def slope_between(sheet: Sheet, k: int, z: Vertex, a: Vertex) -> Array:
    """f'(z) at one point, through the recorded operations."""
    slopes = sheet.graph.adjoints(a, [z], sheet.points[k].values)
    return np.asarray(slopes.get(z, np.zeros(z.shape)))


def name_of_bend(z: Arrays, a: Arrays) -> str:
    """The usual name of the function that takes z to a."""
    with np.errstate(all="ignore"):
        for name, (function, _, _) in KNOWN.items():
            if all(np.allclose(function(x), y, rtol=1e-7, atol=1e-9) for x, y in zip(z, a, strict=True)):
                return name
        low = np.concatenate([np.ravel(y / x)[np.ravel(x) < 0] for x, y in zip(z, a, strict=True)])
        if low.size and np.allclose(low, low[0], rtol=1e-9) and 0 < abs(low[0]) < 1:  # noqa: SIM102
            if all(np.allclose(np.where(x > 0, x, low[0] * x), y, rtol=1e-9) for x, y in zip(z, a, strict=True)):
                return f"leaky ReLU {low[0]:.4g}"
    return ""
