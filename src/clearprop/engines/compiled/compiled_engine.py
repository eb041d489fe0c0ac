"""The compiled engine: whole epochs in machine code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compilations import COMPILATIONS
from clearprop.engines.compiled.compiler.values import NotCompilableError
from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.losses import kernel_loss
from clearprop.engines.compiled.moves import OPTIMIZERS
from clearprop.engines.compiled.plan import EVALUATE, GRADIENT, TRAIN, stages
from clearprop.engines.compiled.program import program_of
from clearprop.engines.compiled.session import EVALUATED, NO_STEP, Session, run_all, threads_of
from clearprop.engines.compiled.shuffle import permutation, shuffler
from clearprop.engines.compiled.team import processors
from clearprop.engines.compiled.verified import unverified
from clearprop.engines.engine import Engine, EpochFigures, Steps, Task, batches
from clearprop.engines.support import require_support, spared
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.registry import count

PIECE = 8192  # examples that are converted at a time, where the data are not of the net's dtype


class Compiled(Engine):
    """Machine code for Linear, Dropout, BatchNorm and any element-wise activation, with the losses and optimizers of clearprop.

    The kernel trains whole epochs without returning to Python. It is made of the same element-wise functions that `nn` and
    `optim` use, compiled for vector registers (`lanes`, `lane_math`), and of one matrix kernel (`tile`). Steps that are large
    enough are shared among threads. The interpreter lock is released. Each part is compiled when it is first needed, and kept
    on disk (`library`).

    It runs only what it was verified against (`verified`): an edited, subclassed or patched layer, loss or optimizer is
    refused, and `fit` then trains on the engine "batch". An activation of your own is compiled from its source.

    Parameters
    ----------
    threads : int, optional
        Number of threads that share a large step; by default, one for each processor that this process may use. The same
        seed gives the same bits only with the same number of threads.
    """

    weighs = True

    def __init__(self, threads: int | None = None) -> None:
        self.threads = None if threads is None else count("threads", threads)

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Stages that the kernel knows; the losses and optimizers of clearprop; unchanged."""
        found = stages(net)
        if isinstance(found, str):
            return found
        if kernel_loss(loss) is None:
            return f"it knows only the losses of clearprop, not {loss!r}."
        if type(optimizer) not in OPTIMIZERS:
            return f"it knows only the optimizers of clearprop, not {optimizer!r}."
        alike = spared(optimizer)
        if alike is not None:
            return alike
        changed = unverified(net, *net.layers, loss, optimizer)
        if changed is not None:
            return changed
        try:
            program_of(net)
        except NotCompilableError as error:
            return f"it cannot compile everything in the net: {error}"
        return None

    def prepare(self, net: Net, loss: Loss, optimizer: Optimizer, batch_size: int) -> None:
        """Load the kernel's units, or compile them."""
        with COMPILATIONS.together():
            Session.of(net, loss, optimizer, TRAIN, batch_size, self.threads)
            Session.of(net, loss, NO_STEP, EVALUATE, EVALUATED, self.threads)
            if not INTERPRETED:
                shuffler()

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y) of the net: a few large matrix products, which NumPy does at full speed."""
        return net(X)

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """One batch through the kernel, without the update."""
        self._require(net, loss, NO_STEP)
        grad = net.theta.copy()
        session = Session.of(net, loss, NO_STEP, GRADIENT, len(X), self.threads)
        steps = session.steps(grad, X, y, np.arange(len(X)), NO_STEP)
        return float(steps.losses[0]), grad

    def permutation(self, rng: np.random.Generator, n: int) -> Array:
        """NumPy's permutation, drawn faster: with a small net, drawing it takes as long as the training itself."""
        return permutation(rng, n)

    def loss_and_correct(self, net: Net, loss: Loss, X: Array, y: Array, weights: Array | None = None) -> tuple[float, float]:
        """Forward passes of the kernel, if the data have the dtype of the net and the kernel knows its layers."""
        if X.dtype != net.dtype or self._refusal(net, loss, NO_STEP) is not None:
            return super().loss_and_correct(net, loss, X, y, weights)
        size = min(EVALUATED, len(X))
        session = Session.of(net, loss, NO_STEP, EVALUATE, size, self.threads)
        return session.steps(net.theta, X, y, np.arange(len(X)), NO_STEP, weights).totals(loss, len(X), size)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """All steps of the epoch in one call of the kernel, if the data have the dtype of the net."""
        return self._epoch(net, loss, optimizer, X, y, None, order, batch_size)

    def train_weighted(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, weights: Array, order: Array, batch_size: int
    ) -> Steps:
        """The same call, with the weights."""
        return self._epoch(net, loss, optimizer, X, y, weights, order, batch_size)

    def _epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, w: Array | None, order: Array, batch_size: int
    ) -> Steps:
        """`train_epoch`, with weights or without."""
        self._require(net, loss, optimizer)
        session = Session.of(net, loss, optimizer, TRAIN, batch_size, self.threads)
        if X.dtype == net.dtype:
            return session.steps(net.theta, X, y, order, optimizer, w)
        # Bytes in a file, say, which may be larger than the memory: they become numbers some batches at a time.
        pieces = []
        for rows in batches(order, batch_size * -(-PIECE // batch_size)):
            X_part = X[rows].astype(net.dtype)
            w_part = None if w is None else w[rows]
            pieces.append(session.steps(net.theta, X_part, y[rows], np.arange(len(rows)), optimizer, w_part))
        return Steps(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))

    def train_epochs(self, task: Task, epochs: int) -> EpochFigures | None:
        """All these epochs in one call of the kernel, if the data have the dtype of the net."""
        session = self.session(task)
        if session is None:
            return None
        session.begin(task, epochs)
        session.run()
        return session.collect(task)

    def train_many(self, tasks: Sequence[Task], epochs: Sequence[int], threads: int | None = None) -> list[EpochFigures | None]:
        """One call of the kernel, whose threads take one net after the other; each net is trained in one thread."""
        alone = Compiled(threads=1)
        with COMPILATIONS.together():
            sessions = [alone.session(task, own=True) for task in tasks]
        for session, task, n in zip(sessions, tasks, epochs, strict=True):
            if session is not None:
                session.begin(task, n)
        run_all([session for session in sessions if session is not None], threads or processors())
        return [None if found is None else found.collect(task) for found, task in zip(sessions, tasks, strict=True)]

    def session(self, task: Task, own: bool = False) -> Session | None:
        """The memory in which a task is carried out, shared with no other if it is its own; None if it needs Python."""
        net = task.net
        if task.X.dtype != net.dtype or self._refusal(net, task.loss, task.optimizer) is not None:
            return None
        if task.watch is not None and any(layer.buffers for layer in net.layers):
            return None  # the best running averages would have to be kept as well
        if task.X_val is not None:
            sizes = task.batch_size, min(EVALUATED, len(task.X_val))
            if len({threads_of(net, size, self.threads) for size in sizes}) > 1:
                return None  # so many threads as take the steps would measure, and add the losses up in another order
        if own:
            return Session.own(net, task.loss, task.optimizer, TRAIN, task.batch_size)
        return Session.of(net, task.loss, task.optimizer, TRAIN, task.batch_size, self.threads)

    def _refusal(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """`supports`, quickly: this is asked before every epoch."""
        known = kernel_loss(loss) is not None and type(optimizer) in OPTIMIZERS
        if known and unverified(net, *net.layers, loss, optimizer) is None:
            try:
                program_of(net)
            except NotCompilableError as error:
                return str(error)
            return None
        return self.supports(net, loss, optimizer)

    def _require(self, net: Net, loss: Loss, optimizer: Optimizer) -> None:
        """Raise the error that says why the kernel cannot train so, if it cannot."""
        if self._refusal(net, loss, optimizer) is not None:
            require_support(self, net, loss, optimizer)
