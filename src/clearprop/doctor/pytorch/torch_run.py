"""Runs of PyTorch: copies of a module, of its loss and of its optimizer are trained on the examples that its loader gave."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch.utils._pytree import tree_leaves

from clearprop.doctor.chart import Chart
from clearprop.doctor.pytorch.computation import Computation, compute
from clearprop.doctor.pytorch.keeping import kept
from clearprop.doctor.pytorch.loader_examples import Examples, Given
from clearprop.nn.pytorch import torch

SECONDS = 15.0  # of processor time, after which a run is watched no further than the end of its epoch
DENSE = 30  # first steps that are looked at one by one


class StoppedError(Exception):
    """The person's program raised: at which stage, and what."""

    def __init__(self, stage: str, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {first_line(error)}")
        self.stage, self.error = stage, error


def first_line(error: Exception) -> str:
    """The first line of an error's message, without a full stop."""
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")


Ending = Callable[[Any, Callable[[], Any]], Any]


@dataclass(frozen=True, eq=False)
class TorchRun:
    """A training run of PyTorch. Nothing in it is ever trained itself.

    Attributes
    ----------
    module : torch.nn.Module
        Copy of the person's module.
    loss_fn : callable
    optimizer : torch.optim.Optimizer
        On the parameters of `module`.
    examples : Examples
    val : Examples or None
    epochs, seed : int
    clip_norm : float or None
    calling : callable
        (module, forward) -> answer, which runs `forward()`; a remedy may change what is computed in it.
    shape : callable
        (answer, targets) -> the two arguments of the loss.
    """

    module: Any
    loss_fn: Any
    optimizer: Any
    examples: Examples
    val: Examples | None
    epochs: int
    seed: int
    clip_norm: float | None = None
    calling: Ending = lambda module, forward: forward()
    shape: Callable[[Any, Any], tuple[Any, Any]] = lambda answer, targets: (answer, targets)

    def but(self, **changes: Any) -> TorchRun:
        """The same run with some attributes changed."""
        return replace(self, **changes)

    def twin(self) -> TorchRun:
        """The run with copies of the module, the loss and the optimizer."""
        module, loss_fn, optimizer = copied(self.module, self.loss_fn, self.optimizer)
        return replace(self, module=module, loss_fn=loss_fn, optimizer=optimizer)

    def forward(self, batch: Given) -> Any:
        """The module's answer for a batch."""
        return self.calling(self.module, lambda: self.module(*batch.args, **batch.named))

    def criterion(self, answer: Any, targets: Any) -> Any:
        """The loss of an answer."""
        return self.loss_fn(*self.shape(answer, targets))

    def recorded(self, batch: Given) -> Computation:
        """Every operation of one forward pass in evaluation mode, and of its loss."""
        training = self.module.training
        self.module.eval()
        try:
            return compute(
                self.module, lambda: self.forward(batch), lambda answer: self.criterion(answer, batch.targets),
                (batch.args, batch.named), batch.targets,
            )  # fmt: skip
        finally:
            self.module.train(training)

    def step(self, batch: Given) -> float:
        """One step of training; the loss before it."""
        first: list[float] = []

        def closure() -> Any:
            self.optimizer.zero_grad()
            answer = staged("forward", lambda: self.forward(batch))
            loss = staged("loss", lambda: self.criterion(answer, batch.targets))
            first.append(float(loss.detach()) if loss.numel() == 1 else float("nan"))
            if loss.numel() != 1 or np.isfinite(first[-1]):
                staged("backward", loss.backward)
            if self.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.clip_norm)
            return loss

        if needs_closure(self.optimizer):
            staged("step", lambda: self.optimizer.step(closure))
        else:
            closure()
            if np.isfinite(first[0]):
                staged("step", self.optimizer.step)
        return first[0]


def staged(stage: str, action: Callable[[], Any]) -> Any:
    """Carry out a part of a step; what it raises is the person's to know."""
    try:
        return action()
    except StoppedError:
        raise
    except Exception as error:
        raise StoppedError(stage, error) from None


def needs_closure(optimizer: Any) -> bool:
    """Whether its step evaluates the loss itself."""
    found = inspect.signature(type(optimizer).step).parameters.get("closure")
    return found is not None and found.default is inspect.Parameter.empty


def copied(module: Any, loss_fn: Any, optimizer: Any) -> tuple[Any, Any, Any]:
    """Copies that belong to each other as the originals do; hooks that only watch are left off."""
    memo: dict[int, Any] = {}
    own = copy.deepcopy(module, memo)
    criterion = copy.deepcopy(loss_fn, memo) if isinstance(loss_fn, torch.nn.Module) else loss_fn
    for part in own.modules():
        part._forward_hooks.clear()
        part._backward_hooks.clear()
    return own, criterion, copied_optimizer(optimizer, memo)


def copied_optimizer(optimizer: Any, memo: dict[int, Any]) -> Any:
    """An optimizer of the same kind and state, with all groups, on the copies of its parameters."""
    groups = []
    for group in optimizer.param_groups:
        twins = [memo[id(p)] for p in group["params"] if id(p) in memo]
        if twins:
            groups.append({k: v for k, v in group.items() if k not in ("params", "param_names")} | {"params": twins})
    if not groups:  # it holds parameters of another module: a copy that trains none
        groups = [{k: v for k, v in optimizer.param_groups[0].items() if k not in ("params", "param_names")}]
        groups[0]["params"] = [torch.nn.Parameter(torch.zeros(1, 1))]
    known = inspect.signature(type(optimizer).__init__).parameters
    made = type(optimizer)(groups, **{k: v for k, v in optimizer.defaults.items() if k in known})
    for group in optimizer.param_groups:
        for p in group["params"]:
            if id(p) in memo and p in optimizer.state:
                made.state[memo[id(p)]] = copy.deepcopy(optimizer.state[p])
    return made


def watch(run: TorchRun, measure: Callable[[TorchRun, Chart], Any]) -> Chart:
    """Train a copy, and measure it.

    Parameters
    ----------
    run : TorchRun
    measure : callable
        (copy, chart) -> an object whose `look(epoch, step, end)` adds rows to the chart.
    """
    chart = Chart()
    with kept():
        torch.manual_seed(run.seed)
        twin = run.twin()
        twin.module.train()
        began = time.process_time()
        try:
            train(twin, chart, staged("forward", lambda: measure(twin, chart)), began)
        except StoppedError as stop:
            chart.add("failure", [told(stop, twin)])
    return chart


def told(stop: StoppedError, run: TorchRun) -> dict[str, Any]:
    """The error that the program raised, as a row."""
    where = {
        "forward": "the module raises",
        "loss": "the loss raises",
        "backward": "backward() raises",
        "step": "the step raises",
    }
    kind, line = type(stop.error).__name__, first_line(stop.error)
    words = f"the program stops: {where[stop.stage]} {kind}: {line}{advice(line, run)}"
    return {"stage": stop.stage, "kind": kind, "message": line, "words": words}


def advice(line: str, run: TorchRun) -> str:
    """The likely meaning of a message of PyTorch's."""
    first = next((t for t in tree_leaves(run.examples.batches[0].args) if isinstance(t, torch.Tensor)), None)
    if "shapes cannot be multiplied" in line and first is not None:
        return f"; an example has shape {tuple(first.shape[1:])}, and the layer takes another width"
    if "must have the same dtype" in line and first is not None:
        return f"; the inputs are {first.dtype}, and the weights are not: convert them, x.float() for example"
    if "index out of range in self" in line:
        return beyond(run, first)
    if "expected input" in line and "channels" in line:
        return "; images are (batch, channels, height, width): x.permute(0, 3, 1, 2), or x.unsqueeze(1) for gray ones"
    if "more than 1 value per channel" in line:
        return "; the last batch has one example, of which BatchNorm can take no variance: drop_last=True in the DataLoader"
    if "the loss is no number" in line or "only for scalar outputs" in line:
        return ": take its mean, as reduction='mean' does"
    if "not tuple" in line or "'tuple' object" in line:
        return "; the module answers with a tuple: hand the loss the item that it is about"
    return ""


def beyond(run: TorchRun, first: Any) -> str:
    """The meaning of an index that an embedding does not hold."""
    tables = [part for part in run.module.modules() if isinstance(part, torch.nn.Embedding)]
    if not tables or first is None or first.is_floating_point():
        return ""
    rows = min(part.num_embeddings for part in tables)
    return f"; the inputs go from {int(first.min())} to {int(first.max())}, and an Embedding has num_embeddings={rows}"


def train(run: TorchRun, chart: Chart, monitor: Any, began: float) -> None:
    """The loop that every user of PyTorch writes."""
    generator = np.random.default_rng(run.seed)
    monitor.look(0, 0, True)
    for epoch in range(1, run.epochs + 1):
        losses = []
        for step, batch in enumerate(run.examples.epoch(generator), 1):
            run.module.train()
            loss = run.step(batch)
            losses.append(loss)
            if epoch == 1 and step <= DENSE:
                chart.add("steps", [{"epoch": epoch, "step": step, "loss": loss}])
            if not np.isfinite(loss):
                place = monitor.first_bad(batch)
                chart.add("nonfinite", [{"epoch": epoch, "step": step, "place": place, "loss": losses[-2:]}])
                return
            if epoch == 1 and step <= DENSE:
                monitor.look(epoch, step, False)
        monitor.look(epoch, step, True)
        chart.add("losses", [{"epoch": epoch, "train_loss": float(np.mean(losses))}])
        if time.process_time() - began > SECONDS:
            return
