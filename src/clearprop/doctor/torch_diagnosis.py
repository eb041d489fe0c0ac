"""The doctor for PyTorch: the same rules, on what hooks see of a module."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.doctor.case import Case
from clearprop.doctor.chart import Chart
from clearprop.doctor.diagnosis import Diagnosis, examine, explained, suspicions
from clearprop.doctor.finding import Finding, Treatment
from clearprop.doctor.rules import Rule
from clearprop.doctor.torch_run import TorchRun, collected
from clearprop.doctor.torch_view import TorchView
from clearprop.doctor.treating import compared
from clearprop.nn import LOSSES, CrossEntropy, Loss, MeanSquaredError
from clearprop.optim import SGD, Adam, Optimizer
from clearprop.training import FitSettings

LOSS_NAMES = {
    "CrossEntropyLoss": "cross_entropy", "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "MSELoss": "mean_squared_error",
}  # fmt: skip


@checked
def diagnose_torch(
    module: Any, loader: Iterable[Any], loss_fn: Any, optimizer: Any, *, val_loader: Iterable[Any] | None = None,
    epochs: int = 5, seed: int = 0,
) -> Diagnosis:  # fmt: skip
    """Say what is wrong with the training of a PyTorch module.

    A copy of the module is trained for a few epochs, seen through hooks; your module, and your optimizer, stay as they are.
    Where a remedy is a lower or higher learning rate it is tried on another copy. Where the module is a plain Sequential that
    clearprop has layers for, every remedy is tried, on a net with the same weights.

    Parameters
    ----------
    module : torch.nn.Module
        As it is before training.
    loader : iterable of (inputs, targets)
        A DataLoader, say; it is gone through several times.
    loss_fn : callable
        (outputs, targets) -> loss; `torch.nn.CrossEntropyLoss()`, for example.
    optimizer : torch.optim.Optimizer
    val_loader : iterable of (inputs, targets), optional
    epochs : int
    seed : int
        For the shuffling of the copies' loaders, and for dropout.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    """
    from clearprop.nn.pytorch import torch

    state = torch.random.get_rng_state()
    run = as_run(module, loader, loss_fn, optimizer, val_loader, epochs, seed)
    torch.random.set_rng_state(state)
    twin = as_clearprop(run)
    chart = run.watch()
    describe_run(chart, run)
    if twin is not None:
        return examine(twin, "full", chart)
    kept: list[Finding] = []
    dropped: list[Finding] = []
    found = suspicions(chart)
    while found:
        rule, finding = found.pop(0)
        finding, cured = tried(run, rule, finding, chart)
        if finding.treatment is not None and not finding.helped and not rule.certain:
            dropped.append(finding)
            continue
        root = next((slug for slug in finding.because if slug in {other.slug for other in kept}), None)
        kept.append(finding if root is None else replace(finding, follows=root))
        if cured is not None and finding.helped:
            found, following = explained(found, finding, cured)
            kept += following
    return Diagnosis(tuple(kept), chart, tuple(dropped))


def tried(run: TorchRun, rule: Rule, finding: Finding, before: Chart) -> tuple[Finding, Chart | None]:
    """The finding with the best of its remedies that only change the rate; nothing else can be carried out here."""
    best: tuple[Treatment, Chart] | None = None
    for option in finding.remedy.options:
        if set(option) != {"rate"}:
            continue
        after = run.watch(option["rate"])
        describe_run(after, run)
        treatment = compared(rule, option, before, after)
        if best is None or (treatment.helped, -after.final) > (best[0].helped, -best[1].final):
            best = treatment, after
    return (finding, None) if best is None else (replace(finding, treatment=best[0]), best[1])


def as_run(
    module: Any, loader: Iterable[Any], loss_fn: Any, optimizer: Any, val_loader: Iterable[Any] | None, epochs: int, seed: int
) -> TorchRun:
    """The run, with a case in clearprop's terms beside it."""
    train, shape, size = collected(loader)
    val = None if val_loader is None else collected(val_loader)[0]
    view = TorchView(copy.deepcopy(module))
    view.refresh()
    view.example_shape = shape or (-1,)
    in_order = "Sequential" in type(getattr(loader, "sampler", None)).__name__
    settings = FitSettings(size, epochs, seed, order="sequential" if in_order else "shuffle")
    case = Case(view, train, as_loss(loss_fn, train.y.ndim), as_optimizer(optimizer), val=val, settings=settings)
    return TorchRun(module, loader, loss_fn, optimizer, case)


def as_loss(loss_fn: Any, dims: int) -> Loss:
    """clearprop's loss for a PyTorch one; for one that it does not know, the usual one for such targets."""
    name = LOSS_NAMES.get(type(loss_fn).__name__)
    if name is None:
        return CrossEntropy() if dims == 1 else MeanSquaredError()
    reduction = getattr(loss_fn, "reduction", "mean")
    return LOSSES.make({"type": name, "reduction": reduction if reduction in ("mean", "sum") else "mean"})


def as_optimizer(optimizer: Any) -> Optimizer:
    """clearprop's optimizer for a PyTorch one, by its rate and momentum."""
    group = optimizer.param_groups[0]
    decay = float(group.get("weight_decay", 0.0))
    if type(optimizer).__name__ == "SGD":
        return SGD(float(group["lr"]), momentum=float(group["momentum"]), weight_decay=decay)
    return Adam(float(group["lr"]), weight_decay=decay)


def as_clearprop(run: TorchRun) -> Case | None:
    """A case that clearprop can train itself, or None if the module, loss or optimizer has no counterpart."""
    from clearprop.errors import ClearpropError
    from clearprop.nn import Net

    frozen = len({id(p) for g in run.optimizer.param_groups for p in g["params"]}) < len(list(run.module.parameters()))
    known = type(run.loss_fn).__name__ in LOSS_NAMES and type(run.optimizer).__name__ in ("SGD", "Adam")
    if not known or frozen or not all(p.requires_grad for p in run.module.parameters()):
        return None
    try:
        net = Net.from_torch(copy.deepcopy(run.module))
    except ClearpropError:
        return None
    return run.case.but(net=net)


def describe_run(chart: Chart, run: TorchRun) -> None:
    """Add what the quantities of a case cannot see from outside: layers of other kinds, and whether outputs repeat."""
    view = run.case.net
    assert isinstance(view, TorchView)
    for row, leaf in zip(chart.rows("structure"), view.leaves, strict=True):
        row |= {"repr": repr(leaf)} | ({"kind": type(leaf).__name__} if row["kind"] == "Opaque" else {})
    x = run.case.train.X[:64]
    a, b = view(x), view(x)
    different = float(np.abs(a - b).max())
    chart.measured["repeatability"] = [
        {"difference": different, "layer": len(view.leaves) if different else None, "repr": type(run.module).__name__}
    ]
