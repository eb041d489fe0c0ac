"""Values that an argument should not have, and valid ones to stand beside them, by the name of the argument."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import clearprop as cp


def circle_points(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A small table of two classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, (np.arange(n) % 2).astype(int)


BAD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "2.5": lambda: 2.5,
    "1e30": lambda: 1e30,
    "10**400": lambda: 10**400,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "complex": lambda: 1j,
    "text": lambda: "zzz",
    "empty text": lambda: "",
    "long text": lambda: "z" * 5000,
    "escapes": lambda: "\x1b[2J\x07",
    "null": lambda: "a\0b",
    "bytes": lambda: b"zzz",
    "path": lambda: Path(__file__, "at", "all", "x.jsonl"),  # below a file: nobody, root included, can write there
    "object": object,
    "class": lambda: int,
    "function": lambda: len,
    "empty list": list,
    "list": lambda: [1, 2, 3],
    "texts": lambda: ["a", "b"],
    "dict": lambda: {"a": 1},
    "type unknown": lambda: {"type": 3},
    "numbered dict": lambda: {1: 2},
    "set": lambda: {1, 2},
    "1-tuple": lambda: (np.ones((4, 2)),),
    "3-tuple": lambda: (1, 2, 3),
    "pair of texts": lambda: ("a", "b"),
    "pair of None": lambda: (None, None),
    "pair of lengths": lambda: (np.ones((4, 2)), np.zeros(3, int)),
    "generator": lambda: (i for i in range(3)),
    "ragged": lambda: [[1, 2], [3]],
    "text array": lambda: np.array([["a", "b"], ["c", "d"]]),
    "object array": lambda: np.array([[1, None], [2, "x"]], dtype=object),
    "complex array": lambda: np.ones((4, 2)) * 1j,
    "dates": lambda: np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "date": lambda: datetime.date(2020, 1, 1),
    "sparse": lambda: scipy.sparse.csr_matrix(np.eye(4)),
    "NaN array": lambda: np.full((4, 2), np.nan),
    "no rows": lambda: np.zeros((0, 2)),
    "0-d": lambda: np.array(1.5),
    "1-d": lambda: np.ones(3),
    "3-d": lambda: np.ones((2, 2, 2)),
    "wide": lambda: np.ones((4, 7)),
    "masked": lambda: np.ma.masked_array(np.ones((4, 2)), mask=np.eye(4, 2)),
    "net": lambda: cp.mlp([3, 2]),
    "layer": lambda: cp.Linear(3, 2),
    "loss class": lambda: cp.CrossEntropy,
    "another loss": lambda: cp.MeanSquaredError(),
    "optimizer class": lambda: cp.SGD,
}
