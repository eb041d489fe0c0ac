"""Runs of PyTorch: a copy of a module is trained as its optimizer and loss say, and watched through hooks."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.doctor.chart import Chart
from clearprop.doctor.monitor import Monitor, sampled
from clearprop.doctor.quantities import Moment
from clearprop.doctor.torch_view import TorchView, as_rows
from clearprop.nn import Net


@dataclass(frozen=True, eq=False)
class TorchRun:
    """A training run of PyTorch.

    Attributes
    ----------
    module : torch.nn.Module
    loader : iterable of (inputs, targets)
    loss_fn : callable
    optimizer : torch.optim.Optimizer
    case : Case
        The same in clearprop's terms, as far as they go.
    """

    module: Any
    loader: Iterable[Any]
    loss_fn: Any
    optimizer: Any
    case: Case

    def watch(self, rate: float = 1.0) -> Chart:
        """Train a copy with the learning rate times `rate`, and measure."""
        import torch

        module = copy.deepcopy(self.module).train()
        optimizer = self.copied_optimizer(module, rate)
        monitor = TorchMonitor(self, TorchView(module))
        state = torch.random.get_rng_state()
        torch.manual_seed(self.case.seed)  # the copies see the same batches and masks
        try:
            self.train(module, optimizer, monitor)
        finally:
            torch.random.set_rng_state(state)
        return monitor.chart

    def train(self, module: Any, optimizer: Any, monitor: TorchMonitor) -> None:
        """The loop that every PyTorch user writes."""
        import torch

        monitor.look(monitor.view, 0, 0, end=True)
        for epoch in range(1, self.case.settings.epochs + 1):
            for step, (X, y) in enumerate(self.loader, 1):
                optimizer.zero_grad()
                loss = self.loss_fn(module(X), y)
                if not torch.isfinite(loss):
                    where = {"epoch": epoch, "step": step, "place": monitor.first_bad(X, y)}
                    monitor.chart.add("nonfinite", [where])
                    return
                loss.backward()
                optimizer.step()
                if epoch == 1 and step <= 30:
                    monitor.look(monitor.view, epoch, step, end=False)
            monitor.look(monitor.view, epoch, step, end=True)

    def copied_optimizer(self, module: Any, rate: float) -> Any:
        """An optimizer of the same kind, on the copies of those parameters that the original has."""
        held = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        pairs = zip(self.module.parameters(), module.parameters(), strict=True)
        twins = [twin for own, twin in pairs if id(own) in held]
        options = {k: v for k, v in self.optimizer.param_groups[0].items() if k in self.optimizer.defaults}
        return type(self.optimizer)(twins, **(options | {"lr": options["lr"] * rate}))


class TorchMonitor(Monitor):
    """A monitor that sees through hooks what each leaf gets and gives, and the gradients on the way back."""

    def __init__(self, run: TorchRun, view: TorchView) -> None:
        super().__init__(run.case, "full")
        self.run, self.view = run, view
        view.example_shape = run.case.net.example_shape if isinstance(run.case.net, TorchView) else (-1,)
        self.sample = sampled(run.case.train, 1024)

    def moment(self, net: Net, epoch: int, step: int, end: bool) -> Moment | None:
        """One pass of the sample through the module, in evaluation mode."""
        view = self.view
        seen: dict[int, tuple[Array, Array]] = {}
        deltas: dict[int, Array] = {}
        hooks = [
            hook
            for i, leaf in enumerate(view.leaves)
            for hook in (
                leaf.register_forward_hook(keep_values(seen, i)),
                leaf.register_full_backward_pre_hook(keep_delta(deltas, i)),
            )
        ]
        held = [None if p.grad is None else p.grad.clone() for p in view.module.parameters()]
        training = view.module.training
        view.module.eval()
        y_hat = self.run_once(end)
        view.module.train(training)
        for hook in hooks:
            hook.remove()
        view.refresh()
        for p, grad in zip(view.module.parameters(), held, strict=True):
            p.grad = grad
        if not np.isfinite(y_hat).all():
            return None
        rows = len(self.sample)
        empty = np.zeros((rows, 1))
        inputs, outputs = ([seen[i][k] if i in seen else empty for i in range(len(view.leaves))] for k in (0, 1))
        gradients = [{name: g.copy() for name, g in layer.gradients().items()} for layer in view.layers]
        found = [deltas.get(i, empty) for i in range(len(view.leaves))]
        return Moment(
            self.case, view, epoch, step, end, inputs, outputs, gradients if end else [], found if end else [],
            self.theta, self.sample, self.held_out,
        )  # fmt: skip

    def run_once(self, backward: bool) -> Array:
        """The module's answers for the sample, and with `backward` its gradients."""
        import torch

        like = next(iter(self.view.module.parameters()))
        X = self.view.shaped(self.sample.X, like).requires_grad_(backward)  # a hook wants an input that has a gradient
        self.view.module.zero_grad()
        with torch.set_grad_enabled(True):
            y_hat = self.view.module(X)
            if backward:
                loss = self.run.loss_fn(y_hat, targets_like(self.run, self.sample.y, like))
                if str(getattr(self.run.loss_fn, "reduction", "mean")) == "sum":
                    loss = loss / len(X)
                loss.backward()
        return as_rows(y_hat)

    def first_bad(self, X: Any, y: Any) -> str:
        """The first leaf whose answer is not finite."""
        import torch

        if not torch.isfinite(X).all():
            return "the input"
        seen: dict[int, tuple[Array, Array]] = {}
        hooks = [leaf.register_forward_hook(keep_values(seen, i)) for i, leaf in enumerate(self.view.leaves)]
        with torch.no_grad():
            self.view.module(X)
        for hook in hooks:
            hook.remove()
        for i, (_, out) in seen.items():
            if not np.isfinite(out).all():
                return f"the output of layer {i + 1}, {self.view.leaves[i]}"
        return f"the loss, {type(self.run.loss_fn).__name__}, of finite predictions"


def keep_values(seen: dict[int, tuple[Array, Array]], i: int) -> Any:
    """A forward hook that keeps what goes in and out."""

    def hook(leaf: Any, args: tuple[Any, ...], out: Any) -> None:
        seen[i] = as_rows(args[0]), as_rows(out)

    return hook


def keep_delta(deltas: dict[int, Array], i: int) -> Any:
    """A backward hook that keeps dL/d output."""

    def hook(leaf: Any, out: tuple[Any, ...]) -> None:
        if out[0] is not None:
            deltas[i] = as_rows(out[0])

    return hook


def targets_like(run: TorchRun, y: Array, like: Any) -> Any:
    """Targets as the loss took them from the loader."""
    import torch

    first = next(iter(run.loader))[1]
    shape = (len(y), *first.shape[1:])
    return torch.as_tensor(np.ascontiguousarray(y)).to(first.dtype).to(like.device).reshape(shape)


def collected(loader: Iterable[Any], most: int = 20_000) -> tuple[Split, tuple[int, ...], int]:
    """The loader's examples as a split, the shape of one of them, and the size of the first batch."""
    X, y = [], []
    shape: tuple[int, ...] = ()
    for inputs, targets in loader:
        shape = shape or tuple(inputs.shape[1:])
        X.append(as_rows(inputs))
        y.append(targets.detach().cpu().numpy())
        if sum(map(len, X)) >= most:
            break
    return Split(np.concatenate(X).astype(np.float32), np.concatenate(y)), shape, len(X[0])
