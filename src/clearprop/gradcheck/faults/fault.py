"""The fault: a known mistake, as the places of a right pass that it changes.

A pass asks at every line of its mathematics: "this is the right value here; does anybody want another?" Each such question is
a method below, and answers with the right value. A mistake overrides the one or two that it is about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clearprop.arrays import Array

if TYPE_CHECKING:
    import numpy as np

    from clearprop.gradcheck.faults.nodes import LossNode, Node, Parameter
    from clearprop.gradcheck.faults.passes import Pass

Site = tuple[str, ...]
"""Labels of the places that a planted fault changes: layers ("linear2", "tanh1"), "loss", "data", "pass", tensors ("W1")."""


@dataclass(frozen=True)
class Fault(ABC):
    """A mistake, planted at one site.

    Every method that is a line of the pass takes the node that asks (`here`, with all values known so far) and the right
    value, and returns the value to go on with.

    Parameters
    ----------
    site : tuple of str
    amount : float
        The one number that some mistakes depend on and that only their author knows, such as the learning rate of an update
        made too early. It is found by fitting.

    Attributes
    ----------
    title : str
        The mistake in a few words.
    mistake : str
        The same as a clause; {at}, {place}, {function} and {extra} stand for what depends on the site.
    remedy : str
        The right line of mathematics.
    hint : str
        Where to look, without the answer.
    fitted : bool
        Whether the mistake depends on `amount`.
    """

    site: Site
    amount: float = 0.0

    title: ClassVar[str]
    mistake: ClassVar[str]
    remedy: ClassVar[str]
    hint: ClassVar[str]
    fitted: ClassVar[bool] = False

    @classmethod
    def slug(cls) -> str:
        """The name of the fault, which is that of its file."""
        return cls.__module__.rsplit(".", 1)[-1].replace("_", "-")

    @classmethod
    @abstractmethod
    def sites(cls, right: Pass) -> list[Site]:
        """Where the mistake can be made, the simplest first; `right` is the pass without any."""

    def clause(self, right: Pass) -> str:
        """The mistake at this site, to follow "... is what you get if"."""
        nodes = [node for node in right.nodes if node.label in self.site]
        names = list(dict.fromkeys(node.function for node in nodes))
        labels = {node.label for node in right.nodes} | {"loss", "pass", "data"}
        place = _place(sorted({node.number for node in nodes}), right.depth)
        return self.mistake.format(
            at=f"{place.strip()} " if place else "",
            function=" and ".join(names) or right.loss.function,
            place=place,
            extra=" and ".join(word for word in self.site if word not in labels),
        )

    @classmethod
    def draw(cls, right: Pass, rng: np.random.Generator) -> float:
        """An amount such as people choose, for tests."""
        return 0.0

    def admits(self, right: Pass) -> bool:
        """Whether `amount`, once fitted, is one that can be."""
        return True

    def settled(self, right: Pass) -> float:
        """The exact amount next to the fitted one, if only some are possible."""
        return self.amount

    # forward

    def data(self, here: Pass, right: Array) -> Array:
        """The inputs X (B, n_x) that the first layer reads."""
        return right

    def value(self, here: Node, right: Array) -> Array:
        """The value y of a layer."""
        return right

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        """What a softmax subtracts from its scores before exp: each row's maximum (B, 1)."""
        return right

    def total(self, here: Node | LossNode, right: Array) -> Array:
        """What a softmax divides by: each row's sum (B, 1)."""
        return right

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        """The value of a softmax, or of the sigmoid inside a loss."""
        return right

    def saved(self, here: Node, right: Array) -> Array:
        """The input x of a layer, as its backward reads it."""
        return right

    # loss

    def targets(self, here: LossNode, right: Array) -> Array:
        """The targets y (B, n_y) that the loss compares with."""
        return right

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        """Derivative (B, n_y) of the loss of one example, before any mean."""
        return right

    def scale(self, here: LossNode, right: float) -> float:
        """1 over the number of examples, for a mean; 1 for a sum."""
        return right

    # backward

    def slope(self, here: Node, right: Array) -> Array:
        """f'(z) (B, n) of an activation."""
        return right

    def weights(self, here: Node, right: Array) -> Array:
        """W as the backward pass of a linear layer reads it."""
        return right

    def dx(self, here: Node, right: Array) -> Array:
        """The gradient with respect to a layer's input."""
        return right

    def dW(self, here: Node, right: Array) -> Array:
        """The gradient of the weights (or of gamma), without penalty."""
        return right

    def db(self, here: Node, right: Array) -> Array:
        """The gradient of the biases (or of beta)."""
        return right

    def accumulated(self, here: Parameter, right: Array) -> Array:
        """The sum so far of a parameter's gradients, over all uses of its layer."""
        return right

    def penalty(self, here: Parameter, right: Array) -> Array:
        """The derivative l2 W of the penalty; 0 for all but weights."""
        return right

    def gradient(self, here: Parameter, right: Array) -> Array:
        """A parameter's gradient as it is returned."""
        return right

    def returned(self, here: Pass, right: dict[str, Array]) -> dict[str, Array]:
        """All gradients as they are returned."""
        return right


def _place(numbers: list[int], depth: int) -> str:
    """Which layers, for a sentence: empty where there is only one."""
    if not numbers or depth < 2:
        return ""
    if len(numbers) == depth:
        return " in every layer"
    return f" in layer{'s' * (len(numbers) > 1)} {' and '.join(map(str, numbers))}"
