"""Faults of an activation and its derivative: dz = da * f'(z), element by element."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site, each_and_all
from clearprop.gradcheck.faults.tape import Node, Tape
from clearprop.nn import Activation, ReLU, Sigmoid, Tanh

FUNCTIONS: dict[str, type[Activation]] = {"sigmoid": Sigmoid, "tanh": Tanh, "ReLU": ReLU}


class ActivationFault(Fault):
    """Happens to an activation, in one layer or in all."""

    functions: ClassVar[tuple[str, ...]] = tuple(FUNCTIONS)

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return each_and_all([node.label for node in right.find("activation") if cls.concerns(node)])

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made with this activation."""
        return type(node.layer) in FUNCTIONS.values() and node.function in cls.functions


class ActivationMissing(ActivationFault):
    """The forward pass leaves the activation out. a = f(z)."""

    slug = "activation-missing"
    title = "activation left out of the forward pass"
    clause = "the forward pass leaves out {function}{place}"
    remedy = "a = f(z) between two linear layers"
    hint = "Look at the forward pass."

    def value(self, here: Node, right: Array) -> Array:
        return here.x


class DerivativeOmitted(ActivationFault):
    """dz = da: the activation is passed as if it were not there (a ReLU mask that is always 1).

    The chain rule gives dz = da * f'(z).
    """

    slug = "derivative-omitted"
    title = "derivative of the activation left out"
    clause = "the derivative of {function} is left out{place}"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."

    def slope(self, here: Node, right: Array) -> Array:
        return np.ones_like(here.y)


class DerivativeTwice(ActivationFault):
    """f' multiplies twice, once in the activation and once more in the layer. Each function on the path gives one factor."""

    slug = "derivative-twice"
    title = "derivative of the activation applied twice"
    clause = "the derivative of {function} is applied twice{place}"
    remedy = "dz = da * f'(z), element by element, once"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return right * right


class DerivativeOfDerivative(ActivationFault):
    """a (1 - a) (or 1 - a^2) is computed twice in a row, the second time of its own result. f' is a (1 - a) of the value a."""

    slug = "derivative-of-derivative"
    title = "derivative's formula applied to its own result"
    clause = "{at}the derivative's formula for {function} is applied to its own result"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.activation.df(right)


class DerivativeAtActivation(ActivationFault):
    """The derivative, a function of z, is given a, so that the activation is applied twice.

    That gives sigmoid(a) (1 - sigmoid(a)), 1 - tanh(a)^2 or 1/cosh(a)^2, where a belongs: a (1 - a), 1 - a^2.
    """

    slug = "derivative-at-activation"
    title = "derivative taken at a instead of z"
    clause = "{at}the derivative of {function}, a function of z, is given a"
    remedy = "f'(z) with z, not a: sigmoid'(z) = a (1 - a), tanh'(z) = 1 - a^2"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.activation.df(here.activation.f(here.y))


class DerivativeAtPreactivation(ActivationFault):
    """The derivative is written in terms of the value a, but is given z.

    With a = f(z), sigmoid' = a (1 - a) and tanh' = 1 - a^2.
    """

    slug = "derivative-at-preactivation"
    title = "derivative taken at z instead of a"
    clause = "{at}the derivative of {function}, written in terms of a, is given z"
    remedy = "sigmoid'(z) = a (1 - a), tanh'(z) = 1 - a^2, with a = f(z)"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.activation.df(here.x)


class ValueForDerivative(ActivationFault):
    """The backward pass multiplies by f(z) instead of f'(z). The chain rule: dz = da * f'(z)."""

    slug = "value-for-derivative"
    title = "value of the activation instead of its derivative"
    clause = "{at}da is multiplied by {function}(z) instead of its derivative"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."

    def slope(self, here: Node, right: Array) -> Array:
        return here.y


class DerivativeOfAnother(Fault):
    """The backward pass uses the derivative of another activation than the forward pass applied.

    sigmoid' = a (1 - a), tanh' = 1 - a^2, ReLU' = [z > 0].
    """

    slug = "derivative-of-another"
    title = "derivative of another activation"
    clause = "the derivative of {function}{place} is taken to be that of {extra}"
    remedy = "sigmoid' = a (1 - a), tanh' = 1 - a^2, ReLU' = [z > 0]: the one that the forward pass used"
    hint = "Look at how the activation is differentiated."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("activation") if node.function in FUNCTIONS]
        return [(node.label, other) for node in nodes for other in FUNCTIONS if other != node.function]

    def slope(self, here: Node, right: Array) -> Array:
        return np.asarray(next(FUNCTIONS[word] for word in self.site if word in FUNCTIONS).df(here.y), dtype=float)


class DerivativeOfWrongTensor(Fault):
    """The derivative is taken of another tensor that happens to fit: another layer's value, or the data.

    f' belongs to this layer's own z.
    """

    slug = "derivative-of-wrong-tensor"
    title = "derivative at a tensor of another layer"
    clause = "the derivative of {function}{place} is taken at {extra}"
    remedy = "dz = da * f'(z), with this layer's own z"
    hint = "Look at how the activation is differentiated."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        nodes = [node for node in right.find("activation") if type(node.layer) in FUNCTIONS.values()]
        pairs = [(a, b) for a in nodes for b in right.nodes if b not in (a, a.below) and b.y.shape == a.y.shape]
        found: list[Site] = [(a.label, f"the value of {b.label}") for a, b in pairs]
        return found + [(a.label, "X") for a in nodes if right.step.X.shape == a.y.shape]

    def slope(self, here: Node, right: Array) -> Array:
        word = next(word for word in self.site if word == "X" or word.startswith("the value of "))
        other = here.tape.step.X if word == "X" else here.tape.node(word.removeprefix("the value of ")).y
        return here.activation.df(other)


class MatrixProductForElementwise(ActivationFault):
    """da @ f'(z) instead of da * f'(z), which runs without an error when B = n.

    A_bi depends on z_bi alone, so the chain rule has one term.
    """

    slug = "matrix-product-for-elementwise"
    title = "matrix product instead of an element-wise one"
    clause = "{at}da and the derivative of {function} are multiplied as matrices"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at the kind of product."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return super().concerns(node) and node.y.shape[0] == node.y.shape[1] > 1

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy @ (here.activation.df(here.y) * 1.0)


class ReluMaskInverted(ActivationFault):
    """The mask passes what was switched off. ReLU' = [z > 0]."""

    slug = "relu-mask-inverted"
    title = "ReLU mask inverted"
    clause = "{at}the mask of ReLU passes where z < 0"
    remedy = "dz = da * [z > 0]"
    hint = "Look at how the activation is differentiated."
    functions = ("ReLU",)

    def slope(self, here: Node, right: Array) -> Array:
        return here.x < 0


class ReluMaskOfGradient(ActivationFault):
    """The mask asks where the *gradient* is positive. ReLU' = [z > 0] is a matter of the forward value."""

    slug = "relu-mask-of-gradient"
    title = "ReLU mask of the gradient"
    clause = "{at}the mask of ReLU is that of the gradient (da > 0)"
    remedy = "dz = da * [z > 0]"
    hint = "Look at how the activation is differentiated."
    functions = ("ReLU",)

    def slope(self, here: Node, right: Array) -> Array:
        return here.dy > 0


class TanhInverseCosh(ActivationFault):
    """1/cosh(z) instead of 1/cosh(z)^2: the square is lost. tanh' = 1 - tanh^2 = 1/cosh^2."""

    slug = "tanh-inverse-cosh"
    title = "tanh' as 1/cosh"
    clause = "{at}tanh' is taken as 1/cosh(z)"
    remedy = "tanh'(z) = 1/cosh(z)^2 = 1 - h^2"
    hint = "Look at how the activation is differentiated."
    functions = ("tanh",)

    def slope(self, here: Node, right: Array) -> Array:
        return 1.0 / np.cosh(here.x)


class TanhOneMinusH(ActivationFault):
    """1 - h instead of 1 - h^2. tanh' = (cosh^2 - sinh^2) / cosh^2 = 1 - tanh^2."""

    slug = "tanh-one-minus-h"
    title = "tanh' as 1 - h"
    clause = "{at}tanh' is taken as 1 - h"
    remedy = "tanh'(z) = 1 - h^2"
    hint = "Look at how the activation is differentiated."
    functions = ("tanh",)

    def slope(self, here: Node, right: Array) -> Array:
        return 1.0 - here.y


class TanhOnePlusSquare(ActivationFault):
    """1 + h^2, a sign slip. tanh' = 1 - tanh^2."""

    slug = "tanh-one-plus-square"
    title = "tanh' as 1 + h^2"
    clause = "{at}tanh' is taken as 1 + h^2"
    remedy = "tanh'(z) = 1 - h^2"
    hint = "Look at how the activation is differentiated."
    functions = ("tanh",)

    def slope(self, here: Node, right: Array) -> Array:
        return 1.0 + here.y * here.y
