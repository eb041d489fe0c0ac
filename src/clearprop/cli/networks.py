"""The small network that the teaching commands make for a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.cli import options as o

if TYPE_CHECKING:
    from clearprop.training.setup import Setup

DATA = ("target", "data_dir", "seed")


def planned(source: str, hidden: str | None, activation: str | None, **given: Any) -> Setup:
    """Data, net, loss and optimizer: those of `clearprop train`, but without dropout, and with one learning rate throughout.

    Parameters
    ----------
    source : str
    hidden, activation : str or None
        As typed.
    **given
        Arguments of `load` (target, data_dir, seed), and settings; None for what is to be chosen.
    """
    from clearprop.data import load
    from clearprop.training.settings import settings_for
    from clearprop.training.setup import set_up

    given = {name: value for name, value in given.items() if value is not None}
    dtype = given.setdefault("dtype", "float64")
    data = load(source, dtype=dtype, **{name: given[name] for name in DATA if name in given})
    settings = {name: value for name, value in given.items() if name not in ("target", "data_dir")}
    settings |= {"dropout": 0.0, "schedule": "constant", "patience": None}
    if hidden is not None:
        settings["hidden"] = o.parse_hidden(hidden)
    if activation is not None:
        settings["activation"] = tuple(name.strip() for name in activation.split(","))
    settled = settings_for(data, **settings)
    made = set_up(settled, data)
    made.optimizer.lr = settled.lr  # the number itself, which reads better than a constant schedule
    return made
