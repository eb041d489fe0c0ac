"""Families of faults, by what they happen to: they know the sites, so that a fault need only say what goes wrong there."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.nn import ReLU, Sigmoid, Tanh

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node, Parameter
    from clearprop.gradcheck.faults.passes import Pass


def each_and_all(labels: list[str]) -> list[Site]:
    """One site for each label, and one for all of them together."""
    return [(label,) for label in labels] + ([tuple(labels)] if len(labels) > 1 else [])


class ActivationFault(Fault):
    """Happens to an activation, in one layer or in all."""

    functions: ClassVar[tuple[str, ...]] = ("sigmoid", "tanh", "ReLU")

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return each_and_all([node.label for node in right.find("activation") if cls.concerns(node)])

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made with this activation."""
        return type(node.layer) in (Sigmoid, Tanh, ReLU) and node.function in cls.functions


class LinearFault(Fault):
    """Happens to a linear layer, in one or in all."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return each_and_all([node.label for node in right.find("linear") if cls.concerns(node)])

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made in this layer."""
        return True


class BiasFault(Fault):
    """Happens to the gradient of a bias (or of a BatchNorm's beta), in one layer or in all."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        linear = [node.label for node in right.find("linear") if cls.concerns(node)]
        return each_and_all(linear) + [(node.label,) for node in right.find("batchnorm") if cls.concerns(node)]

    @classmethod
    def concerns(cls, node: Node) -> bool:
        """Whether the mistake can be made in this layer."""
        return True


class BatchNormFault(Fault):
    """Happens to a BatchNorm."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return each_and_all([node.label for node in right.find("batchnorm")])


class SoftmaxFault(Fault):
    """Happens to a softmax: a layer of its own, or the one inside cross-entropy."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        inside: list[Site] = [("loss",)] if right.loss.kind == "cross_entropy" else []
        return inside + [(node.label,) for node in right.find("softmax")]


class LossFault(Fault):
    """Happens to the derivative of the loss."""

    kinds: ClassVar[tuple[str, ...]] = ("cross_entropy", "nll", "bce", "bce_logits", "mse")
    variants: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        if right.loss.kind not in cls.kinds or not cls.concerns(right.loss):
            return []
        return [("loss", variant) for variant in cls.variants] or [("loss",)]

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        """Whether the mistake can be made with these predictions and targets."""
        return True


class PenaltyFault(Fault):
    """Happens to the derivative of the L2 penalty, in one weight matrix or in all."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = [name for name, parameter in right.parameters.items() if parameter.is_weight]
        return list(reversed(each_and_all(names))) if right.problem.l2 else []


class ParameterFault(Fault):
    """Happens to the gradient of a parameter as it is returned, in one tensor or in all of a layer."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = list(right.parameters)
        pairs: list[Site] = [node.names for node in right.nodes if node.names]
        return [*dict.fromkeys(pairs), *((name,) for name in names)]

    def clause(self, right: Pass) -> str:
        """With the names of the gradients as {extra}."""
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))


class ScaleFault(Fault):
    """Multiplies something by a constant: the derivative of the loss, some gradients, or what a layer hands down."""

    @classmethod
    @abstractmethod
    def factor(cls, right: Pass) -> float:
        """The wrong factor."""

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = list(right.parameters)
        weights = tuple(name for name in names if name[0] == "W")
        biases = tuple(name for name in names if name[0] == "b")
        inner = [node.label for node in right.find("linear")][1:]
        sites: list[Site] = [("loss",), tuple(names), weights, biases]
        sites += [node.names for node in right.nodes if node.names] + [(name,) for name in names]
        return list(dict.fromkeys(sites + each_and_all(inner)))

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return right * self.factor(here.tape)

    def gradient(self, here: Parameter, right: Array) -> Array:
        return right * self.factor(here.tape)

    def dx(self, here: Node, right: Array) -> Array:
        return right * self.factor(here.tape)

    def clause(self, right: Pass) -> str:
        """With what is multiplied as {extra}."""
        names = list(right.parameters)
        if self.site[0] == "loss":
            extra = "the derivative of the loss"
        elif self.site[0] not in names:
            extra = "what " + " and ".join(f"layer {right.node(label).number}" for label in self.site) + " hands down (dx)"
        elif len(self.site) == len(names) > 1:
            extra = "every gradient, penalty included"
        else:
            extra = " and ".join(f"d{name}" for name in self.site)
        return self.mistake.format(extra=extra)
