"""The fault: a known mistake, as the places of a right training step that it changes.

Recording a tape asks at every line of its mathematics: "this is the right value here; does a fault replace it?" Each such
question is a hook, a method below, and answers with the right value. A fault overrides the one or two that it is about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from clearprop.arrays import Array
from clearprop.gradcheck.faults.tape import LossKind, LossNode, Node, Parameter, Tape

Site = tuple[str, ...]
"""Labels of the places that a planted fault changes: layers ("linear2", "tanh1"), "loss", "data", "tape", tensors ("W1")."""


@dataclass(frozen=True)
class Fault(ABC):
    """A mistake, planted at one site.

    Every hook takes the node that asks (`here`, with all values known so far) and the right value, and returns the value to
    go on with.

    Parameters
    ----------
    site : tuple of str
    amount : float
        The one number that some faults depend on and that only their author knows, such as the learning rate of an update
        made too early. It is found by fitting.

    Attributes
    ----------
    slug : str
        The name of the fault in reports and in the table of faults.
    title : str
        The fault in a few words.
    clause : str
        The fault as a clause; {at}, {place}, {function} and {extra} stand for words that depend on the site.
    remedy : str
        The right line of mathematics.
    hint : str
        Where to look, without the answer.
    fitted : bool
        Whether the fault depends on `amount`.
    """

    site: Site
    amount: float = 0.0

    slug: ClassVar[str]
    title: ClassVar[str]
    clause: ClassVar[str]
    remedy: ClassVar[str]
    hint: ClassVar[str]
    fitted: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def sites(cls, right: Tape) -> list[Site]:
        """The sites at which the mistake can be made, the simplest first; `right` is the tape without any."""

    def sentence(self, right: Tape) -> str:
        """The clause for this site, to follow "... is what you get if"."""
        nodes = [node for node in right.nodes if node.label in self.site]
        names = list(dict.fromkeys(node.function for node in nodes))
        labels = {node.label for node in right.nodes} | {"loss", "data", "tape"}
        words = [f"d{word}" if word in right.parameters else word for word in self.site if word not in labels]
        place = _place(sorted({node.number for node in nodes}), right.depth)
        return self.clause.format(
            at=f"{place.strip()} " if place else "",
            function=" and ".join(names) or right.loss.function,
            place=place,
            extra=" and ".join(words),
        )

    def admits(self, right: Tape) -> bool:
        """Whether `amount`, once fitted, is possible."""
        return True

    def settled(self, right: Tape) -> float:
        """The exact amount next to the fitted one, if only some are possible."""
        return self.amount

    # forward

    def data(self, here: Tape, right: Array) -> Array:
        """The inputs X (B, n_x) that the first layer reads."""
        return right

    def value(self, here: Node, right: Array) -> Array:
        """The value y of a layer."""
        return right

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        """The number that a softmax subtracts from its scores before exp: each row's maximum (B, 1)."""
        return right

    def total(self, here: Node | LossNode, right: Array) -> Array:
        """The divisor of a softmax: each row's sum (B, 1)."""
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

    def returned(self, here: Tape, right: dict[str, Array]) -> dict[str, Array]:
        """All gradients as they are returned."""
        return right


class LinearFault(Fault):
    """Happens in a linear layer, in one or in all."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return each_and_all([node.label for node in right.find("linear") if cls.concerns(node)])

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made in this layer."""
        return True


class LossFault(Fault):
    """Happens in the derivative of the loss."""

    kinds: ClassVar[tuple[LossKind, ...]] = ("cross_entropy", "nll", "bce", "bce_logits", "mse")
    variants: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        if right.loss.kind not in cls.kinds or not cls.concerns(right.loss):
            return []
        return [("loss", variant) for variant in cls.variants] or [("loss",)]

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        """Whether the mistake can be made with these predictions and targets."""
        return True


def each_and_all(labels: list[str]) -> list[Site]:
    """One site for each label, and one for all of them together."""
    return [(label,) for label in labels] + ([tuple(labels)] if len(labels) > 1 else [])


def _place(numbers: list[int], depth: int) -> str:
    """The layers, for a sentence: empty where there is only one."""
    if not numbers or depth < 2:
        return ""
    if len(numbers) == depth:
        return " in every layer"
    return f" in layer{'s' * (len(numbers) > 1)} {' and '.join(map(str, numbers))}"
