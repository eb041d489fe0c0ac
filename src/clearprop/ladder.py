"""The ladder: the same network from the same start on every engine, and the cost of each rung."""

from __future__ import annotations

import importlib
import io
import tokenize
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.batches import Order, Remainder, draw_order
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES, Batch, Device, Engine
from clearprop.errors import MissingExtraError
from clearprop.nn import ACTIVATIONS, LAYERS, LOSSES, Loss, Net
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.registry import Registry
from clearprop.training import FitSettings, evaluate
from clearprop.training.evaluation import as_split
from clearprop.training.loop import splits_of

Row = dict[str, Any]
CALLS: dict[str, tuple[Registry[Any], ...]] = {
    "sample": (OPTIMIZERS,),
    "batch": (LAYERS, LOSSES, OPTIMIZERS),
    "compiled": (ACTIVATIONS, LOSSES, OPTIMIZERS),
}
"""The library's own classes whose formulas a rung runs."""
BESIDE = {
    "torch_manual": ("clearprop.engines.torch_state",),
    "torch_autograd": ("clearprop.engines.torch_state",),
    "torch_nn": ("clearprop.engines.torch_state", "clearprop.nn.torch_bridge"),
}
"""Further modules of a rung."""
WORK = 4e7  # examples x parameters x epochs that take plain Python some seconds


@checked
def climb(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    *,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    batch_size: int | None = 32,
    epochs: int = 3,
    seed: int | np.random.Generator = 0,
    order: Order = "shuffle",
    remainder: Remainder = "keep",
    engines: Sequence[str] | None = None,
    device: Device = "cpu",
) -> list[Row]:
    """Train copies of one net on every engine, with the same batches, and compare.

    Parameters
    ----------
    net : Net
        Not changed. In float64 it shows best how well the rungs agree.
    data : Dataset, Split or pair (X, y)
        Training examples; those of a Dataset are its training split.
    loss, optimizer, batch_size, epochs, seed, order, remainder
        As for `fit`.
    engines : sequence of str, optional
        Names of the engines; by default, all of them.
    device : {"cpu", "cuda"}
        Device of the engines that have a choice.

    Returns
    -------
    list of dict
        For each engine, in the order given: `engine`; `lines` of code that make up the rung; final `loss`;
        `difference`, the largest |theta difference| from the reference, which is the engine "batch"; `microseconds` per
        step; `speed`, as a multiple of that of the engine "scalar". Where an engine cannot run, there is a `reason` instead.

    Examples
    --------
    >>> import clearprop as cp
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    >>> rows = cp.ladder.climb(cp.mlp([2, 4, 2], dtype="float64"), (X, y), engines=["scalar", "batch"])
    >>> [row["engine"] for row in rows], all(row["difference"] < 1e-12 for row in rows)
    (['scalar', 'batch'], True)
    """
    settings = FitSettings(batch_size, epochs, seed, order, remainder)
    loss, optimizer, split = LOSSES.make(loss), OPTIMIZERS.make(optimizer), as_split(splits_of(data, None)[0], net)
    size, rng = settings.size(len(split)), settings.rng()
    orders = [draw_order(rng, len(split), size, order, remainder) for _ in range(settings.epochs)]
    reference = _train(Batch(), net, loss, optimizer, split, orders, size)[0]
    rows = []
    for name in engines or list(ENGINES):
        row: Row = {"engine": name}
        rows.append(row)
        engine, reason = _ready(name, net, loss, optimizer, device)
        if engine is None:
            row["reason"] = reason
            continue
        trained, seconds = _train(engine, net, loss, optimizer, split, orders, size)
        row["lines"] = lines_of_code(name)
        row["loss"] = evaluate(trained, split, loss)["loss"]
        row["difference"] = float(np.abs(trained.theta - reference.theta).max(initial=0))
        row["microseconds"] = 1e6 * seconds / settings.steps(len(split))
    slowest = next((row.get("microseconds") for row in rows if row["engine"] == "scalar"), None)
    for row in rows:
        if slowest and "microseconds" in row:
            row["speed"] = slowest / row["microseconds"]
    return rows


def _ready(name: str, net: Net, loss: Loss, optimizer: Optimizer, device: Device) -> tuple[Engine | None, str | None]:
    """The engine, if it is installed and can train this; otherwise None, and the reason."""
    try:
        kind = ENGINES.find(name)
        engine = ENGINES.make({"type": name, "device": device} if "device" in kind.defaults() else name)
    except MissingExtraError as error:
        return None, str(error)
    reason = engine.supports(net, loss, optimizer)
    return (engine, None) if reason is None else (None, reason)


def _train(
    engine: Engine, net: Net, loss: Loss, optimizer: Optimizer, split: Split, orders: list[Array], batch_size: int
) -> tuple[Net, float]:
    """A copy of the net after all epochs, and the seconds of the fastest epoch."""

    def run(orders: list[Array]) -> tuple[Net, float]:
        copied, fresh, best = net.copy(), deepcopy(optimizer), np.inf
        fresh.reset()
        for order in orders:
            began = perf_counter()
            engine.train_epoch(copied, loss, fresh, split.X, split.y, order, batch_size)
            best = min(best, perf_counter() - began)
        return copied, best

    run([orders[0][:batch_size]])  # compilation and imports at the first step are not part of the rung's speed
    return run(orders)


@checked
def affordable(net: Net, n: int, epochs: int, batch_size: int) -> int:
    """Number of examples, of n, that take the engine "scalar" some seconds; at least two batches.

    Examples
    --------
    >>> import clearprop as cp
    >>> affordable(cp.mlp([2, 10, 2]), 1400, epochs=3, batch_size=32), affordable(cp.mlp([784, 100, 10]), 55000, 3, 32)
    (1400, 167)
    """
    return min(n, max(2 * batch_size, int(WORK / max(net.theta.size, 1) / epochs)))


@checked
def lines_of_code(engine: str) -> int:
    """Lines of code in the files of a rung, without blank lines, comments and docstrings.

    They include the files whose formulas the rung runs: "batch" itself is short, but calls all layers, losses and optimizers.

    Examples
    --------
    >>> lines_of_code("torch_autograd") < lines_of_code("torch_manual")
    True
    """
    paths = _files(ENGINES.find(engine).__module__)
    for registry in CALLS.get(engine, ()):
        for kind in registry.entries.values():
            if kind.__module__.startswith("clearprop."):  # and not a class that a user registered
                paths += _files(kind.__module__)
    for module in BESIDE.get(engine, ()):
        paths += _files(module)
    return sum(_code_lines(path.read_text(encoding="utf-8")) for path in set(paths))


def _files(module: str) -> list[Path]:
    """The file of a module; all files of its package, if an engine has one to itself."""
    path = Path(str(importlib.import_module(module).__file__))
    return list(path.parent.rglob("*.py")) if path.parent.parent.name == "engines" else [path]


def _code_lines(source: str) -> int:
    """Lines that hold code: a string that stands alone on its line is a docstring."""
    lines: set[int] = set()
    fresh = True  # at the start of a statement
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and fresh:
            continue
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            fresh = True
        if token.type not in (*skipped, tokenize.ENDMARKER):
            lines.update(range(token.start[0], token.end[0] + 1))
            fresh = False
    return len(lines)
