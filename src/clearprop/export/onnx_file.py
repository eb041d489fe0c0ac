"""ONNX: a model as one graph, from raw columns to labels and probabilities, which onnxruntime and others run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.errors import UnsupportedError
from clearprop.export.blueprint import Blueprint, LayerStep, Page, Writer
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.onnx_graph import OnnxGraph, row_of
from clearprop.export.onnx_inputs import add_inputs
from clearprop.export.spelling import comment
from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    Embedding,
    Flatten,
    GELUTanh,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    Unflatten,
)
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE

OPERATORS: dict[type[Layer], str] = {
    Sigmoid: "Sigmoid", Tanh: "Tanh", ReLU: "Relu", LeakyReLU: "LeakyRelu", ELU: "Elu", SELU: "Selu", Softplus: "Softplus",
    GELU: "Gelu", GELUTanh: "Gelu",
}  # fmt: skip
"""Activations that ONNX has as one operator."""
ATTRIBUTES: dict[type[Layer], Callable[[Any], dict[str, Any]]] = {
    LeakyReLU: lambda layer: {"alpha": layer.negative_slope},
    ELU: lambda layer: {"alpha": layer.alpha},
    SELU: lambda layer: {"alpha": SELU_ALPHA, "gamma": SELU_SCALE},
    GELUTanh: lambda layer: {"approximate": "tanh"},
}
"""Their attributes, where they have any."""


@dataclass(eq=False)
class OnnxPage(Page):
    """A page whose lines are nodes of a graph."""

    graph: OnnxGraph = field(default_factory=lambda: OnnxGraph(set()))
    names: dict[str, str] = field(default_factory=dict)

    def tensor(self, name: str) -> str:
        """Name in the graph of a value or an array of the net."""
        if name not in self.names:
            self.names[name] = self.graph.free(f"net/{name}")
        return self.names[name]


def add(step: LayerStep, op: str, *arrays: tuple[str, Array], **attributes: Any) -> str:
    """Add one node for a layer, with its arrays as further inputs."""
    page = step.page
    assert isinstance(page, OnnxPage)
    given = []
    for letter, values in arrays:
        before = len(page.arrays)
        name = step.array(letter, values)
        if len(page.arrays) > before:
            page.names[name] = page.graph.constant(values, f"net/{name}")
        given.append(page.tensor(name))
    return page.graph.node(op, page.tensor(step.x), *given, out=page.tensor(step.y), **attributes)


def linear(step: LayerStep) -> str:
    """z = x W + b."""
    bias = [("b", step.layer.b)] if step.layer.bias else []
    return add(step, "Gemm", ("W", step.layer.W), *bias)


def batch_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta."""
    layer = step.layer
    arrays = ("gamma", layer.gamma), ("beta", layer.beta), ("mean", layer.running_mean), ("var", layer.running_var)
    return add(step, "BatchNormalization", *arrays, epsilon=layer.eps)


def softmax(step: LayerStep) -> str:
    """Softmax of each row."""
    return add(step, "Softmax", axis=1)


def operator(step: LayerStep) -> str:
    """A function of each number."""
    kind = type(step.layer)
    return add(step, OPERATORS[kind], **(ATTRIBUTES[kind](step.layer) if kind in ATTRIBUTES else {}))


def silu(step: LayerStep) -> str:
    """z sigmoid(z), in two nodes."""
    page = step.page
    assert isinstance(page, OnnxPage)
    z = page.tensor(step.x)
    return page.graph.node("Mul", z, page.graph.node("Sigmoid", z), out=page.tensor(step.y))


def layer_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta, over the units of each row."""
    layer = step.layer
    return add(step, "LayerNormalization", ("gamma", layer.gamma), ("beta", layer.beta), epsilon=layer.eps, axis=1)


def residual_block(step: LayerStep) -> str:
    """x + f(x)."""
    page = step.page
    assert isinstance(page, OnnxPage)
    inner = page.name(f"f{step.k}")
    given = inner if page.lines(step.layer.layers, step.shape_x, step.x, inner) else step.x
    return page.graph.node("Add", page.tensor(step.x), page.tensor(given), out=page.tensor(step.y))


def embedding(step: LayerStep) -> str:
    """Columns of numbers, then the row of W for each category."""
    page, layer = step.page, step.layer
    assert isinstance(page, OnnxPage)
    graph, x = page.graph, page.tensor(step.x)
    codes = graph.node("Gather", x, graph.constant(layer.categories, "categories", np.int64), axis=1)
    first = graph.constant(layer.first_rows, "first_rows", np.int64)
    rows = graph.node("Add", graph.cast(graph.node("Round", codes), np.int64), first, name="rows")
    vectors = graph.node("Gather", graph.constant(layer.W, f"net/{step.array('W', layer.W)}"), rows, axis=0)
    wide = graph.constant([-1, layer.dim * len(layer.categories)], "shape", np.int64)
    vectors = graph.node("Reshape", vectors, wide)
    numbers = graph.node("Gather", x, graph.constant(layer.numbers, "numbers", np.int64), axis=1)
    return graph.node("Concat", numbers, vectors, out=page.tensor(step.y), axis=1)


def reshape(step: LayerStep) -> str:
    """Rows to images, or images to rows."""
    page = step.page
    assert isinstance(page, OnnxPage)
    shape = page.graph.constant([-1, *step.shape_y], "shape", np.int64)
    return page.graph.node("Reshape", page.tensor(step.x), shape, out=page.tensor(step.y))


def conv2d(step: LayerStep) -> str:
    """The same weights for every patch."""
    layer = step.layer
    return add(step, "Conv", ("W", layer.W), ("b", layer.b), strides=[layer.stride] * 2, pads=[layer.padding] * 4)


def max_pool(step: LayerStep) -> str:
    """The largest number of each square."""
    return add(step, "MaxPool", kernel_shape=[step.layer.kernel] * 2, strides=[step.layer.kernel] * 2)


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear,
    BatchNorm: batch_norm,
    LayerNorm: layer_norm,
    Residual: residual_block,
    Embedding: embedding,
    Unflatten: reshape,
    Flatten: reshape,
    Conv2d: conv2d,
    MaxPool2d: max_pool,
    Softmax: softmax,
    SiLU: silu,
    **dict.fromkeys(OPERATORS, operator),
}


def add_answer(graph: OnnxGraph, blueprint: Blueprint, y_hat: str) -> None:
    """The outputs of the graph: label and probabilities of each row, or its values in the units of the targets."""
    if blueprint.task != "classification":
        value = graph.cast(y_hat, np.float64)
        value = graph.node("Mul", value, graph.constant(row_of(blueprint.target_scaling.spread), "target_spread"))
        name = graph.declare(graph.outputs, graph.free("prediction"), np.float64, "N", blueprint.net.n_out or 1)
        graph.node("Add", value, graph.constant(row_of(blueprint.target_scaling.shift), "target_shift"), out=name)
        return
    dtype = blueprint.net.dtype
    if blueprint.head == "softmax":
        p = graph.node("Softmax", y_hat, axis=1)
    elif blueprint.head == "as they are":
        p = y_hat
    else:
        one = y_hat if blueprint.head == "two columns" else graph.node("Sigmoid", y_hat)
        p = graph.node("Concat", graph.node("Sub", graph.constant(row_of(1, dtype), "one"), one), one, axis=1)
    labels = np.array(blueprint.labels)
    if len({type(label) for label in blueprint.labels}) > 1:
        labels = np.array([str(label) for label in blueprint.labels])
    label = graph.declare(graph.outputs, graph.free("label"), str if labels.dtype.kind == "U" else labels.dtype, "N")
    name = graph.declare(graph.outputs, graph.free("probabilities"), dtype, "N", len(labels))
    graph.node("Identity", p, out=name)
    best = graph.node("ArgMax", p, axis=1, keepdims=0)
    graph.node("Gather", graph.constant(labels, "labels"), best, out=label)


class OnnxFile(ExportFormat):
    """An ONNX graph with an input for each column of the table, or one for an array of raw values."""

    endings = (".onnx",)

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        net = blueprint.net
        graph = OnnxGraph({*blueprint.raw_names, "X"})
        x = add_inputs(graph, blueprint)
        page = OnnxPage("ONNX", WRITERS, graph=graph)
        graph.node("Identity", x, out=page.tensor("x"))
        lines = page.lines(net.layers, (net.n_in or 0,))
        add_answer(graph, blueprint, page.tensor("y_hat" if lines else "x"))
        words = f"{blueprint.in_words()}. {blueprint.target_words()}"
        model = graph.model(comment(blueprint.title or path.stem), words, version("clearprop"))
        return {path.name: model.SerializeToString(deterministic=True)}

    def lacking(self) -> str | None:
        return None if find_spec("onnxruntime") else "onnxruntime"

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            answers = session.run(None, raw_inputs(blueprint, rows))
        except Exception as error:  # its errors have no common base; NOT_IMPLEMENTED is an operator without double precision
            why = " ".join(str(error).split())[-300:]
            hint = "; for onnxruntime, export a model of net.astype('float32')" if "NOT_IMPLEMENTED" in str(error) else ""
            raise UnsupportedError(f"onnxruntime refuses the export: {why}{hint}.") from None
        return np.asarray(answers[-1], np.float64)


def raw_inputs(blueprint: Blueprint, rows: Rows) -> dict[str, Array]:
    """Raw cells as the inputs of the graph."""
    if not blueprint.columns:
        return {"X": np.array([[float(cell) for cell in cells] for cells in rows.values()]).T}
    return {column.name: _tensor(column, rows[column.name]) for column in blueprint.columns}


def _tensor(column: Column, cells: list[str]) -> Array:
    import pandas as pd

    if column.kind == "categorical":
        return np.array(cells, dtype=object).reshape(-1, 1)
    if column.kind == "numeric":
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells]).reshape(-1, 1)
    form = column.form or "ISO8601"
    times = pd.to_datetime(pd.Series([cell or None for cell in cells], dtype=object), format=form, utc=True)
    return times.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64).reshape(-1, 1)
