"""The search for a learning rate: one short run in which the rate grows from step to step, until the loss explodes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import Engine
from clearprop.errors import OptionError
from clearprop.nn import LOSSES, Loss, Net
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.registry import require
from clearprop.training.evaluation import as_split
from clearprop.training.loop import choose_engine, splits_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHING = 0.9  # weight of the losses before, in the running average
EXPLODED = 4.0  # times the smallest loss, beyond which there is nothing more to learn


@dataclass(frozen=True, eq=False)
class RateSearch:
    """Learning rates that were tried, and the loss at each.

    Attributes
    ----------
    rates, losses : array (n,)
        The learning rate of each step, and the loss of the batch before it.
    smooth : array (n,)
        The losses, averaged over the last ten or so.
    suggestion : float
        A tenth of the rate at which the averaged loss is lowest: there it is about to rise, and falls fast a decade below.
    """

    rates: Array
    losses: Array
    smooth: Array
    suggestion: float

    def rows(self) -> list[dict[str, float]]:
        """One row for each step: lr, loss, smooth."""
        table = zip(self.rates.tolist(), self.losses.tolist(), self.smooth.tolist(), strict=True)
        return [{"lr": lr, "loss": loss, "smooth": smooth} for lr, loss, smooth in table]

    @checked
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the loss against the learning rate, with the suggestion; see `clearprop.plots.rate_curve`."""
        from clearprop.plots import rate_curve

        return rate_curve(self.rows(), ax, self.suggestion)

    def __repr__(self) -> str:
        return f"RateSearch(suggestion={self.suggestion:.2g}, {len(self.rates)} rates to {self.rates[-1]:.2g})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


@checked
def lr_find(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    *,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    batch_size: int = 32,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 200,
    seed: int | np.random.Generator = 0,
    engine: Engine | str | None = None,
) -> RateSearch:
    """Try learning rates from small to large in one short run, on a copy of the net.

    Parameters
    ----------
    net : Net
        Stays as it is.
    data : Dataset, Split or pair (X, y)
    loss, optimizer : object or name
        The optimizer's own learning rate is not used.
    batch_size : int
    lowest, highest : float
        The first and the last rate; those between grow by the same factor from step to step.
    steps : int
        Largest number of steps; there are fewer if the loss explodes before.
    seed : int or numpy.random.Generator
        Seed for the order of the examples.
    engine : object or name, optional

    Returns
    -------
    RateSearch
        `suggestion` is a rate to begin with; `plot()` draws the picture.

    Raises
    ------
    OptionError
        If the range of rates is empty, or the very first losses are not finite.

    Notes
    -----
    L. N. Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3.

    Examples
    --------
    >>> import clearprop as cp
    >>> data, net = cp.data.load("circles", seed=0), cp.mlp([2, 10, 2], hidden="tanh", seed=0)
    >>> 0.001 < lr_find(net, data, optimizer="adam").suggestion < 0.3
    True
    """
    require(0 < lowest < highest, "lowest", lowest, f"above 0 and below highest ({highest:g})")
    require(steps >= 10, "steps", steps, "10 or more")
    loss, kind = LOSSES.make(loss), OPTIMIZERS.make(optimizer)
    rates = np.geomspace(lowest, highest, steps)
    net = net.copy()
    worker, train = choose_engine(engine, net, loss, kind), as_split(splits_of(data, None)[0], net)
    losses = np.array(_losses(net, loss, kind, worker, train, rates, min(batch_size, len(train)), np.random.default_rng(seed)))
    if len(losses) < 5:
        raise OptionError(
            f"The loss is not finite even at a learning rate of {rates[len(losses)]:.2g}; begin with a lower one."
        )
    smooth = _averaged(losses)
    return RateSearch(rates[: len(losses)], losses, smooth, _suggested(rates[: len(losses)], smooth))


def _losses(
    net: Net, loss: Loss, optimizer: Optimizer, engine: Engine, train: Split, rates: Array, size: int, rng: np.random.Generator
) -> list[float]:
    """The loss at each rate, up to the first that is not finite or far above the best."""
    config: dict[str, Any] = optimizer.config()
    state: tuple[dict[str, Array], int] = {}, 0
    found: list[float] = []
    order = rng.permutation(len(train))
    with np.errstate(all="ignore"):
        for step, lr in enumerate(rates.tolist()):
            if len(order) < size:
                order = rng.permutation(len(train))
            rows, order = order[:size], order[size:]
            stepper = OPTIMIZERS.make({**config, "lr": lr})
            stepper.state, stepper.t = state
            value = float(engine.train_epoch(net, loss, stepper, train.X, train.y, rows, size).losses[0])
            state = stepper.state, stepper.t
            if not np.isfinite(value):
                break
            found.append(value)
            if step > 10 and _averaged(np.array(found))[-1] > EXPLODED * _averaged(np.array(found)).min():
                break
    return found


def _averaged(losses: Array) -> Array:
    """The running average of the losses, without the bias towards its beginning."""
    found, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        found[k] = mean / (1 - SMOOTHING ** (k + 1))
    return found


def _suggested(rates: Array, smooth: Array) -> float:
    """A tenth of the rate with the lowest averaged loss; the first averages, of a few batches, are not looked at."""
    skipped = min(20, len(rates) // 4)
    return float(rates[skipped + int(smooth[skipped:].argmin())] / 10)
