"""Measures of a PyTorch run: the rows that the rules read, from the recorded computation instead of clearprop's own layers."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
from torch.utils._pytree import tree_leaves

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case, holds_labels, labels_of
from clearprop.doctor.chart import Chart
from clearprop.doctor.pytorch.computation import OPAQUE, Computation, Operation
from clearprop.doctor.pytorch.loader_examples import Examples, Given
from clearprop.doctor.pytorch.module_rows import activations, outputs, rms, shapes, size, structure
from clearprop.doctor.pytorch.operations_seen import STEPPED
from clearprop.doctor.pytorch.torch_run import StoppedError, TorchRun, staged
from clearprop.doctor.pytorch.yardstick import OF_LABELS, OF_YES, Yardstick, named_yardstick, reduction_of, yardstick_for
from clearprop.doctor.quantities.data_quantities import Association, Batches, Inputs, Splits
from clearprop.errors import ClearpropError
from clearprop.nn import CrossEntropy, Linear, MeanSquaredError, Net
from clearprop.nn.pytorch import torch
from clearprop.optim import SGD
from clearprop.training import FitSettings
from clearprop.training.history import Row

ROWS, NUMBERS = 512, 400_000  # examples, and input numbers, that are looked at


class TorchMonitor:
    """Looks at a module through a fixed sample of its examples, and writes what it sees into a chart."""

    def __init__(self, run: TorchRun, chart: Chart) -> None:
        self.run, self.chart = run, chart
        self.sample = sampled(run.examples)
        self.held_out = None if run.val is None else sampled(run.val)
        self.first: dict[str, Array] = values_of(run.module)
        self.before = self.first
        self.names = {id(p): name for name, p in run.module.named_parameters()}
        staged("forward", lambda: run.but(loss_fn=nothing).recorded(self.sample))
        try:
            seen = run.recorded(self.sample)
        except Exception as error:
            self.yardstick = named_yardstick(run)
            self.without_loss(run.but(loss_fn=nothing).recorded(self.sample))
            raise StoppedError("loss", error) from None
        self.yardstick = yardstick_for(run, seen)
        self.layers = seen.layers
        self.still(seen)

    def without_loss(self, seen: Computation) -> None:
        """Measure what a program whose loss raises still has: its layers, its settings and its data."""
        self.layers = seen.layers
        self.chart.add("settings", [self.settings(seen)])
        self.chart.add("structure", structure(seen, self.names))
        self.chart.add("shapes", [shapes(seen, self.sample, self.run.examples.size)])
        with suppress(Exception):
            self.chart.add("targets", [self.targets(seen)])
        with suppress(Exception):
            self.chart.add("baseline", [{"score": self.yardstick.base(self.run, seen.output, self.sample, ""), "uniform": 1.0}])

    # ------------------------------------------------------------ before training

    def still(self, seen: Computation) -> None:
        """Measure what does not change in training."""
        add = self.chart.add
        add("settings", [self.settings(seen)])
        add("structure", structure(seen, self.names))
        add(
            "pairs",
            [{"first": self.number(a), "second": self.number(b), "places": [a.place, b.place]} for a, b in seen.pairs()],
        )
        add("shapes", [shapes(seen, self.sample, self.run.examples.size)])
        ending = (seen.ending() or [""])[0]
        base = staged("loss", lambda: self.yardstick.base(self.run, seen.output, self.sample, ending))
        width = seen.output.shape[1] if isinstance(seen.output, torch.Tensor) and seen.output.dim() > 1 else 2
        add("baseline", [{"score": base, "uniform": math.log(max(int(width), 2))}])
        add("repeatability", [self.repeatability(seen)])
        with suppress(ClearpropError, ValueError, AttributeError, IndexError, TypeError), np.errstate(all="ignore"):
            self.of_data(seen)

    def number(self, op: Operation) -> int:
        """The layer's number, from 1."""
        return next(i for i, layer in enumerate(self.layers, 1) if layer.number == op.number)

    def settings(self, seen: Computation) -> Row:
        """One row: loss, optimizer, rates, batches, epochs."""
        run, groups = self.run, self.run.optimizer.param_groups
        dropouts = [m.p for m in run.module.modules() if isinstance(m, torch.nn.modules.dropout._DropoutNd)]
        rates = sorted({float(group["lr"]) for group in groups if "lr" in group})
        rows = sum(len(batch) for batch in run.examples.batches)
        return {
            "loss": self.yardstick.loss, "known": self.yardstick.known, "torch": True,
            "reduction": reduction_of(run, seen.output, self.sample), "raw": False, "broadcast": False,
            "optimizer": type(run.optimizer).__name__, "lr": max(rates, default=math.nan), "rates": rates,
            "weight_decay": max((float(group.get("weight_decay") or 0) for group in groups), default=0.0),
            "momentum": max((float(group.get("momentum") or 0) for group in groups), default=0.0),
            "clip_norm": run.clip_norm, "dropout": max(dropouts, default=0.0), "batch_size": run.examples.size,
            "examples": rows,
            "epochs": run.epochs, "steps": run.epochs * len(run.examples.batches),
            "order": "shuffle" if run.examples.shuffled else "sequential", "metric": "", "patience": None,
            "classes": self.yardstick.loss in OF_LABELS + OF_YES, "default_epochs": False,
            "opaque": any(isinstance(part, OPAQUE) for part in run.module.modules()),
        }  # fmt: skip

    def repeatability(self, seen: Computation) -> Row:
        """One row: whether two evaluations of the same inputs differ, and from where on."""
        again = self.run.recorded(self.sample)
        a, b = seen.output, again.output
        if not isinstance(a, torch.Tensor) or a.shape != b.shape:
            return {"difference": 0.0, "layer": None}
        difference = float((a.detach() - b.detach()).abs().nan_to_num().max()) if a.numel() else 0.0
        where = seen.first_difference(again) if difference else None
        layer = self.number(where) if where is not None and where.number in {op.number for op in self.layers} else None
        return {"difference": difference, "layer": layer or (len(self.layers) if difference else None), "repr": "dropout"}

    def of_data(self, seen: Computation) -> None:
        """Rows of inputs and targets, as for clearprop's own nets."""
        run, add = self.run, self.chart.add
        targets = self.targets(seen)
        if targets:
            add("targets", [targets])
        train = as_split(run.examples, self.yardstick, seen)
        if train is None:
            return
        val = None if run.val is None else as_split(run.val, self.yardstick, seen)
        order = "shuffle" if run.examples.shuffled else "sequential"
        settings = FitSettings(run.examples.size, run.epochs, run.seed, order=order)  # type: ignore[arg-type]
        loss = CrossEntropy() if holds_labels(train.y) else MeanSquaredError()
        case = Case(Net(Linear(1, 1), seed=0), train, loss, SGD(), val=val, settings=settings)
        wanted = [Inputs(), Splits(), Batches(), Association()]
        if not floating(run.examples.batches[0]):
            wanted = [Batches()]  # numbers of words, say, whose size means nothing
        for quantity in wanted:
            with suppress(ClearpropError, ValueError, IndexError, np.linalg.LinAlgError):
                add(quantity.name, quantity.measure(case))

    def targets(self, seen: Computation) -> Row:
        """One row: kind, range and class shares of the targets, and what the loss takes."""
        if self.run.examples.whole is None or not isinstance(self.run.examples.whole.targets, torch.Tensor):
            return {}
        raw, out, loss = self.run.examples.whole.targets, seen.output.detach(), self.yardstick.loss
        if loss in OF_LABELS and raw.dim() == out.dim() - 1:
            y = raw.reshape(-1).cpu().numpy()
            y = y[y != getattr(self.run.loss_fn, "ignore_index", -100)]
        else:
            y = (
                raw.double().cpu().numpy().reshape(len(raw), -1)
                if loss not in OF_LABELS or raw.dim() > 1
                else raw.cpu().numpy()
            )
        if loss in OF_YES and out.numel() == len(out):
            y = y.reshape(-1, 1)
        labels = holds_labels(y) if loss not in OF_YES else y.shape[1] == 1 and len(np.unique(y)) <= 2
        row: Row = {"dims": y.ndim, "columns": 1 if y.ndim == 1 else y.shape[1], "labels": labels, "kind": y.dtype.kind}
        row |= {"outputs": int(out.shape[1]) if out.dim() > 1 else 1, "examples": len(raw)}
        row["dtype"] = str(raw.dtype).removeprefix("torch.")
        wanted = "zeros and ones" if loss in OF_YES else "numbers"
        row["wanted"] = "classes" if loss in OF_LABELS else wanted if self.yardstick.known else "own"
        values = y.astype(np.float64)
        row |= {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean(axis=0).mean())}
        row |= {"spread": float(values.std(axis=0).mean()), "different": len(np.unique(y.reshape(-1)[:10_000]))}
        if labels:
            shares = np.bincount(labels_of(y)) / len(y)
            row |= {"n_classes": len(shares), "largest": float(shares.max()), "smallest": float(shares.min())}
        return row

    # ------------------------------------------------------------ at a moment

    def look(self, epoch: int, step: int, end: bool) -> None:
        """Measure activations, and at the end of an epoch everything."""
        stamp = {"epoch": epoch, "step": step, "end": end}
        seen = staged("forward", lambda: self.run.recorded(self.sample))
        if isinstance(seen.output, torch.Tensor) and not torch.isfinite(seen.output).all():
            return
        layers = seen.layers
        self.chart.add("activations", activations(layers, stamp, seen))
        if not end:
            return
        self.chart.add("scores", [self.scores(seen, stamp)])
        self.chart.add("outputs", [outputs(seen, stamp)])
        own = self.gradients(seen, layers, stamp)
        if epoch == 0:
            self.chart.add("parameters", self.parameters(seen, own))
        now = values_of(self.run.module)
        if epoch:
            self.chart.add("movement", self.movement(now, stamp, layers))
        self.before = now

    def scores(self, seen: Computation, stamp: Row) -> Row:
        """One row: score and accuracy on the sample, and on the validation examples."""
        train, accuracy, predicted = self.yardstick.score(self.run, seen.output, self.sample)
        row = {**stamp, "train": train, "accuracy": accuracy}
        if self.held_out is not None:
            with suppress(Exception):
                held = self.run.recorded(self.held_out).output
                row["val"], row["val_accuracy"], _ = self.yardstick.score(self.run, held, self.held_out)
        if stamp["epoch"] and predicted is not None:
            y = self.yardstick.rows(seen.output, self.sample.targets)[1].reshape(-1).astype(np.int64)
            if len(y) == len(predicted):
                recalls = [float((predicted[y == c] == c).mean()) for c in np.unique(y)]
                row |= {"worst_recall": min(recalls), "balanced": float(np.mean(recalls))}
        return row

    def gradients(self, seen: Computation, layers: list[Operation], stamp: Row) -> dict[str, Any]:
        """Rows of the products, from one backward pass of the sample; each parameter's gradient, None where none arrives."""
        named = {name: p for name, p in self.run.module.named_parameters() if p.requires_grad}
        products = [(i, op) for i, op in enumerate(layers, 1) if op.weight is not None and op.out.requires_grad]
        loss = seen.loss
        if isinstance(loss, torch.Tensor) and loss.numel() != 1:
            raise StoppedError("backward", RuntimeError(f"the loss is no number, but has shape {tuple(loss.shape)}"))
        if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
            return dict.fromkeys(named)
        if reduction_of(self.run, seen.output, self.sample) == "sum":
            loss = loss / max(len(self.sample), 1)
        wanted = [op.out for _, op in products] + list(named.values())
        found = staged("backward", lambda: torch.autograd.grad(loss, wanted, allow_unused=True)) if wanted else ()
        own = dict(zip(named, found[len(products) :], strict=True))
        rows = []
        for (i, op), delta in zip(products, found, strict=False):
            if delta is None:  # cut off from the loss, which another rule is about
                continue
            name = self.names.get(id(op.parameter))
            gradient = own.get(name) if name else None
            rows.append({
                **stamp, "layer": i, "rms": rms(gradient), "reaching": rms(delta), "entering": rms(op.entering),
                "parts": {"W": 0.0 if gradient is None else float(gradient.abs().max())},
            })  # fmt: skip
            if stamp["epoch"] == 0 and gradient is not None:
                self.tell_apart(i, gradient)
        self.chart.add("gradients", rows)
        return own

    def tell_apart(self, number: int, gradient: Any) -> None:
        """Units with equal weights are not alike if their gradients tell them apart: a layer that starts at 0 on purpose."""
        row = next(row for row in self.chart.rows("structure") if row["layer"] == number)
        flat = gradient.reshape(len(gradient), -1)
        if row.get("alike") == 0 and float((flat - flat[:1]).abs().max()) > 1e-3 * max(float(flat.abs().max()), 1e-12):
            row["alike"] = float(flat.abs().max())

    def parameters(self, seen: Computation, own: dict[str, Any]) -> list[Row]:
        """A row per parameter: whether it is used, wants a gradient, gets one, and is in the optimizer.

        `flat` names an operation without a slope, if the parameter's gradient is exactly 0.
        """
        step = next((op.name for op in seen.operations if op.name in STEPPED), "")
        held = {id(p) for group in self.run.optimizer.param_groups for p in group["params"]}
        rows = [
            {
                "name": name, "wants": p.requires_grad, "held": id(p) in held, "used": id(p) in seen.recorder.used,
                "reached": own.get(name) is not None, "numbers": p.numel(),
                "flat": step if own.get(name) is not None and not own[name].any() else "",
            }
            for name, p in self.run.module.named_parameters()
        ]  # fmt: skip
        strange = {id(t): t for t in seen.recorder.strange}.values()
        return rows + [
            {"name": f"a tensor {tuple(t.shape)}", "wants": True, "held": id(t) in held, "used": True, "reached": True,
             "numbers": t.numel(), "strange": True}
            for t in strange
        ]  # fmt: skip

    def movement(self, now: dict[str, Array], stamp: Row, layers: list[Operation]) -> list[Row]:
        """A row per parameter: its size, and how far it moved in the last epoch and since the start."""
        places = {self.names.get(id(op.parameter)): i for i, op in enumerate(layers, 1) if op.parameter is not None}
        return [
            {
                **stamp, "layer": places.get(name, 0), "parameter": "W" if a.ndim > 1 else "b", "name": name, "size": size(a),
                "change": size(a - self.before[name]), "total": size(a - self.first[name]),
            }
            for name, a in now.items()
        ]  # fmt: skip

    def first_bad(self, batch: Given) -> str:
        """The place of the first number that is not finite."""
        for tensor in tree_leaves((batch.args, batch.named)):
            if isinstance(tensor, torch.Tensor) and not torch.isfinite(tensor.double()).all():
                return "the input"
        seen = self.run.recorded(batch)
        for i, op in enumerate(seen.layers, 1):
            if not torch.isfinite(op.value).all():
                where = f" ({op.place})" if op.place else ""
                return f"the output of layer {i}{where}, {op.kind}"
        if isinstance(seen.output, torch.Tensor) and not torch.isfinite(seen.output).all():
            return "the output"
        low, high = float(seen.output.min()), float(seen.output.max())
        return f"the loss, {self.yardstick.loss}, of finite predictions between {low:.4g} and {high:.4g}"


def nothing(answer: Any, targets: Any) -> None:
    """No loss."""


def sampled(examples: Examples) -> Given:
    """The examples that are looked at."""
    first = examples.batches[0]
    each = sum(t.numel() for t in tree_leaves((first.args, first.named)) if isinstance(t, torch.Tensor)) / max(len(first), 1)
    return examples.sample(int(min(ROWS, max(16, NUMBERS / max(each, 1)))))


def floating(given: Given) -> bool:
    """Whether the inputs are numbers with a fraction, and not numbers of words."""
    tensors = [t for t in tree_leaves((given.args, given.named)) if isinstance(t, torch.Tensor)]
    return bool(tensors) and tensors[0].is_floating_point()


def as_split(examples: Examples, yardstick: Yardstick, seen: Computation) -> Split | None:
    """Inputs and targets as matrices; None where they are not one row an example."""
    if examples.whole is None or not isinstance(examples.whole.targets, torch.Tensor):
        return None
    tensors = [t for t in tree_leaves((examples.whole.args, examples.whole.named)) if isinstance(t, torch.Tensor)]
    X = tensors[0].detach().cpu().float().reshape(len(tensors[0]), -1).numpy()
    y = examples.whole.targets.detach().cpu().numpy()
    if yardstick.loss in (*OF_YES, "MeanSquaredError") or y.ndim > 2:
        y = y.reshape(len(y), -1)
    return Split(X, y) if len(X) == len(y) else None


def values_of(module: Any) -> dict[str, Array]:
    """Copies of the parameters."""
    return {name: p.detach().double().cpu().numpy().copy() for name, p in module.named_parameters()}
