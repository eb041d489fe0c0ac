"""Schedules: the learning rate as a function of the number of steps taken.

A step is one update of the parameters, not an epoch; with N examples and batches of B, an epoch has ceil(N / B) steps.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.registry import Configured, Registry, count, number, require


class Schedule(Configured, ABC):
    """A function step -> learning rate; the first step is step 0.

    Examples
    --------
    >>> [StepDecay(0.8, every=2, factor=0.5)(step) for step in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The learning rate of the given step (0, 1, 2, ...)."""

    def rates(self, first: int, n: int) -> list[float]:
        """The learning rates of n steps, the same to the bit as by one call for each."""
        return [self(step) for step in range(first, first + n)]


class Constant(Schedule):
    """lr, the same at every step."""

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = rate("lr", lr)

    def __call__(self, step: int) -> float:
        return self.lr


class InverseTimeDecay(Schedule):
    """lr / (1 + decay * step)."""

    def __init__(self, lr: float = 0.1, decay: float = 0.001) -> None:
        self.lr = rate("lr", lr)
        self.decay = number("decay", decay, lambda x: x >= 0, "zero or more")

    def __call__(self, step: int) -> float:
        return self.lr / (1 + self.decay * step)


class StepDecay(Schedule):
    """lr * factor^k, where k is the number of times that `every` steps have passed."""

    def __init__(self, lr: float = 0.1, every: int = 1000, factor: float = 0.5) -> None:
        self.lr, self.every = rate("lr", lr), count("every", every)
        self.factor = number("factor", factor, lambda x: x > 0, "positive")

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (step // self.every)


class ExponentialDecay(Schedule):
    """lr * factor^step."""

    def __init__(self, lr: float = 0.1, factor: float = 0.999) -> None:
        self.lr = rate("lr", lr)
        self.factor = number("factor", factor, lambda x: x > 0, "positive")

    def __call__(self, step: int) -> float:
        return self.lr * self.factor**step


class WarmUp(Schedule):
    """Rises linearly over the first `steps` steps to the rate that `then` (a schedule, or a number) gives from there on.

    The first step already moves: step s of n has the fraction (s + 1) / n of the rate.
    """

    def __init__(self, then: float | dict[str, Any] | Schedule = 0.1, steps: int = 100) -> None:
        self.then, self.steps = _schedule("then", then), count("steps", steps)

    def __call__(self, step: int) -> float:
        return self.then(step) * min(1.0, (step + 1) / self.steps)


class CoolDown(Schedule):
    """Follows `first` (a schedule, or a number), and falls linearly to zero over the last `steps` of `total` steps."""

    def __init__(self, first: float | dict[str, Any] | Schedule = 0.1, steps: int = 100, total: int = 1000) -> None:
        self.first, self.steps = _schedule("first", first), count("steps", steps)
        self.total = count("total", total)
        require(self.total >= self.steps, "total", total, f"at least steps = {self.steps}")

    def __call__(self, step: int) -> float:
        return self.first(step) * min(1.0, max(0, self.total - step) / self.steps)


class Cosine(Schedule):
    """Falls from lr to `least` over `total` steps, along half a cosine: slowly, fast, slowly; constant from there on.

    lr_s = least + (lr - least) (1 + cos(pi s / total)) / 2.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5, without
    restarts.

    Examples
    --------
    >>> [round(Cosine(1.0, total=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(self, lr: float = 0.1, total: int = 1000, least: float = 0.0) -> None:
        self.lr, self.total, self.least = rate("lr", lr), count("total", total), rate("least", least)

    def __call__(self, step: int) -> float:
        return self.least + (self.lr - self.least) * (1 + math.cos(math.pi * min(step / self.total, 1.0))) / 2


class OneCycle(Schedule):
    """Rises from max_lr / 25 to max_lr over the first `rise` of `total` steps, then falls to zero, both along half a cosine.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018);
    the cosine form and the 25 are those of fastai and PyTorch.
    """

    def __init__(self, max_lr: float = 0.1, total: int = 1000, rise: float = 0.3) -> None:
        self.max_lr, self.total = rate("max_lr", max_lr), count("total", total)
        self.rise = number("rise", rise, lambda x: 0 <= x <= 1, "between 0 and 1")

    def __call__(self, step: int) -> float:
        start, top = self.max_lr / 25, self.rise * self.total
        if step < top:
            return start + (self.max_lr - start) * (1 - math.cos(math.pi * step / top)) / 2
        left = max(0.0, (self.total - step) / max(self.total - top, 1))
        return self.max_lr * (1 - math.cos(math.pi * min(left, 1.0))) / 2

    def rates(self, first: int, n: int) -> list[float]:
        """As by calls, the arithmetic in arrays: the calls take as long as the steps of a small net."""
        if type(self).__call__ is not ONE_CYCLE:  # another formula, of a subclass
            return super().rates(first, n)
        steps = np.arange(first, first + n)
        start, top = self.max_lr / 25, self.rise * self.total
        rising, falling = steps[steps < top], steps[steps >= top]
        left = np.clip((self.total - falling) / max(self.total - top, 1), 0.0, 1.0)
        rise = start + (self.max_lr - start) * (1 - cosines(math.pi * rising / top)) / 2 if len(rising) else rising
        return [*rise.tolist(), *(self.max_lr * (1 - cosines(math.pi * left)) / 2).tolist()]


ONE_CYCLE = OneCycle.__call__


SCHEDULES: Registry[Schedule] = Registry(
    "schedule",
    Schedule,
    {
        "constant": Constant,
        "inverse_time_decay": InverseTimeDecay,
        "step": StepDecay,
        "exponential": ExponentialDecay,
        "warmup": WarmUp,
        "cooldown": CoolDown,
        "cosine": Cosine,
        "one_cycle": OneCycle,
    },
    aliases={"time": "inverse_time_decay", "time_decay": "inverse_time_decay"},
)


def cosines(x: Array) -> Array:
    """Cosines by the library of C, as a schedule's formula has them; NumPy's own may differ in the last bit."""
    return np.array([math.cos(value) for value in x.tolist()])


def rate(what: str, lr: float) -> float:
    """`lr` as a float, if it can be a learning rate."""
    return number(what, lr, lambda x: x >= 0, "zero or more")


def rate_or_schedule(what: str, given: Any) -> float | Schedule:
    """`given` as a float, if it can be a learning rate, or as a `Schedule`, if it is one or the `config()` of one."""
    if isinstance(given, (Schedule, dict)):
        return SCHEDULES.make(given)
    return number(what, given, lambda x: x >= 0, "zero or more, or a Schedule")


def _schedule(what: str, given: float | dict[str, Any] | Schedule) -> Schedule:
    made = rate_or_schedule(what, given)
    return made if isinstance(made, Schedule) else Constant(made)
