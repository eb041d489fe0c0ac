"""Sweeps: grids and random searches, times seeds, to tidy rows; in threads, in processes, or on a cluster.

>>> from clearprop.sweeps import run_sweep, summarise
>>> rows = run_sweep("circles", {"lr": [0.01, 0.1]}, seeds=2, fixed={"epochs": 2, "optimizer": "sgd"})
>>> [(row["lr"], row["replicate"]) for row in rows]
[(0.01, 0), (0.01, 1), (0.1, 0), (0.1, 1)]
>>> [line["lr"] for line in summarise(rows, "val_accuracy")]
[0.01, 0.1]
"""

from clearprop.sweeps.aggregate import best_of, pivot, summarise, swept_columns
from clearprop.sweeps.grid import Between, expand_grid
from clearprop.sweeps.running import run_sweep
from clearprop.sweeps.store import Store, read_rows, write_rows
from clearprop.sweeps.trial import Trial, train_trial

__all__ = [
    "Between",
    "Store",
    "Trial",
    "best_of",
    "expand_grid",
    "pivot",
    "read_rows",
    "run_sweep",
    "summarise",
    "swept_columns",
    "train_trial",
    "write_rows",
]
