"""The interface of an optimizer, which updates the parameters, given their gradients: one expression on one flat vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from clearprop.arrays import Array, added_up, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.optim.schedules import Constant, Schedule, rate_or_schedule
from clearprop.registry import Configured, number, switch


class Optimizer(Configured, ABC):
    """A rule theta <- update(theta, g, ...).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate, or a schedule that computes it from the number of steps taken.
    weight_decay : float
        Strength of L2 regularisation: weight_decay / 2 * |theta|^2 is added to the loss, and so weight_decay * theta to its
        gradient, for all parameters, biases included, as in PyTorch. The losses that training reports contain this term
        (`penalty`). An optimizer that is `decoupled` shrinks the parameters themselves instead, by the factor
        1 - lr * weight_decay in each step, before its rule moves them; then no term is added to the loss.
    clip_norm : float, optional
        Largest Euclidean norm of the gradient; a larger gradient is clipped to it, in the same direction.
    spare_biases : bool
        Whether weight decay leaves out biases and all other parameters that are vectors, such as the gamma of a BatchNorm: they
        are few, and shift or scale a unit as a whole, so that keeping them small makes no function simpler.

    Attributes
    ----------
    t : int
        Number of steps taken.
    state : dict of str to array (P,)
        Arrays that the rule carries from step to step, such as the velocity of SGD with momentum.
    state_names : tuple of str
        Their names, in the order in which `update` takes and returns them.
    biases : array of bool (P,) or None
        Parameters that `spare_biases` spares, as `Net.biases` names them; `fit` and the engines set it.
    constants_change : bool
        Whether `constants` differ from step to step.
    decoupled : bool
        Whether weight decay shrinks the parameters, and is no part of the gradient.
    """

    state_names: tuple[str, ...] = ()
    constants_change = False
    decoupled = False

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        self.lr: float | Schedule = rate_or_schedule("lr", lr)
        self.weight_decay = number("weight_decay", weight_decay, lambda w: w >= 0, "zero or more")
        self.clip_norm = None if clip_norm is None else number("clip_norm", clip_norm, lambda c: c > 0, "positive, or None")
        self.spare_biases = switch("spare_biases", spare_biases)
        self.biases: Array | None = None
        self.t = 0
        self.state: dict[str, Array] = {}

    @staticmethod
    @abstractmethod
    def update(theta: Array, g: Array, *rest: Any) -> tuple[Array, ...]:
        """The rule itself, element-wise, on arrays or on numbers.

        Parameters
        ----------
        theta, g : array (P,)
            Parameters and gradient.
        *rest
            The arrays of `state`, in the order of `state_names`; then lr, and the `constants` of the step.

        Returns
        -------
        tuple of arrays (P,)
            New parameters, and the new arrays of `state`.
        """

    def constants(self, t: int) -> tuple[float, ...]:
        """The numbers, besides lr, on which the rule depends at step t (1 for the first)."""
        return ()

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a function of the step."""
        return self.lr if isinstance(self.lr, Schedule) else Constant(self.lr)

    def rate(self, t: int) -> float:
        """The learning rate of step t, 0 for the first."""
        return self.lr(t) if isinstance(self.lr, Schedule) else self.lr

    def step(self, theta: Array, grad: Array) -> None:
        """Move `theta`, in place, one step along `grad`.

        Raises
        ------
        ShapeError
            If the two differ in shape, or the state belongs to a vector of another shape.
        OptionError
            If biases are to be spared, and it is not said which parameters they are.
        """
        self.prepare(theta, grad)
        lr = self.rate(self.t)
        self.t += 1
        g = self.regularised(theta, self.clipped(grad))
        theta[:], *state = self.update(self.shrunk(theta, lr), g, *self.state.values(), lr, *self.constants(self.t))
        for name, value in zip(self.state, state, strict=True):
            self.state[name][:] = value

    def prepare(self, theta: Array, grad: Array) -> None:
        """Allocate the state before the first step; check that everything has one shape."""
        if not (isinstance(theta, np.ndarray) and isinstance(grad, np.ndarray) and grad.shape == theta.shape):
            raise ShapeError(f"theta is {describe(theta)}, but grad is {describe(grad)}; each parameter needs one gradient.")
        if not self.state:
            self.state = {name: np.zeros_like(theta) for name in self.state_names}
        for name, value in self.state.items():
            if value.shape != theta.shape:
                raise ShapeError(
                    f"{self!r} has taken steps with {name} of shape {value.shape}, but theta is {describe(theta)};"
                    " call reset() first."
                )

    def clipped(self, grad: Array) -> Array:
        """`grad`, scaled to the norm `clip_norm` if its own is larger."""
        if self.clip_norm is None:
            return grad
        norm = float(np.sqrt(np.sum(np.square(grad, dtype=np.float64))))
        return grad * (self.clip_norm / norm) if norm > self.clip_norm else grad

    def regularised(self, theta: Array, grad: Array) -> Array:
        """`grad` plus the gradient of the penalty."""
        if not self.weight_decay or self.decoupled:
            return grad
        return grad + self.weight_decay * self.decaying(theta)

    def shrunk(self, theta: Array, lr: float) -> Array:
        """`theta` after decoupled weight decay, (1 - lr weight_decay) theta."""
        if not self.weight_decay or not self.decoupled:
            return theta
        return theta - lr * self.weight_decay * self.decaying(theta)

    def decaying(self, theta: Array) -> Array:
        """`theta`, with zeros for the parameters that weight decay spares."""
        if not self.spare_biases:
            return theta
        if self.biases is None:
            raise OptionError("spare_biases=True needs to know the biases: set optimizer.biases = net.biases() first.")
        return np.where(self.biases, theta.dtype.type(0), theta)

    def penalty(self, theta: Array) -> float:
        """weight_decay / 2 * |theta|^2, the term that L2 regularisation adds to the loss; 0 if it is decoupled."""
        if not self.weight_decay or self.decoupled:
            return 0.0
        return 0.5 * self.weight_decay * added_up(np.square(self.decaying(theta), dtype=np.float64))

    def reset(self) -> None:
        """Clear the state and the number of steps."""
        self.t = 0
        self.state = {}
