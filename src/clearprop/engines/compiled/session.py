"""A session: the memory in which one kind of net is trained with one batch size, and the calls of the kernel on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int64
from functools import cache, partial
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled import units
from clearprop.engines.compiled.activation_units import DF_BLOCK, DF_ROWS, F_BLOCK, F_ROWS
from clearprop.engines.compiled.barrier import yield_address
from clearprop.engines.compiled.data_checks import check_targets, checked, refuse
from clearprop.engines.compiled.epochs import FIGURES, MIN_DELTA, NOTHING, WATCHED, train_epochs
from clearprop.engines.compiled.generator import address_of_generator
from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.library import address
from clearprop.engines.compiled.losses import KernelLoss, class_terms, kernel_loss
from clearprop.engines.compiled.memory import Job, address_of
from clearprop.engines.compiled.plan import (
    BATCH_NORM,
    COUNTERS,
    DF,
    DONE,
    EVALUATE,
    GENERATOR,
    INTERRUPTED,
    NONFINITE,
    PATIENCE,
    PRODUCT,
    REFUSED,
    RUNNING_AT,
    STOP,
    TRAIN,
    F,
    make_job,
    own_numbers_of,
)
from clearprop.engines.compiled.program import Program, program_of
from clearprop.engines.compiled.team import processors, team
from clearprop.engines.engine import EpochFigures, Steps, Task
from clearprop.engines.preparation import check_batches
from clearprop.nn import BatchNorm, CrossEntropy, Dropout, Linear, Loss, Net
from clearprop.optim import SGD, Optimizer, Schedule

# A step of fewer floating-point operations than this is over before a second thread could help.
WORTH_SHARING = 4e6
EVALUATED = 256  # examples of a batch that is only evaluated: few enough for their activations to stay in a cache
NO_STEP = SGD()  # stands for the optimizer where none is needed
ONE_EPOCH = np.zeros((1, FIGURES))
NO_LABELS = np.zeros(1, np.int64)


class Session:
    """One job of the kernel, with the units that it needs; used by one thread of Python at a time."""

    def __init__(
        self, net: Net, program: Program, loss: Loss, optimizer: Optimizer, mode: int, size: int, threads: int
    ) -> None:
        self.dtype, self.mode, self.size, self.threads = str(net.dtype), mode, size, threads
        self.net, self.program, self.loss = net, program, loss
        self.narrow = threads == 1 and program.plain and is_narrow(net, size)
        self.job, self.layout = make_job(program.stages, net.dtype, size, threads, self.narrow)
        self.validation: Session | None = None
        f, df = (F_BLOCK, DF_BLOCK) if self.narrow else (F_ROWS, DF_ROWS)
        for row, unit in zip(self.layout.table, program.activations, strict=True):
            if unit is not None:
                row[[F, DF]] = address(unit, self.dtype, f), address(unit, self.dtype, df)
        known, n_out = kernel_loss(loss), program.stages[-1].n_out
        assert known is not None
        self.known: KernelLoss = known
        self.job.set(
            mode=mode,
            yield_address=yield_address() if threads > 1 else 0,
            per_example=0 if loss.reduction == "sum" else 1 if known.of_classes else n_out,
            answers=1 if known.of_classes else n_out,
            **self.unit_addresses(optimizer),
        )
        self.job.set(limits=np.zeros(3))
        self.entry = driver(self.dtype)
        self.given: tuple[Any, Any] = (None, None)  # the arrays that were checked last
        self.state = NO_LABELS

    @classmethod
    def of(cls, net: Net, loss: Loss, optimizer: Optimizer, mode: int, size: int, threads: int | None) -> Session:
        """The session for a net, kept for the next of its kind in this thread of Python."""
        program = program_of(net)
        n_threads = threads_of(net, size, threads)
        plain = mode == TRAIN and is_plain(optimizer)
        key = mode, size, n_threads, kernel_loss(loss), loss.reduction, type(optimizer), plain
        session: Session | None = program.sessions.get(key)
        if session is None:
            session = program.sessions[key] = cls(net, program, loss, optimizer, mode, size, n_threads)
        session.use(net, program, loss)
        return session

    @classmethod
    def own(cls, net: Net, loss: Loss, optimizer: Optimizer, mode: int, size: int) -> Session:
        """A session for this net only, in one thread."""
        program = program_of(net)
        session = cls(net, program, loss, optimizer, mode, size, 1)
        session.use(net, program, loss)
        return session

    def use(self, net: Net, program: Program, loss: Loss) -> None:
        """Take over a net of the same kind."""
        self.net, self.program, self.loss = net, program, loss
        if self.known.adjusted:
            self.adjust(loss)
        if program.plain:
            return
        for row, own, running, stage in zip(
            self.layout.table, self.layout.numbers, self.layout.running, program.stages, strict=True
        ):
            own[:] = own_numbers_of(stage.layer, net.dtype)
            if isinstance(stage.layer, Dropout):
                row[GENERATOR] = address_of_generator(stage.layer.rng)
            if isinstance(stage.layer, BatchNorm):
                n, width = stage.n_out, len(running) // 2
                running[:n], running[width : width + n] = stage.layer.running_mean, stage.layer.running_var

    def adjust(self, loss: Loss) -> None:
        """Take over the smoothing and the weights of a loss."""
        assert isinstance(loss, CrossEntropy)
        n, terms = self.program.stages[-1].n_out, self.job.parts["class_terms"]
        width = len(terms) // 2
        loss.rows(np.zeros(1, np.int64), np.zeros((1, n)))  # refuses weights that are not one for each class
        terms[:n], terms[width : width + n] = class_terms(loss, n)

    def give_back(self) -> None:
        """Hand the running averages back to the layers."""
        if self.program.plain or self.mode == EVALUATE:
            return
        for running, stage in zip(self.layout.running, self.program.stages, strict=True):
            if isinstance(stage.layer, BatchNorm):
                n, width = stage.n_out, len(running) // 2
                stage.layer.running_mean[:], stage.layer.running_var[:] = running[:n], running[width : width + n]

    def unit_addresses(self, optimizer: Optimizer) -> dict[str, int]:
        """The fields of `Memory` that name units, and whether W can move as soon as its gradient is known."""
        rows, block = units.loss_units(self.known)
        found = {"loss_block" if self.narrow else "loss": address(block if self.narrow else rows, self.dtype)}
        normed = any(stage.kind == BATCH_NORM for stage in self.program.stages)
        straight = self.mode == TRAIN and is_plain(optimizer) and not self.narrow and not normed
        online = straight and self.size == 1 and self.threads == 1 and self.program.plain
        activations = {unit for unit in self.program.activations if unit is not None}
        steps = units.WHOLE_BATCH
        if self.narrow or online:
            steps = units.NARROW if self.narrow else units.online_unit(activations, self.known)
        found |= {"steps": address(steps, self.dtype), "straight": int(straight)}
        if any(stage.kind != PRODUCT for stage in self.program.stages):
            found |= {"other_forward": address(units.OTHER, self.dtype), "other_backward": address(units.OTHER, self.dtype, 1)}
        if self.mode == TRAIN and not straight:
            found["update"] = address(units.optimizer_unit(type(optimizer)), self.dtype)
        return found

    # --- one call of the kernel

    def steps(
        self, theta: Array, X: Array, y: Array, order: Array, optimizer: Optimizer, weights: Array | None = None
    ) -> Steps:
        """One epoch in the given order, on the parameters `theta`. With a small net, every line here counts."""
        order = np.ascontiguousarray(order, np.int64)
        n_steps = self.set_data(X, y, len(order), weights)
        state = self.set_optimizer(optimizer, theta, n_steps)
        self.job.set(order=order, epochs=1, shuffled=0, figures=ONE_EPOCH, validation=0, watched=NOTHING, stop_nonfinite=0)
        self.run()
        if self.job.parts["counter"][REFUSED]:
            refuse(self.net, self.loss, X, y, order)
        self.take_back(optimizer, state, n_steps)
        self.raise_if_interrupted()
        return Steps(*self.job.parts["report"].copy())

    def begin(self, task: Task, epochs: int) -> None:
        """Prepare the job for several epochs of a task."""
        n_steps = self.set_data(task.X, task.y, task.n, task.weights)
        self.state = self.set_optimizer(task.optimizer, task.net.theta, n_steps * epochs)
        self.job.set(
            order=np.arange(len(task.X)),
            epochs=epochs,
            shuffled=int(task.rng is not None),
            generator=0 if task.rng is None else address_of_generator(task.rng),
            figures=np.zeros((epochs, FIGURES)),
            validation=0 if task.X_val is None else self.validation_job(task),
            stop_nonfinite=int(task.stop_nonfinite),
            watched=NOTHING if task.watch is None else WATCHED[task.watch.monitor],
            epochs_before=task.epochs_before,
        )
        if task.watch is not None:
            watch = task.watch
            self.job.parts["limits"][MIN_DELTA] = watch.min_delta
            best_figures = np.array([watch.score, watch.epoch], np.float64)
            self.job.set(patience=watch.patience, best=watch.theta, best_figures=best_figures)

    def validation_job(self, task: Task) -> Job:
        """The job that measures on the validation examples of a task, in as many threads."""
        assert task.X_val is not None
        assert task.y_val is not None
        size = min(EVALUATED, len(task.X_val))
        if self.validation is None or self.validation.size != size:
            self.validation = Session(task.net, self.program, task.loss, NO_STEP, EVALUATE, size, self.threads)
        other = self.validation
        other.use(task.net, self.program, task.loss)
        n_steps = other.set_data(task.X_val, task.y_val, len(task.X_val), task.weights_val)
        other.set_optimizer(NO_STEP, task.net.theta, n_steps)
        other.job.set(order=np.arange(len(task.X_val)))
        other.layout.table[:, RUNNING_AT] = self.layout.table[:, RUNNING_AT]
        return other.job

    def collect(self, task: Task) -> EpochFigures:
        """The figures of the epochs that were done; the optimizer's state goes back to the optimizer."""
        counter = self.job.parts["counter"]
        if counter[REFUSED]:
            for X, y in ((task.X, task.y), (task.X_val, task.y_val)):
                if X is not None and y is not None:
                    check_targets(self.net, self.loss, X, y)
        done, parts = int(counter[DONE]), self.job.parts
        self.take_back(task.optimizer, self.state, parts["n_steps"] * done)
        watch = task.watch
        if watch is not None:
            score, epoch = parts["best_figures"]
            watch = watch._replace(score=float(score), epoch=int(epoch))
        stopped = {NONFINITE: "nonfinite", PATIENCE: "patience", INTERRUPTED: "interrupted"}.get(int(counter[STOP]))
        train_loss, train_correct, val_loss, val_correct, squared_theta = parts["figures"][:done].T
        return EpochFigures(train_loss, train_correct, val_loss, val_correct, squared_theta, stopped, watch)

    # --- its parts

    def set_data(self, X: Array, y: Array, n: int, weights: Array | None) -> int:
        """The examples, of which an epoch uses n; returns its number of steps. Arrays of the last call are not checked anew."""
        n_steps = -(-n // self.size)
        if self.mode != EVALUATE:
            check_batches(self.net, {min(n, self.size), n % self.size})
        if self.job.parts["n_steps"] != n_steps or self.job.parts["n_order"] != n:
            self.job.set(n_steps=n_steps, n_order=n, report=np.zeros((2, n_steps)))
        self.set_weights(weights)
        if X is not self.given[0] or y is not self.given[1]:
            X_read, y_read = checked(self.net, self.loss, self.known, X, y)
            labelled = y_read.ndim == 1 and y_read.dtype == np.int64
            self.job.set(x=X_read, labels=y_read if labelled else NO_LABELS, values=X_read if labelled else y_read)
            self.job.set(examples=len(X_read), value_columns=0 if labelled else y_read.shape[1])
            # A copy, of another dtype say, would not follow when the array itself is changed.
            same = np.may_share_memory(X, X_read) and np.may_share_memory(y, y_read)
            self.given = (X, y) if same else (None, None)
        return n_steps

    def set_weights(self, weights: Array | None) -> None:
        """The weights of the examples, in the net's dtype."""
        if weights is None:
            self.job.set(weighted=0)
        else:
            self.job.set(weights=np.ascontiguousarray(weights, self.net.dtype), weighted=1)

    def set_optimizer(self, optimizer: Optimizer, theta: Array, n_steps: int) -> Array:
        """The parameters, the optimizer's state, and its rule for so many steps; returns the state as the kernel has it."""
        if self.mode == TRAIN:
            optimizer.prepare(theta, theta)
        state = np.empty((len(optimizer.state), theta.size), theta.dtype)
        for k, value in enumerate(optimizer.state.values()):
            state[k] = value
        rules = rule(optimizer, n_steps)
        clip_norm = np.inf if optimizer.clip_norm is None else optimizer.clip_norm
        self.job.parts["limits"][:2] = optimizer.weight_decay, clip_norm
        self.job.set(
            theta=theta, n_theta=theta.size, state=state, n_states=len(state),
            rules=rules, n_rules=len(rules), rule_size=rules.shape[1],
        )  # fmt: skip
        return state

    def run(self) -> None:
        """Call the kernel, in each of the session's threads, and wait for all."""
        counter = self.job.parts["counter"]
        counter[:] = 0
        try:
            if INTERPRETED:
                train_epochs(self.job.memory())
            elif self.threads == 1:
                self.entry(self.job.addresses[0])
            else:
                calls = [partial(self.entry, number) for number in self.job.addresses]
                team(self.threads).run(calls, self.interrupt)
        except KeyboardInterrupt:  # before the call, or after it: what it has done is taken back as ever
            self.interrupt()

    def interrupt(self) -> None:
        """Let the kernel stop soon, unless it has a reason of its own."""
        counter = self.job.parts["counter"]
        counter[STOP] = counter[STOP] or INTERRUPTED

    def raise_if_interrupted(self) -> None:
        """Raise the KeyboardInterrupt that arrived during the call."""
        if self.job.parts["counter"][STOP] == INTERRUPTED:
            raise KeyboardInterrupt

    def take_back(self, optimizer: Optimizer, state: Array, n_steps: int) -> None:
        """Hand what has changed back to the optimizer and to the layers."""
        if self.mode == TRAIN:
            for k, value in enumerate(optimizer.state.values()):
                value[:] = state[k]
            optimizer.t += n_steps
        self.give_back()


def run_all(sessions: list[Session], threads: int) -> None:
    """Run the jobs of many sessions, shared among threads, each of which takes the next when it has finished one."""
    for session in sessions:
        session.job.parts["counter"][:] = 0
    if INTERPRETED:
        for session in sessions:
            train_epochs(session.job.memory())
        return
    calls = []
    for dtype in {session.dtype for session in sessions}:
        jobs = np.array([session.job.addresses[0] for session in sessions if session.dtype == dtype], np.int64)
        counter = np.zeros(COUNTERS, np.int64)
        call = partial(many_driver(dtype), address_of(jobs), len(jobs), address_of(counter))
        calls += [partial(_kept_alive, call, jobs, counter)] * min(threads, len(jobs))

    def interrupt() -> None:
        for session in sessions:
            session.interrupt()

    try:
        if len(calls) == 1 and threading.current_thread() is not threading.main_thread():
            calls[0]()  # no signal arrives here
        elif calls:
            team(len(calls)).run(calls, interrupt)
    except KeyboardInterrupt:
        interrupt()


def _kept_alive(call: Callable[[], None], *arrays: Array) -> None:
    """Make a call that knows arrays by their addresses only."""
    call()


@cache
def many_driver(dtype: str) -> Callable[[int, int, int], None]:
    """The function that runs many jobs, given the addresses of their addresses, their number, and a counter."""
    found: Callable[[int, int, int], None] = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address(units.DRIVER, dtype, 1))
    return found


@cache
def driver(dtype: str) -> Callable[[int], None]:
    """The function that runs a job, given its address; the interpreter lock is released meanwhile."""
    if INTERPRETED:
        return lambda number: None
    found: Callable[[int], None] = CFUNCTYPE(None, c_int64)(address(units.DRIVER, dtype))
    return found


def threads_of(net: Net, size: int, threads: int | None) -> int:
    """Number of threads that share a step with so many examples."""
    shared = 6 * size * net.theta.size >= WORTH_SHARING and not INTERPRETED
    return (threads or processors()) if shared else 1


def is_narrow(net: Net, batch_size: int) -> bool:
    """Whether a step is faster with a lane for each example: measured, with nets of 42 to 2,146 parameters."""
    widest = max(max(layer.n_in, layer.n_out) for layer in net.layers if isinstance(layer, Linear))
    return widest <= 20 and batch_size > 1 and net.theta.size <= 16 * batch_size


def is_plain(optimizer: Optimizer) -> bool:
    """Whether a step is theta - lr * gradient and nothing else, so that products can be added to W where they arise."""
    return isinstance(optimizer, SGD) and not (optimizer.momentum or optimizer.weight_decay or optimizer.clip_norm)


def rule(optimizer: Optimizer, n_steps: int) -> Array:
    """The learning rate and the constants of the optimizer, a row for each step, or one for all (n_steps or 1, 1 + k)."""
    if isinstance(optimizer.lr, float) and not optimizer.constants_change:
        return np.array(((optimizer.lr, *optimizer.constants(0)),), np.float64)
    steps = np.arange(optimizer.t, optimizer.t + n_steps)
    constants = optimizer.constants(steps + 1)  # type: ignore[arg-type]  # formulas in t take arrays as well
    rates = optimizer.lr.rates(optimizer.t, n_steps) if isinstance(optimizer.lr, Schedule) else optimizer.lr
    rules = np.empty((n_steps, 1 + len(constants)))
    for k, column in enumerate((rates, *constants)):
        rules[:, k] = column
    return rules
