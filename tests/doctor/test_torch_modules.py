"""PyTorch as people write it: what is computed is seen, however it is written, and sound programs are left in peace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clearprop.doctor import Diagnosis, diagnose_torch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = [
    pytest.mark.filterwarnings("ignore:Using a target size"), pytest.mark.filterwarnings("ignore:enable_nested_tensor"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def numbers(n: int = 256) -> tuple[Any, Any]:
    """Inputs (n, 8) and three classes that a straight cut tells apart."""
    generator = torch.Generator().manual_seed(0)
    X, W = torch.randn(n, 8, generator=generator), torch.randn(8, 3, generator=generator)
    return X, (X @ W).argmax(1)


def loader(*tensors: Any, size: int = 32, shuffle: bool = True, **rest: Any) -> Any:
    data = torch.utils.data.TensorDataset(*tensors)
    return torch.utils.data.DataLoader(data, batch_size=size, shuffle=shuffle, **rest)


def net(*parts: Any, seed: int = 0) -> Any:
    return nn.Sequential(*parts)


def mlp(outputs: int = 3, *ending: Any, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, outputs), *ending)


def adam(module: Any, lr: float = 0.01) -> Any:
    return torch.optim.Adam(module.parameters(), lr=lr)


class Functional(nn.Module):  # type: ignore[misc, name-defined]
    """Two linear layers and whatever functions stand between and behind them."""

    def __init__(self, inner: Callable[[Any], Any], outer: Callable[[Any], Any] = lambda z: z, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(8, 24), nn.Linear(24, outputs)
        self.inner, self.outer = inner, outer

    def forward(self, x: Any) -> Any:
        return self.outer(self.b(self.inner(self.a(x))))


def slugs(found: Diagnosis) -> list[str]:
    return [finding.slug for finding in found.findings]


@pytest.mark.parametrize("inner", [
    torch.relu, F.gelu, lambda x: x.clamp(min=0), lambda x: x * torch.sigmoid(x), lambda x: F.relu(x, inplace=True), torch.sin,
], ids=["relu", "gelu", "clamp", "gate", "inplace", "sin"])  # fmt: skip
def test_functions_are_activations(inner: Callable[[Any], Any]) -> None:
    X, y = numbers()
    module = Functional(inner)
    assert "no-nonlinearity" not in slugs(diagnose_torch(module, loader(X, y), F.cross_entropy, adam(module), epochs=12))


@pytest.mark.parametrize("inner", [lambda x: x, lambda x: 2 * x.view(x.shape) + 1, lambda x: F.dropout(x, 0.0)])
def test_what_stays_linear_is_named(inner: Callable[[Any], Any]) -> None:
    X, y = numbers()
    module = Functional(inner)
    first = diagnose_torch(module, loader(X, y), nn.CrossEntropyLoss(), adam(module), epochs=8).findings[0]
    assert first.slug == "no-nonlinearity"
    assert "layer 1 (a)" in first.sentence or "layers 1 and 2" in first.sentence


def test_a_narrow_middle_is_a_factorisation_and_no_fault() -> None:
    X, _ = numbers()
    torch.manual_seed(0)
    coder = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 8))
    found = diagnose_torch(coder, loader(X), nn.MSELoss(), adam(coder), epochs=8)
    assert "no-nonlinearity" not in slugs(found)
