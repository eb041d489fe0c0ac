"""The doctor for PyTorch: the same rules, on what a module was seen to compute."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.doctor.chart import Chart
from clearprop.doctor.diagnosis import Diagnosis, judge
from clearprop.doctor.finding import Finding
from clearprop.doctor.treating import Subject
from clearprop.errors import DataError

if TYPE_CHECKING:
    from clearprop.doctor.pytorch.torch_run import TorchRun

SECONDS = 60.0  # of processor time, after which no further remedy is tried
FEW, STEPS, MANY = 5, 400, 60  # epochs at least, steps, and epochs at most, where nobody says how many epochs


@checked
def diagnose_torch(
    module: Any, loader: Iterable[Any], loss_fn: Any, optimizer: Any, *, val_loader: Iterable[Any] | None = None,
    epochs: int | None = None, seed: int = 0,
) -> Diagnosis:  # fmt: skip
    """Say what is wrong with the training of a PyTorch module.

    One forward pass and its loss are recorded operation by operation, so it does not matter whether activations are modules or
    functions, and whether the loss is a class, a function or your own. Then a copy is trained and watched, and remedies are
    tried on further copies. Your module, optimizer, loss and loader, and all random states, stay as they are.

    The loader is gone through once (up to 20,000 examples); the copies are trained on what it gave, shuffled in each epoch if
    the loader shuffles.

    Parameters
    ----------
    module : torch.nn.Module
        As it is before training.
    loader : iterable of batches
        A DataLoader or a list. A batch is (inputs, targets), a longer tuple, a mapping with the targets under "y", "labels" or
        "target", or a tensor that is its own target.
    loss_fn : callable
        (outputs, targets) -> loss: `torch.nn.CrossEntropyLoss()`, `torch.nn.functional.mse_loss`, or your own.
    optimizer : torch.optim.Optimizer
        Any, with all of its groups.
    val_loader : iterable of batches, optional
    epochs : int, optional
        As you train; by default, as many as make some 400 steps, and their number is held against nobody.
    seed : int
        For the shuffling, and for dropout.

    Returns
    -------
    Diagnosis
        A program that raises is a finding where the reason is known, else `unknown` says in a sentence what was raised.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    """
    from clearprop.doctor.pytorch.keeping import kept
    from clearprop.doctor.pytorch.torch_measures import TorchMonitor
    from clearprop.doctor.pytorch.torch_run import watch

    unsuitable = refused(module, loss_fn, optimizer, epochs)
    if unsuitable:
        return Diagnosis((), Chart(), unknown=unsuitable)
    with kept(loader, val_loader), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's are the person's own, who sees them in training
        try:
            run = as_run(module, loader, loss_fn, optimizer, val_loader, epochs, seed)
        except DataError as error:
            return Diagnosis((), Chart(), unknown=str(error))
        chart = watch(run, TorchMonitor)
        chart.measured.setdefault("settings", [{}])[0]["default_epochs"] = epochs is None
        verdict = judge(TorchSubject(run, epochs is None), chart)
    return located(verdict)


def refused(module: Any, loss_fn: Any, optimizer: Any, epochs: int | None) -> str:
    """A sentence on the first argument that is not what it should be; empty if all are."""
    from clearprop.nn.pytorch import torch

    if not isinstance(module, torch.nn.Module):
        return f"module must be a torch.nn.Module; got {type(module).__name__}"
    if not callable(loss_fn) or isinstance(loss_fn, type):
        return f"loss_fn must be a function of (outputs, targets), such as torch.nn.CrossEntropyLoss(); got {loss_fn!r}"
    if not isinstance(optimizer, torch.optim.Optimizer):
        return f"optimizer must be a torch.optim.Optimizer; got {optimizer!r}"
    if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
        return f"epochs must be a whole number from 1 on, or None; got {epochs!r}"
    return ""


class TorchSubject(Subject):
    """A run of PyTorch, on copies of which remedies are tried."""

    def __init__(self, run: TorchRun, default_epochs: bool) -> None:
        self.run, self.default_epochs = run, default_epochs
        self.began = time.process_time()

    def under(self, changes: dict[str, Any]) -> Chart:
        """The chart of a changed copy."""
        from clearprop.doctor.pytorch.torch_changes import change
        from clearprop.doctor.pytorch.torch_measures import TorchMonitor
        from clearprop.doctor.pytorch.torch_run import watch
        from clearprop.errors import UnsupportedError

        if time.process_time() - self.began > SECONDS:
            raise UnsupportedError(f"there was no time left to try {changes}")
        try:
            changed = change(self.run, changes)
        except (RuntimeError, AttributeError, TypeError, IndexError, KeyError) as error:
            raise UnsupportedError(f"{changes} cannot be carried out on this module: {error}") from None
        chart = watch(changed, TorchMonitor)
        if chart.rows("failure"):
            raise UnsupportedError(f"with {changes} the program stops: {chart.one('failure')['words']}")
        chart.measured["settings"][0]["default_epochs"] = self.default_epochs
        return chart


def as_run(
    module: Any, loader: Iterable[Any], loss_fn: Any, optimizer: Any, val_loader: Iterable[Any] | None, epochs: int | None,
    seed: int,
) -> TorchRun:  # fmt: skip
    """The run, on copies of everything.

    Raises
    ------
    DataError
        If the loader gives nothing, or batches that cannot be taken apart.
    """
    from clearprop.doctor.pytorch.loader_examples import as_examples, gathered, readings
    from clearprop.doctor.pytorch.torch_run import TorchRun, copied, needs_closure

    raw, shuffled = gathered(loader)
    try:
        own, criterion, steps = copied(module, loss_fn, optimizer)
    except Exception as error:
        raise DataError(f"the module or its optimizer cannot be copied: {type(error).__name__}: {error}") from None
    if epochs is None:
        epochs = FEW if needs_closure(steps) else int(min(MANY, max(FEW, -(-STEPS // len(raw)))))
    ways = readings(raw[0], own)
    run = TorchRun(own, criterion, steps, as_examples([ways[0](b) for b in raw], shuffled), None, epochs, seed)
    for way in ways[1:]:
        if works(run):
            break
        run = run.but(examples=as_examples([way(b) for b in raw], shuffled))
    if not works(run):
        run = run.but(examples=as_examples([ways[0](b) for b in raw], shuffled))
    if val_loader is not None:
        held, _ = gathered(val_loader)
        way = next((w for w in ways if works(run.but(examples=as_examples([w(held[0])], False)))), ways[0])
        run = run.but(val=as_examples([way(b) for b in held], False))
    return run


def works(run: TorchRun) -> bool:
    """Whether a batch goes through a copy of the module and its loss."""
    from clearprop.nn.pytorch import torch

    twin = run.twin()
    twin.module.eval()
    try:
        with torch.no_grad():
            twin.criterion(twin.forward(run.examples.batches[0]), run.examples.batches[0].targets)
    except Exception:
        return False
    return True


def located(verdict: Diagnosis) -> Diagnosis:
    """The verdict with the names of submodules beside the numbers of layers."""
    places = {row["layer"]: row.get("place") for row in verdict.chart.rows("structure")}

    def named(match: re.Match[str]) -> str:
        place = places.get(int(match[1]))
        return f"layer {match[1]} ({place})" if place and place != match[1] else match[0]

    def told(finding: Finding) -> Finding:
        sentence = re.sub(r"\blayer (\d+)\b(?! \()", named, finding.sentence, count=1)
        return replace(finding, sentence=sentence, where=re.sub(r"\blayer (\d+)\b(?! \()", named, finding.where))

    return replace(verdict, findings=tuple(told(finding) for finding in verdict.findings))
