"""Faulty programs of PyTorch, written as people write them, and the fixes that are right for each.

They follow the kinds of questions that are asked in public; `benchmarks.doctor_programs` counts in how many of them
`diagnose_torch` names an accepted fix first. A program that raises need not have a finding: a sentence is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from clearprop.doctor import Diagnosis, diagnose_torch
from support import doctor_net_programs as numbers

Make = Callable[[], nn.Module]


@dataclass(frozen=True)
class TorchProgram:
    """A faulty program.

    Attributes
    ----------
    accepted : tuple of str
        Findings whose remedy makes it work; "raises: WORDS" where a sentence with these words is wanted.
    module, data : callable
    loss : callable
    optimizer : callable
        Module -> optimizer.
    rest : dict
        As for `diagnose_torch`; `size` and `shuffle` of the loader.
    """

    accepted: tuple[str, ...]
    module: Make
    data: Callable[[], tuple[torch.Tensor, torch.Tensor]]
    loss: Callable[..., Any]
    optimizer: Callable[[nn.Module], Any]
    rest: dict[str, Any]

    def diagnose(self) -> Diagnosis:
        """What the doctor says."""
        torch.manual_seed(0)
        rest = dict(self.rest)
        loader = batches(*self.data(), size=rest.pop("size", 32), shuffle=rest.pop("shuffle", True))
        module = self.module()
        return diagnose_torch(module, loader, self.loss, self.optimizer(module), **{"epochs": 12, **rest})

    def right(self, found: Diagnosis) -> bool:
        """Whether an accepted fix is named first."""
        sentences = [item.removeprefix("raises: ") for item in self.accepted if item.startswith("raises: ")]
        if found.findings:
            return found.findings[0].slug in self.accepted
        return any(words in found.unknown for words in sentences)


def batches(*tensors: torch.Tensor, size: int = 32, shuffle: bool = True) -> Any:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=size, shuffle=shuffle)


def program(
    accepted: str, module: Make, data: Callable[[], tuple[torch.Tensor, torch.Tensor]], loss: Callable[..., Any],
    optimizer: Callable[[nn.Module], Any] | None = None, **rest: Any,
) -> TorchProgram:  # fmt: skip
    """A program; `accepted` lists slugs, or is "raises: WORDS"."""
    slugs = (accepted,) if accepted.startswith("raises: ") else tuple(accepted.split())
    return TorchProgram(slugs, module, data, loss, optimizer or adam(0.01), rest)


def adam(lr: float, **rest: Any) -> Callable[[nn.Module], Any]:
    return lambda module: torch.optim.Adam(module.parameters(), lr=lr, **rest)


def sgd(lr: float, **rest: Any) -> Callable[[nn.Module], Any]:
    return lambda module: torch.optim.SGD(module.parameters(), lr=lr, **rest)


# ---------------------------------------------------------------- data


def tensors(pair: numbers.Pair, kind: torch.dtype | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    X, y = (torch.as_tensor(a) for a in pair)
    return X.float(), (y if y.dtype == torch.int64 else y.float()) if kind is None else y.to(kind)


def classes() -> tuple[torch.Tensor, torch.Tensor]:
    return tensors(numbers.three_classes(400))


def yes() -> tuple[torch.Tensor, torch.Tensor]:
    return tensors(numbers.column(numbers.two_classes(400)))


def line() -> tuple[torch.Tensor, torch.Tensor]:
    return tensors(numbers.linear_numbers())


def flat(pair: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets (B,) instead of (B, 1)."""
    return pair[0], pair[1].reshape(len(pair[1]))


def images(scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Digits (B, 1, 8, 8) with pixels up to `scale`."""
    X, y = numbers.digits()
    return torch.as_tensor(X / 16 * scale).float().reshape(-1, 1, 8, 8), torch.as_tensor(y)


def series(n: int = 400, steps: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences (B, T, 2), and whether their first column mostly rises."""
    X = np.random.default_rng(0).normal(size=(n, steps, 2))
    return torch.as_tensor(X).float(), torch.as_tensor((X[:, :, 0].mean(1) > 0).astype(np.int64))


def words(n: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    T = torch.randint(0, 12, (n, 6), generator=torch.Generator().manual_seed(1))
    return T, (T == 3).any(1).long()


# ---------------------------------------------------------------- modules


def mlp(
    n_in: int = 8, n_out: int = 3, *ending: nn.Module, hidden: int = 24, between: Callable[[], nn.Module] = nn.ReLU
) -> Make:
    return lambda: nn.Sequential(nn.Linear(n_in, hidden), between(), nn.Linear(hidden, n_out), *ending)


class Net(nn.Module):
    """The module of every tutorial, with functions for activations."""

    def __init__(
        self, inner: Callable[..., Any] = F.relu, outer: Callable[..., Any] = lambda z: z, n_in: int = 8, n_out: int = 3
    ):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(n_in, 24), nn.Linear(24, n_out)
        self.inner, self.outer = inner, outer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.fc2(self.inner(self.fc1(x))))


class Convolutional(nn.Module):
    def __init__(self, outer: Callable[..., Any] = lambda z: z) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 12, 3, padding=1)
        self.fc, self.outer = nn.Linear(48, 10), outer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.outer(self.fc(x.flatten(1)))


class Listed(nn.Module):
    """Hidden layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(8, 24), nn.Linear(24, 24)]
        self.out = nn.Linear(24, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x)


class Cut(nn.Module):
    """A body whose features are taken off the graph on their way to the head."""

    def __init__(self, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.body, self.head, self.how = nn.Linear(8, 24), nn.Linear(24, 3), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.how(torch.relu(self.body(x))))


class Recurrent(nn.Module):
    """A recurrent classifier; `batch_first` is what people forget."""

    def __init__(self, kind: Callable[..., Any] = nn.LSTM, batch_first: bool = True, n_out: int = 2) -> None:
        super().__init__()
        self.rnn, self.fc = kind(2, 16, batch_first=batch_first), nn.Linear(16, n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.rnn(x)[0][:, -1])


class Tokens(nn.Module):
    def __init__(self, vocabulary: int = 12, outer: Callable[..., Any] = lambda z: z) -> None:
        super().__init__()
        self.embedding, self.fc, self.outer = nn.Embedding(vocabulary, 8), nn.Linear(48, 2), outer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.fc(self.embedding(x).flatten(1)))


def changed(make: Make, change: Callable[[nn.Module], Any]) -> Make:
    """A module of which something is changed after it was made."""

    def build() -> nn.Module:
        module = make()
        with torch.no_grad():
            change(module)
        return module

    return build


def fill(function: Callable[..., Any], *args: float) -> Callable[[nn.Module], Any]:
    return lambda module: [function(p, *args) for p in module.parameters() if p.dim() > 1]


def all_alike(module: nn.Module) -> None:
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.3)


def head_replaced(module: nn.Module) -> Any:
    """An optimizer that was made before the last layer was replaced."""
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    module[2] = nn.Linear(24, 3)  # type: ignore[operator]
    for parameter in module[0].parameters():  # type: ignore[index]
        parameter.requires_grad_(False)
    return optimizer


def deep(activation: Callable[[], nn.Module], depth: int = 8) -> Make:
    return lambda: nn.Sequential(
        nn.Linear(8, 24), activation(), *[part for _ in range(depth) for part in (nn.Linear(24, 24), activation())],
        nn.Linear(24, 3),
    )  # fmt: skip


def hits(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The share of errors, which has no gradient."""
    return (outputs.argmax(1) != targets).float().mean().requires_grad_()


def entropy_by_hand(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """A cross-entropy whose logarithm meets 0."""
    p = torch.softmax(100 * outputs, 1)
    return -torch.log(p[torch.arange(len(p)), targets]).mean()


CE, MSE, BCE, LOGITS, NLL = nn.CrossEntropyLoss(), nn.MSELoss(), nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.NLLLoss()
STEPS = "rate-too-low too-few-epochs"

PROGRAMS: dict[str, TorchProgram] = {
    # the last layer, the loss and the targets
    "F.softmax before CrossEntropyLoss": program(
        "double-softmax", lambda: Net(outer=lambda z: F.softmax(z, dim=1)), classes, CE, sgd(0.1)),
    "nn.Softmax before CrossEntropyLoss, images": program(
        "double-softmax", lambda: Convolutional(lambda z: torch.softmax(z, -1)), images, CE, epochs=5),
    "softmax before NLLLoss": program("output-mismatch", lambda: Net(outer=lambda z: F.softmax(z, dim=1)), classes, NLL),
    "raw scores before NLLLoss": program("output-mismatch", Convolutional, images, NLL, epochs=4),
    "log_softmax over the batch": program("output-mismatch", lambda: Net(outer=lambda z: F.log_softmax(z, 0)), classes, NLL),
    "softmax over the batch": program(
        "output-mismatch double-softmax", lambda: Net(outer=lambda z: F.softmax(z, 0)), classes, CE),
    "softmax over one unit": program("one-unit-softmax output-mismatch", mlp(8, 1, nn.Softmax(dim=1)), yes, BCE),
    "one output under CrossEntropyLoss": program(
        "one-unit-softmax output-mismatch label-encoding", mlp(8, 1), lambda: tensors(numbers.two_classes(400)), CE),
    "sigmoid before BCEWithLogitsLoss": program(
        "output-mismatch", lambda: Net(outer=torch.sigmoid, n_out=1), yes, LOGITS, sgd(0.1)),
    "no sigmoid before BCELoss": program("output-mismatch", mlp(8, 1), yes, BCE),
    "ReLU before CrossEntropyLoss": program(
        "output-mismatch", lambda: Convolutional(F.relu), images, CE, sgd(0.05), epochs=6),
    "ReLU behind a regression": program("output-mismatch", mlp(6, 1, nn.ReLU()), line, MSE),
    "sigmoid for prices": program(
        "output-mismatch label-encoding", mlp(3, 1, nn.Sigmoid()), lambda: tensors(numbers.standard(numbers.prices())), MSE),
    "squared error of yes and no": program("output-mismatch", mlp(8, 1, nn.Sigmoid()), yes, MSE, sgd(0.01)),
    "(B, 1) against (B,)": program("broadcast-outputs", mlp(6, 1), lambda: flat(line()), MSE),
    "(B, 1) against (B,), L1": program("broadcast-outputs", mlp(6, 1), lambda: flat(line()), nn.L1Loss()),
    "(B,) against (B, 1)": program("broadcast-outputs", mlp(6, 1, nn.Flatten(0)), line, nn.SmoothL1Loss()),
    "(B, 1) logits, (B,) labels": program("output-mismatch", mlp(8, 1), lambda: flat(yes()), LOGITS),
    "labels from 1": program("label-encoding", mlp(), lambda: (classes()[0], classes()[1] + 1), CE),
    "labels -1 and 1": program("label-encoding", mlp(8, 1, nn.Sigmoid()), lambda: (yes()[0], 2 * yes()[1] - 1), BCE),
    "labels as floats": program("label-encoding", mlp(), lambda: (classes()[0], classes()[1].float()), CE),
    "labels as integers, BCE": program("label-encoding", mlp(8, 1), lambda: (yes()[0], yes()[1].long()), LOGITS),
    "labels (B, 1) under CrossEntropyLoss": program(
        "label-encoding output-mismatch", mlp(), lambda: (classes()[0], classes()[1][:, None]), CE),
    "float64 inputs": program("raises: dtype", mlp(6, 1), lambda: (line()[0].double(), line()[1]), MSE),
    "autoencoder with a sigmoid": program(
        "output-mismatch", mlp(8, 8, nn.Sigmoid()), lambda: (classes()[0], classes()[0]), MSE),
    "probabilities under KLDivLoss": program(
        "output-mismatch", mlp(8, 3, nn.Softmax(1)), lambda: (classes()[0], F.one_hot(classes()[1], 3).float()),
        nn.KLDivLoss(reduction="batchmean")),
    # parameters that do not learn
    "layers in a list": program("frozen-parameter", Listed, classes, CE),
    "detach on the way": program("frozen-parameter", lambda: Cut(lambda h: h.detach()), classes, CE),
    "a tensor made anew": program("frozen-parameter", lambda: Cut(lambda h: torch.tensor(h.tolist())), classes, CE),
    "rounded features": program("frozen-parameter", lambda: Cut(torch.round), classes, CE, epochs=4),
    "a step for an activation": program("frozen-parameter", lambda: Cut(lambda h: (h > 0.5).float()), classes, CE, epochs=4),
    "rounded answers": program(
        "frozen-parameter", lambda: Net(outer=lambda z: torch.round(torch.sigmoid(z)), n_out=1), yes, MSE, epochs=4),
    "the share of errors as a loss": program("frozen-parameter", mlp(), classes, hits),
    "another model's optimizer": program("frozen-parameter", mlp(), classes, CE, lambda m: adam(0.01)(mlp()())),
    "a head that came after the optimizer": program("frozen-parameter", mlp(), classes, CE, head_replaced),
    "the body alone is optimised": program(
        "frozen-parameter", changed(mlp(), lambda m: nn.init.zeros_(m[2].weight)), classes, CE,
        lambda m: torch.optim.SGD(m[0].parameters(), lr=0.1)),
    "everything frozen": program(
        "frozen-parameter", changed(mlp(), lambda m: m.requires_grad_(False)), classes, CE),
    # data as it comes
    "pixels up to 255": program(
        "inputs-unscaled diverging", Convolutional, lambda: images(255), CE, sgd(0.1), epochs=5),
    "pixels up to 255, tanh": program(
        "inputs-unscaled saturated-units", lambda: nn.Sequential(nn.Flatten(), *mlp(64, 10, between=nn.Tanh)()),
        lambda: images(255), CE, sgd(0.1)),
    "prices as they are": program(
        "inputs-unscaled label-encoding", mlp(3, 1), lambda: tensors(numbers.prices()), MSE, adam(0.001)),
    "prices, NaN at once": program(
        "inputs-unscaled label-encoding diverging", mlp(3, 1), lambda: tensors(numbers.prices()), MSE, sgd(0.01)),
    "prices as targets": program(
        "label-encoding", mlp(3, 1), lambda: tensors(numbers.standard(numbers.prices())), MSE, adam(0.001)),
    "a sine over a long stretch": program(
        "inputs-unscaled saturated-units", mlp(1, 1, between=nn.Tanh), lambda: tensors(numbers.sine(500, 0, 60)), MSE,
        epochs=30),
    "a missing value": program(
        "inputs-nan", mlp(), lambda: (classes()[0].masked_fill(classes()[0] > 4, float("nan")), classes()[1]), CE),
    "classes one after the other": program(
        "sorted-rows", mlp(64, 10), lambda: tensors(numbers.in_order(numbers.standard(numbers.digits()))), CE, sgd(0.1),
        shuffle=False),
    "one in twenty-five": program("imbalance", mlp(4, 2), lambda: tensors(numbers.rare()), CE, sgd(0.05)),
    "the same label everywhere": program("label-encoding", mlp(), lambda: (classes()[0], torch.zeros(400).long()), CE),
    # weights, layers, regularisation
    "no activation": program(
        "no-nonlinearity", lambda: Net(inner=lambda h: h, n_in=2, n_out=2),
        lambda: tensors((numbers.xor(100)[0] * 2 - 1, numbers.xor(100)[1][:, 0].astype(np.int64))), CE, epochs=20),
    "zeros": program("constant-initialisation", changed(mlp(), fill(nn.init.zeros_)), classes, CE),
    "a constant": program("constant-initialisation", changed(mlp(), all_alike), classes, CE, sgd(0.05)),
    "N(0, 1) in eight layers": program(
        "initial-scale initial-loss exploding-gradients", changed(deep(nn.ReLU, 6), fill(nn.init.normal_)), classes, CE,
        adam(0.001)),
    "N(0, 1/1000) in four layers": program(
        "initial-scale vanishing-gradients", changed(deep(nn.ReLU, 3), fill(nn.init.normal_, 0.0, 0.01)), classes, CE,
        sgd(0.1)),
    "nine layers of sigmoids": program(
        "vanishing-gradients initial-scale", deep(nn.Sigmoid), classes, CE, sgd(0.1)),
    "biases of minus twenty": program(
        "dead-relus", changed(mlp(), lambda m: nn.init.constant_(m[0].bias, -20.0)), classes, CE, sgd(0.1)),
    "F.dropout without training": program(
        "dropout-at-evaluation", lambda: Net(inner=lambda h: F.dropout(F.relu(h), 0.5)), classes, CE),
    "dropout of 0.95": program(
        "strong-regularisation", lambda: nn.Sequential(
            nn.Linear(64, 24), nn.ReLU(), nn.Dropout(0.95), nn.Linear(24, 24), nn.ReLU(), nn.Dropout(0.95), nn.Linear(24, 10)),
        lambda: tensors(numbers.standard(numbers.digits())), CE, sgd(0.05)),
    "weight_decay=1": program("strong-regularisation", mlp(), classes, CE, adam(0.01, weight_decay=1.0)),
    "two hidden units": program(
        "underfitting", mlp(2, 2, hidden=2, between=nn.Tanh), lambda: tensors(numbers.rings()), CE, epochs=40),
    # steps
    "SGD at 50": program("diverging oscillating", mlp(), classes, CE, sgd(50.0)),
    "a regression, NaN in the first epoch": program("diverging nonfinite-loss", mlp(6, 1), line, MSE, sgd(3.0)),
    "Adam at 1": program("diverging oscillating dead-relus", Convolutional, images, CE, adam(1.0), epochs=5),
    "AdamW at 1e-7": program(
        "rate-too-low", mlp(), classes, CE, lambda m: torch.optim.AdamW(m.parameters(), lr=1e-7)),
    "SGD at 1e-5, images": program("rate-too-low", Convolutional, images, CE, sgd(1e-5), epochs=6),
    "momentum of 0.99 at 1": program("diverging oscillating dead-relus", mlp(), classes, CE, sgd(1.0, momentum=0.99)),
    "a sum over the batch": program(
        "summed-gradient diverging", mlp(), classes, nn.CrossEntropyLoss(reduction="sum"), sgd(0.5), size=64),
    "two epochs": program(STEPS, mlp(64, 10), lambda: tensors(numbers.standard(numbers.digits())), CE, sgd(0.01), epochs=2),
    "log of 0": program("nonfinite-loss output-mismatch diverging initial-loss", mlp(), classes, entropy_by_hand, adam(0.1)),
    # sequences
    "an LSTM and a rate of 5": program("diverging oscillating", Recurrent, series, CE, sgd(20.0)),
    "a GRU at 1e-6": program("rate-too-low", lambda: Recurrent(nn.GRU), series, CE, adam(1e-6)),
    "softmax behind an LSTM": program(
        "double-softmax", lambda: nn.Sequential(Recurrent(), nn.Softmax(1)), series, CE, sgd(0.05)),
    "softmax behind an embedding": program(
        "double-softmax", lambda: Tokens(outer=lambda z: z.softmax(1)), words, CE, sgd(0.05)),
    # programs that raise
    "words beyond the table": program("raises: num_embeddings", lambda: Tokens(8), words, CE),
    "images without a channel": program(
        "raises: channel", Convolutional, lambda: (images()[0].permute(0, 2, 3, 1), images()[1]), CE),
    "a width that is not there": program("raises: shape (8,)", mlp(9), classes, CE),
    "scores (B, T, C) under CrossEntropyLoss": program(
        "output-mismatch", lambda: nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3)),
        lambda: (series()[0], (series()[0][:, :, 0] > 0).long()), CE),
    "an LSTM's tuple": program("raises: tuple", lambda: nn.LSTM(2, 2, batch_first=True), series, CE),
    "a loss without reduction": program("raises: mean", mlp(), classes, nn.CrossEntropyLoss(reduction="none")),
}  # fmt: skip
