"""Changes of a PyTorch run: what a remedy does to copies of the module, the loss, the optimizer and the examples, by name."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch.utils._pytree import tree_leaves

from clearprop.doctor.pytorch.computation import Computation, Operation
from clearprop.doctor.pytorch.interceptions import with_activation, with_dropout, without_ending
from clearprop.doctor.pytorch.loader_examples import Examples, Given
from clearprop.doctor.pytorch.torch_measures import as_split, sampled
from clearprop.doctor.pytorch.torch_run import TorchRun
from clearprop.doctor.pytorch.yardstick import OF_LABELS, OF_YES, Yardstick, named_yardstick, yardstick_for
from clearprop.errors import UnsupportedError
from clearprop.nn.pytorch import torch

BOUNDED = ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "ReLU", "LogSigmoid", "log")
Change = Callable[[TorchRun, Any], TorchRun]


def change(run: TorchRun, changes: dict[str, Any]) -> TorchRun:
    """A copy of the run with all `changes` made, in their order.

    Raises
    ------
    UnsupportedError
        If one of them cannot be carried out on a module of PyTorch.
    """
    run = run.twin()
    for name, value in changes.items():
        if name not in CHANGES:
            raise UnsupportedError(f"the change {name!r} cannot be carried out on a module of PyTorch")
        run = CHANGES[name](run, value)
    return run


def seen(run: TorchRun) -> Computation:
    """The computation of the sample; without its loss, if that raises."""
    given = sampled(run.examples)
    try:
        return run.recorded(given)
    except Exception:
        return run.but(loss_fn=lambda answer, targets: None).recorded(given)


def rate(run: TorchRun, value: float) -> TorchRun:
    """Multiply the learning rate of every group."""
    for group in run.optimizer.param_groups:
        group["lr"] = group["lr"] * value
    return run


def optimizer(run: TorchRun, value: dict[str, Any]) -> TorchRun:
    """Change the weight decay of every group, or clip the gradient."""
    for name, item in value.items():
        if name == "clip_norm":
            run = run.but(clip_norm=item)
            continue
        for group in run.optimizer.param_groups:
            group[name] = item
    return run


def parameters(run: TorchRun, value: Any) -> TorchRun:
    """Hand the parameters that the optimizer lacks to it, those that nobody registered too."""
    held = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    wanted = [p for p in run.module.parameters() if p.requires_grad and id(p) not in held]
    wanted += [t for t in {id(t): t for t in seen(run).recorder.strange}.values() if id(t) not in held]
    if not wanted:
        raise UnsupportedError("the optimizer holds every parameter")
    run.optimizer.add_param_group({"params": wanted})
    return run


def unfreeze(run: TorchRun, value: Any) -> TorchRun:
    """Let every parameter have a gradient, and the optimizer hold it."""
    run.module.requires_grad_(True)
    held = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    missing = [p for p in run.module.parameters() if id(p) not in held]
    if missing:
        run.optimizer.add_param_group({"params": missing})
    return run


def epochs(run: TorchRun, value: int) -> TorchRun:
    """Train for so many epochs."""
    return run.but(epochs=value)


def order(run: TorchRun, value: str) -> TorchRun:
    """Shuffle the rows in every epoch."""
    if run.examples.whole is None:
        raise UnsupportedError("batches of different shapes are not shuffled row by row")
    return run.but(examples=replace(run.examples, shuffled=True))


def on_inputs(run: TorchRun, function: Callable[[Any], Any]) -> TorchRun:
    """Change the inputs that are numbers with a fraction, in training and validation."""

    def one(t: Any) -> Any:
        return function(t) if t.is_floating_point() else t

    def given(batch: Given) -> Given:
        return replace(batch.apply(one), targets=batch.targets)

    return run.but(examples=run.examples.changed(given), val=None if run.val is None else run.val.changed(given))


def scale(run: TorchRun, value: str) -> TorchRun:
    """Standardise: each column of a matrix, all numbers of anything else."""
    x = first_input(run.examples)
    if not x.is_floating_point():
        raise UnsupportedError("integer inputs are not scaled")
    axes = (0,) if x.dim() == 2 else tuple(range(x.dim()))
    mean, std = x.mean(dim=axes, keepdim=True), x.std(dim=axes, keepdim=True, correction=0).clamp_min(1e-12)
    std = torch.where(std <= 1e-9 * mean.abs(), torch.ones_like(std), std)
    return on_inputs(run, lambda t: (t - mean) / std if t.shape[1:] == x.shape[1:] else t)


def inputs(run: TorchRun, value: str) -> TorchRun:
    """Replace numbers that are not finite by their column's mean."""
    if value != "fill":
        raise UnsupportedError("columns are not dropped from a module of PyTorch")
    x = first_input(run.examples)
    bad = ~torch.isfinite(x)
    mean = torch.where(bad, torch.zeros_like(x), x).sum(dim=0) / (~bad).sum(dim=0).clamp_min(1)
    return on_inputs(run, lambda t: torch.where(torch.isfinite(t), t, mean.to(t.dtype)) if t.shape[1:] == x.shape[1:] else t)


def first_input(examples: Examples) -> Any:
    """The first tensor of the inputs, of all examples."""
    if examples.whole is None:
        raise UnsupportedError("batches of different shapes cannot be put together")
    return tree_leaves((examples.whole.args, examples.whole.named))[0]


def on_targets(run: TorchRun, function: Callable[[Any], Any]) -> TorchRun:
    """Change the targets, in training and validation."""

    def given(batch: Given) -> Given:
        return replace(batch, targets=function(batch.targets))

    return run.but(examples=run.examples.changed(given), val=None if run.val is None else run.val.changed(given))


def labels(run: TorchRun, value: str) -> TorchRun:
    """Given "renumber": classes 0, 1, ...; "standard": numbers of mean 0 and standard deviation 1."""
    y = run.examples.whole.targets if run.examples.whole is not None else run.examples.batches[0].targets
    if value == "standard":
        mean, std = y.double().mean(dim=0), y.double().std(dim=0, correction=0).clamp_min(1e-12)
        return on_targets(run, lambda t: ((t.double() - mean) / std).to(t.dtype))
    known = torch.unique(y)
    integral = yardstick_for_name(run).loss in OF_LABELS
    kind = torch.int64 if integral else y.dtype
    run = on_targets(run, lambda t: torch.searchsorted(known, t.contiguous()).to(kind))
    at = last_product(run)
    if integral and at is not None and at.weight.shape[1] < len(known):
        widen_last(run, at, len(known))
    return run


def widen_last(run: TorchRun, at: Operation, n: int) -> None:
    """Replace the module's last Linear by one with n outputs, which the optimizer trains."""
    old = run.module.get_submodule(at.place)
    if not isinstance(old, torch.nn.Linear):
        raise UnsupportedError("the last layer is no torch.nn.Linear")
    new = torch.nn.Linear(old.in_features, n, bias=old.bias is not None).to(old.weight.dtype)
    put(run.module, at.place, new)
    run.optimizer.add_param_group({"params": list(new.parameters())})


def put(module: Any, place: str, new: Any) -> None:
    """Put another module in the place of a submodule."""
    if not place:
        raise UnsupportedError("the module itself cannot be replaced")
    parent, _, name = place.rpartition(".")
    module.get_submodule(parent)._modules[name] = new


def last_product(run: TorchRun) -> Operation | None:
    """The last product of the module."""
    found = [op for op in seen(run).layers if op.weight is not None]
    return found[-1] if found else None


def init(run: TorchRun, value: Any, only_last: bool = False) -> TorchRun:
    """Draw the weights again by He's rule before a ReLU, by Xavier's elsewhere, with zero biases."""
    computation = seen(run)
    layers = computation.layers
    products = [(i, op) for i, op in enumerate(layers) if op.weight is not None and op.parameter is not None]
    done: set[int] = set()
    with torch.no_grad():
        for i, op in products[-1:] if only_last else products:
            if id(op.parameter) in done:
                continue
            done.add(id(op.parameter))
            following = layers[i + 1].kind if i + 1 < len(layers) else ""
            n_in, n_out = op.weight.shape
            receptive = n_in / max(op.parameter.shape[1], 1) if op.kind == "Conv" else 1.0
            spread = math.sqrt(2 / n_in) if following in ("ReLU", "BatchNorm") else math.sqrt(2 / (n_in + n_out * receptive))
            op.parameter.normal_(0.0, spread)
            bias = getattr(run.module.get_submodule(op.place), "bias", None)
            if isinstance(bias, torch.Tensor):
                bias.zero_()
    return run


def last_layer(run: TorchRun, value: Any) -> TorchRun:
    """Draw the weights of the last product again."""
    return init(run, value, only_last=True)


def activation(run: TorchRun, value: str) -> TorchRun:
    """Put an activation between products that have none between them; elsewhere use it in place of sigmoid and tanh."""
    computation = seen(run)
    kinds = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
    pairs = computation.pairs()
    for first in dict.fromkeys(a.place for a, _ in pairs):
        old = run.module.get_submodule(first)
        if not first or isinstance(old, torch.nn.Sequential):
            raise UnsupportedError("the product is no module of its own")
        put(run.module, first, torch.nn.Sequential(old, kinds[value]()))
    if not pairs:
        replaced = [op for op in computation.layers if op.kind in ("Sigmoid", "Tanh")]
        ending = computation.ending()[:1]
        spared = len(replaced) if replaced and ending == [replaced[-1].kind] else 0
        if len(replaced) - bool(spared) < 1:
            raise UnsupportedError("there is no activation to replace")
        run = run.but(calling=with_activation(run.calling, getattr(torch, value), spared))
    return init(run, "default")


def output(run: TorchRun, value: Any) -> TorchRun:
    """Leave out a bounding function at the end, and take the loss that suits the task."""
    computation = seen(run)
    yardstick = yardstick_for_name(run)
    ending = computation.ending()
    out, y = computation.output, run.examples.batches[0].targets
    labels_ = run.examples.whole.targets.unique() if run.examples.whole is not None else y.unique()
    if yardstick.loss not in OF_LABELS and one_softmax(ending, out) and len(labels_) > 2:
        return run.but(calling=without_ending(run.calling))
    depth = next((i for i, kind in enumerate(ending) if kind not in BOUNDED), len(ending))
    if depth:
        run = run.but(calling=without_ending(run.calling, depth))
    if yardstick.loss in OF_LABELS and int(out.shape[-1]) == 1:
        if len(labels_) == 2:
            return run.but(loss_fn=yes_or_no)
        last = last_product(run)
        if last is not None:
            widen_last(run, last, int(labels_.max()) + 1)
    if yardstick.loss in OF_LABELS:
        return run.but(loss_fn=torch.nn.functional.cross_entropy)
    if yardstick.loss in OF_YES or (len(labels_) == 2 and set(labels_.tolist()) <= {0, 1} and out[0].numel() == 1):
        return run.but(loss_fn=yes_or_no)
    if one_hot(y) and y.shape == out.shape:
        return run.but(loss_fn=torch.nn.functional.cross_entropy)
    return run


def one_softmax(ending: list[str], out: Any) -> bool:
    """Whether a softmax over one unit ends the module."""
    return ending[:1] == ["Softmax"] and bool(out.dim()) and int(out.shape[-1]) == 1


def one_hot(y: Any) -> bool:
    """Whether targets are rows of one 1 and zeros."""
    return y.dim() == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(dim=1) == 1).all())


def yes_or_no(answer: Any, targets: Any) -> Any:
    """The cross-entropy of logits with labels of any shape and type."""
    return torch.nn.functional.binary_cross_entropy_with_logits(answer, targets.to(answer.dtype).reshape(answer.shape))


def yardstick_for_name(run: TorchRun) -> Yardstick:
    """The yardstick of what the loss was seen to do, or, if it raises, of its name."""
    try:
        return yardstick_for(run, run.recorded(sampled(run.examples)))
    except Exception:
        return named_yardstick(run)


def align(run: TorchRun, value: Any) -> TorchRun:
    """Give the targets the shape of the outputs, so that each is compared with its own."""
    return run.but(shape=lambda answer, targets: (answer, targets.reshape(answer.shape)))


def classes(run: TorchRun, value: int) -> TorchRun:
    """Move the classes from the last dimension of the outputs to this one."""
    then = run.calling
    return run.but(calling=lambda module, forward: then(module, forward).movedim(-1, value))


def dtype(run: TorchRun, value: str) -> TorchRun:
    """Convert the targets to this type."""
    return on_targets(run, lambda t: t.to(getattr(torch, value)))


def loss(run: TorchRun, value: dict[str, Any]) -> TorchRun:
    """Average a loss that sums over the batch."""
    old = run.loss_fn
    return run.but(loss_fn=lambda answer, targets: old(answer, targets) / max(len(targets), 1))


def dropout(run: TorchRun, value: float) -> TorchRun:
    """Set the rate of dropout, which is switched off in evaluation."""
    for part in run.module.modules():
        if isinstance(part, torch.nn.modules.dropout._DropoutNd):
            part.p = value
    return run.but(calling=with_dropout(run.calling, value))


def hidden(run: TorchRun, value: int) -> TorchRun:
    """Widen every hidden Linear to at least `value` units, where one follows another."""
    ops = [op for op in seen(run).layers if op.weight is not None]
    linear = [run.module.get_submodule(op.place) for op in ops]
    fit = all(isinstance(layer, torch.nn.Linear) for layer in linear) and len({op.place for op in ops}) == len(ops)
    if len(linear) < 2 or not fit or any(a.out_features != b.in_features for a, b in itertools.pairwise(linear)):
        raise UnsupportedError("the hidden layers are no chain of torch.nn.Linear")
    widths = [linear[0].in_features, *(max(layer.out_features, value) for layer in linear[:-1]), linear[-1].out_features]
    fresh = []
    for i, op in enumerate(ops):
        new = torch.nn.Linear(widths[i], widths[i + 1], bias=linear[i].bias is not None).to(linear[i].weight.dtype)
        put(run.module, op.place, new)
        fresh += list(new.parameters())
    run.optimizer.add_param_group({"params": fresh})
    return run


def balance(run: TorchRun, value: Any) -> TorchRun:
    """Repeat rows of small classes until all are equally frequent."""
    whole = run.examples.whole
    if whole is None:
        raise UnsupportedError("batches of different shapes are not repeated row by row")
    y = np.unique(whole.targets.reshape(len(whole), -1)[:, 0].cpu().numpy(), return_inverse=True)[1].reshape(-1)
    counts = np.bincount(y)
    rng = np.random.default_rng(run.seed)
    more = [rng.choice(np.flatnonzero(y == c), counts.max() - counts[c]) for c in range(len(counts))]
    rows = torch.as_tensor(rng.permutation(np.concatenate([np.arange(len(y)), *more])))
    balanced = whole.apply(lambda t: t[rows])
    size = run.examples.size
    batches = [balanced.apply(lambda t, i=i: t[i : i + size]) for i in range(0, len(rows), size)]  # type: ignore[misc]
    return run.but(examples=replace(run.examples, batches=batches, whole=balanced))


def train_on(run: TorchRun, value: str) -> TorchRun:
    """Train on the first half of the validation examples, and validate on the second."""
    if run.val is None or run.val.whole is None:
        raise UnsupportedError("there are no validation examples")
    whole, size = run.val.whole, run.examples.size
    half = len(whole) // 2
    first, second = whole.apply(lambda t: t[:half]), whole.apply(lambda t: t[half:])
    batches = [first.apply(lambda t, i=i: t[i : i + size]) for i in range(0, half, size)]  # type: ignore[misc]
    return run.but(
        examples=replace(run.examples, batches=batches, whole=first), val=replace(run.val, batches=[second], whole=second)
    )


def split(run: TorchRun, value: str) -> TorchRun:
    """Drop the validation rows that are in training too."""
    yardstick = yardstick_for_name(run)
    train = as_split(run.examples, yardstick, seen(run))
    val = None if run.val is None else as_split(run.val, yardstick, seen(run))
    if train is None or val is None or run.val is None or run.val.whole is None:
        raise UnsupportedError("there are no rows to compare")
    known = {row.tobytes() for row in train.X}
    keep = torch.as_tensor([row.tobytes() not in known for row in val.X])
    if not keep.any():
        return run.but(val=None)
    whole = run.val.whole.apply(lambda t: t[keep])
    return run.but(val=replace(run.val, batches=[whole], whole=whole))


CHANGES: dict[str, Change] = {
    "rate": rate, "optimizer": optimizer, "parameters": parameters, "unfreeze": unfreeze, "epochs": epochs, "order": order,
    "scale": scale, "inputs": inputs, "labels": labels, "init": init, "last_layer": last_layer, "activation": activation,
    "output": output, "align": align, "classes": classes, "dtype": dtype, "loss": loss, "dropout": dropout, "hidden": hidden,
    "balance": balance, "train_on": train_on, "split": split,
}  # fmt: skip
