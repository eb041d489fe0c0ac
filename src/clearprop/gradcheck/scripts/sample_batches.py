"""Sample batches: small, in every layout in which scripts expect them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.trees import flatten, is_tensor

SIZES = (3, 4, 2)  # inputs, hidden units, classes: all different, so that a shape is unambiguous
EXAMPLES = 5


def batches(rng: np.random.Generator, sizes: tuple[int, ...] = SIZES) -> Iterator[tuple[Array, Array]]:
    """X and Y, the likelier layouts first: rows and one-hot, rows and classes, columns, a column of targets."""
    n_in, n_out = sizes[0], sizes[-1]
    X = rng.normal(size=(EXAMPLES, n_in))
    classes = np.arange(EXAMPLES) % max(n_out, 2)
    real = rng.normal(size=(EXAMPLES, 1))
    one_hot = np.eye(max(n_out, 2))[classes]
    if n_out == 1:
        binary = classes.astype(np.float64)
        forms: list[Array] = [binary[:, None], binary, real]
    else:
        forms = [one_hot, classes]
    for form in forms:
        yield X, form
    for form in forms:
        yield X.T.copy(), form.T.copy()
    yield X[0], forms[0][0]
    yield X[0], np.asarray(classes[0])


def like(example: Any, array: Array) -> Any:
    """`array` as a torch tensor if the tree `example` is made of tensors, as lists if of lists, else as it is."""
    first = _first(example)
    if is_tensor(first):
        import torch

        return torch.tensor(np.asarray(array))
    return array.tolist() if isinstance(first, float) and isinstance(array, np.ndarray) else array


def _first(tree: Any) -> Any:
    while isinstance(tree, (dict, list, tuple)) and tree:
        tree = next(iter(tree.values())) if isinstance(tree, dict) else tree[0]
    return tree


def jittered(tree: Any, rng: np.random.Generator) -> dict[str, Array]:
    """Float64 values for the leaves of a tree, moved a little: zero biases hide errors, and so do equal rows."""
    return {name: np.asarray(a, dtype=np.float64) + 0.3 * rng.normal(size=a.shape) for name, a in flatten(tree).items()}
