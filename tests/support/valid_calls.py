"""Valid arguments of every public callable, found by reflection, so that one of them at a time can be replaced by a bad one."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import clearprop as cp
from clearprop.data.scaling import Scaling
from clearprop.training.outcome import train
from clearprop.training.settings import settings_for
from clearprop.training.setup import set_up
from support.bad_values import circle_points

NAMES = "data descent doctor engines export gradcheck metrics nn optim plots recipes report studies sweeps training walkthrough"
PACKAGES = ["clearprop", *(f"clearprop.{name}" for name in NAMES.split())]
METHODS = {
    "Net": "__call__ initialise outputs predict astype restore save load from_config summary forward",
    "Linear": "__call__ initialise copy",
    "Dropout": "initialise",
    "BatchNorm": "initialise",
    "CrossEntropy": "__call__",
    "MeanSquaredError": "__call__",
    "SGD": "step",
    "Model": "of outputs probabilities predict save load export",
    "History": "to_jsonl from_jsonl plot __getitem__",
    "Encoder": "encode encode_target decode_target from_json",
    "Registry": "find make register",
    "Walkthrough": "text table html",
    "Store": "add finish",
}
"""Public methods of the classes that people hold in their hands."""
APART = {
    "clearprop.gradcheck.program_check": "starts a process for each program; its door is tested with the programs",
    "clearprop.gradcheck.tracing.function_classes": "needs PyTorch",
    "clearprop.gradcheck.asserting": "hands its arguments on to the checks",
    "clearprop.doctor.torch_diagnosis": "needs PyTorch",
    "clearprop.laboratory": "serves until Ctrl-C; its doors are tested in tests/laboratory",
    "clearprop.doctor.curves": "takes a file, a table or a list of any tool, with errors of its own",
    "clearprop.doctor.curve_tables": "takes a file, a table or a list of any tool, with errors of its own",
}
DEVELOPERS = {
    "Run", "Diagnosis", "Finding", "Remedy", "Treatment", "Case", "Steps", "EngineRegistry", "Table", "Picture", "Section",
    "Explanation", "Comparison", "Result", "Exhibits", "Line", "Stage", "Study", "Trial", "BasinMap", "Path", "examine",
    "recipe_report", "Walkthrough", "GradientReport", "Suspect", "TensorResult",
}  # fmt: skip
"""Records that the package makes itself."""


class Call(NamedTuple):
    """A callable, its name, and valid arguments."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[Path], dict[str, Any]]
    parameters: tuple[str, ...]


@cache
def outcome() -> Any:
    data = cp.data.load(circle_points(40), seed=0)
    return train(set_up(settings_for(data, epochs=1, engine="batch", patience=None), data))


@cache
def sweep_rows() -> tuple[dict[str, Any], ...]:
    return tuple(cp.sweeps.run_sweep(lambda seed, lr: {"val_loss": lr, "train_loss": lr}, {"lr": [0.1, 0.2]}))


def net() -> Any:
    return cp.mlp([2, 3, 2], hidden="tanh", dtype="float64")


ROWS = [{"epoch": 1, "train_loss": 0.7, "val_loss": 0.7}, {"epoch": 2, "train_loss": 0.5, "val_loss": 0.6}]
X, y = circle_points()
VALID: dict[str, Callable[[Path], Any]] = {
    "net": lambda _: net(),
    "nets": lambda _: [net(), net()],
    "data": lambda _: circle_points(),
    "dataset": lambda _: cp.data.load(circle_points(40)),
    "X": lambda _: X.copy(),
    "x": lambda _: X[:2].copy(),
    "y": lambda _: y.copy(),
    "y_hat": lambda _: np.zeros((12, 2)),
    "predicted": lambda _: y.copy(),
    "n_classes": lambda _: 2,
    "score": lambda _: np.linspace(0.0, 1.0, 12),
    "z": lambda _: X.copy(),
    "rng": lambda _: 0,
    "seed": lambda _: 0,
    "n": lambda _: 4,
    "n_in": lambda _: 2,
    "n_out": lambda _: 3,
    "batch_size": lambda _: 4,
    "epochs": lambda _: 1,
    "engine": lambda _: "batch",
    "sizes": lambda _: [2, 3, 2],
    "layers": lambda _: cp.Linear(2, 3),
    "dtype": lambda _: "float64",
    "source": lambda _: circle_points(40),
    "encoder": lambda _: cp.data.load(circle_points(40)).encoder,
    "function": lambda _: "bowl",
    "surface": lambda _: cp.descent.SURFACES.make("bowl"),
    "starts": lambda _: np.ones((3, 2)),
    "steps": lambda _: 3,
    "resolution": lambda _: 3,
    "rates": lambda _: [0.1],
    "optimizer": lambda _: "sgd",
    "path": lambda tmp: tmp / "file.jsonl",
    "rows": lambda _: [dict(row) for row in sweep_rows()],
    "lines": lambda _: [{"lr": 0.1, "mean": 1.0}],
    "metric": lambda _: "val_loss",
    "grid": lambda _: {"lr": [0.1, 0.2]},
    "make": lambda _: lambda seed, lr=0.1: {"loss": lr},
    "seeds": lambda _: 1,
    "loss": lambda _: cp.CrossEntropy(),
    "matrix": lambda _: np.eye(2),
    "classes": lambda _: ["a", "b"],
    "predict": lambda _: net(),
    "panels": lambda _: [],
    "W": lambda _: np.ones((4, 3)),
    "image_shape": lambda _: (2, 2),
    "images": lambda _: np.ones((12, 4)),
    "probabilities": lambda _: np.full((12, 2), 0.5),
    "table": lambda _: np.ones((2, 2)),
    "down": lambda _: [1, 2],
    "across": lambda _: [1, 2],
    "f": lambda _: lambda x, y: x + y,
    "box": lambda _: ((-1.0, 1.0), (-1.0, 1.0)),
    "paths": lambda _: {"a": np.zeros((3, 2))},
    "minima": lambda _: [(0.0, 0.0)],
    "low": lambda _: 0.1,
    "high": lambda _: 0.5,
    "slug": lambda _: "dead-relus",
    "theta": lambda _: np.ones(4),
    "grad": lambda _: np.ones(4),
    "t": lambda _: 1,
    "arrays": lambda _: net().arrays(),
    "raw": lambda _: X.copy(),
    "values": lambda _: cp.data.load(circle_points(40)).encoder.to_json(),
    "name": lambda _: "adam",
    "names": lambda _: ("", ""),
    "given": lambda _: "adam",
    "entry": lambda _: cp.SGD,
    "kind": lambda _: "thing",
    "base": lambda _: cp.Layer,
    "entries": lambda _: {},
    "splits": lambda _: {"train": cp.data.Split(X, y)},
    "features": lambda _: ("a", "b"),
    "inputs": lambda _: Scaling(),
    "drawing": lambda _: __import__("matplotlib.figure").figure.Figure(),
    "result": lambda _: None,
    "title": lambda _: "a title",
    "outcome": lambda _: outcome(),
    "configuration": lambda _: {"seed": 0},
    "command": lambda _: "clearprop train",
    "depths": lambda _: [1],
    "history": lambda _: cp.History(ROWS),
    "key": lambda _: 0,
    "config": lambda _: net().config(),
    "figure": lambda _: None,
    "ax": lambda _: None,
    "n_in_channels": lambda _: 1,
    "n_out_channels": lambda _: 2,
    "channels": lambda _: 1,
    "height": lambda _: 2,
    "width_of_image": lambda _: 3,
    "folder": lambda tmp: tmp / "events",
    "p": lambda _: np.full((12, 2), 0.5),
    "layer": lambda _: cp.Sigmoid(),
    "draw": lambda _: lambda figure, k: figure.text(0.5, 0.5, str(k)),
    "curves": lambda _: {"a run": [0.7, 0.6, 0.65]},
    "files": lambda _: [],
}
SPECIAL: dict[str, dict[str, Callable[[Path], Any]]] = {
    "run_sweep": {"fixed": lambda _: None, "jobs": lambda _: 1},
    "learning_curves": {"rows": lambda _: ROWS, "metric": lambda _: "loss"},
    "many_curves": {"rows": lambda _: [{**row, "run": 0} for row in ROWS]},
    "train_trial": {"data": lambda _: cp.data.load(circle_points(40)), "seed": lambda _: 0},
    "gradient_costs": {
        "rows": lambda _: [
            {"method": method, "parameters": P, "seconds": 0.1 * P, "evaluations": P, "error": 0.0}
            for P in (10, 20)
            for method in ("forward differences", "central differences", "back-propagation")
        ]
    },
    "step_times": {"rows": lambda _: [{"engine": "batch", "lines": 3, "microseconds": 5.0, "speed": 1.0}]},
    "boundary_grid": {"panels": lambda _: [("a", net())]},
    "basins": {"x": lambda _: np.arange(3.0), "y": lambda _: np.arange(3.0), "reached": lambda _: np.zeros((3, 3), int)},
    "regression_fit": {"y": lambda _: np.ones((3, 1)), "y_hat": lambda _: np.ones((3, 1))},
    "regression_metrics": {"y": lambda _: np.ones((3, 1)), "predicted": lambda _: np.ones((3, 1))},
    "bands": {"lines": lambda _: {"a": [{"lr": 0.1, "mean": 1, "low": 0, "high": 2}]}, "x": lambda _: "lr"},
    "published_against_obtained": {"lines": lambda _: [("a", 1.0, [1.0, 2.0])]},
    "pivot": {
        "lines": lambda _: [{"lr": 0.1, "size": 1, "mean": 1.0}],
        "across": lambda _: "lr",
        "down": lambda _: "size",
    },
    "check_gradient": {
        "f": lambda _: lambda x: float((x**2).sum()),
        "grad": lambda _: lambda x: 2 * x,
        "x": lambda _: np.ones(3),
    },
    "check_layer": {"layer": lambda _: cp.Linear(2, 3), "shape": lambda _: 2},
    "check_step": {
        "parameters": lambda _: [np.ones((2, 2)), np.ones(2)],
        "gradients": lambda _: [np.ones((2, 2)), np.ones(2)],
    },
    "Step": {},
    "explain": {"y": lambda _: y[:2].copy()},
    "Between": {},
    "Column": {"name": lambda _: "a"},
    "Dataset": {"name": lambda _: "mine"},
    "Model": {"name": lambda _: "mine"},
    "sweeps.read_rows": {"path": lambda tmp: tmp / "rows.jsonl"},
    "write_rows": {"path": lambda tmp: tmp / "new.jsonl"},
    "Net.load": {"path": lambda tmp: tmp / "net.safetensors"},
    "Net.from_config": {"path": lambda tmp: tmp / "net.safetensors"},
    "Model.load": {"path": lambda tmp: tmp / "model.safetensors"},
    "Model.of": {"data": lambda _: cp.data.load(circle_points(40))},
    "History.from_jsonl": {"path": lambda tmp: tmp / "rows.jsonl"},
    "History.plot": {"metric": lambda _: "loss"},
    "MeanSquaredError.__call__": {"y": lambda _: np.zeros((12, 2))},
    "save": {"path": lambda tmp: tmp / "figure.png"},
    "boundary": {"data": lambda _: circle_points()},
    "Checkpoint": {"path": lambda tmp: tmp / "run.ckpt"},
    "affordable": {},
    "Registry.register": {"name": lambda _: "sgd"},
    "Store.add": {"rows": lambda _: [{"trial": "a", "lr": 0.1}]},
    "Document.save": {},
    "sweep_report": {"source": lambda _: "circles"},
    "Accumulated": {"optimizer": lambda _: cp.SGD()},
    "Residual": {"layers": lambda _: cp.Linear(2, 2)},
    "lr_find": {"steps": lambda _: 10},
    "Model.export": {"path": lambda tmp: tmp / "model.py", "to": lambda _: "numpy"},
    "plots.reliability": {"rows": lambda _: [{"confidence": 0.9, "accuracy": 0.8, "examples": 10}]},
    "dependence": {"rows": lambda _: [{"column": "x", "output": "a", "value": v, "mean": v / 10} for v in (1.0, 2.0)]},
    "difference_errors": {"rows": lambda _: [{"step": h, "forward": h, "central": h**2} for h in (0.001, 0.01)]},
    "importance": {"rows": lambda _: [{"column": "x", "mean": 0.2, "std": 0.01}]},
    "landscape": {
        "u": lambda _: np.linspace(-1.0, 1.0, 4),
        "v": lambda _: np.linspace(-1.0, 1.0, 4),
        "loss": lambda _: 0.1 + np.arange(16.0).reshape(4, 4),
        "path": lambda _: np.array([[1.0, 1.0], [0.0, 0.0]]),
    },
    "rate_curve": {"rows": lambda _: [{"lr": lr, "loss": 0.7, "smooth": 0.7 - lr} for lr in (0.01, 0.1)]},
    "save_frames": {"n": lambda _: 2, "path": lambda tmp: tmp / "frames.gif", "size": lambda _: (1.0, 1.0)},
}
STUDY: dict[str, Callable[[Path], Any]] = {
    "data": lambda _: cp.data.load(circle_points(40)),
    "seeds": lambda _: 1,
    "hidden": lambda _: 2,
    "rates": lambda _: [0.1],
    "batches": lambda _: [10],
    "depths": lambda _: [0, 1],
    "activations": lambda _: ["tanh"],
    "units": lambda _: 2,
    "amounts": lambda _: [10],
    "inits": lambda _: ["zeros", "he"],
    "fixed": lambda _: {"epochs": 1, "engine": "batch"},
}
for study in ("batch_and_rate", "depth_and_activation", "examples", "initialisations", "learning_rates", "two_linear_layers",
              "zero_starts"):  # fmt: skip
    SPECIAL[study] = STUDY
for study in ("epochs", "train_against_validation"):
    SPECIAL[study] = STUDY | {"epochs": lambda _: 1, "fixed": lambda _: {"engine": "batch"}}


def prepare(folder: Path) -> None:
    """Files that the valid calls read."""
    net().save(folder / "net.safetensors")
    outcome().model.save(folder / "model.safetensors")
    (folder / "rows.jsonl").write_text('{"epoch": 1, "train_loss": 0.5}\n')


def public_calls() -> Iterator[Call]:
    """Every public function, constructor and method."""
    seen: set[int] = set()
    names: set[str] = set()
    for package in PACKAGES:
        module = import_module(package)
        own = [n for n, o in vars(module).items() if not n.startswith("_") and getattr(o, "__module__", "") == package]
        for name in getattr(module, "__all__", own):
            thing = getattr(module, name)
            home = getattr(thing, "__module__", "")
            if not callable(thing) or id(thing) in seen or not home.startswith("clearprop"):
                continue
            if (
                home.startswith(tuple(APART))
                or name in DEVELOPERS
                or (isinstance(thing, type) and issubclass(thing, BaseException))
            ):
                continue
            if not isinstance(thing, type) and not inspect.isfunction(thing):
                continue
            seen.add(id(thing))
            if not inspect.isabstract(thing):
                whole = f"{package.removeprefix('clearprop.')}.{name}" if name in names else name  # metrics, plots: reliability
                names.add(name)
                yield call_of(whole, thing)
    for name, methods in METHODS.items():
        for method in methods.split():
            yield call_of(f"{name}.{method}", None)


def holder(name: str) -> Any:
    """The object, or the class, whose method is called."""
    from clearprop.data import Encoder
    from clearprop.optim import OPTIMIZERS
    from clearprop.sweeps import Store

    makers: dict[str, Callable[[], Any]] = {
        "Net": net,
        "Linear": lambda: cp.Linear(2, 3).initialise(0),
        "Dropout": cp.Dropout,
        "BatchNorm": lambda: cp.BatchNorm(2),
        "CrossEntropy": cp.CrossEntropy,
        "MeanSquaredError": cp.MeanSquaredError,
        "SGD": cp.SGD,
        "Model": lambda: outcome().model,
        "History": lambda: cp.History(ROWS),
        "Encoder": lambda: cp.data.load(circle_points(40)).encoder,
        "Registry": lambda: copy.deepcopy(OPTIMIZERS),  # names that are registered must not stay
        "Walkthrough": lambda: cp.explain(net(), X[:2], y[:2]),
        "Store": lambda: Store("/tmp/never.jsonl"),
    }
    classes = {"Encoder": Encoder}
    return classes.get(name) or makers[name]()


def call_of(name: str, thing: Any) -> Call:
    """The call, with its valid arguments."""
    if thing is None:
        owner, _, method = name.partition(".")
        kind = cp.data.Encoder if owner == "Encoder" and method == "from_json" else None
        bound = getattr(kind, method) if kind else getattr(_instance(owner), method)

        def function(**named: Any) -> Any:
            return getattr(kind or _instance(owner), method)(**named)

        signature = inspect.signature(bound)
    else:
        function, signature = thing, inspect.signature(thing)
    fixed = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    special = SPECIAL.get(name, {})

    def arguments(folder: Path) -> dict[str, Any]:
        found = {}
        for p in fixed:
            maker = special.get(p.name) or VALID.get(p.name)
            needed = p.default is p.empty and p.kind is not p.VAR_POSITIONAL
            cheap = p.name in ("epochs", "steps", "resolution", "engine", "seeds")
            if p.kind is p.VAR_POSITIONAL:
                found[p.name] = (special.get(p.name) or VALID["layers"])(folder)
            elif needed or p.name in special or (cheap and maker is not None):
                assert maker is not None, f"no valid value of {p.name} for {name}: add one to VALID"
                found[p.name] = maker(folder)
        return found

    return Call(name, function, arguments, tuple(p.name for p in fixed))


def _instance(owner: str) -> Any:
    if owner == "Encoder":
        return cp.data.load(circle_points(40)).encoder
    return holder(owner)
