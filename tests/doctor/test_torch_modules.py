"""PyTorch as people write it: what is computed is seen, however it is written, and sound programs are left in peace."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from clearprop.doctor import Diagnosis, diagnose_torch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # PyTorch's, when a transformer is made


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


# ---------------------------------------------------------------- sound programs


class Words(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.out = nn.Embedding(10, 8), nn.Linear(48, 2)

    def forward(self, x: Any) -> Any:
        return self.out(self.embedding(x).flatten(1))


class Recurrent(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, kind: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.out = kind(2, 12, batch_first=True), nn.Linear(12, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.cell(x)[0][:, -1])


class Attention(nn.Module):  # type: ignore[misc, name-defined]
    """Two rounds of attention, written out: softmaxes that are no probabilities of classes, products that share an input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.out = nn.Linear(2, 12), nn.Linear(48, 3)
        self.query, self.key, self.value = (nn.Linear(12, 12) for _ in range(3))

    def forward(self, x: Any) -> Any:
        h = self.embed(x)
        for _ in range(2):
            weights = torch.softmax(self.query(h) @ self.key(h).transpose(1, 2) / 3.5, -1)
            h = F.layer_norm(h + weights @ self.value(h), (12,))
        return self.out(h.flatten(1))


def sequences() -> tuple[Any, Any]:
    X, y = numbers()
    return X.reshape(-1, 4, 2), y


def words() -> tuple[Any, Any]:
    T = torch.randint(0, 10, (256, 6), generator=torch.Generator().manual_seed(0))
    return T, (T == 3).any(1).long()


def normalised() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Linear(16, 16), nn.LayerNorm(16), nn.ReLU(inplace=True),
        nn.Linear(16, 16), nn.GroupNorm(4, 16), nn.SiLU(), nn.Linear(16, 3),
    )  # fmt: skip


def transformer() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(8, 3)
    )


def focal(outputs: Any, targets: Any) -> Any:
    loss = F.cross_entropy(outputs, targets, reduction="none")
    return ((1 - torch.exp(-loss)) ** 2 * loss).mean()


SOUND: dict[str, tuple[Callable[[], Any], Callable[[], tuple[Any, Any]], Any]] = {
    "embedding": (Words, words, nn.CrossEntropyLoss()),
    "lstm": (lambda: Recurrent(nn.LSTM), sequences, nn.CrossEntropyLoss()),
    "gru": (lambda: Recurrent(nn.GRU), sequences, nn.CrossEntropyLoss()),
    "attention": (Attention, sequences, nn.CrossEntropyLoss()),
    "transformer": (transformer, numbers, nn.CrossEntropyLoss()),
    "norms": (normalised, numbers, nn.CrossEntropyLoss()),
    "smoothing": (mlp, numbers, nn.CrossEntropyLoss(label_smoothing=0.2)),
    "focal": (mlp, numbers, focal),
    "margin": (mlp, numbers, nn.MultiMarginLoss()),
    "nll": (lambda: mlp(3, nn.LogSoftmax(1)), numbers, nn.NLLLoss()),
    "log of softmax": (lambda: Functional(torch.relu, lambda z: torch.log(torch.softmax(z, 1))), numbers, F.nll_loss),
    "log-softmax twice": (lambda: mlp(3, nn.LogSoftmax(1)), numbers, nn.CrossEntropyLoss()),
    "l1": (lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, :1]), nn.L1Loss()),
    "huber": (lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, :1]), nn.SmoothL1Loss()),
    "by hand": (lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, :1]), lambda a, b: ((a - b) ** 2).mean()),
    "yes or no": (
        lambda: mlp(1, nn.Flatten(0)), lambda: (numbers()[0], (numbers()[1] > 0).float()), nn.BCEWithLogitsLoss(),
    ),
    "several labels": (mlp, lambda: (numbers()[0], F.one_hot(numbers()[1], 3).float()), nn.BCEWithLogitsLoss()),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_program_is_left_in_peace(name: str) -> None:
    make, data, loss = SOUND[name]
    module = make()
    assert slugs(diagnose_torch(module, loader(*data()), loss, adam(module), epochs=25)) == []


def test_batches_of_all_forms_are_taken_apart() -> None:
    X, y = numbers()
    batches = list(loader(X, y))
    for form in (
        [{"x": a, "y": b} for a, b in batches], [{"input": a, "labels": b} for a, b in batches],
        [(a, torch.ones(len(a)), b) for a, b in batches], [(a, b, torch.ones(len(a))) for a, b in batches],
    ):  # fmt: skip
        module = mlp()
        assert diagnose_torch(module, form, nn.CrossEntropyLoss(), adam(module), epochs=10).healthy


@pytest.mark.parametrize(
    "name", ["AdamW", "NAdam", "RAdam", "Adagrad", "Adadelta", "Adamax", "RMSprop", "ASGD", "Rprop", "SGD"]
)
def test_every_optimizer_is_copied(name: str) -> None:
    X, y = numbers()
    module = mlp()
    optimizer = getattr(torch.optim, name)(module.parameters(), lr=0.02)
    found = diagnose_torch(module, loader(X, y), nn.CrossEntropyLoss(), optimizer, epochs=2)
    row = found.chart.one("settings")
    assert (row["optimizer"], row["lr"]) == (name, 0.02)
    assert len(found.chart.column("scores", "train")) == 3


def test_lbfgs_gets_its_closure() -> None:
    X, y = numbers()
    module = mlp()
    found = diagnose_torch(module, [(X, y)], nn.CrossEntropyLoss(), torch.optim.LBFGS(module.parameters(), lr=0.5), epochs=4)
    assert found.chart.final < 0.3
    assert found.healthy


def test_each_group_keeps_its_own_rate() -> None:
    X, y = numbers()
    module = mlp()
    groups = [{"params": module[0].parameters(), "lr": 1e-6}, {"params": module[2].parameters(), "lr": 3e-2}]
    found = diagnose_torch(module, loader(X, y), nn.CrossEntropyLoss(), torch.optim.Adam(groups), epochs=20)
    assert found.chart.one("settings")["rates"] == [1e-6, 3e-2]
    assert found.healthy


def test_what_is_frozen_on_purpose_is_no_fault() -> None:
    X, y = numbers()
    module = mlp()
    module[0].requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=0.02)
    assert diagnose_torch(module, loader(X, y), nn.CrossEntropyLoss(), optimizer, epochs=20).healthy


def test_the_default_number_of_epochs_is_held_against_nobody() -> None:
    X, y = numbers()
    module = mlp()
    for epochs, said in ((None, []), (5, ["too-few-epochs"])):
        found = diagnose_torch(module, list(loader(X, y, size=128)), nn.CrossEntropyLoss(), adam(module, 0.005), epochs=epochs)
        assert slugs(found) == said


# ---------------------------------------------------------------- faulty programs


def yes() -> Any:
    X, _ = numbers()
    return (X[:, :1] * X[:, 1:2] > 0).float()


class Kept(nn.Module):  # type: ignore[misc, name-defined]
    """Layers in a plain list, which PyTorch does not see."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.out = [nn.Linear(8, 24), nn.Linear(24, 24)], nn.Linear(24, 3)

    def forward(self, x: Any) -> Any:
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


def dead() -> Any:
    module = mlp()
    nn.init.constant_(module[0].bias, -30.0)
    return module


def zeros() -> Any:
    module = mlp()
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def with_nan() -> tuple[Any, Any]:
    X, y = numbers()
    X[3, 2] = float("nan")
    return X, y


CE, MSE, BCE, LOGITS = nn.CrossEntropyLoss(), nn.MSELoss(), nn.BCELoss(), nn.BCEWithLogitsLoss()
SGD = torch.optim.SGD
FAULTY: dict[str, tuple[str, str, Callable[[], Any], Callable[[], tuple[Any, Any]], Any, Any]] = {
    # name: finding, words of its sentence, module, data, loss, optimizer (None: Adam)
    "softmax as a function": (
        "double-softmax", "is a softmax", lambda: Functional(torch.relu, lambda z: F.softmax(z, 1)), numbers, CE, None,
    ),
    "softmax and log-softmax": (
        "double-softmax", "twice", lambda: mlp(3, nn.Softmax(1), nn.LogSoftmax(1)), numbers, nn.NLLLoss(), None,
    ),
    "softmax and NLLLoss": (
        "output-mismatch", "logarithm is missing", lambda: mlp(3, nn.Softmax(1)), numbers, nn.NLLLoss(), None,
    ),
    "scores and NLLLoss": ("output-mismatch", "log_softmax is missing", mlp, numbers, F.nll_loss, None),
    "log-softmax over the batch": (
        "output-mismatch", "over dimension 0", lambda: mlp(3, nn.LogSoftmax(0)), numbers, nn.NLLLoss(), None,
    ),
    "sigmoid and logits": (
        "output-mismatch", "sigmoid is applied twice",
        lambda: mlp(1, nn.Sigmoid()), lambda: (numbers()[0], yes()), LOGITS, None,
    ),
    "BCE of scores": ("output-mismatch", "sigmoid is missing", lambda: mlp(1), lambda: (numbers()[0], yes()), BCE, None),
    "BCE behind a ReLU": (
        "output-mismatch", "ends in ReLU", lambda: mlp(1, nn.ReLU()), lambda: (numbers()[0], yes()), BCE, None,
    ),
    "sigmoid and cross-entropy": ("output-mismatch", "ends in Sigmoid", lambda: mlp(3, nn.Sigmoid()), numbers, CE, None),
    "squared error of classes": (
        "output-mismatch", "2 classes", lambda: mlp(1, nn.ReLU()), lambda: (numbers()[0], yes()), MSE, None,
    ),
    "tanh that cannot reach": (
        "output-mismatch", "between -1 and 1",
        lambda: mlp(1, nn.Tanh()), lambda: (numbers()[0], 3 * numbers()[0][:, :1]), MSE, None,
    ),
    "logits (B, 1) and labels (B,)": (
        "output-mismatch", "(32, 1), the targets (32,)", lambda: mlp(1), lambda: (numbers()[0], yes()[:, 0]), LOGITS, None,
    ),
    "(B, 1) and (B,)": (
        "broadcast-outputs", "1024 pairs", lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, 0]), MSE, None,
    ),
    "(B, 1) and (B,), by hand": (
        "broadcast-outputs", "1024 pairs", lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, 0]),
        lambda a, b: ((a - b) ** 2).mean(), None,
    ),
    "softmax over one unit": (
        "one-unit-softmax", "softmax over one unit", lambda: mlp(1, nn.Softmax(1)), lambda: (numbers()[0], yes()), BCE, None,
    ),
    "a class too many": ("label-encoding", "1 ... 3", mlp, lambda: (numbers()[0], numbers()[1] + 1), CE, None),
    "too few outputs": ("label-encoding", "0 ... 1, one for each output", lambda: mlp(2), numbers, CE, None),
    "minus one and one": ("label-encoding", "-1 and 1", lambda: mlp(1), lambda: (numbers()[0], 2 * yes() - 1), LOGITS, None),
    "classes as floats": ("label-encoding", "int64", mlp, lambda: (numbers()[0], numbers()[1].float()), CE, None),
    "one class": ("label-encoding", "All 256 targets are 0", mlp, lambda: (numbers()[0], 0 * numbers()[1]), CE, None),
    "NaN": ("inputs-nan", "1 of the training inputs", mlp, with_nan, CE, None),
    "unscaled": (
        "inputs-unscaled", "root mean square", mlp, lambda: (300 * numbers()[0] + 50, numbers()[1]), CE,
        lambda m: SGD(m.parameters(), lr=0.05),
    ),
    "layers in a list": ("frozen-parameter", "no parameter of the module", Kept, numbers, CE, None),
    "detached": (
        "frozen-parameter", "No gradient reaches a.weight",
        lambda: Functional(lambda x: torch.relu(x).detach()), numbers, CE, None,
    ),
    "another model's parameters": (
        "frozen-parameter", "none of the module's parameters", mlp, numbers, CE, lambda m: adam(mlp()),
    ),
    "dropout at evaluation": (
        "dropout-at-evaluation", "still drops", lambda: Functional(lambda x: F.dropout(torch.relu(x), 0.5)), numbers, CE, None,
    ),
    "dead": ("dead-relus", "All 24 ReLUs", dead, numbers, CE, None),
    "zeros": ("constant-initialisation", "layer 1 (0)", zeros, numbers, CE, None),
    "summed": (
        "summed-gradient", "32 x 1 = 32",
        mlp, numbers, nn.CrossEntropyLoss(reduction="sum"), lambda m: SGD(m.parameters(), lr=1.0),
    ),
    "decay": (
        "strong-regularisation", "weight_decay=1", mlp, numbers, CE, lambda m: SGD(m.parameters(), lr=0.1, weight_decay=1.0),
    ),
    "rate of 60": (
        "diverging", "learning rate 60 is too high", lambda: mlp(1), lambda: (numbers()[0], numbers()[0][:, :1]), MSE,
        lambda m: SGD(m.parameters(), lr=60.0),
    ),
    "rate of 1e-7": ("rate-too-low", "learning rate 1e-07 is too low", mlp, numbers, CE, lambda m: adam(m, 1e-7)),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_named_first(name: str) -> None:
    slug, words, make, data, loss, optimizer = FAULTY[name]
    module = make()
    made = adam(module) if optimizer is None else optimizer(module)
    found = diagnose_torch(module, loader(*data()), loss, made, epochs=15)
    assert slugs(found)[:1] == [slug], str(found)
    assert words in found.findings[0].sentence
    treatment = found.findings[0].treatment
    easy = name in ("softmax and NLLLoss", "squared error of classes")  # learned all the same, of such easy data
    assert treatment is None or treatment.helped or easy


def test_sorted_rows_are_found_in_a_loader_that_does_not_shuffle() -> None:
    X, y = numbers()
    order = y.argsort()
    module = mlp()
    found = diagnose_torch(module, loader(X[order], y[order], shuffle=False), CE, adam(module), epochs=10)
    assert slugs(found)[0] == "sorted-rows"


def test_a_second_softmax_costs_what_the_treatment_says() -> None:
    X, y = numbers()
    module = Functional(torch.relu, lambda z: torch.softmax(z, 1))
    first = diagnose_torch(module, loader(X, y), CE, adam(module), epochs=15).findings[0]
    assert first.treatment is not None
    assert first.treatment.after[-1]["train"] < first.treatment.before[-1]["train"] - 0.05


# ---------------------------------------------------------------- programs that raise


def batch_of_one() -> tuple[Any, Any]:
    X, y = numbers()
    return X[:65], y[:65]


RAISING: dict[str, tuple[str, Callable[[], Any], Callable[[], Any], Any]] = {
    "wrong width": ("shape (8,)", lambda: nn.Sequential(nn.Linear(9, 3)), lambda: loader(*numbers()), CE),
    "integers": ("x.float()", mlp, lambda: loader((numbers()[0] * 10).long(), numbers()[1]), CE),
    "a batch of one": ("drop_last=True", normalised, lambda: loader(*batch_of_one(), shuffle=False), CE),
    "a tuple": ("answers with a tuple", lambda: nn.LSTM(2, 3, batch_first=True), lambda: loader(*sequences()), CE),
    "not reduced": ("take its mean", mlp, lambda: loader(*numbers()), nn.CrossEntropyLoss(reduction="none")),
    "no batches": ("gives no batches", mlp, list, CE),
    "a generator": ("only once", mlp, lambda: (batch for batch in loader(*numbers())), CE),
    "a class for a loss": ("loss_fn must be", mlp, lambda: loader(*numbers()), nn.CrossEntropyLoss),
}


@pytest.mark.parametrize("name", RAISING)
def test_what_raises_is_told_in_a_sentence(name: str) -> None:
    words, make, data, loss = RAISING[name]
    module = make()
    found = diagnose_torch(module, data(), loss, adam(module), epochs=3)
    assert found.status == 2
    assert words in found.unknown
    assert "\n" not in found.unknown


def test_no_optimizer_is_told_in_a_sentence() -> None:
    assert "optimizer must be a torch.optim.Optimizer; got None" in diagnose_torch(mlp(), [], CE, None).unknown


# ---------------------------------------------------------------- nothing is changed


def trained_a_little() -> tuple[Any, Any, Any]:
    """A module in evaluation mode with buffers and gradients, an optimizer with momenta, and a loader with a generator."""
    X, y = numbers()
    module = normalised()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    batches = loader(X, y, generator=torch.Generator().manual_seed(5))
    for a, b in batches:
        optimizer.zero_grad()
        CE(module(a), b).backward()
        optimizer.step()
    return module.eval(), optimizer, batches


STATES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "weights and buffers": lambda m, o, b: {k: v.clone() for k, v in m.state_dict().items()},
    "gradients": lambda m, o, b: {k: p.grad.clone() for k, p in m.named_parameters()},
    "mode": lambda m, o, b: [part.training for part in m.modules()],
    "optimizer": lambda m, o, b: str(o.state_dict()),
    "hooks": lambda m, o, b: [(len(p._forward_hooks), len(p._forward_pre_hooks), len(p._backward_hooks)) for p in m.modules()],
    "requires_grad": lambda m, o, b: [p.requires_grad for p in m.parameters()],
    "PyTorch's random state": lambda m, o, b: torch.random.get_rng_state().clone(),
    "the loader's generator": lambda m, o, b: b.generator.get_state().clone(),
    "NumPy's random state": lambda m, o, b: torch.as_tensor(np.random.get_state()[1].astype("int64")),  # noqa: NPY002
    "Python's random state": lambda m, o, b: random.getstate(),
}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(torch.equal(a, b)) if isinstance(a, torch.Tensor) else bool(a == b)


@pytest.fixture(scope="module")
def before_and_after() -> dict[str, tuple[Any, Any]]:
    module, optimizer, batches = trained_a_little()
    seen: list[Any] = []
    module.register_forward_hook(lambda *args: seen.append(1))
    before = {name: state(module, optimizer, batches) for name, state in STATES.items()}
    diagnose_torch(module, batches, CE, optimizer, epochs=2)
    assert not seen, "the person's hooks are not called by the copies"
    return {name: (before[name], state(module, optimizer, batches)) for name, state in STATES.items()}


@pytest.mark.parametrize("name", STATES)
def test_nothing_of_the_persons_is_changed(name: str, before_and_after: dict[str, tuple[Any, Any]]) -> None:
    before, after = before_and_after[name]
    assert same(before, after)
