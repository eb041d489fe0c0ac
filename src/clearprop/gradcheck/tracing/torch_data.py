"""torch.utils.data and torchvision, for programs that differentiate by hand and only have their batches from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.invented_data import InventedData
from clearprop.gradcheck.tracing.torch_standin import tensor_of
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import leaf

COLLECTIONS: Final = {"MNIST": 10, "FashionMNIST": 10, "KMNIST": 10, "QMNIST": 10, "CIFAR10": 10, "CIFAR100": 10, "SVHN": 10}
BRIGHTEST: Final = 255.0


class ExampleSet:
    """A collection of examples; a program's own has `__len__` and `__getitem__`."""

    def __add__(self, other: Any) -> Any:
        return Subset([self[k] for k in range(len(self))] + [other[k] for k in range(len(other))], None)  # type: ignore[index, arg-type]


class TensorDataset(ExampleSet):
    """Examples that are the rows of tensors."""

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(each[index] for each in self.tensors)


class Subset(ExampleSet):
    """Some examples of a collection."""

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset = dataset
        self.indices = list(range(len(dataset))) if indices is None else [int(k) for k in plain(indices)]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[int(plain(index))]]


class DataLoader:
    """Batches of a collection, one after the other, in order: a shuffled order is as good as another."""

    def __init__(
        self, dataset: Any, batch_size: Any = 1, shuffle: Any = None, *args: Any, drop_last: bool = False, **kwargs: Any
    ) -> None:
        self.dataset, self.batch_size, self.drop_last = dataset, min(int(batch_size or 1), max(len(dataset), 1)), drop_last

    def __len__(self) -> int:
        return max(len(self.dataset) // self.batch_size, 1)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = range(start, min(start + self.batch_size, len(self.dataset)))
            if isinstance(self.dataset, (TensorDataset, Pictures)):
                yield list(self.dataset[slice(rows.start, rows.stop)])
            else:
                yield collated([self.dataset[k] for k in rows])


def collated(examples: list[Any]) -> Any:
    """A batch of examples: each of their parts as one tensor."""
    first = examples[0]
    if isinstance(first, (tuple, list)):
        return [collated([example[k] for example in examples]) for k in range(len(first))]
    if isinstance(first, dict):
        return {key: collated([example[key] for example in examples]) for key in first}
    if isinstance(first, Traced):
        return tensor_of(call(np.stack, (examples,), {"axis": 0}))
    return tensor_of(leaf(np.asarray(examples), "data"))


def random_split(dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> list[Subset]:
    """Parts of a collection, in order; their lengths are fitted to the number of examples that were invented."""
    sizes = [float(plain(n)) for n in lengths]
    total = sum(sizes) or 1.0
    ends = np.round(np.cumsum(sizes) / total * len(dataset)).astype(int).tolist()
    return [Subset(dataset, range(a, max(b, a + 1))) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


class Pictures(ExampleSet):
    """A collection of torchvision's: invented pictures between 0 and 1, and their classes.

    Attributes
    ----------
    data, targets : Tensor
        The pictures with numbers from 0 to 255, and the classes.
    """

    def __init__(self, name: str, data: InventedData, transform: Any = None) -> None:
        kind = "cifar" if name in ("CIFAR10", "CIFAR100", "SVHN") else "mnist"
        raw, classes = (np.asarray(plain(data.named(role, f"{kind} of torchvision"))) for role in ("X", "Y"))
        raw, classes = raw.reshape(len(raw), *((28, 28) if kind == "mnist" else (32, 32, 3))), classes.reshape(-1)
        self.data = self.train_data = self.test_data = tensor_of(leaf(raw, "data"))
        self.targets = self.labels = self.train_labels = self.test_labels = tensor_of(leaf(classes, "data"))
        shown = raw[:, None] if kind == "mnist" else raw.transpose(0, 3, 1, 2)
        self.shown = tensor_of(leaf(shown / BRIGHTEST, "data"))
        self.transform = transform if isinstance(transform, (Compose, Lambda)) else None
        self.classes = [str(k) for k in range(COLLECTIONS.get(name, 10))]

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        shown = self.shown[index]
        if self.transform is None:
            return shown, self.targets[index]
        if isinstance(index, slice):
            parts = [self.transform(self.shown[k]) for k in range(*index.indices(len(self)))]
            return tensor_of(call(np.stack, (parts,), {"axis": 0})), self.targets[index]
        return self.transform(shown), int(plain(self.targets[index]))


class Lambda:
    """A function of the program's own that is applied to each picture."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, picture: Any) -> Any:
        return self.function(picture)


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = [each for each in transforms if isinstance(each, Lambda)]

    def __call__(self, picture: Any) -> Any:
        for each in self.transforms:
            picture = each(picture)
        return picture


class Unchanged:
    """A transform that leaves a picture as it is: its numbers are between 0 and 1 already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, picture: Any) -> Any:
        return picture


def torch_utils() -> ModuleType:
    """The module torch.utils."""
    module: Any = ModuleType("torch.utils")
    module.data = data = ModuleType("torch.utils.data")
    parts = {
        "Dataset": ExampleSet, "IterableDataset": ExampleSet, "TensorDataset": TensorDataset, "Subset": Subset,
        "DataLoader": DataLoader, "random_split": random_split,
    }  # fmt: skip
    vars(data).update(parts)
    return module


def torchvision_standin(data: InventedData) -> ModuleType:
    """The module torchvision, whose collections are invented."""
    module: Any = ModuleType("torchvision")
    module.datasets, module.transforms = ModuleType("torchvision.datasets"), ModuleType("torchvision.transforms")
    for name in COLLECTIONS:

        def collection(*args: Any, name: str = name, transform: Any = None, **kwargs: Any) -> Pictures:
            return Pictures(name, data, transform)

        setattr(module.datasets, name, collection)
    module.transforms.Compose, module.transforms.Lambda = Compose, Lambda
    module.transforms.__getattr__ = lambda name: Unchanged
    return module
