"""The sixth rung: ready-made modules, losses and optimizers, which only have to be connected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Device, Engine, Steps
from clearprop.engines.preparation import check_batches, checked, limits, prepared
from clearprop.engines.support import spared, unknown_part
from clearprop.engines.torch_state import Tensor, array, check_device, clip_factor, report, tensor
from clearprop.nn import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Dropout,
    Focal,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    Quantile,
    Residual,
)
from clearprop.nn.layer import Layer
from clearprop.nn.pytorch import torch
from clearprop.nn.torch_bridge import TO_TORCH, to_module
from clearprop.optim import SGD, AdaGrad, Adam, AdamW, Nadam, Optimizer, RMSProp

nn = torch.nn


class TorchNN(Engine):
    """`torch.nn` and `torch.optim`, as a user of PyTorch would write it.

    Parameters
    ----------
    device : {"cpu", "cuda"}
    """

    def __init__(self, device: Device = "cpu") -> None:
        self.device = check_device(device)

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Layers that have a counterpart in PyTorch, and the losses and optimizers in the tables at the end of this file."""
        inner = [part for layer in net.layers if isinstance(layer, Residual) for part in layer.layers]
        if any(isinstance(part, (Dropout, Residual)) for part in inner):
            return "in a Residual it takes no Dropout, whose masks NumPy draws, and no other Residual."
        return unknown_part(net, loss, optimizer, TO_TORCH, LOSSES, RULES) or spared(optimizer)

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y), all examples at once."""
        X = checked(self, net, X)
        with torch.no_grad():
            return array(Twin(net, self.device).model.eval()(tensor(X, self.device)))

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss and gradient of one batch."""
        X, y = prepared(self, net, loss, X, y)
        check_batches(net, {len(X)})
        twin = Twin(net, self.device)
        value, _ = gradient(twin, make_criterion(net, loss), tensor(X, self.device), tensor(y, self.device))
        twin.store_buffers()
        return float(value), twin.flat(parameter.grad for parameter in twin.parameters)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The loop: gradient, step."""
        X, rows_y = prepared(self, net, loss, X, y, optimizer)
        inputs, targets = tensor(X[order], self.device), tensor(rows_y[order], self.device)
        check_batches(net, {len(x_B) for x_B in torch.split(inputs, batch_size)})
        twin, criterion = Twin(net, self.device), make_criterion(net, loss)
        rule = RULES[type(optimizer)](optimizer, twin.parameters)
        load_state(twin, rule, optimizer)
        losses: list[Tensor] = []
        outputs: list[Tensor] = []
        for x_B, y_B in zip(torch.split(inputs, batch_size), torch.split(targets, batch_size), strict=True):
            value, y_hat = gradient(twin, criterion, x_B, y_B)
            step(twin, rule, optimizer, optimizer.t + len(losses))
            losses.append(value)
            outputs.append(y_hat)
        twin.store()
        store_state(twin, rule, optimizer, steps=len(losses))
        return report(loss, losses, outputs, y[order], batch_size)


class Twin:
    """The counterpart of a net in PyTorch, on a device, and the way back.

    Attributes
    ----------
    model : nn.Sequential
    modules : list of nn.Module
        One for each of the net's `unique_layers`.
    parameters : list of nn.Parameter
        In the order of `theta`: the W and b of each layer.
    transposed : list of bool
        Whether each parameter lies the other way round in `theta`, as the W of a Linear does.
    """

    def __init__(self, net: Net, device: Device) -> None:
        self.net, self.device = net, device
        self.layers = net.unique_layers()
        self.modules = [NumpyDropout(layer) if type(layer) is Dropout else to_module(layer) for layer in self.layers]
        of_layer = dict(zip(map(id, self.layers), self.modules, strict=True))
        self.model = nn.Sequential(*[of_layer[id(layer)] for layer in net.layers]).to(device)
        found = [(part, p) for module in self.modules for part in module.modules() for p in part.parameters(recurse=False)]
        self.parameters = [parameter for _, parameter in found]
        self.transposed = [isinstance(part, nn.Linear) and parameter.ndim == 2 for part, parameter in found]

    def flat(self, tensors: Iterable[Any]) -> Array:
        """One tensor for each parameter (None stands for zeros) as a flat vector (P,), as in `theta`."""
        pieces = []
        for values, parameter, transposed in zip(tensors, self.parameters, self.transposed, strict=True):
            piece = array(torch.zeros_like(parameter) if values is None else values)
            pieces.append((piece.T if transposed else piece).ravel())
        return np.concatenate([*pieces, np.zeros(0)]).astype(self.net.dtype)

    def pieces(self, flat: Array) -> list[Tensor]:
        """A flat vector (P,) as one tensor for each parameter."""
        tensors, start = [], 0
        for parameter, transposed in zip(self.parameters, self.transposed, strict=True):
            piece, shape = flat[start : start + parameter.numel()], tuple(parameter.shape)
            piece = piece.reshape(shape[::-1]).T if transposed else piece.reshape(shape)
            tensors.append(tensor(np.ascontiguousarray(piece), self.device))
            start += parameter.numel()
        return tensors

    def store(self) -> None:
        """Write parameters and buffers back into the net."""
        self.net.theta[:] = self.flat(self.parameters)
        self.store_buffers()

    def store_buffers(self) -> None:
        """Write the running means and variances back into the net; PyTorch calls them by the same names."""
        for layer, module in zip(self.layers, self.modules, strict=True):
            for name, buffer in module.named_buffers():
                if name in layer.buffers:  # in a Residual, "1.running_mean" here and there
                    getattr(layer, name)[:] = array(buffer)


class NumpyDropout(nn.Module):
    """`nn.Dropout`, with masks from the layer's own generator, since PyTorch's would differ."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """m * x while training, x otherwise."""
        ones = np.ones(tuple(x.shape), dtype=str(x.dtype).removeprefix("torch."))
        return x * torch.tensor(self.layer.forward(ones, training=True)[0], device=x.device) if self.training else x


def gradient(twin: Twin, criterion: Callable[[Tensor, Tensor], Tensor], X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Loss and predictions of a batch; its gradient is left in the `grad` of every parameter."""
    twin.model.train()
    twin.model.zero_grad()
    y_hat = twin.model(X)
    value = criterion(y_hat, y)
    if value.requires_grad:  # not for a net without parameters
        value.backward()  # type: ignore[no-untyped-call, unused-ignore]
    return value.detach(), y_hat.detach()


def make_criterion(net: Net, loss: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss as a PyTorch module."""
    criterion: Callable[[Tensor, Tensor], Tensor] = LOSSES[type(loss)](loss.reduction, *(loss.constants() or limits(net, loss)))
    return criterion


class OnProbabilities(nn.Module):
    """A loss of probabilities, kept between two limits in value but not in derivative, as clearprop's are.

    `nn.NLLLoss` takes logarithms; `nn.BCELoss` bounds them by -100, and the denominator of the derivative by 1e-12, which
    gives other numbers once a sigmoid saturates.
    """

    def __init__(self, reduction: str, low: float, high: float) -> None:
        super().__init__()
        self.reduction, self.low, self.high = reduction, low, high

    def kept_between(self, p: Tensor) -> Tensor:
        """`p`, no lower than `low` and no higher than `high`, with derivative 1 everywhere."""
        return p + (p.clamp(self.low, self.high) - p).detach()


class NLLOfProbabilities(OnProbabilities):
    """-sum_bi y_bi log p_bi."""

    def forward(self, p: Tensor, y: Tensor) -> Tensor:
        """The sum, or the mean over the examples."""
        total = -(y * torch.log(self.kept_between(p))).sum()
        return total if self.reduction == "sum" else total / len(y)


class BCEOfProbabilities(OnProbabilities):
    """-sum_bi (y_bi log p_bi + (1 - y_bi) log(1 - p_bi))."""

    def forward(self, p: Tensor, y: Tensor) -> Tensor:
        """The sum, or the mean over all numbers."""
        p = self.kept_between(p)
        values = -(y * torch.log(p) + (1.0 - y) * torch.log(1.0 - p))
        return values.sum() if self.reduction == "sum" else values.mean()


class FocalOfScores(nn.Module):
    """-sum_bi y_bi (1 - p_bi)^gamma log p_bi, which PyTorch does not have."""

    def __init__(self, reduction: str, gamma: float) -> None:
        super().__init__()
        self.reduction, self.gamma = reduction, gamma

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """The sum, or the mean over the examples."""
        log_p = nn.functional.log_softmax(z, dim=1)
        total = -(y * (-torch.expm1(log_p)) ** self.gamma * log_p).sum()
        return total if self.reduction == "sum" else total / len(y)


class Pinball(nn.Module):
    """sum_bi q (y_bi - y_hat_bi) for targets above, (1 - q) (y_hat_bi - y_bi) below, which PyTorch does not have."""

    def __init__(self, reduction: str, q: float) -> None:
        super().__init__()
        self.reduction, self.q = reduction, q

    def forward(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """The sum, or the mean over all numbers."""
        above, below = nn.functional.relu(y - y_hat), nn.functional.relu(y_hat - y)
        values = self.q * above + (1.0 - self.q) * below
        return values.sum() if self.reduction == "sum" else values.mean()


def step(twin: Twin, rule: torch.optim.Optimizer, optimizer: Optimizer, t: int) -> None:
    """Step number t (from 0): set the learning rate, clip the gradient, add that of the penalty, let PyTorch update."""
    for group in rule.param_groups:
        group["lr"] = optimizer.rate(t)
    grads = [parameter.grad for parameter in twin.parameters if parameter.grad is not None]
    if optimizer.clip_norm is not None:
        # nn.utils.clip_grad_norm_ divides by norm + 1e-6, and would clip a little too much
        factor = clip_factor(torch.cat([grad.ravel() for grad in grads]), optimizer.clip_norm)
        for grad in grads:
            grad *= factor
    if optimizer.weight_decay and not optimizer.decoupled:
        # torch.optim would add this to a copy, and plain SGD's v, the gradient with its penalty, could not be read off
        for parameter in twin.parameters:
            if parameter.grad is not None:
                parameter.grad += optimizer.weight_decay * parameter.detach()
    rule.step()


def load_state(twin: Twin, rule: torch.optim.Optimizer, optimizer: Optimizer) -> None:
    """Give PyTorch's optimizer the state of ours."""
    zeros = {name: np.zeros_like(twin.net.theta) for name in optimizer.state_names}
    for name, value in (optimizer.state or zeros).items():
        for parameter, piece in zip(twin.parameters, twin.pieces(value), strict=True):
            rule.state[parameter][STATE[type(optimizer)][name]] = piece
            rule.state[parameter]["step"] = torch.tensor(float(optimizer.t))
            if isinstance(optimizer, Nadam):
                product = optimizer.product(optimizer.t) if optimizer.t else 1.0
                rule.state[parameter]["mu_product"] = torch.tensor(product, dtype=parameter.dtype)


def store_state(twin: Twin, rule: torch.optim.Optimizer, optimizer: Optimizer, steps: int) -> None:
    """Copy the state of PyTorch's optimizer back into ours, which has taken so many more steps."""
    for name in optimizer.state_names:
        kept = STATE[type(optimizer)][name]
        plain = type(optimizer) is SGD and not optimizer.momentum  # without momentum, v is the gradient, and not kept
        optimizer.state[name] = twin.flat(p.grad if plain else rule.state[p][kept] for p in twin.parameters)
    optimizer.t += steps


LOSSES: dict[type, Any] = {
    CrossEntropy: lambda reduction, *_: nn.CrossEntropyLoss(reduction=reduction),
    NegativeLogLikelihood: NLLOfProbabilities,
    BinaryCrossEntropy: BCEOfProbabilities,
    BinaryCrossEntropyWithLogits: lambda reduction, *_: nn.BCEWithLogitsLoss(reduction=reduction),
    Focal: FocalOfScores,
    MeanSquaredError: lambda reduction, *_: nn.MSELoss(reduction=reduction),
    MeanAbsoluteError: lambda reduction, *_: nn.L1Loss(reduction=reduction),
    Huber: lambda reduction, delta: nn.HuberLoss(reduction=reduction, delta=delta),
    Quantile: Pinball,
}
RULES: dict[type, Any] = {
    SGD: lambda o, params: torch.optim.SGD(params, momentum=o.momentum, nesterov=o.nesterov),
    AdaGrad: lambda o, params: torch.optim.Adagrad(params, eps=o.eps),
    RMSProp: lambda o, params: torch.optim.RMSprop(params, alpha=o.rho, eps=o.eps),
    Adam: lambda o, params: torch.optim.Adam(params, betas=(o.beta1, o.beta2), eps=o.eps),
    AdamW: lambda o, params: torch.optim.AdamW(params, betas=(o.beta1, o.beta2), eps=o.eps, weight_decay=o.weight_decay),
    Nadam: lambda o, params: torch.optim.NAdam(params, betas=(o.beta1, o.beta2), eps=o.eps),
}
STATE: dict[type, dict[str, str]] = {
    SGD: {"v": "momentum_buffer"},
    AdaGrad: {"s": "sum"},
    RMSProp: {"s": "square_avg"},
    **{kind: {"m": "exp_avg", "s": "exp_avg_sq"} for kind in (Adam, AdamW, Nadam)},
}
