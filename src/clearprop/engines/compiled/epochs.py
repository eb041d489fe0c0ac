"""The driver of the kernel: epoch after epoch, without returning to Python, for one net, or for many one after the other.

For each epoch: draw the order, take the steps, measure on the validation examples, note the figures, keep the parameters if
they are the best, and stop at a number that is not finite, or after too long without improvement.
"""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.barrier import add, read, wait
from clearprop.engines.compiled.denormals import flush_denormals, restore
from clearprop.engines.compiled.generator import shuffle
from clearprop.engines.compiled.lanes import moved
from clearprop.engines.compiled.linkage import call, separate
from clearprop.engines.compiled.memory import Integers, Memory, memory_at
from clearprop.engines.compiled.moves import DECAY
from clearprop.engines.compiled.plan import COLUMNS, DONE, GRADIENT, N_OUT, NEXT_JOB, NONFINITE, PATIENCE, REFUSED, STOP, TRAIN
from clearprop.engines.compiled.stages import pack

# What is noted of each epoch: losses, summed over the examples, and correct predictions, of training and of validation; and the
# sum of squares of the parameters after it, if there is weight decay.
TRAIN_LOSS, TRAIN_CORRECT, VAL_LOSS, VAL_CORRECT, SQUARED_THETA, FIGURES = range(6)
# Figures that can be watched for the best epoch; a large accuracy is good, a small loss is.
NOTHING, WATCH_TRAIN_LOSS, WATCH_VAL_LOSS, WATCH_TRAIN_ACCURACY, WATCH_VAL_ACCURACY = range(5)
WATCHED = {
    "train_loss": WATCH_TRAIN_LOSS,
    "val_loss": WATCH_VAL_LOSS,
    "train_accuracy": WATCH_TRAIN_ACCURACY,
    "val_accuracy": WATCH_VAL_ACCURACY,
}
MIN_DELTA = 2  # place in `limits`, behind those that `moves` names
SCORE, BEST_EPOCH = range(2)  # places in `best_figures`


def train_epochs(p: Memory) -> None:
    """Epochs of one job; to be called once in each of its threads, at the same time.

    No thread reads what another writes before both have passed a barrier.
    """
    if p.thread == 0:
        p.counter[REFUSED] = 0 if readable(p) else 1
        p.counter[DONE] = 0
    wait(p)
    if read(p.counter, REFUSED) == 0:
        control = flush_denormals()
        epoch = 0
        while epoch < p.epochs and read(p.counter, STOP) == 0:
            if p.shuffled != 0 and p.thread == 0:
                shuffle(p.generator, p.order, p.examples)
            wait(p)
            one_epoch(p)
            if p.validation != 0:
                one_epoch(memory_at(p.validation))
            if p.thread == 0:
                finish_epoch(p, epoch)
            wait(p)
            epoch += 1
        restore(control)


@separate
def one_epoch(p: Any) -> None:
    """Copy theta and the optimizer's state into the memory of the plan, take the steps, and copy them back."""
    if p.thread == 0:
        exchange(p, False)
    wait(p)
    call(p.steps, p)
    if p.thread == 0:
        if p.mode == GRADIENT:
            pack(p, p.theta, p.grad, True)
        elif p.mode == TRAIN:
            exchange(p, True)
    wait(p)


def exchange(p: Any, back: bool) -> None:
    """Copy theta and the optimizer's state into the memory of the plan, or back."""
    pack(p, p.theta, p.packed, back)
    if p.n_states > 0:
        pack(p, p.state, p.one, back)
    if p.n_states > 1:
        pack(p, moved(p.state, p.n_theta), p.two, back)


@separate
def finish_epoch(p: Any, epoch: int) -> None:
    """Note the figures of an epoch; say whether to stop."""
    figures = moved(p.figures, epoch * FIGURES)
    figures[TRAIN_LOSS], figures[TRAIN_CORRECT] = summed_losses(p), summed_correct(p)
    if p.validation != 0:
        v = memory_at(p.validation)
        figures[VAL_LOSS], figures[VAL_CORRECT] = summed_losses(v), summed_correct(v)
    figures[SQUARED_THETA] = squared_theta(p) if p.limits[DECAY] > 0.0 else 0.0
    if p.stop_nonfinite != 0 and not is_finite(p, figures[TRAIN_LOSS]):
        p.counter[STOP] = NONFINITE
    else:
        p.counter[DONE] = epoch + 1
        if p.watched != 0:
            watch(p, figures, p.epochs_before + epoch + 1)


def summed_losses(p: Any) -> float:
    """The losses of the steps, each times its number of examples if it is a mean."""
    s = 0.0
    for k in range(p.n_steps):
        size = min(p.batch_size, p.n_order - k * p.batch_size) if p.per_example != 0 else 1
        s += p.report[k] * size
    return s


def summed_correct(p: Any) -> float:
    """Correct predictions of all steps; NaN where there are none."""
    s = 0.0
    for k in range(p.n_steps):
        s += p.report[p.n_steps + k]
    return s


def squared_theta(p: Any) -> float:
    """Sum of squares of all parameters."""
    s = 0.0
    for i in range(p.n_theta):
        s += float(p.theta[i]) * float(p.theta[i])
    return s


def is_finite(p: Any, loss: float) -> bool:
    """Whether the losses and all parameters are finite: 0 times anything else is not 0."""
    s = 0.0 * loss
    for i in range(p.n_theta):
        s += 0.0 * float(p.theta[i])
    return s == 0.0


def watch(p: Any, figures: Any, epoch: int) -> None:
    """Keep the parameters if a figure is the best so far; stop if that was too long ago."""
    score = score_of(p, figures)
    if score < p.best_figures[SCORE] - p.limits[MIN_DELTA]:
        p.best_figures[SCORE], p.best_figures[BEST_EPOCH] = score, float(epoch)
        for i in range(p.n_theta):
            p.best[i] = p.theta[i]
    elif epoch - p.best_figures[BEST_EPOCH] >= p.patience:
        p.counter[STOP] = PATIENCE


def score_of(p: Any, figures: Any) -> float:
    """The figure that is watched, the smaller the better."""
    penalty = 0.5 * p.limits[DECAY] * figures[SQUARED_THETA] / (1 if p.per_example != 0 else p.batch_size)
    if p.watched == WATCH_TRAIN_LOSS:
        return figures[TRAIN_LOSS] / p.n_order + penalty
    if p.watched == WATCH_TRAIN_ACCURACY:
        return -figures[TRAIN_CORRECT] / p.n_order
    n_val = memory_at(p.validation).n_order
    if p.watched == WATCH_VAL_LOSS:
        return figures[VAL_LOSS] / n_val + penalty
    return -figures[VAL_CORRECT] / n_val


def within(numbers: Any, n: int, limit: int) -> bool:
    """Whether each of n numbers is one of 0 ... limit - 1."""
    signs = 0
    for i in range(n):
        signs |= numbers[i] | (limit - 1 - numbers[i])  # negative, if the number is, or if what is left of the limit is
    return signs >= 0


def readable(p: Any) -> bool:
    """Whether the labels are those of classes, and the numbers of the order, if it is given, those of examples."""
    if p.value_columns == 0 and not within(p.labels, p.examples, p.table[(p.stages - 1) * COLUMNS + N_OUT]):
        return False
    return p.shuffled != 0 or within(p.order, p.n_order, p.examples)


def train_many(jobs: Integers, n: int, counter: Integers) -> None:
    """Take the next of n jobs, whose addresses are given, until none is left; to be called in any number of threads."""
    k = add(counter, NEXT_JOB, 1) - 1
    while k < n:
        train_epochs(memory_at(jobs[k]))
        k = add(counter, NEXT_JOB, 1) - 1
