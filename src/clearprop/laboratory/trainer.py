"""The trainer: a run that takes steps, goes back to any of them exactly, and can be touched in between."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES
from clearprop.engines.engine import Engine
from clearprop.errors import MissingExtraError, OptionError
from clearprop.laboratory.extras import Extras, kept_places, position, with_extras
from clearprop.nn import BatchNorm, Linear, Loss, Net
from clearprop.optim import Optimizer
from clearprop.training import evaluate
from clearprop.training.settings import Settings
from clearprop.training.setup import make_optimizer, set_up

HORIZON = 200  # epochs that a schedule is laid out for: a lab has no last one
KEPT = 400  # snapshots; beyond, every second of the older half is let go
TOGETHER = 256  # epochs that one call of the engine takes
CURVE = 2000  # points of a curve, thinned in the same way
NONE = Extras()
Gradient = Callable[[Net, Loss, Array, Array], Array]
"""A gradient (P,) other than the right one: that of a planted fault."""


@dataclass(frozen=True, eq=False)
class Keyframe:
    """Copies of all that a step changes.

    Attributes
    ----------
    step : int
        Steps taken by then.
    arrays, state : dict of str to array
        Of the net and of the optimizer.
    t : int
        Steps that the optimizer counts.
    generators : list of dict
        States of the generators of layers that draw masks.
    fixed : bool
        Whether it may not be let go: the start, and the moment after a touch.
    """

    step: int
    arrays: dict[str, Array]
    state: dict[str, Array]
    t: int
    generators: list[dict[str, object]]
    fixed: bool = False

    def put_into(self, net: Net, optimizer: Optimizer) -> None:
        """Put a net and an optimizer back into this moment."""
        net.restore(self.arrays)
        optimizer.state = {name: array.copy() for name, array in self.state.items()}
        optimizer.t = self.t
        drawing = [layer.rng for layer in net.unique_layers() if layer.rng is not None]
        for rng, state in zip(drawing, self.generators, strict=True):
            rng.bit_generator.state = state


class Trainer:
    """One run in a lab.

    Parameters
    ----------
    data : Dataset
    settings : Settings
    net : Net, optional
        A net to begin with, instead of a new one from the settings and the extras.
    extras : Extras
        Batch normalisation and dropout of each hidden layer.

    Attributes
    ----------
    step : int
        Steps taken.
    moments : list of Keyframe
        In the order of their steps; the first is the start.
    curve : list of dict
        Loss and accuracy on both splits, and the norm of each layer's gradient, now and then.
    frozen : array (P,) of bool
        Parameters that no step changes.
    gradient : callable or None
        Gives a wrong gradient on purpose.
    seconds : float
        Time that training took.
    """

    def __init__(self, data: Dataset, settings: Settings, net: Net | None = None, extras: Extras = NONE) -> None:
        made = set_up(settings, data)
        self.source, self.data, self.loss, self.settings, self.extras = data, made.data, made.loss, settings, extras
        self.net: Net = net if net is not None else with_extras(made.net, extras, settings.seed) if extras else made.net
        if self.net.n_out is not None and self.net.n_out != made.net.n_out:
            raise OptionError(f"The net has {self.net.n_out} outputs, but the data take {made.net.n_out}.")
        self.train = self.typed(self.data.train)
        self.val = self.typed(self.data.splits.get("val", self.data.train))
        self.batch_size, self.per_epoch = self.batches(settings, self.net)
        self.optimizer = self.new_optimizer(settings)
        self.engine = self.fastest()
        self.step, self.frozen = 0, np.zeros(self.net.theta.size, dtype=bool)
        self.gradient: Gradient | None = None
        self.seconds = 0.0
        self.moments: list[Keyframe] = []
        self.curve: list[dict[str, float | int | list[float]]] = []
        self._order: tuple[int, Array] = (-1, np.empty(0, dtype=np.int64))
        self.remember(fixed=True)
        self.measure(float("nan"))

    def typed(self, split: Split) -> Split:
        """A split in the dtype of the net."""
        y = split.y if split.y.ndim == 1 else split.y.astype(self.net.dtype)
        return Split(np.ascontiguousarray(split.X, dtype=self.net.dtype), y)

    def batches(self, settings: Settings, net: Net) -> tuple[int, int]:
        """Examples of a batch, and steps of an epoch.

        A last batch of one example is left out where a BatchNorm needs the variance of its batch.

        Raises
        ------
        OptionError
            If every batch of such a net would hold one example.
        """
        n = len(self.train)
        size = min(settings.fit.batch_size or n, n)
        steps = math.ceil(n / size)
        if any(isinstance(layer, BatchNorm) for layer in net.layers):
            if size == 1:
                raise OptionError("Batch normalisation needs batches of two examples or more; set the batch size to 2 or more.")
            steps -= n % size == 1
        return size, steps

    def new_optimizer(self, settings: Settings) -> Optimizer:
        """The optimizer of the settings, its schedule laid out for many epochs."""
        return make_optimizer(settings, HORIZON * self.per_epoch)

    def fastest(self) -> Engine:
        """The compiled engine if it can train this net, else the one in NumPy."""
        try:
            compiled = ENGINES.make("compiled")
        except MissingExtraError:
            return ENGINES.make("batch")
        return compiled if compiled.supports(self.net, self.loss, self.optimizer) is None else ENGINES.make("batch")

    @property
    def epoch(self) -> int:
        """Whole epochs behind the present step."""
        return self.step // self.per_epoch

    def rows(self, step: int) -> Array:
        """The examples of one step; every epoch's order is drawn from the seed and its number alone."""
        epoch, place = divmod(step, self.per_epoch)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self.settings.seed, epoch])
            self._order = epoch, rng.permutation(len(self.train))
        return self._order[1][place * self.batch_size : (place + 1) * self.batch_size]

    def batch(self, step: int | None = None) -> tuple[Array, Array]:
        """The examples of a step, by default of the next one."""
        rows = self.rows(self.step if step is None else step)
        return self.train.X[rows], self.train.y[rows]

    def advance(self, n: int) -> float:
        """Take n steps; returns the mean loss of their batches."""
        began = time.perf_counter()
        losses: list[Array] = []
        whole = len(self.train) % self.batch_size == 0  # so that the orders of several epochs make one
        while n > 0:
            orders: list[Array] = []
            taken = 0
            while taken < n and (whole or not orders) and len(orders) < TOGETHER:
                place = (self.step + taken) % self.per_epoch
                now = min(n - taken, self.per_epoch - place)
                self.rows(self.step + taken)
                orders.append(self._order[1][place * self.batch_size : (place + now) * self.batch_size])
                taken += now
            losses.append(self.take(np.concatenate(orders), taken))
            self.step += taken
            n -= taken
        self.seconds += time.perf_counter() - began
        return float(np.mean(np.concatenate(losses))) if losses else float("nan")

    def take(self, order: Array, steps: int) -> Array:
        """Steps over these examples: by the engine, or one by one where a parameter is frozen or a fault is planted."""
        X, y = self.train
        if self.gradient is None and not self.frozen.any():
            with np.errstate(all="ignore"):
                return self.engine.train_epoch(self.net, self.loss, self.optimizer, X, y, order, self.batch_size).losses
        losses = np.empty(steps)
        for k in range(steps):
            rows = order[k * self.batch_size : (k + 1) * self.batch_size]
            losses[k] = self.take_one(X[rows], y[rows])
        return losses

    def take_one(self, X: Array, y: Array) -> float:
        """One step in NumPy, with what was planted and frozen."""
        with np.errstate(all="ignore"):
            loss, grad = gradient_of(self.net, self.loss, X, y)
            if self.gradient is not None:
                grad = self.gradient(self.net, self.loss, X, y).astype(self.net.dtype)
            kept = self.net.theta[self.frozen].copy()
            self.optimizer.step(self.net.theta, grad)
            self.net.theta[self.frozen] = kept
        return loss

    # ---------------------------------------------------------------- the ring of moments

    def remember(self, fixed: bool = False) -> None:
        """Keep the present moment; one of the same step is replaced."""
        moment = Keyframe(
            self.step, {name: array.copy() for name, array in self.net.arrays().items()},
            {name: array.copy() for name, array in self.optimizer.state.items()}, self.optimizer.t,
            [dict(layer.rng.bit_generator.state) for layer in self.net.unique_layers() if layer.rng is not None], fixed,
        )  # fmt: skip
        if self.moments and self.moments[-1].step == self.step:
            moment = Keyframe(**{**moment.__dict__, "fixed": fixed or self.moments[-1].fixed})
            self.moments.pop()
        self.moments.append(moment)
        if len(self.moments) > KEPT:
            older, newer = self.moments[: KEPT // 2], self.moments[KEPT // 2 :]
            self.moments = [one for k, one in enumerate(older) if one.fixed or k % 2 == 0] + newer

    def back_to(self, step: int) -> None:
        """Return to an earlier step, to the bit: to the moment before it, and forward again from there.

        Raises
        ------
        OptionError
            If the step lies ahead, or before the start.
        """
        if not 0 <= step <= self.step:
            raise OptionError(f"step must lie between 0 and {self.step}, where the run is now, not {step}.")
        self.moments = [moment for moment in self.moments if moment.step <= step]
        self.restore(self.moments[-1])
        self.curve = [row for row in self.curve if row["step"] <= step]  # type: ignore[operator]
        if self.step < step:
            self.advance(step - self.step)
            self.remember()

    def restore(self, moment: Keyframe) -> None:
        """Put everything back into a moment."""
        moment.put_into(self.net, self.optimizer)
        self.step = moment.step

    # ---------------------------------------------------------------- touching

    def place(self, linear: int, name: str, *index: int) -> int:
        """Position in theta of one parameter of the linear layer of a number, counted from 0.

        Raises
        ------
        OptionError
            If there is no such layer, parameter or entry.
        """
        layers = self.linears()
        if not 0 <= linear < len(layers):
            raise OptionError(f"The net has {len(layers)} linear layers, counted from 0; there is no number {linear}.")
        array = layers[linear].parameters().get(name)
        if array is None or len(index) != array.ndim or any(not 0 <= i < n for i, n in zip(index, array.shape, strict=True)):
            raise OptionError(f"Layer {linear} has no {name}{list(index)}.")
        return position(self.net, array) + int(np.ravel_multi_index(index, array.shape))

    def linears(self) -> list[Linear]:
        """The linear layers, from the input to the output."""
        return linears_of(self.net)

    def set_parameter(self, linear: int, name: str, index: list[int], value: float) -> None:
        """Give one parameter a value."""
        if not math.isfinite(value) or abs(value) > 1e6:
            raise OptionError(f"A parameter must be a number up to a million, not {value!r}.")
        self.net.theta[self.place(linear, name, *index)] = value
        self.remember(fixed=True)

    def freeze(self, linear: int, name: str, index: list[int], on: bool) -> None:
        """Let no step change a parameter, or let it change again."""
        self.frozen[self.place(linear, name, *index)] = on
        self.remember(fixed=True)

    def incoming(self, linear: int, unit: int) -> list[int]:
        """Positions in theta of the weights and the bias that make a unit of a linear layer."""
        layers = self.linears()
        if not 0 <= linear < len(layers) or not 0 <= unit < layers[linear].W.shape[1]:
            raise OptionError(f"There is no unit {unit} of a linear layer {linear}, both counted from 0.")
        weights = [self.place(linear, "W", i, unit) for i in range(layers[linear].W.shape[0])]
        return [*weights, self.place(linear, "b", unit)] if layers[linear].bias else weights

    def hold(self, linear: int, unit: int, on: bool) -> None:
        """Freeze all weights that make a unit, and its bias, or let them change again."""
        self.frozen[self.incoming(linear, unit)] = on
        self.remember(fixed=True)

    def held(self, linear: int, unit: int) -> bool:
        """Whether no step changes what makes a unit."""
        return bool(self.frozen[self.incoming(linear, unit)].all())

    def silence(self, linear: int, unit: int) -> None:
        """Set a hidden unit to zero: all that it hands on is multiplied by weights that are zero, and stay so."""
        if linear + 1 >= len(self.linears()):
            raise OptionError("An output cannot be silenced; choose a hidden unit.")
        for j in range(self.linears()[linear + 1].W.shape[1]):
            place = self.place(linear + 1, "W", unit, j)
            self.net.theta[place], self.frozen[place] = 0.0, True
        self.remember(fixed=True)

    def tune(self, settings: Settings, extras: Extras | None = None) -> None:
        """Take over a rate, an optimizer, a batch size or extras while the run goes on; what the net has learned stays."""
        extras = self.extras if extras is None else extras
        net = self.net if extras == self.extras else with_extras(self.net, extras, settings.seed)
        size, per_epoch = self.batches(settings, net)
        optimizer = self.new_optimizer(settings)
        if settings.optimizer == self.settings.optimizer:
            optimizer.state, optimizer.t = self.optimizer.state, self.optimizer.t
        if net is not self.net:
            self.exchange(net, optimizer)
        seen = self.step / self.per_epoch
        self.settings, self.optimizer, self.extras = settings, optimizer, extras
        self.batch_size, self.per_epoch = size, per_epoch
        self.step = round(seen * per_epoch)
        self._order = -1, self._order[1]
        self.engine = self.fastest()
        self.moments = []  # another batch size counts other steps
        self.remember(fixed=True)

    def exchange(self, net: Net, optimizer: Optimizer) -> None:
        """Go on with a net of other extras: what both nets share keeps its place in the optimizer, and stays frozen."""
        old, new = kept_places(self.net, net)
        state = {name: np.zeros_like(net.theta) for name in optimizer.state}
        for name, array in optimizer.state.items():
            state[name][new] = array[old]
        frozen = np.zeros(net.theta.size, dtype=bool)
        frozen[new] = self.frozen[old]
        optimizer.state, self.frozen, self.net = state, frozen, net
        if self.gradient is not None:
            self.gradient = None  # the place of the fault may be gone

    # ---------------------------------------------------------------- measuring

    def measure(self, train_loss: float) -> dict[str, float | int | list[float]]:
        """A row of the curve: loss and accuracy on both splits, and the norm of each layer's gradient."""
        row: dict[str, float | int | list[float]] = {"step": self.step, "epoch": self.step / self.per_epoch}
        with np.errstate(all="ignore"):
            for name, split in (("train", self.train), ("val", self.val)):
                found = evaluate(self.net, Split(split.X[:2000], split.y[:2000]), self.loss)
                row |= {f"{name}_{key}": float(found[key]) for key in ("loss", "accuracy") if found.get(key) is not None}
            _, grad = gradient_of(self.net.copy(), self.loss, self.train.X[:500], self.train.y[:500])
        row["batch_loss"] = train_loss
        norms, start = [], 0
        for layer in self.net.unique_layers():
            size = sum(array.size for array in layer.parameters().values())
            if size:
                norms.append(float(np.linalg.norm(grad[start : start + size])))
            start += size
        row["norms"] = norms
        if self.curve and self.curve[-1]["step"] == self.step:
            self.curve.pop()
        self.curve.append(row)
        if len(self.curve) > CURVE:
            half = CURVE // 2
            self.curve = self.curve[:half:2] + self.curve[half:]
        return row


def gradient_of(net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
    """Loss and gradient (P,) of a batch, by the net's own two passes."""
    return ENGINES.make("batch").loss_and_grad(net, loss, X, y)


def linears_of(net: Net) -> list[Linear]:
    """The linear layers of a net, from the input to the output."""
    return [layer for layer in net.unique_layers() if isinstance(layer, Linear)]


def same_kind(one: Settings, other: Settings) -> bool:
    """Whether a run can go on with other settings, without a new net."""
    names = ("hidden", "activation", "init", "loss", "seed")
    return all(getattr(one, name) == getattr(other, name) for name in names)
