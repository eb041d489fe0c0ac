"""A grid search over 48 settings with five folds on the digits: NetClassifier beside scikit-learn's MLPClassifier.

python -m benchmarks.grid_search              both, all settings; writes runs/bench/grid_search.json
python -m benchmarks.grid_search --every 8    every eighth setting

Both get the same pixels (divided by 16), the same folds, one process, and the same grid: widths of the hidden layers, strength
of the penalty, learning rate. Everything else is left as it is, but for the epochs of NetClassifier: with its one-cycle
learning rate, thirty do. MLPClassifier ends by itself when its loss no longer falls, or after 200.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.neural_network import MLPClassifier

from clearprop.estimator import NetClassifier

WIDTHS = [(32,), (64,), (100,), (64, 32)]
PENALTIES = [1e-5, 1e-4, 1e-3, 1e-2]
RATES = [0.001, 0.003, 0.01]
FOLDS, EPOCHS = 5, 30
WANTED = 20.0  # times as fast
OUT = Path(__file__).parents[1] / "runs" / "bench" / "grid_search.json"
NAMES = {"clearprop": ("hidden", "weight_decay", "lr"), "scikit-learn": ("hidden_layer_sizes", "alpha", "learning_rate_init")}


def estimator(peer: str) -> Any:
    """What is searched, with everything that the grid does not set."""
    return NetClassifier(epochs=EPOCHS, scale="none", random_state=0) if peer == "clearprop" else MLPClassifier(random_state=0)


def grid(peer: str, every: int = 1) -> list[dict[str, list[Any]]]:
    """The settings, under the names of one library."""
    settings = list(ParameterGrid(dict(zip(("w", "p", "r"), (WIDTHS, PENALTIES, RATES), strict=True))))
    return [dict(zip(NAMES[peer], ([s["w"]], [s["p"]], [s["r"]]), strict=True)) for s in settings[::every]]


def search(peer: str, every: int = 1) -> dict[str, Any]:
    """Seconds of one search, the best score of its cross-validation, and its setting."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    found = GridSearchCV(estimator(peer), grid(peer, every), cv=FOLDS, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator(peer).fit(X[:200], y[:200])  # whatever is loaded or compiled once
        began = time.perf_counter()
        found.fit(X, y)
        seconds = time.perf_counter() - began
    return {
        "peer": peer,
        "settings": len(found.cv_results_["params"]),
        "folds": FOLDS,
        "seconds": seconds,
        "score": float(found.best_score_),
        "best": {name: str(value) for name, value in found.best_params_.items()},
    }


def measure_search(every: int, peers: Sequence[str] = tuple(NAMES)) -> list[dict[str, Any]]:
    """A row for each library: `search`, with one line on the screen."""
    rows = []
    for peer in peers:
        row = search(peer, every)
        print(
            f"  {peer}: {row['settings']} settings x {FOLDS} folds in {row['seconds']:.1f} s, best score {row['score']:.4f}",
            flush=True,
        )
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th setting only")
    parser.add_argument("--peer", choices=list(NAMES), action="append", help="one library only")
    given = parser.parse_args()
    rows = measure_search(given.every, given.peer or tuple(NAMES))
    if len(rows) == 2:
        ours, theirs = rows
        print(f"clearprop is {theirs['seconds'] / ours['seconds']:.1f} times as fast (goal: {WANTED:g}).")
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
