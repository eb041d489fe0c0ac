"""The compiled engine: whole epochs in machine code."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from operator import is_
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.cache import announce_compilation
from clearprop.engines.compiled.epoch import train_steps
from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.loss_functions import LIKELIHOOD, loss_code
from clearprop.engines.compiled.plan import EVALUATE, GRADIENT, TRAIN, Data, Plan, make_plan, numbered, stages
from clearprop.engines.compiled.shuffle import permutation
from clearprop.engines.compiled.updates import OPTIMIZER_CODES
from clearprop.engines.compiled.verified import unverified
from clearprop.engines.engine import Engine, Steps, batches
from clearprop.engines.support import require_support
from clearprop.errors import ShapeError
from clearprop.nn import Layer, Linear, Loss, Net
from clearprop.nn.cross_entropy import one_hot
from clearprop.nn.loss import ElementwiseLoss
from clearprop.optim import SGD, Adam, Optimizer
from clearprop.registry import count

# A step of fewer floating-point operations than this is over before a second thread could help.
WORTH_SHARING = 4e6
Shape = tuple[tuple[int, int, int, bool], ...]  # inputs, outputs, code of the activation, and bias, for each linear layer
KEPT = 4  # plans: for training and for evaluation, and for the last batch of a piece
NO_STEP = SGD()  # stands for the optimizer where none is needed
EVALUATED = 256  # examples of a batch that is only evaluated: few enough for their activations to stay in a cache
PIECE = 8192  # examples that are converted at a time, where the data are not of the net's dtype


class Compiled(Engine):
    """Machine code for any depth of Linear and activation, with every loss and optimizer of the package.

    One kernel, compiled once and kept on disk, trains a whole epoch without returning to Python. It is made of the same
    element-wise functions that `nn` and `optim` use, compiled for vector registers (`lanes`, `lane_math`), and of one
    matrix kernel (`tile`). Steps that are large enough are shared among threads. The interpreter lock is released.

    It runs only what it was verified against (`verified`): an edited, subclassed or patched layer, loss or optimizer is
    refused, and `fit` then trains on the engine "batch".

    Parameters
    ----------
    threads : int, optional
        Number of threads that share a large step; by default, one for each processor that this process may use. The same
        seed gives the same bits only with the same number of threads.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = None if threads is None else count("threads", threads)
        self._plans: dict[tuple[object, ...], tuple[Plan, Any]] = {}
        self._last: dict[int, tuple[Data, Any]] = {}  # for each mode
        self._known: tuple[list[Layer], Shape | str] = ([], "")

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Linear layers, each with at most one activation behind it; the losses and optimizers of clearprop; unchanged."""
        found = stages(net)
        if isinstance(found, str):
            return found
        if loss_code(loss) is None:
            return f"it knows only the losses of clearprop, not {loss!r}."
        if type(optimizer) not in OPTIMIZER_CODES:
            return f"it knows only the optimizers of clearprop, not {optimizer!r}."
        return unverified(net, *net.layers, loss, optimizer)

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y) of the net: a few large matrix products, which NumPy does at full speed."""
        return net(X)

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """One batch through the kernel, without the update."""
        grad, shape = net.theta.copy(), self._checked_shape(net, loss)
        steps = self._run(shape, net, loss, NO_STEP, X, y, np.arange(len(X)), len(X), grad, GRADIENT)
        return float(steps.losses[0]), grad

    def permutation(self, rng: np.random.Generator, n: int) -> Array:
        """NumPy's permutation, drawn faster: with a small net, drawing it takes as long as the training itself."""
        return permutation(rng, n)

    def loss_and_correct(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, float]:
        """Forward passes of the kernel, if the data have the dtype of the net and the kernel knows its layers."""
        shape, size = self._shape(net), min(EVALUATED, len(X))
        known = not isinstance(shape, str) and loss_code(loss) is not None and not unverified(net, *net.layers, loss)
        if X.dtype != net.dtype or not known:
            return super().loss_and_correct(net, loss, X, y)
        assert not isinstance(shape, str)
        steps = self._run(shape, net, loss, NO_STEP, X, y, np.arange(len(X)), size, net.theta, EVALUATE)
        return steps.totals(loss, len(X), size)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """All steps of the epoch in one call of the kernel, if the data have the dtype of the net."""
        shape = self._checked_shape(net, loss, optimizer)
        if X.dtype == net.dtype:
            return self._run(shape, net, loss, optimizer, X, y, order, batch_size, net.theta, TRAIN)
        # Bytes in a file, say, which may be larger than the memory: they become numbers some batches at a time.
        pieces = []
        for rows in batches(order, batch_size * -(-PIECE // batch_size)):
            X_part, all_of_it = X[rows].astype(net.dtype), np.arange(len(rows))
            pieces.append(self._run(shape, net, loss, optimizer, X_part, y[rows], all_of_it, batch_size, net.theta, TRAIN))
        return Steps(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))

    def _run(
        self,
        shape: Shape,
        net: Net,
        loss: Loss,
        optimizer: Optimizer,
        X: Array,
        y: Array,
        order: Array,
        batch_size: int,
        theta: Array,
        mode: int,
    ) -> Steps:
        """Call the kernel. With a small net this function takes longer than the kernel, so every line of it counts."""
        n_steps, code = -(-len(order) // batch_size), int(loss_code(loss) or 0)
        X, y = checked(net, loss, code, X, y)
        order = np.ascontiguousarray(order, np.int64)
        if not order.flags.behaved:
            order = order.copy()  # Numba would compile the kernel once more for an array that is only read, say
        plan, plan_numbers = self._plan(shape, net, batch_size)
        if mode == TRAIN:
            optimizer.prepare(theta, theta)
        state = np.empty((len(optimizer.state), theta.size), theta.dtype)
        for k, value in enumerate(optimizer.state.values()):
            state[k] = value
        straight = mode == TRAIN and is_plain(optimizer) and not plan.narrow
        clip_norm = np.inf if optimizer.clip_norm is None else optimizer.clip_norm
        per_example = 0 if loss.reduction == "sum" else 1 if code <= LIKELIHOOD else int(net.n_out or 1)
        data_numbers = self._data(mode, X, y, code, per_example)
        report = np.zeros((2, n_steps))
        done = run_in_threads(
            plan, plan_numbers, data_numbers, order, mode, straight, theta, state,
            OPTIMIZER_CODES[type(optimizer)], rule(optimizer, n_steps), optimizer.weight_decay, clip_norm, report,
        )  # fmt: skip
        if not done:
            refuse(net, loss, X, y, order)
        if mode == TRAIN:
            for k, value in enumerate(optimizer.state.values()):
                value[:] = state[k]
            optimizer.t += n_steps
        return Steps(report[0], report[1])

    def _shape(self, net: Net) -> Shape | str:
        """The net as the kernel sees it, or why it cannot; kept for the next epoch with the same layers."""
        layers, shape = self._known
        if len(layers) != len(net.layers) or not all(map(is_, layers, net.layers)):
            found = stages(net)
            shape = found if isinstance(found, str) else tuple((x.n_in, x.n_out, code, x.bias) for x, code in found)
            self._known = list(net.layers), shape
        return shape

    def _checked_shape(self, net: Net, loss: Loss, *optimizer: Optimizer) -> Shape:
        """The net as the kernel sees it, or the error that says why it cannot train so, with that optimizer, if any."""
        shape = self._shape(net)
        known = not isinstance(shape, str) and loss_code(loss) is not None and {*map(type, optimizer)} <= OPTIMIZER_CODES.keys()
        if not known or unverified(net, *net.layers, loss, *optimizer):
            require_support(self, net, loss, *(optimizer or [NO_STEP]))
        assert not isinstance(shape, str)
        return shape

    def _data(self, mode: int, X: Array, y: Array, code: int, per_example: int) -> Any:
        """The data as the kernel takes them, kept for the next epoch on the same."""
        told = len(X), y.shape[1] if y.ndim == 2 else 0, code, per_example
        data, numbers = self._last.get(mode, (None, None))
        if data is None or data.x is not X or data.y is not y or data[2:] != told:
            data = Data(X, y, *told)
            numbers = numbered(data)
            self._last[mode] = data, numbers
        return numbers

    def _plan(self, shape: Shape, net: Net, batch_size: int) -> tuple[Plan, Any]:
        """The memory for this kind of step, kept for the next epoch, and the same as the kernel takes it."""
        key = shape, net.dtype, batch_size
        if key not in self._plans:
            share = 6 * batch_size * net.theta.size >= WORTH_SHARING and not INTERPRETED
            threads = (self.threads or processors()) if share else 1
            plan = make_plan(net, batch_size, threads, threads == 1 and is_narrow(net, batch_size))
            if len(self._plans) == KEPT:
                self._plans.clear()
            self._plans[key] = (plan, numbered(plan))
        return self._plans[key]


def is_narrow(net: Net, batch_size: int) -> bool:
    """Whether a step is faster with a lane for each example: measured, with nets of 42 to 2,146 parameters."""
    widest = max(max(layer.n_in, layer.n_out) for layer in net.layers if isinstance(layer, Linear))
    return widest <= 20 and batch_size > 1 and net.theta.size <= 16 * batch_size


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if os.name == "posix" and os.uname().sysname == "Linux" else os.cpu_count() or 1


def checked(net: Net, loss: Loss, code: int, X: Array, y: Array) -> tuple[Array, Array]:
    """X and y as the kernel reads them.

    Raises what `Net` and `Loss` would raise, except for wrong labels, which the kernel finds (`refuse`).
    """
    X = np.ascontiguousarray(X, dtype=net.dtype)
    net.layers[0].check_input(X)
    if y.ndim != 1 or y.shape != X.shape[:1] or y.dtype.kind not in "iu" or net.n_out in (1, None) or code > LIKELIHOOD:
        check_targets(net, loss, X, y)
    return X, np.ascontiguousarray(y, np.int64 if y.ndim == 1 else net.dtype)


def check_targets(net: Net, loss: Loss, X: Array, y: Array) -> None:
    """The check that the loss makes when it is given predictions."""
    like = np.broadcast_to(np.zeros(1, net.dtype), (len(X), int(net.n_out or 1)))
    loss.check(like, y) if isinstance(loss, ElementwiseLoss) else one_hot(y, like)


def refuse(net: Net, loss: Loss, X: Array, y: Array, order: Array) -> None:
    """Raise the error for a label or a row number that the kernel has refused."""
    check_targets(net, loss, X, y)
    n = len(X)
    wrong = order[(order < 0) | (order >= n)][0]
    raise ShapeError(f"order names example {wrong}, but there are {n}; give row numbers between 0 and {n - 1}.")


def is_plain(optimizer: Optimizer) -> bool:
    """Whether a step is theta - lr * gradient and nothing else, so that products can be added to W where they arise."""
    return isinstance(optimizer, SGD) and not (optimizer.momentum or optimizer.weight_decay or optimizer.clip_norm)


def rule(optimizer: Optimizer, n_steps: int) -> Array:
    """The learning rate and the constants of the optimizer, a row for each step, or one for all (n_steps or 1, 1 + k)."""
    if isinstance(optimizer.lr, float) and not isinstance(optimizer, Adam):
        return np.array(((optimizer.lr, *optimizer.constants(0)),), np.float64)
    steps = np.arange(optimizer.t, optimizer.t + n_steps)
    constants = optimizer.constants(steps + 1)  # type: ignore[arg-type]  # formulas in t take arrays as well
    columns = np.broadcast_arrays(np.array([optimizer.rate(int(t)) for t in steps]), *constants)
    return np.stack(columns, axis=1).astype(np.float64, copy=False)


def run_in_threads(plan: Plan, *given: Any) -> bool:
    """Call the kernel in each of the plan's threads, this one among them, and wait for all; True if it accepted the data."""
    plan.counter[0] = 0
    with announce_compilation(plan.packed.dtype):
        if plan.threads == 1:
            return train_steps(*given, 0)
        with ThreadPoolExecutor(plan.threads - 1) as pool:
            others = [pool.submit(lambda thread: train_steps(*given, thread), thread) for thread in range(1, plan.threads)]
            done = train_steps(*given, 0)
            for other in others:
                other.result()
            return done
