"""Quantities of the data, measured once, before training: inputs, targets, splits, the batches of an epoch, and association."""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.data.batches import draw_order
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case, holds_labels, labels_of
from clearprop.doctor.quantities.quantity import OfCase
from clearprop.nn import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, NegativeLogLikelihood
from clearprop.nn.loss import classes_of
from clearprop.training.history import Row

INPUT_ROWS, INPUT_NUMBERS = 4096, 2**20  # rows, or numbers if the rows are long, whose moments are taken
SCALED_ROWS = 20_000  # training examples from which on a scaler hardly depends on the others that it was fitted on
LINK_ROWS = 600  # rows whose neighbours are looked up
NEIGHBOURS = 5
HASHED = 256  # rows that are hashed at a time
STRETCH = 64  # columns by which long rows are compared first


class Inputs(OfCase):
    """One row over all columns of the inputs: range, spread, offset, non-finite numbers, constant and duplicate columns."""

    name = "inputs"

    def measure(self, case: Case) -> list[Row]:
        """Non-finite numbers are counted in all rows, moments are taken from a sample of them."""
        whole = case.train.X
        rows = min(INPUT_ROWS, max(512, INPUT_NUMBERS // max(whole.shape[1], 1)))
        X = whole[np.random.default_rng(0).permutation(len(whole))[:rows]].astype(np.float64)
        bad = np.zeros((1, 1), bool) if surely_finite(whole) else ~np.isfinite(whole)
        with np.errstate(all="ignore"):
            mean, std = X.mean(axis=0), X.std(axis=0)
            varying = std > 1e-12 * (np.abs(mean) + 1)
            moving = std[varying]
            first = X[: min(len(X), 64)]
            rms = float(np.sqrt((X[np.isfinite(X)] ** 2).mean())) if np.isfinite(X).any() else 0.0
        return [
            {
                "columns": X.shape[1],
                "bad": int(bad.sum()),
                "bad_columns": int(bad.any(axis=0).sum()),
                "bad_rows": int(bad.any(axis=1).sum()),
                "low": float(np.nanmin(X)) if X.size else 0.0,
                "high": float(np.nanmax(X)) if X.size else 0.0,
                "rms": rms,
                "constant": int((~varying & np.isfinite(mean)).sum()),
                "duplicates": int(X.shape[1] - len(np.unique(first, axis=1).T)),
                "smallest_spread": float(moving.min()) if len(moving) else 0.0,
                "middle_spread": float(np.median(moving)) if len(moving) else 0.0,
                "largest_spread": float(moving.max()) if len(moving) else 0.0,
                "middle_offset": float(np.median(np.abs(mean[varying]) / moving)) if len(moving) else 0.0,
            }
        ]


def surely_finite(X: Array) -> bool:
    """Whether the sum of squares is finite, hence every number; False where that sum overflows, whatever the numbers."""
    flat = X.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))


class Targets(OfCase):
    """One row: kind, range and class shares of the targets, and what the loss takes."""

    name = "targets"

    def measure(self, case: Case) -> list[Row]:
        y = case.train.y
        labels = holds_labels(y)
        row: Row = {"dims": y.ndim, "columns": 1 if y.ndim == 1 else y.shape[1], "labels": labels, "kind": y.dtype.kind}
        row |= {"outputs": case.net.n_out, "examples": len(y)}
        loss = case.loss
        row["wanted"] = "numbers"
        if isinstance(loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)):
            row["wanted"] = "zeros and ones"
        elif isinstance(loss, (CrossEntropy, NegativeLogLikelihood)):
            row["wanted"] = "classes"
        if y.dtype.kind in "iufb":
            values = y.astype(np.float64)
            row |= {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean(axis=0).mean())}
            row |= {"spread": float(values.std(axis=0).mean()), "different": len(np.unique(y.reshape(-1)[:10_000]))}
        if labels:
            counts = np.unique(classes_of(y), return_counts=True)[1]
            row |= {"n_classes": len(counts), "largest": float(counts.max() / counts.sum())}
            row["smallest"] = float(counts.min() / counts.sum())
        return [row]


class Splits(OfCase):
    """A row for each held-out split: examples shared with training, and whose mean and spread the inputs were scaled with."""

    name = "splits"

    def measure(self, case: Case) -> list[Row]:
        if case.val is None and case.test is None:
            return []
        held = {"val": case.val, "test": case.test}
        rows = []
        for name, split in held.items():
            if split is None or split.X.shape[1:] != case.train.X.shape[1:]:
                continue
            shared, own = repeated(case.train.X, split.X)
            rows.append({"split": name, "examples": len(split), "shared": shared, "share": shared / len(split), "own": own})
        pooled = [split for split in held.values() if split is not None]
        if rows and pooled:
            rows[0] |= self.scaling(case.train, pooled)
        return rows

    @staticmethod
    def scaling(train: Split, held: list[Split]) -> Row:
        """Distance of the column means and spreads from 0 and 1, of training alone and of everything together."""
        if len(train) > SCALED_ROWS:
            return {"train_off": float("inf"), "all_off": float("inf")}
        everything = np.concatenate([train.X, *(split.X for split in held)])
        return {"train_off": standardised(train.X), "all_off": standardised(everything)}


def standardised(X: Array) -> float:
    """Largest distance of a column's mean from 0, or of its standard deviation from 1; constant columns aside."""
    if not np.isfinite(X).all():
        return float("inf")
    X = X.astype(np.float64)
    std = X.std(axis=0)
    varying = std > 1e-9
    if not varying.any():
        return float("inf")
    return float(max(np.abs(X.mean(axis=0)[varying]).max(), np.abs(std[varying] - 1).max()))


def repeated(X: Array, held: Array) -> tuple[int, float]:
    """Number of the held-out rows that are in X, and the share of the rows of X that repeat another.

    Rows are compared by a stretch of their columns first, and whole only where that is not enough: most rows differ there, and
    reading all of X is what takes time.
    """
    X, held = (a.reshape(len(a), math.prod(a.shape[1:])) for a in (X, held.astype(X.dtype, copy=False)))
    part = telling(X)
    own, other = hashes(X[:, part]), hashes(held[:, part])
    known, place, count = np.unique(own, return_inverse=True, return_counts=True)
    there = np.isin(other, known)
    again = (count > 1) | np.isin(known, other[there])
    whole, wanted = hashes(X[again[place.reshape(-1)]]), hashes(held[there])
    different = int((~again).sum()) + len(np.unique(whole))
    return int(np.isin(wanted, whole).sum()), 1 - different / max(len(X), 1)


def telling(X: Array) -> slice:
    """The stretch of columns in which the first rows differ most."""
    if X.shape[1] <= 2 * STRETCH:
        return slice(None)
    differing = np.cumsum(np.r_[0, (X[:HASHED] != X[:1]).sum(axis=0)])
    start = int((differing[STRETCH:] - differing[:-STRETCH]).argmax())
    return slice(start, start + STRETCH)


def hashes(X: Array) -> Array:
    """A number of 64 bits for each row: equal for equal rows, and for two different ones with a chance below 2^-30.

    The bits of a row are read as whole numbers w and multiplied by random odd ones; the sum is taken modulo 2^64. As the lower
    bits of many floats are 0, and modulo 2^64 only lower bits reach upper ones, w ^ (w >> 29) stands for w. That costs one
    pass over the data, where a dictionary of rows would copy each of them.
    """
    rows = np.ascontiguousarray(X.reshape(len(X), math.prod(X.shape[1:])))
    wide = next(n for n in (8, 4, 2, 1) if (rows.shape[1] * rows.itemsize) % n == 0)
    words = rows.view(f"u{wide}")
    odd = np.random.default_rng(0).integers(0, 2**64, words.shape[1], dtype=np.uint64) | np.uint64(1)
    out = np.empty(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), HASHED):
        part = words[start : start + HASHED].astype(np.uint64)
        part ^= part >> np.uint64(29)
        out[start : start + HASHED] = part @ odd
    return out


class Batches(OfCase):
    """One row, of the first epoch in its order: lengths of runs of one label, and the number of batches with a single class."""

    name = "batches"

    def measure(self, case: Case) -> list[Row]:
        if not holds_labels(case.train.y):
            return self.of_numbers(case)
        y = labels_of(case.train.y)[first_epoch(case)]
        shares = np.bincount(y) / len(y)
        changes = int((y[1:] != y[:-1]).sum())
        pieces = [y[i : i + case.size] for i in range(0, len(y), case.size)]
        single = sum(len(np.unique(piece)) == 1 for piece in pieces)
        by_chance = float(sum(shares**case.size))
        return [
            {
                "runs": changes + 1,
                "run": len(y) / (changes + 1),
                "expected_run": 1 / max(1 - float((shares**2).sum()), 1e-9),
                "batches": len(pieces),
                "single": single,
                "single_share": single / len(pieces),
                "single_by_chance": by_chance,
            }
        ]

    @staticmethod
    def of_numbers(case: Case) -> list[Row]:
        """For real targets, the correlation of each with the next."""
        y = case.train.y.astype(np.float64).reshape(len(case.train), -1)[:, 0]
        y = y[first_epoch(case)]
        if len(y) < 10 or y[1:].std() == 0 or y[:-1].std() == 0:
            return []
        batches = -(-len(y) // case.size)
        return [{"neighbours": float(np.corrcoef(y[1:], y[:-1])[0, 1]), "batches": batches}]


def first_epoch(case: Case) -> Array:
    """Row numbers of the first epoch, in the order of training."""
    settings = case.fresh_settings()
    return draw_order(settings.rng(), len(case.train), case.size, settings.order, settings.remainder)


class Association(OfCase):
    """A row each for training and validation: how well an example's nearest neighbours predict its target, without training.

    `link` is the correlation between the target (each class as a 0/1 column) and its mean over the nearest neighbours,
    itself left out; `chance` is a bound that unrelated targets rarely exceed.
    """

    name = "association"
    full = True

    def measure(self, case: Case) -> list[Row]:
        rows = []
        for name, split in (("train", case.train), ("val", case.val)):
            if split is None or len(split) < 40 or not np.isfinite(split.X).all():
                continue
            found = link(split, holds_labels(case.train.y))
            rows.append({"split": name, "link": found, "chance": 3.0 / float(np.sqrt(min(len(split), LINK_ROWS)))})
        return rows


def link(split: Split, labels: bool) -> float:
    """Correlation of targets with the mean target of their nearest neighbours."""
    rows = np.random.default_rng(0).permutation(len(split))[:LINK_ROWS]
    X = split.X[rows].astype(np.float64)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-12)
    Y = columns(split.y[rows], labels)
    square = (X**2).sum(axis=1)
    distance = square[:, None] + square[None] - 2 * X @ X.T
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    guess = Y[near].mean(axis=1)
    ridge = linear_guess(X, Y)
    return float(max(correlation(guess, Y), correlation(ridge, Y)))


def linear_guess(X: Array, Y: Array) -> Array:
    """Predictions of a ridge regression for each half of the rows, fitted on the other half."""
    half = len(X) // 2
    out = np.zeros_like(Y)
    for fit, use in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        A = np.column_stack([X[fit], np.ones(len(X[fit]))])
        w = np.linalg.solve(A.T @ A + 0.1 * len(A) * np.eye(A.shape[1]), A.T @ Y[fit])
        out[use] = np.column_stack([X[use], np.ones(len(X[use]))]) @ w
    return out


def columns(y: Array, labels: bool) -> Array:
    """Targets as centred columns of numbers."""
    Y = np.eye(int(labels_of(y).max()) + 1)[labels_of(y)] if labels else y.astype(np.float64).reshape(len(y), -1)
    centred: Array = Y - Y.mean(axis=0)
    return centred


def correlation(a: Array, b: Array) -> float:
    """Over all numbers of two arrays whose columns are centred."""
    a = a - a.mean(axis=0)
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
