"""State of the tensor engines: theta and the optimizer's state, on a device for the length of an epoch."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Device, Steps, batches
from clearprop.errors import OptionError
from clearprop.nn import Linear, Loss, Net
from clearprop.nn.pytorch import torch
from clearprop.optim import SGD, AdaGrad, Adam, AdamW, Lion, Nadam, Optimizer, RMSProp
from clearprop.registry import choose

DEVICES: tuple[Device, ...] = get_args(Device)
Tensor = torch.Tensor


def check_device(device: Device) -> Device:
    """`device`, if PyTorch can compute there.

    Raises
    ------
    OptionError
        If there is no such device, or this machine does not have it.

    Examples
    --------
    >>> check_device("cpu")
    'cpu'
    """
    choose("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("device='cuda' needs a GPU that PyTorch can use, and it finds none here; use device='cpu'.")
    return device


def tensor(values: Array, device: Device) -> Tensor:
    """A copy of an array on the device."""
    return torch.tensor(values, device=device)


def array(values: Tensor) -> Array:
    """A tensor as an array, back from its device."""
    return np.asarray(values.detach().cpu().numpy())


def views(net: Net, flat: Tensor) -> dict[int, list[Tensor]]:
    """The parameters of each layer as views into a flat tensor (P,), as they are in `net.theta`; no bias is one of zeros."""
    parts: dict[int, list[Tensor]] = {}
    start = 0
    for layer in net.unique_layers():
        parts[id(layer)] = []
        for parameter in layer.parameters().values():
            parts[id(layer)].append(flat[start : start + parameter.size].view(parameter.shape))
            start += parameter.size
        if type(layer) is Linear and not layer.bias:
            parts[id(layer)].append(flat.new_zeros(layer.n_out))
    return parts


def report(loss: Loss, losses: list[Tensor], outputs: list[Tensor], y: Array, batch_size: int) -> Steps:
    """The figures of an epoch, fetched from the device at once; y are the targets in the order of the epoch."""
    y_hat = array(torch.cat(outputs))
    n_correct = [loss.n_correct(y_hat[rows], y[rows]) for rows in batches(np.arange(len(y)), batch_size)]
    return Steps(array(torch.stack(losses)).astype(np.float64), np.array(n_correct))


class State:
    """Theta and the optimizer's state, on a device.

    Attributes
    ----------
    theta : tensor (P,)
    state : dict of str to tensor (P,)
        State of the optimizer.
    t : int
        Number of steps taken.
    """

    def __init__(self, net: Net, optimizer: Optimizer, device: Device) -> None:
        self.theta = tensor(net.theta, device)
        self.state = {name: tensor(value, device) for name, value in optimizer.state.items()}
        if not self.state:
            self.state = {name: torch.zeros_like(self.theta) for name in optimizer.state_names}
        self.t = optimizer.t

    def store(self, net: Net, optimizer: Optimizer) -> None:
        """Write everything back into the net and the optimizer."""
        net.theta[:] = array(self.theta)
        optimizer.state = {name: array(value).copy() for name, value in self.state.items()}
        optimizer.t = self.t

    def step(self, optimizer: Optimizer, grad: Tensor) -> None:
        """Clip the gradient (P,), add that of the penalty, update theta and the state in place."""
        lr = optimizer.rate(self.t)
        self.t += 1
        l2, decay = (0.0, optimizer.weight_decay) if optimizer.decoupled else (optimizer.weight_decay, 0.0)
        g = grad * clip_factor(grad, optimizer.clip_norm) + l2 * self.theta
        rule = UPDATES[type(optimizer)]
        theta, *state = rule(self.theta - lr * decay * self.theta, g, *self.state.values(), lr, *optimizer.constants(self.t))
        self.theta.copy_(theta)
        for old, new in zip(self.state.values(), state, strict=True):
            old.copy_(new)


def clip_factor(grad: Tensor, clip_norm: float | None) -> Tensor | float:
    """Scale factor that clips a gradient to `clip_norm`; 1 if its norm is no larger."""
    if clip_norm is None:
        return 1.0
    norm = torch.linalg.vector_norm(grad.double())
    # torch.where, not `if`, which would make the processor wait for the device in every step
    return torch.where(norm > clip_norm, clip_norm / norm, torch.ones_like(norm)).to(grad.dtype)


def sgd(theta: Tensor, g: Tensor, v: Tensor, lr: float, momentum: float, nesterov: bool) -> tuple[Tensor, Tensor]:
    """v <- momentum v + g; theta <- theta - lr v."""
    v = momentum * v + g
    return theta - lr * (g + momentum * v if nesterov else v), v


def adagrad(theta: Tensor, g: Tensor, s: Tensor, lr: float, eps: float) -> tuple[Tensor, Tensor]:
    """s <- s + g^2; theta <- theta - lr g / (sqrt(s) + eps)."""
    s = s + g * g
    return theta - lr * g / (torch.sqrt(s) + eps), s


def rmsprop(theta: Tensor, g: Tensor, s: Tensor, lr: float, rho: float, eps: float) -> tuple[Tensor, Tensor]:
    """s <- rho s + (1 - rho) g^2; theta <- theta - lr g / (sqrt(s) + eps)."""
    s = rho * s + (1.0 - rho) * g * g
    return theta - lr * g / (torch.sqrt(s) + eps), s


def adam(
    theta: Tensor, g: Tensor, m: Tensor, s: Tensor, lr: float, beta1: float, beta2: float, eps: float, sum1: float, sum2: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Running averages m of g and s of g^2, divided by the sums of their weights; theta <- theta - lr m / (sqrt(s) + eps)."""
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * g * g
    return theta - lr * (m / sum1) / (torch.sqrt(s / sum2) + eps), m, s


def nadam(
    theta: Tensor, g: Tensor, m: Tensor, s: Tensor, lr: float, beta1: float, beta2: float, eps: float,
    of_m: float, of_g: float, sum2: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The averages of Adam; theta <- theta - lr (of_m m + of_g g) / (sqrt(s) + eps)."""
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * g * g
    return theta - lr * (of_m * m + of_g * g) / (torch.sqrt(s / sum2) + eps), m, s


def lion(theta: Tensor, g: Tensor, m: Tensor, lr: float, beta1: float, beta2: float) -> tuple[Tensor, Tensor]:
    """theta <- theta - lr sign(beta1 m + (1 - beta1) g); m <- beta2 m + (1 - beta2) g."""
    return theta - lr * torch.sign(beta1 * m + (1.0 - beta1) * g), beta2 * m + (1.0 - beta2) * g


UPDATES: dict[type, Any] = {
    SGD: sgd,
    AdaGrad: adagrad,
    RMSProp: rmsprop,
    Adam: adam,
    AdamW: adam,
    Nadam: nadam,
    Lion: lion,
}
