"""Faults of a constant factor: signs, powers of 2, and the 1/B of a mean."""

from __future__ import annotations

from abc import abstractmethod

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LinearFault, LossFault, Site, each_and_all
from clearprop.gradcheck.faults.tape import LossNode, Node, Parameter, Tape


class ScaleFault(Fault):
    """Multiplies something by a constant: the derivative of the loss, gradients of parameters, or the dx of a layer."""

    @classmethod
    @abstractmethod
    def factor(cls, right: Tape) -> float:
        """The wrong factor."""

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
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

    def sentence(self, right: Tape) -> str:
        names = list(right.parameters)
        if self.site[0] == "loss":
            extra = "the derivative of the loss"
        elif self.site[0] not in names:
            numbers = " and ".join(str(right.node(label).number) for label in self.site)
            extra = f"dx of layer{'s' * (len(self.site) > 1)} {numbers}"
        elif len(self.site) == len(names) > 1:
            extra = "every gradient, penalty included"
        else:
            return super().sentence(right)
        return self.clause.format(extra=extra)


class SignReversed(ScaleFault):
    """Minus the gradient: the descent climbs. The gradient points uphill; the minus belongs in the update alone."""

    slug = "sign-reversed"
    title = "sign reversed"
    clause = "the sign of {extra} is reversed"
    remedy = "theta <- theta - lr * grad, with grad = +dL/dtheta"
    hint = "Which way is uphill?"

    @classmethod
    def factor(cls, right: Tape) -> float:
        return -1.0


class Doubled(ScaleFault):
    """A factor of 2 too many, such as the 2 of a square whose loss has 1/2 in front. The derivative of c u^2 is 2 c u."""

    slug = "doubled"
    title = "a factor of 2 too many"
    clause = "there is a factor of 2 too many in {extra}"
    remedy = "d(c u^2)/du = 2 c u: the factor in front of the loss and the exponent both count, once"
    hint = "Look for a constant factor."

    @classmethod
    def factor(cls, right: Tape) -> float:
        return 2.0


class Halved(ScaleFault):
    """A factor of 1/2 too many: the loss is (y_hat - y)^2, and its gradient that of half of it.

    The derivative of u^2 is 2 u.
    """

    slug = "halved"
    title = "a factor of 1/2 too many"
    clause = "there is a factor of 1/2 too many in {extra}"
    remedy = "d(u^2)/du = 2 u; without the 2, it is the gradient of half the square"
    hint = "Look for a constant factor."

    @classmethod
    def factor(cls, right: Tape) -> float:
        return 0.5


class MeanMissing(ScaleFault):
    """The loss is a mean, its gradient that of the sum: 1/B is missing. A mean over N numbers has 1/N in its gradient too."""

    slug = "mean-missing"
    title = "1/B missing: the gradient of the sum, for a loss that is a mean"
    clause = "1/B is missing in {extra}"
    remedy = "L = (1/B) sum_b L_b has dL = (1/B) sum_b dL_b"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return super().sites(right) if right.loss.loss.reduction == "mean" and right.loss.count > 1 else []

    @classmethod
    def factor(cls, right: Tape) -> float:
        return float(right.loss.count)


class MeanTwice(ScaleFault):
    """Divided by B once in the loss's derivative and once more afterwards. One division makes a mean of a sum."""

    slug = "mean-twice"
    title = "1/B twice"
    clause = "there is a factor of 1/B too many in {extra}"
    remedy = "L = (1/B) sum_b L_b has dL = (1/B) sum_b dL_b, with 1/B once"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        if right.loss.loss.reduction != "mean" or right.batch < 2:
            return []
        return super().sites(right)

    @classmethod
    def factor(cls, right: Tape) -> float:
        return 1.0 / right.batch


class MeanForSum(ScaleFault):
    """The loss is a sum, its gradient that of the mean. The gradient of a sum is the sum of the gradients."""

    slug = "mean-for-sum"
    title = "divided by B, for a loss that is a sum"
    clause = "there is a factor of 1/B in {extra}, although the loss is a sum"
    remedy = "L = sum_b L_b has dL = sum_b dL_b, without 1/B"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return super().sites(right) if right.loss.loss.reduction == "sum" and right.batch > 1 else []

    @classmethod
    def factor(cls, right: Tape) -> float:
        return 1.0 / right.loss.count


class MeanAtEveryLayer(LinearFault):
    """Every layer divides by B, although its dy is divided already: the powers of 1/B pile up from layer to layer.

    The 1/B of a mean enters once, with the loss.
    """

    slug = "mean-at-every-layer"
    title = "1/B in every layer"
    clause = "every layer divides its gradients by B"
    remedy = "the 1/B of the mean enters once, in dL/dy_hat; then dW = x^T dy, db = sum over the batch of dy"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        labels = tuple(dict.fromkeys(node.label for node in right.find("linear")))
        return [labels] if right.batch > 1 and right.depth > 1 else []

    def dW(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch

    def db(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch

    def dx(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch


class MeanOverClasses(LossFault):
    """The mean is taken over all B C numbers of a matrix, instead of over its B examples.

    A cross-entropy is one number per example, however many classes there are.
    """

    slug = "mean-over-classes"
    title = "divided by B C instead of B"
    clause = "the mean runs over all B C numbers instead of over the B examples"
    remedy = "L = (1/B) sum_b -log p_bc: one term for each example"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    kinds = ("cross_entropy", "nll")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def scale(self, here: LossNode, right: float) -> float:
        return right / here.x.shape[1]


class OutputsUncounted(LossFault):
    """The loss is a mean over all B n_y numbers, its gradient divided by B alone. The divisor is that of the value."""

    slug = "outputs-uncounted"
    title = "divided by B instead of B n_y"
    clause = "the outputs are not counted: divided by B instead of B n_y"
    remedy = "the mean over B n_y numbers has 1/(B n_y) in its gradient"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.loss.reduction == "mean" and loss.x.shape[1] > 1

    def scale(self, here: LossNode, right: float) -> float:
        return right * here.x.shape[1]


class WrongDivisor(LossFault):
    """A last, shorter batch is divided by the nominal batch size (or by the size of the data set) instead of by its own.

    The mean over a batch divides by the number of its examples.
    """

    slug = "wrong-divisor"
    title = "last batch divided by the nominal batch size"
    clause = "the gradient is divided by {extra}, although this batch holds {batch} examples"
    remedy = "divide by len(X) of this very batch, also of a last, shorter one"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."
    fitted = True

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.loss.reduction == "mean"

    def scale(self, here: LossNode, right: float) -> float:
        return right * (1.0 + self.amount)

    def sentence(self, right: Tape) -> str:
        return self.clause.format(extra=f"{right.batch / (1.0 + self.amount):.0f}", batch=right.batch)

    def admits(self, right: Tape) -> bool:
        """Whether the divisor is a whole number above B."""
        return -1.0 < self.amount < 0.0 and round(right.batch / (1.0 + self.amount)) > right.batch

    def settled(self, right: Tape) -> float:
        return right.batch / round(right.batch / (1.0 + self.amount)) - 1.0
