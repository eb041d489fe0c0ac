"""Interceptions: what a module calls is answered otherwise while it runs, so that a remedy needs no change of its source.

Each is a function (module, forward) -> answer, where `forward()` runs the module; `TorchRun.calling` holds one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode

from clearprop.nn.pytorch import torch

Calling = Callable[[Any, Callable[[], Any]], Any]
BOUNDING = ("softmax", "log_softmax", "sigmoid", "tanh", "relu", "logsigmoid", "log", "log_", "relu_", "sigmoid_", "tanh_")
DROPPING = ("dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d")


class Watched(TorchFunctionMode):
    """Keeps what each bounding function was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out the call; remember a copy of its argument."""
        name = getattr(func, "__name__", "")
        if name in BOUNDING and (args or "input" in (kwargs or {})):
            self.given.append((args[0] if args else kwargs["input"]).clone())
        return func(*args, **(kwargs or {}))


def without_ending(then: Calling, depth: int = 1) -> Calling:
    """Answer with what the module's last bounding function was given, or the last but one: the logits before a softmax."""

    def calling(module: Any, forward: Callable[[], Any]) -> Any:
        with Watched() as watched:
            answer = then(module, forward)
        if len(watched.given) < depth or watched.given[-depth].numel() != answer.numel():
            return answer
        return watched.given[-depth].reshape(answer.shape)

    return calling


class Replaced(TorchFunctionMode):
    """Calls another function in place of sigmoid and tanh, but for the one that ends the module."""

    def __init__(self, new: Callable[[Any], Any], spared: int) -> None:
        super().__init__()
        self.new, self.spared, self.count = new, spared, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out the call, or another in its place."""
        if getattr(func, "__name__", "") in ("sigmoid", "tanh", "sigmoid_", "tanh_"):
            self.count += 1
            if self.count != self.spared:
                return self.new(args[0] if args else (kwargs or {})["input"])
        return func(*args, **(kwargs or {}))


def with_activation(then: Calling, new: Callable[[Any], Any], spared: int) -> Calling:
    """Use `new` in place of sigmoid and tanh; the call numbered `spared`, from 1, is left as it is."""

    def calling(module: Any, forward: Callable[[], Any]) -> Any:
        with Replaced(new, spared):
            return then(module, forward)

    return calling


class Governed(TorchFunctionMode):
    """Gives dropout the rate and the mode that it should have."""

    def __init__(self, rate: float, training: bool) -> None:
        super().__init__()
        self.rate, self.training = rate, training

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out the call; dropout only in training."""
        if getattr(func, "__name__", "") in DROPPING and getattr(func, "__module__", "") == "torch.nn.functional":
            x = args[0] if args else (kwargs or {})["input"]
            return torch.nn.functional.dropout(x, self.rate, training=self.training)
        return func(*args, **(kwargs or {}))


def with_dropout(then: Calling, rate: float) -> Calling:
    """Drop this share in training, and nothing in evaluation."""

    def calling(module: Any, forward: Callable[[], Any]) -> Any:
        with Governed(rate, module.training):
            return then(module, forward)

    return calling
