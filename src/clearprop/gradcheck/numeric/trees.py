"""Trees: nested dicts and lists of arrays, torch tensors or floats, and the same as named arrays.

A tree is taken apart into leaves, each an array with a name such as "W1" or "layers[0].b", and rebuilt around new values
with leaves of the kind that they were: NumPy arrays, torch tensors, floats, lists of floats.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import OptionError

BARE = "x"  # the name of the only leaf of a tree that is a single array


def is_tensor(x: object) -> bool:
    """Whether `x` is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def to_array(leaf: Any) -> Array:
    """A leaf as a NumPy array of its own dtype; always a copy.

    Raises
    ------
    OptionError
        If it does not hold real numbers.

    Examples
    --------
    >>> to_array([[1, 2], [3, 4]])
    array([[1, 2],
           [3, 4]])
    """
    if is_tensor(leaf):
        leaf = leaf.detach().cpu().numpy()
    try:
        array: Array | None = np.array(leaf)
    except ValueError:  # its rows differ in length
        array = None
    if array is None or array.dtype.kind not in "fiub":
        raise OptionError(f"Expected real numbers, not {describe(leaf)}; give arrays, floats, or dicts and lists of them.")
    return array


def flatten(tree: Any, name: str = "") -> dict[str, Array]:
    """The leaves of a tree by name, in order, each with its own dtype.

    Examples
    --------
    >>> flatten({"W": np.ones(2), "rest": [0.5, np.zeros(1)]})
    {'W': array([1., 1.]), 'rest[0]': array(0.5), 'rest[1]': array([0.])}
    """
    leaves: dict[str, Array] = {}
    _walk(tree, name, lambda where, leaf: leaves.setdefault(where, to_array(leaf)))
    return leaves


def rebuild(tree: Any, values: dict[str, Array], name: str = "") -> Any:
    """A tree like `tree`, with copies of the given values as its leaves.

    Examples
    --------
    >>> rebuild([[1, 2], [3, 4]], {"x": np.zeros((2, 2))})
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return _walk(tree, name, lambda where, leaf: _like(leaf, values[where]))


def _walk(tree: Any, name: str, visit: Callable[[str, Any], Any]) -> Any:
    """A tree of the same form, whose leaves are `visit(name, leaf)`."""
    if isinstance(tree, dict):
        return {key: _walk(item, f"{name}.{key}" if name else str(key), visit) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)) and not _is_numbers(tree):
        items = [_walk(item, f"{name}[{i}]", visit) for i, item in enumerate(tree)]
        return items if isinstance(tree, list) else tuple(items)
    return visit(name or BARE, tree)


def _is_numbers(tree: Any) -> bool:
    """Whether nested lists are one rectangular array of plain numbers."""
    if not tree:
        return False
    if all(isinstance(item, (int, float, np.floating)) for item in tree):
        return True
    lists = all(isinstance(item, (list, tuple)) and _is_numbers(item) for item in tree)
    return lists and len({np.shape(item) for item in tree}) == 1


def _like(leaf: Any, value: Array) -> Any:
    """`value` as the same kind of leaf, in float64."""
    if is_tensor(leaf):
        import torch

        return torch.tensor(value, dtype=torch.float64, requires_grad=bool(leaf.requires_grad))
    if isinstance(leaf, (list, tuple)):
        return value.tolist()
    if isinstance(leaf, (float, int)) and not isinstance(leaf, np.generic):
        return float(value)
    return np.array(value, dtype=np.float64)
