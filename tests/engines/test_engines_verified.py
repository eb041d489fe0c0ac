"""What you read is what runs: an edit, a subclass and a monkeypatch take effect, whatever the engine."""

from __future__ import annotations

import ast
import compileall
import importlib.util
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import ENGINES, Batch
from clearprop.engines.compiled import verified
from clearprop.errors import UnsupportedError
from clearprop.nn.activations import Activation
from clearprop.optim import Optimizer

PACKAGE = Path(cp.__file__).parent
X, Y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3


class PatchedError(Exception):
    """Raised by whatever a test puts in the place of a function."""


def broken(*given: Any, **named: Any) -> Any:
    raise PatchedError


def parts() -> tuple[cp.Net, cp.Loss, cp.optim.Optimizer]:
    return cp.mlp([2, 4, 3], hidden="tanh", dtype="float64"), cp.CrossEntropy(), cp.SGD(0.1)


def reason(net: cp.Net, loss: cp.Loss, optimizer: cp.optim.Optimizer) -> str | None:
    return ENGINES.make("compiled").supports(net, loss, optimizer)


# ---------------------------------------------------------------- monkeypatches

PATCHES: list[tuple[Any, str, str]] = [
    (cp.Linear, "forward", "Linear.forward"),
    (cp.Linear, "backward", "Linear.backward"),
    (cp.Layer, "check_input", "Linear.check_input"),
    (cp.CrossEntropy, "forward", "CrossEntropy.forward"),
    (cp.CrossEntropy, "backward", "CrossEntropy.backward"),
    (cp.CrossEntropy, "n_correct", "CrossEntropy.n_correct"),
    (cp.Tanh, "f", "Tanh.f"),
    (cp.Tanh, "df", "Tanh.df"),
    (Activation, "backward", "Tanh.backward"),
    (cp.SGD, "update", "SGD.update"),
    (Optimizer, "step", "SGD.step"),
    (cp.Net, "forward", "Net.forward"),
    (cp.Net, "backward", "Net.backward"),
    (sys.modules["clearprop.nn.cross_entropy"], "one_hot", "one_hot"),
]
OTHERS = [(cp.Dropout, "forward"), (cp.Dropout, "backward"), (cp.BatchNorm, "forward"), (cp.BatchNorm, "backward")]


@pytest.mark.parametrize(("owner", "name", "label"), PATCHES, ids=[label for *_, label in PATCHES])
def test_a_monkeypatch_takes_effect(owner: Any, name: str, label: str, monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr(owner, name, staticmethod(broken))
    net, loss, optimizer = parts()
    sentence = f"{label} is not the one that it was verified against (it was replaced)."
    assert reason(net, loss, optimizer) == sentence
    with caplog.at_level(logging.WARNING, "clearprop"), pytest.raises(PatchedError):
        cp.fit(net, (X, Y), loss=loss, optimizer=optimizer, epochs=1)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"Training on the engine 'batch'; 'compiled' cannot: {sentence}"
    with pytest.raises(UnsupportedError, match="cannot train this: " + label) as caught:
        cp.fit(net, (X, Y), loss=loss, optimizer=optimizer, epochs=1, engine="compiled")
    assert sentence in str(caught.value)
    monkeypatch.undo()
    assert reason(net, loss, optimizer) is None


@pytest.mark.parametrize(("owner", "name"), OTHERS, ids=[f"{owner.__name__}.{name}" for owner, name in OTHERS])
def test_a_monkeypatch_of_the_other_layers_takes_effect(owner: Any, name: str, monkeypatch: Any) -> None:
    net = cp.Net(cp.Linear(2, 4), cp.BatchNorm(4), cp.Dropout(0.2), cp.Linear(4, 3))
    assert reason(net, cp.CrossEntropy(), cp.SGD()) is None
    monkeypatch.setattr(owner, name, broken)
    label = f"{owner.__name__}.{name}"
    assert reason(net, cp.CrossEntropy(), cp.SGD()) == f"{label} is not the one that it was verified against (it was replaced)."
    with pytest.raises(PatchedError):
        cp.fit(net, (X, Y), epochs=1)


NAMED: dict[str, tuple[type[cp.Layer], str]] = {
    "SELU_ALPHA": (cp.SELU, "clearprop.nn.rectifiers"),
    "SELU_SCALE": (cp.SELU, "clearprop.nn.rectifiers"),
    "ROOT_2_PI": (cp.GELU, "clearprop.nn.gates"),
    "TANH_SCALE": (cp.GELUTanh, "clearprop.nn.gates"),
    "TANH_CUBIC": (cp.GELUTanh, "clearprop.nn.gates"),
    "LEAST": (cp.Tanh, "clearprop.nn.focal"),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_patch_of_a_number_takes_effect(name: str, monkeypatch: Any) -> None:
    """Also in a net that the kernel has trained already, whose machine code has the old number in it."""
    kind, module = NAMED[name]
    net, loss, optimizer = cp.Net(cp.Linear(2, 4), kind(), cp.Linear(4, 3), dtype="float64"), cp.Focal(gamma=0.5), cp.SGD(0.5)

    def trained(engine: str | None) -> Any:
        net.initialise(0)
        cp.fit(net, (X, Y), loss=loss, optimizer=optimizer, epochs=3, batch_size=4, engine=engine)
        return net.theta.copy()

    before = trained("compiled")
    monkeypatch.setattr(sys.modules[module], name, 0.9)
    assert reason(net, loss, optimizer) == f"{name} is not the one that it was verified against (it was replaced)."
    after = trained(None)
    np.testing.assert_array_equal(after, trained("batch"))
    assert np.abs(after - before).max() > 1e-3
    monkeypatch.undo()
    assert reason(net, loss, optimizer) is None


def test_a_patch_of_what_is_not_used_changes_nothing(monkeypatch: Any) -> None:
    for owner, name in ((cp.Sigmoid, "f"), (cp.MeanSquaredError, "df"), (cp.Adam, "update"), (cp.Linear, "initialise")):
        monkeypatch.setattr(owner, name, staticmethod(broken))
    net, loss, optimizer = cp.Net(cp.Linear(2, 3), cp.Tanh(), seed=None), cp.CrossEntropy(), cp.SGD()
    assert reason(net, loss, optimizer) is None


@pytest.mark.parametrize(
    ("part", "name"),
    [("layer", "forward"), ("layer", "backward"), ("net", "backward"), ("loss", "forward"), ("optimizer", "update")],
)
def test_a_method_of_one_object_takes_effect(part: str, name: str) -> None:
    net, loss, optimizer = parts()
    thing = {"layer": net[2], "net": net, "loss": loss, "optimizer": optimizer}[part]
    setattr(thing, name, broken)
    label = f"{type(thing).__name__}.{name}"
    assert reason(net, loss, optimizer) == f"{label} is not the one that it was verified against (it was replaced)."
    with pytest.raises(PatchedError):
        cp.fit(net, (X, Y), loss=loss, optimizer=optimizer, epochs=1)


def test_code_that_a_reload_exchanges_takes_effect(monkeypatch: Any) -> None:
    """IPython's autoreload puts new code into the old function."""
    net, loss, optimizer = parts()
    monkeypatch.setattr(cp.Linear.backward, "__code__", (lambda self, saved, dy: 1 / 0).__code__)
    assert "Linear.backward is not" in str(reason(net, loss, optimizer))
    with pytest.raises(ZeroDivisionError):
        cp.fit(net, (X, Y), epochs=1)


def test_methods_called_directly_say_it_too(monkeypatch: Any) -> None:
    net, loss, optimizer = parts()
    engine = ENGINES.make("compiled")
    monkeypatch.setattr(cp.CrossEntropy, "backward", broken)
    with pytest.raises(UnsupportedError, match=r"CrossEntropy\.backward is not the one"):
        engine.train_epoch(net, loss, optimizer, X, Y, np.arange(12), 4)
    with pytest.raises(UnsupportedError, match=r"CrossEntropy\.backward is not the one"):
        engine.loss_and_grad(net, loss, X, Y)
    monkeypatch.setattr(cp.CrossEntropy, "n_correct", lambda self, y_hat, y: 7.0)
    assert engine.loss_and_correct(net, loss, X, Y) == (pytest.approx(12 * loss(net(X), Y)), 7.0)


# ---------------------------------------------------------------- subclasses


def test_subclasses_take_effect() -> None:
    """Only the very classes are known; a subclass may compute anything. (The other engines: `test_engines_support`.)"""

    class DoubledLinear(cp.Linear):
        def backward(self, saved, dy):
            return 2 * super().backward(saved, dy)

    class DoubledSGD(cp.SGD):
        def step(self, theta, grad):
            super().step(theta, 2 * grad)

    net, loss, optimizer = parts()
    assert "DoubledLinear(4, 3)" in str(reason(cp.Net(cp.Linear(2, 4), DoubledLinear(4, 3)), loss, optimizer))
    assert "DoubledSGD()" in str(reason(net, loss, DoubledSGD()))


def test_a_net_of_ones_own() -> None:
    class Residual(cp.Net):
        def forward(self, X, training=False):
            y_hat, saved = super().forward(X, training)
            return y_hat + X, saved

    class Named(cp.Net):
        def name(self) -> str:
            return "named"

    _, loss, optimizer = parts()
    assert "Residual.forward is not the one" in str(reason(Residual(cp.Linear(3, 3)), loss, optimizer))
    assert reason(Named(cp.Linear(3, 3)), loss, optimizer) is None


def test_parameters_in_another_order_are_refused() -> None:
    net, loss, optimizer = parts()
    net[0].names = ("b", "W")
    assert reason(net, loss, optimizer) == "it expects the parameters of Linear(2, 4) to be W and b, in this order, not b, W."


# ---------------------------------------------------------------- edits of the source

RUN = """
import json, sys
import numpy as np
import clearprop as cp
from clearprop.engines.compiled.verified import unverified
net = cp.mlp([2, 4, 3], hidden="tanh", dtype="float64")
reason = unverified(net, *net.layers, cp.CrossEntropy(), cp.SGD())
X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3
if "fit" in sys.argv:
    cp.fit(net, (X, y), optimizer=cp.SGD(0.1), batch_size=4, epochs=2)
json.dump([reason, net.theta.tolist()], sys.stdout)
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: Any) -> Path:
    """The package, in a folder of its own."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "clearprop", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_in(folder: Path, *arguments: str) -> tuple[str | None, list[float], str]:
    """Reason and parameters from a process that imports the package from a folder, and what it wrote to stderr."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{RUN}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, theta = json.loads(done.stdout)
    return found, theta, done.stderr


def edit(folder: Path, path: str, old: str, new: str) -> Callable[[], None]:
    """Edit a file of the copy; returns how to undo it."""
    place = folder / "clearprop" / path
    source = place.read_text()
    assert old in source, "the edit must be made somewhere"
    place.write_text(source.replace(old, new, 1))
    return lambda: (place.write_text(source), None)[1]


def test_an_edited_file_takes_effect(copied: Path) -> None:
    """Twice the gradient at half the rate is the same step; the edit can only show if it runs."""
    undo = edit(copied, "nn/linear.py", "self.dW += x.T @ dy", "self.dW += 3 * (x.T @ dy)")
    try:
        found, theta, written = run_in(copied, "fit")
    finally:
        undo()
    assert found == "Linear.backward is not the one that it was verified against (its source was edited)."
    assert f"Training on the engine 'batch'; 'compiled' cannot: {found}" in written
    trained = []
    for factor in (3, 1):

        class Edited(cp.Linear):
            def backward(self, saved, dy, factor=factor):
                self.dW += factor * (saved.T @ dy)
                self.db += dy.sum(axis=0)
                return dy @ self.W.T

        net = cp.Net(Edited(2, 4), cp.Tanh(), Edited(4, 3), seed=None, dtype="float64")
        net.theta[:] = cp.mlp([2, 4, 3], hidden="tanh", dtype="float64").theta
        cp.fit(net, (X, Y), optimizer=cp.SGD(0.1), batch_size=4, epochs=2, engine="batch")
        trained.append(net.theta)
    np.testing.assert_allclose(theta, trained[0], rtol=1e-12)
    assert np.abs(trained[1] - trained[0]).max() > 1e-3


CE, LINEAR = "nn/cross_entropy.py", "nn/linear.py"
EDITS: dict[str, tuple[str, str, str, str | None]] = {
    "the derivative of a loss": (CE, "y.sum(axis=1, keepdims=True) - y)", "1.0 - y)", "CrossEntropy.backward"),
    "a word that is compared": (CE, 'self.reduction == "sum" else', 'self.reduction == "mean" else', "CrossEntropy.scale"),
    "a method that is gone": (CE, "def scale(self", "def factor(self", "CrossEntropy.scale"),
    "one from elsewhere": (LINEAR, "    def width(", "    backward = forward\n\n    def width(", "Linear.backward"),
    "a derivative that is compiled": ("nn/activations.py", "return 1.0 - a * a", "return 1.0 - a", "Tanh.df"),
    "one that this net does not use": ("nn/activations.py", "np.maximum(z, 0.0)", "np.where(z > 0, z, 0.1 * z)", "ReLU.f"),
    "an optimizer": ("optim/sgd.py", "v = momentum * v + g", "v = momentum * v - g", "SGD.update"),
    "the net": ("nn/net.py", "self._grad[:] = 0", "self._grad[:] = 1", "Net.zero_grad"),
    "a docstring": (LINEAR, "dW += x^T dy, db +=", "The gradients: dW += x^T dy, db +=", None),
    "a comment": (LINEAR, "        self.dW +=", "        # the outer products\n        self.dW +=", None),
    "an annotation": (LINEAR, "dy: Array) -> Array:", "dy: Any) -> Any:", None),
    "a message": ("nn/layer.py", "needs a batch of shape", "takes batches of shape", None),
    "a method that is not run": (LINEAR, "rng = np.random.default_rng(rng)", "rng = np.random.default_rng([1, 2])", None),
    "an optimizer that is not used": ("optim/adam.py", "return self.beta1,", "return self.beta2,", None),
}


@pytest.mark.parametrize(("path", "old", "new", "label"), EDITS.values(), ids=EDITS)
def test_edits(path: str, old: str, new: str, label: str | None, copied: Path) -> None:
    undo = edit(copied, path, old, new)
    try:
        found = run_in(copied)[0]
    finally:
        undo()
    assert found == (label and f"{label} is not the one that it was verified against (its source was edited).")


def test_without_sources_nothing_can_have_been_edited(copied: Path, tmp_path: Path) -> None:
    shutil.copytree(copied, tmp_path / "bare")
    for part in ("nn", "optim"):
        folder = tmp_path / "bare" / "clearprop" / part
        assert compileall.compile_dir(folder, quiet=1, legacy=True)
        for path in folder.glob("*.py"):
            path.unlink()
    assert run_in(tmp_path / "bare")[0] is None


def test_a_digest_is_the_same_in_every_version_of_python() -> None:
    source = (
        'def f(x: int, y=-1) -> int:\n    """Doc."""\n    if x:\n        raise ValueError(f"not {x}")  # why\n    return x[0]\n'
    )
    assert verified.canonical(ast.parse(source).body) == (
        "[FunctionDef(name='f',args=arguments(args=[arg(arg='x'),arg(arg='y')],"
        "defaults=[UnaryOp(op=USub(),operand=Constant(value=1))]),body=[If(test=Name(id='x'),body=[Raise()]),"
        "Return(value=Subscript(value=Name(id='x'),slice=Constant(value=0)))])]"
    )


# ---------------------------------------------------------------- the record


def renewing() -> Any:
    spec = importlib.util.spec_from_file_location("renew_verified", Path(__file__).with_name("renew_verified.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_record_is_that_of_the_sources() -> None:
    changed = renewing().changed()
    assert changed == [], (
        f"{', '.join(changed)} changed, so that the compiled engine is no longer used with it. If that is meant, see to it that"
        " the kernel does the same (clearprop/engines/compiled/__init__.py says where it has formulas of its own), and run"
        " `python tests/engines/renew_verified.py`, which records the change if the engines agree."
    )


def test_a_change_is_recorded_only_if_the_engines_agree(tmp_path: Path, monkeypatch: Any) -> None:
    record = tmp_path / "verified.json"
    computed = verified.computed()
    record.write_text(json.dumps(computed | {"Linear.backward": "0", "Linear.gone": "0"}))
    monkeypatch.setattr(verified, "DIGESTS", record)
    module, before = renewing(), record.read_text()
    assert module.changed() == ["Linear.backward", "Linear.gone"]
    assert not module.renew(lambda: False)
    assert record.read_text() == before
    assert module.renew(lambda: module.changed() == [])
    assert json.loads(record.read_text()) == computed


ENDINGS: dict[type[cp.Loss], list[cp.Layer]] = {
    cp.CrossEntropy: [],
    cp.NegativeLogLikelihood: [cp.Softmax()],
    cp.BinaryCrossEntropy: [cp.Sigmoid()],
    cp.BinaryCrossEntropyWithLogits: [],
    cp.MeanSquaredError: [],
}
OPTIMIZERS = [
    cp.SGD(0.1),
    cp.SGD(cp.StepDecay(0.1), momentum=0.9, nesterov=True, weight_decay=0.1, clip_norm=0.1),
    cp.AdaGrad(),
    cp.RMSProp(),
    cp.Adam(clip_norm=0.1),
]


def test_whatever_the_reference_calls_is_on_the_record() -> None:
    """Follow the engine `batch` through `nn` and `optim`: no function that it calls may be missing from `verified`."""
    called = set()

    def note(frame: Any, event: str, argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in ("nn", "optim"):
            called.add(frame.f_code)

    for kind, ending in ENDINGS.items():
        for optimizer in OPTIMIZERS:
            for hidden in ("sigmoid", "tanh", "relu"):
                between = [cp.nn.ACTIVATIONS.make(hidden), cp.BatchNorm(4), cp.Dropout(0.1)]
                layers = [cp.Linear(2, 4), *between[: 1 if kind is cp.MeanSquaredError else 3], cp.Linear(4, 3, bias=False)]
                net = cp.Net(*layers, *[layer.copy() for layer in ending])
                y = Y if kind in (cp.CrossEntropy, cp.NegativeLogLikelihood) else np.eye(3, dtype="float32")[Y]
                assert reason(net, kind(), optimizer) is None
                optimizer.reset()
                sys.setprofile(note)
                try:
                    Batch().train_epoch(net, kind(), optimizer, X, y, np.arange(12), 4)
                    Batch().loss_and_grad(net, kind(), X, y)
                    Batch().loss_and_correct(net, kind(), X, y)
                finally:
                    sys.setprofile(None)
    known = {found.code for kind in verified.ORIGINALS for found in verified.ORIGINALS[kind]}
    # The compiled engine reads these properties and asks for learning rates as well; a loss is made here.
    # `fit` asks a net for its biases, whatever the engine; weight decay that spares them is none of the kernel's.
    aside = ("__init__", "StepDecay.__call__", "Net.layers", "Net.theta", "Net.grad", "Net.biases", "Layer.parameters")
    names = {code.co_qualname.partition(".<locals>")[0] for code in called - known}
    own = {code.co_qualname for code in known}
    assert {name for name in names - own if not name.endswith(aside)} == set()


def test_what_is_compiled_refers_to_numpy_and_to_what_is_verified() -> None:
    """The digest of a function says nothing about what it refers to."""
    for kind in verified.METHODS:
        known = {"np", *(name for _, name in verified.HELPERS.get(kind, ())), *(name for _, name, _ in verified.NUMBERS[kind])}
        for name in set(verified.METHODS[kind]) & set(verified.SHARED):
            code = verified.original(kind, name).__code__
            assert {*code.co_names} & {*vars(sys.modules[kind.__module__])} <= known, f"{kind.__name__}.{name}"
            assert not code.co_freevars
    assert {name for _, name, _ in verified.NUMBERS[cp.GELU]} == {"UPPER_TAIL", "ROOT_2_PI"}
    assert {name for _, name, _ in verified.NUMBERS[cp.Focal]} >= {"LEAST", "FARTHEST"}
