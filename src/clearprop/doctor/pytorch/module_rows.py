"""Rows of a recorded module: its structure, shapes, activations and outputs, as the rules read them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.pytorch.computation import Computation, Operation
from clearprop.doctor.pytorch.loader_examples import Given
from clearprop.nn.pytorch import torch
from clearprop.training.history import Row

FLAT = 0.02  # share of the largest slope below which a unit counts as saturated


def structure(seen: Computation, names: dict[int, str]) -> list[Row]:
    """A row per layer, in the order in which they are computed, and one more if something else ends the module."""
    rows: list[Row] = []
    layers = seen.layers
    tail = seen.tail()
    for i, op in enumerate(layers, 1):
        kind = {"Conv": "Linear"}.get(op.kind, op.kind)
        if kind == "Softmax" and op.number not in tail:
            kind = "attention"  # weights of a mean, and no probabilities of classes
        width = int(op.out.shape[op.channels]) if op.out.dim() else 1
        row: Row = {"layer": i, "kind": kind, "width": width, "repr": op.kind, "place": op.place}
        if op.axis is not None and op.out.dim() == 2:
            row["over_batch"] = op.axis % 2 == 0
        if op.weight is not None:
            following = next((other for other in layers[i:] if op.number in ancestry(seen, other)), None)
            before = following.kind if following is not None else ""
            W = op.weight.double().cpu().numpy()
            spread, half = size(W), math.sqrt(2.0) if before == "ReLU" else 1.0
            row |= {
                "n_in": W.shape[0], "spread": spread, "gain": spread * math.sqrt(W.shape[0]) / half, "before": before,
                "alike": float(np.abs(W - W[:, :1]).max()), "normalised": before.endswith("Norm"), "bias": 0.0,
                "parameter": names.get(id(op.parameter)),
            }  # fmt: skip
        rows.append(row)
    ending = seen.ending()
    if ending and (not layers or layers[-1].number != seen.effective(seen.last)):
        rows.append({"layer": len(layers) + 1, "kind": ending[0], "width": None, "repr": ending[0]})
    return rows


def ancestry(seen: Computation, op: Operation) -> set[int]:
    """Operations that feed one, through reshaping and sums with constants alone."""
    found = {seen.effective(parent) for parent in op.parents}
    more = set(found)
    for number in found:
        if number >= 0 and seen.operations[number].name in ("add", "sub") and len(set(seen.operations[number].parents)) == 1:
            more.add(seen.effective(seen.operations[number].parents[0]))
    return more


def shapes(seen: Computation, sample: Given, batch: int) -> Row:
    """One row: shapes of outputs and targets, and whether the loss compares every output with every target."""
    out, y = seen.output, sample.targets
    row: Row = {"compared": 0}
    if not (isinstance(out, torch.Tensor) and isinstance(y, torch.Tensor)) or not out.dim() or not y.dim():
        return row
    n = len(out)
    row |= {"outputs": [batch, *out.shape[1:]], "targets": [batch, *y.shape[1:]]}
    once = out.numel() == n and y.numel() == n and out.shape != y.shape
    if once and n > 1 and any(op.in_loss and tuple(op.out.shape[-2:]) == (n, n) for op in seen.operations):
        row["compared"] = batch**2
    return row


def activations(layers: list[Operation], stamp: Row, seen: Computation) -> list[Row]:
    """A row per ReLU, sigmoid or tanh."""
    rows = []
    last = seen.effective(seen.last)
    for i, op in enumerate(layers, 1):
        if op.kind not in ("ReLU", "Sigmoid", "Tanh") or op.value.dim() < 2:
            continue
        a = op.value.movedim(op.channels, -1).reshape(-1, op.value.shape[op.channels])
        row = {
            **stamp,
            "layer": i,
            "kind": op.kind,
            "units": a.shape[1],
            "examples": op.value.shape[0],
            "last": op.number == last,
        }
        if op.kind == "ReLU":
            row |= {"dead": int((~(a > 0).any(dim=0)).sum()), "zeros": float((a == 0).float().mean())}
        else:
            slope = 4 * a * (1 - a) if op.kind == "Sigmoid" else 1 - a * a
            row["saturated"] = float((slope < FLAT).float().mean())
        rows.append(row)
    return rows


def outputs(seen: Computation, stamp: Row) -> Row:
    """One row: spread of the predictions over the inputs, and the layer behind which it is lost."""
    a = seen.output.detach().double().reshape(len(seen.output), -1).cpu().numpy() if seen.output.dim() else np.zeros((1, 1))
    row = {**stamp, "across": float(a.std(axis=0).mean()), "low": float(a.min()), "high": float(a.max())}
    lost = None
    for i, op in enumerate(seen.layers, 1):
        if lost is not None or op.entering is None or not op.entering.is_floating_point() or op.value.dim() < 2:
            continue
        given, left = (float(t.double().reshape(len(t), -1).std(dim=0, correction=0).mean()) for t in (op.entering, op.value))
        if given > 1e-6 and left < 1e-6 * max(given, 1.0):
            lost = i
    return {**row, "size": float(np.abs(a).mean()), "lost": lost}


def size(a: Array) -> float:
    """Root mean square."""
    return float(np.sqrt((a**2).mean())) if a.size else 0.0


def rms(tensor: Any) -> float:
    """Root mean square of a tensor; 0 for None."""
    return 0.0 if tensor is None or not tensor.numel() else float(tensor.detach().double().square().mean().sqrt())
