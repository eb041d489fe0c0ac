"""Examples: what a loader gives, in batches of any form, read once and kept, so that every copy is trained on the same."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from clearprop.doctor.pytorch.keeping import kept
from clearprop.errors import DataError
from clearprop.nn.pytorch import torch

MOST, BYTES = 20_000, 2**28  # examples, and bytes of them, that are kept
TARGETS = ("y", "label", "labels", "target", "targets", "class", "classes")


@dataclass(frozen=True, eq=False)
class Given:
    """One batch: the arguments of the module, by place and by name, and the targets."""

    args: tuple[Any, ...]
    named: dict[str, Any]
    targets: Any

    def __len__(self) -> int:
        first = next((t for t in tree_leaves((self.args, self.named)) if isinstance(t, torch.Tensor) and t.dim()), None)
        return 0 if first is None else len(first)

    def apply(self, function: Callable[[Any], Any]) -> Given:
        """The batch with every tensor changed."""

        def one(leaf: Any) -> Any:
            return function(leaf) if isinstance(leaf, torch.Tensor) else leaf

        return Given(tree_map(one, self.args), tree_map(one, self.named), tree_map(one, self.targets))


@dataclass(frozen=True, eq=False)
class Examples:
    """Batches of a loader.

    Attributes
    ----------
    batches : list of Given
    size : int
        Examples in the first batch.
    shuffled : bool
        Whether the loader draws its rows in another order every time.
    whole : Given or None
        All batches in one, if they can be put together.
    """

    batches: list[Given]
    size: int
    shuffled: bool
    whole: Given | None

    def epoch(self, generator: np.random.Generator) -> list[Given]:
        """The batches of one epoch: the rows in a new order if the loader shuffles."""
        if not self.shuffled:
            return self.batches
        if self.whole is None:
            return [self.batches[i] for i in generator.permutation(len(self.batches))]
        rows = torch.as_tensor(generator.permutation(len(self.whole)))
        lengths = np.cumsum([0, *(len(batch) for batch in self.batches)])
        return [self.whole.apply(lambda t, a=a, b=b: t[rows[a:b]]) for a, b in itertools.pairwise(lengths)]  # type: ignore[misc]

    def sample(self, rows: int) -> Given:
        """The first rows, as one batch."""
        return self.batches[0] if self.whole is None else self.whole.apply(lambda t: t[:rows])

    def changed(self, function: Callable[[Given], Given]) -> Examples:
        """The examples with every batch changed."""
        whole = None if self.whole is None else function(self.whole)
        return replace(self, batches=[function(batch) for batch in self.batches], whole=whole)


def gathered(loader: Iterable[Any]) -> tuple[list[Any], bool]:
    """The raw batches of one pass, at most `MOST` examples, and whether the loader shuffles.

    Raises
    ------
    DataError
        If it can be gone through only once, or gives nothing.
    """
    if iter_of(loader) is loader:
        raise DataError(
            f"loader is a {type(loader).__name__}, which can be gone through only once: every epoch after the first would be"
            " empty; give a DataLoader or a list of batches"
        )
    batches, rows, size = [], 0, 0
    with kept(loader):
        for batch in loader:
            batches.append(tree_map(lambda t: t.detach().clone() if isinstance(t, torch.Tensor) else t, batch))
            tensors = [t for t in tree_leaves(batch) if isinstance(t, torch.Tensor)]
            rows += max((len(t) for t in tensors if t.dim()), default=0)
            size += sum(t.numel() * t.element_size() for t in tensors)
            if rows >= MOST or size >= BYTES:
                break
    if not batches or not rows:
        raise DataError("loader gives no batches: there is nothing to train on; look at its data set, and at drop_last")
    order = type(getattr(loader, "sampler", None)).__name__
    return batches, order in ("RandomSampler", "WeightedRandomSampler", "SubsetRandomSampler")


def iter_of(loader: Iterable[Any]) -> Any:
    """The iterator of a loader that is its own; None for one that makes them."""
    return loader if getattr(loader, "__next__", None) is not None else None


def readings(batch: Any, module: Any) -> list[Callable[[Any], Given]]:
    """Ways to take a batch apart, the likeliest first."""
    if isinstance(batch, torch.Tensor):
        return [lambda b: Given((b,), {}, b)]
    if isinstance(batch, Mapping):
        return of_mapping(batch, module)
    n = len(batch)
    if n == 1:
        return [lambda b: Given((b[0],), {}, b[0])]
    if n == 2:
        ways = [lambda b: Given((b[0],), {}, b[1])]
        if isinstance(batch[0], (tuple, list)):
            ways.append(lambda b: Given(tuple(b[0]), {}, b[1]))
        if isinstance(batch[0], Mapping):
            ways.append(lambda b: Given((), dict(b[0]), b[1]))
        return ways
    several = lambda b: Given(tuple(b[:-1]), {}, b[-1])  # noqa: E731
    last = lambda b: Given((b[0],), {}, b[-1])  # noqa: E731
    second = lambda b: Given((b[0],), {}, b[1])  # noqa: E731
    return [several, last, second] if wanted(module) >= n - 1 else [last, second, several]


def of_mapping(batch: Mapping[str, Any], module: Any) -> list[Callable[[Any], Given]]:
    """Ways to take a mapping apart: targets by their usual names, inputs by those of `forward`."""
    names = parameters_of(module)
    target = next((key for key in batch if str(key).lower() in TARGETS), list(batch)[-1])
    rest = [key for key in batch if key != target]
    by_name = [key for key in rest if key in names]
    ways: list[Callable[[Any], Given]] = []
    if by_name:
        ways.append(lambda b: Given((), {key: b[key] for key in by_name}, b[target]))
    ways += [lambda b, key=key: Given((b[key],), {}, b[target]) for key in rest]  # type: ignore[misc]
    ways.append(lambda b: Given(tuple(b[key] for key in rest), {}, b[target]))
    return ways


def parameters_of(module: Any) -> list[str]:
    """Names of the arguments of `forward`."""
    return list(inspect.signature(module.forward).parameters)


def wanted(module: Any) -> int:
    """Number of arguments that `forward` must be given."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(module.forward).parameters.values()
    return sum(p.kind in kinds and p.default is inspect.Parameter.empty for p in found)


def together(batches: list[Given]) -> Given | None:
    """All batches in one; None where their tensors differ in shape, or are not one row an example."""
    parts = [tree_flatten((batch.args, batch.named, batch.targets)) for batch in batches]
    leaves = list(zip(*(flat for flat, _ in parts), strict=False))
    joined = []
    for column in leaves:
        tensors = [t for t in column if isinstance(t, torch.Tensor) and t.dim()]
        alike = {(t.shape[1:], t.dtype) for t in tensors}
        if len(tensors) != len(batches) or len(alike) != 1:
            return None
        if any(len(t) != len(batch) for t, batch in zip(tensors, batches, strict=True)):
            return None
        joined.append(torch.cat(tensors))
    args, named, targets = tree_unflatten(joined, parts[0][1])
    return Given(args, named, targets)


def as_examples(batches: list[Given], shuffled: bool) -> Examples:
    """The examples of batches that were taken apart."""
    return Examples(batches, len(batches[0]), shuffled, together(batches))
